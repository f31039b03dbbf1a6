"""Read a real file and other files with its columns, such as a synthetic one, as tables of one schema."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from src.errors import TableError
from src.system.quoting import setting
from src.tables.columns.choice import ColumnChoice, choices_of
from src.tables.columns.forms import RARE, Form
from src.tables.columns.inference import with_rare
from src.tables.columns.kinds import ColumnChoices, check_names, int_if_integral
from src.tables.columns.sidecar import Sidecar, read_sidecar, sidecar_of
from src.tables.files.layout import Layout
from src.tables.files.raw import RawFile, read_raw
from src.tables.reading.pairing import admit_unseen, refuse_other_columns, values_as
from src.tables.reading.understanding import Columns, Rules, marked_as, understand
from src.tables.schema import Schema
from src.tables.table import Table, make_table
from src.tables.text.delimited import Reading, Say

KINDS = {"categorical": "category", "numerical": "numerical", "exclude": "drop"}
SHARED_KEY = re.compile(r"\bdataset\.(holes|also_holes|categorical|numerical|exclude)\b")
"""Keys of ``dataset=table`` in sentences of its reader; here they have no prefix."""
MOST_CATEGORIES = 1_000
"""Of a column with more categories the rarest share one, because tables of pairs would not fit into the memory."""


@dataclass(frozen=True)
class Counterparts:
    """Tables of one schema, that of the learned columns of the real file.

    Attributes:
        tables: the tables by name; ``real``, ``synthetic`` and perhaps ``test``.
        layout: layout of the real file.
    """

    tables: dict[str, Table]
    layout: Layout

    @property
    def left_out(self) -> list[str]:
        """Columns of the real file that the tables do not have, although the user did not exclude them."""
        return [form.name for form in self.layout.written if not form.is_learned and form.name.strip()]


def read_counterparts(
    files: Mapping[str, Path], choices: ColumnChoices, rules: Rules, notes: list[str]
) -> Counterparts:
    """Understand the real file, and parse the others into the values of its columns.

    Categories of the ``test`` file are real ones; those that only the ``synthetic`` file has follow them.

    Arguments:
        files: ``real``, ``synthetic`` and perhaps ``test``; a sidecar beside the real one tells about its columns.
        choices: the user's choices, which override the sidecar.
        rules: what marks a hole; the target is that of ``choices``, else of the sidecar.
        notes: receives a sentence for every decision that the user may want to know of.

    Raises:
        TableError: a file cannot be read, a column cannot be what was chosen, no column is left, or another file has
            other columns or other contents in them.
        ConfigError: a choice names a column that does not exist, or the sidecar is invalid.
    """
    tell = {name: _teller(file, notes) for name, file in files.items()}
    raws = {name: read_raw(file, Reading(), tell[name]) for name, file in files.items()}
    if len(raws["real"].frame) < 2:
        raise TableError(f"{files['real']} has one row; at least two are needed to compare with")
    check_names("exclude", choices.exclude, dict.fromkeys(name for raw in raws.values() for name in raw.frame.columns))
    chosen, target, declared = _choices(files["real"], raws["real"].frame, choices, notes)
    rules = replace(rules, target=target, between=declared)
    columns = _understood(files["real"], raws["real"], chosen, rules, tell["real"])
    forms = [_merged(form, columns.frame[form.name], tell["real"]) for form in columns.layout.learned]
    for position, form in enumerate(columns.layout.forms):
        if (reason := _why_left_out(position, form)) is not None:
            tell["real"](reason)
    values = {"real": _real_values(forms, columns.frame, str(files["real"]))}
    for name in [name for name in files if name != "real"]:
        title = {which: f"the {which} file ({files[which].name})" for which in ("real", name)}
        frame = _matched(columns, raws[name].frame, choices, (title["real"], title[name]), f"the {name} file", notes)
        marks = marked_as(frame, columns.layout, chosen, rules)
        for note in marks.notes(prefix=""):
            tell[name](note)
        frame = marks.frame
        real = (title["real"], columns.frame)
        values[name] = values_as(forms, real, (title[name], frame), raws[name].dialect)
    forms = [_with_values(form, values, tell["real"]) for form in forms]
    frames = {name: _canonical(forms, frame) for name, frame in values.items()}
    return Counterparts(_tables(forms, frames, rules.target, notes), columns.layout)


def _teller(file: Path, notes: list[str]) -> Say:
    """Return a function that notes a sentence about a file: it names the file, and keys as they are written here."""

    def tell(sentence: str) -> None:
        plain = SHARED_KEY.sub(r"\1", sentence)
        notes.append(plain if str(file) in plain else f"{file}: {plain}")

    return tell


def _choices(
    file: Path, frame: pd.DataFrame, choices: ColumnChoices, notes: list[str]
) -> tuple[dict[str, ColumnChoice], str | None, tuple[str, ...]]:
    """Merge the user's choices with the sidecar of the real file; return them, the target, and rules of the sidecar."""
    sidecar, sidecar_file = Sidecar(), sidecar_of(file)
    if sidecar_file.is_file():
        notes.append(f"columns as {sidecar_file} says")
        sidecar = read_sidecar(sidecar_file)
    check_names("the sidecar", sidecar.columns, frame.columns)
    for key in ("categorical", "numerical"):
        check_names(key, getattr(choices, key), frame.columns)
    target = choices.target or sidecar.target
    check_names("target", [] if target is None else [target], frame.columns)
    named = {kind: [name for name in getattr(choices, key) if name in frame.columns] for key, kind in KINDS.items()}
    return sidecar.merged(choices_of(named, {})), target, tuple(sidecar.rules)


def _understood(file: Path, raw: RawFile, chosen: Mapping[str, ColumnChoice], rules: Rules, say: Say) -> Columns:
    """Understand the real file, with every category of a column."""
    columns = understand(raw, str(file), chosen, replace(rules, max_categories=len(raw.frame) + 1), [])
    for sentence in columns.reading_notes:
        say(sentence)
    return columns


def _merged(form: Form, cells: pd.Series, say: Say) -> Form:
    """Merge the rarest categories of a real column into one if it has more than :data:`MOST_CATEGORIES`."""
    merged = with_rare(form, cells, MOST_CATEGORIES, f"column {form.name!r}", lambda sentence: None)
    if merged.rare:
        share = 1 - sum(merged.rare_counts) / int(cells.notna().sum())
        say(
            f"column {form.name!r} has {len(form.values):,} categories: the {len(merged.values):,} most frequent "
            f"({share:.0%} of its cells) are scored one by one, the others as one"
        )
    return merged


def _why_left_out(position: int, form: Form) -> str | None:
    """Say that a column is left out although the user did not exclude it, and why; None if it is not."""
    if not form.name.strip():
        return f"column {position + 1} has no name and holds row numbers or nothing; it is left out"
    reasons = {
        "id": f"nearly every row has a value of its own ({setting('categorical', [form.name])} keeps it)",
        "constant": f"all its values are {_first(form)!r} ({setting('categorical', [form.name])} keeps it)",
        "empty": "it holds no value",
    }
    return f"column {form.name!r} is left out: {reasons[form.kind]}" if form.kind in reasons else None


def _first(form: Form) -> Any:
    return form.cells.write(pd.Series(form.values), for_text_file=True)[0] if form.values else None


def _matched(
    columns: Columns, other: pd.DataFrame, choices: ColumnChoices, names: tuple[str, str], title: str, notes: list[str]
) -> pd.DataFrame:
    """Select the columns of the real file from another frame, and refuse it if it has others."""
    real = columns.frame[[name for name in columns.layout.names if name.strip()]]
    dropped = {form.name for form in columns.layout.forms if form.kind == "drop"} | set(choices.exclude)
    other = other[[name for name in other.columns if name.strip() and name not in dropped]]
    refuse_other_columns(real, other, names)
    if list(real.columns) != list(other.columns):
        notes.append(f"the columns of {title} are in another order; they are matched by name")
    return other


def _real_values(forms: list[Form], frame: pd.DataFrame, where: str) -> pd.DataFrame:
    return pd.DataFrame(
        {form.name: form.cells.parse(frame[form.name], f"{where}, column {form.name!r}") for form in forms}
    )


def _with_values(form: Form, values: Mapping[str, pd.DataFrame], say: Say) -> Form:
    """Add the categories of the test rows; score an ordered column as categories if its order lacks a value."""
    found = {name: frame[form.name].dropna().unique() for name, frame in values.items()}
    if form.kind == "ordered" and not form.as_categories:
        lacking = [value for some in found.values() for value in some if value not in form.values]
        if lacking:
            say(f"column {form.name!r}: its order lacks {lacking[0]!r}; it is scored as categories")
        form = replace(form, as_categories=bool(lacking))
    known = {*form.values, *form.rare}
    new = [value for value in found.get("test", ()) if value not in known]
    new = [int_if_integral(value) for value in new] if form.cells.is_number else new
    return replace(form, values=(*form.values, *new)) if form.is_categorical and new else form


def _canonical(forms: list[Form], values: pd.DataFrame) -> pd.DataFrame:
    """Convert values to a canonical frame; categories that are integers become ints, so that 1 and 1.0 are equal."""
    columns = {}
    for form in forms:
        coded = form.coded(values[form.name], f"column {form.name!r}")
        if form.is_categorical and form.cells.is_number:
            coded = coded.map(lambda value: value if value == RARE else int_if_integral(value), na_action="ignore")
        columns[form.name] = coded.astype(object) if form.is_categorical else coded
    return pd.DataFrame(columns)


def _tables(
    forms: list[Form], frames: Mapping[str, pd.DataFrame], target: str | None, notes: list[str]
) -> dict[str, Table]:
    """Create the tables; the synthetic one adds its own categories to the schema."""
    columns = [form.column for form in forms]
    known = {column.name: column.categories for column in columns if column.kind == "categorical"}
    synthetic, categories = admit_unseen(frames["synthetic"], known, notes.append)
    schema = Schema(
        tuple(
            replace(column, categories=every, n_foreign=len(every) - len(column.categories))
            for column in columns
            for every in [categories.get(column.name, ())]
        ),
        target,
    )
    return {name: make_table(frame, schema) for name, frame in {**frames, "synthetic": synthetic}.items()}
