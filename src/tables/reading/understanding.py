"""Understand a table: mark its holes and infer the form of every column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pandas as pd

from src.errors import TableError
from src.tables.columns.choice import ColumnChoice
from src.tables.columns.forms import Form
from src.tables.columns.inference import infer_form, with_rare
from src.tables.columns.kinds import FEW_INTEGERS, check_names, listed, nearly_numbers
from src.tables.columns.structural import SkipRule, skip_rules
from src.tables.columns.summary import ColumnSummary, summarise
from src.tables.files.layout import Layout
from src.tables.files.raw import RawFile
from src.tables.reading.doubts import Doubt
from src.tables.reading.holes import Marked, mark_holes
from src.tables.rules.declared import declared_rules
from src.tables.rules.proposed import Found, proposed_rules
from src.tables.text.delimited import Dialect, Say


@dataclass(frozen=True)
class Columns:
    """A file whose columns are understood.

    Attributes:
        frame: (N, n_columns) its cells, holes NaN.
        layout: its layout.
        summaries: summaries of its columns, in order.
        reading_notes: sentences for the user about assumptions on its cells.
        target: column to predict; None = none.
        unlearned_notes: sentences for the user about columns that a synthetic table has although no model learns them.
        doubts: the markers of holes that may be values.
        skip_rules: rules that tell the holes of columns exactly, of columns that are not structural.
        rule_notes: sentences for the user about these, and about rules between columns.
        found_rules: rules between columns that every row keeps, and that are not declared.
    """

    frame: pd.DataFrame
    layout: Layout
    summaries: tuple[ColumnSummary, ...]
    reading_notes: tuple[str, ...]
    target: str | None
    unlearned_notes: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    skip_rules: tuple[SkipRule, ...] = ()
    rule_notes: tuple[str, ...] = ()
    found_rules: tuple[Found, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """All sentences, for the user of a synthetic table."""
        return (*self.reading_notes, *self.rule_notes, *self.unlearned_notes)


@dataclass(frozen=True)
class Rules:
    """The user's settings for all columns.

    Attributes:
        target: column to predict; None = none.
        holes: texts that mark a hole; None = :data:`src.tables.text.dialect.HOLES`, unless they may be values. An
            empty cell is always a hole.
        also_holes: further texts or numbers that mark a hole.
        max_categories: largest number of categories of a column; the rarest ones beyond it share one category.
        between: rules between columns (:mod:`src.tables.rules.expression`).
        finds: whether further rules are looked for.
    """

    target: str | None = None
    holes: Sequence[Any] | None = None
    also_holes: tuple[Any, ...] = ()
    max_categories: int = 10_000
    between: tuple[str, ...] = ()
    finds: bool = True


def understand(
    raw: RawFile,
    where: str,
    choices: Mapping[str, ColumnChoice],
    rules: Rules,
    notes: list[str],
    prefix: str = "dataset.",
) -> Columns:
    """Infer the forms of the columns of a table.

    Arguments:
        raw: the unparsed cells.
        where: name of the table in messages.
        choices: the user's choices, by column.
        rules: the user's settings for all columns.
        notes: receives sentences for the user.
        prefix: precedes the keys of ``rules`` in sentences about holes.

    Raises:
        ConfigError: the target is no column, or a rule between columns is none.
        TableError: a column is not of the chosen kind, no column is left to learn, or rows break a rule.
    """
    target = rules.target
    check_names("dataset.target", [target] if target else [], raw.frame.columns)
    marks = mark_holes(raw.frame, choices, rules.holes, rules.also_holes)
    notes += marks.notes(prefix)
    frame = marks.frame
    forms = []
    for name in frame.columns:
        column = f"{where}, column {name!r}"
        form = infer_form(frame[name], choices.get(name, ColumnChoice()), raw.dialect, column, notes.append)
        form = with_rare(form, frame[name], rules.max_categories, column, notes.append)
        form = _with_structural(form, choices.get(name, ColumnChoice()), column)
        forms.append(replace(form, as_categories=True) if name == target and form.kind == "ordered" else form)
    _refuse_nameless(where, forms, raw.dialect is not None)
    _refuse_second_header(where, frame, forms)
    layout = Layout(tuple(forms), raw.dialect or Dialect(), raw.arrow)
    if target and not layout[target].is_learned:
        raise TableError(f"the target {target!r} cannot be predicted: it is of kind {layout[target].kind}")
    layout.schema(target)
    if target and layout[target].kind == "category" and target not in choices and _is_of_codes(layout[target]):
        notes.append(f"the target {target!r} is predicted as classes, because its numbers are learned as codes")
    skipped = tuple(rule for rule in skip_rules(frame, forms) if not layout[rule.column].structural)
    rule_notes = [rule.note(prefix) for rule in skipped]
    layout, found = _with_rules(layout, frame, rules, where, rule_notes, prefix)
    summaries = tuple(summarise(form, frame[form.name]) for form in forms)
    return Columns(
        frame,
        layout,
        summaries,
        tuple(notes),
        target,
        tuple(_not_learned(forms, choices)),
        marks.doubts,
        skipped,
        tuple(rule_notes),
        found,
    )


def marked(
    frame: pd.DataFrame, choices: Mapping[str, ColumnChoice], rules: Rules, say: Say, prefix: str = "dataset."
) -> pd.DataFrame:
    """Replace the markers of holes in a frame by NaN; ``prefix`` precedes the keys of ``rules`` in messages."""
    marks = mark_holes(frame, choices, rules.holes, rules.also_holes)
    for note in marks.notes(prefix):
        say(note)
    return marks.frame


def marked_as(frame: pd.DataFrame, layout: Layout, choices: Mapping[str, ColumnChoice], rules: Rules) -> Marked:
    """Replace the markers of holes in a further frame of a layout: texts that are its values are no holes."""
    return mark_holes(frame, choices, rules.holes, rules.also_holes, layout.texts())


def _with_rules(
    layout: Layout, frame: pd.DataFrame, rules: Rules, where: str, notes: list[str], prefix: str
) -> tuple[Layout, tuple[Found, ...]]:
    """The layout with the declared rules between columns, and rules that are found; ``notes`` receives both."""

    @cache
    def cells(name: str) -> pd.Series:
        return layout[name].canonical(frame[name], f"{where}, column {name!r}")

    declared = declared_rules(rules.between, layout.forms, cells, where)
    found = proposed_rules(layout.forms, cells, declared) if rules.finds else ()
    if declared:
        notes.append(f"kept in every row that is drawn or filled: {'; '.join(rule.text for rule in declared)}")
    notes += [rule.note(prefix) for rule in found]
    return replace(layout, rules=declared, found=tuple(one.rule for one in found)), found


def _with_structural(form: Form, choice: ColumnChoice, where: str) -> Form:
    if not choice.structural:
        return form
    if not form.is_learned:
        raise TableError(f"{where} is of kind {form.kind}; structural is for columns that are learned")
    return replace(form, structural=True)


def _is_of_codes(form: Form) -> bool:
    return form.cells.content == "number" and len(form.values) > FEW_INTEGERS


def _not_learned(forms: Sequence[Form], choices: Mapping[str, ColumnChoice]) -> list[str]:
    notes = []
    ids = [form.name for form in forms if form.kind == "id" and choices.get(form.name, ColumnChoice()).kind != "id"]
    if ids:
        notes.append(
            f"not learned, because nearly every row has a value of its own: {listed(map(repr, ids))}; the synthetic "
            "table gets new ones (kind category keeps the values, integer learns numbers, drop leaves the column out)"
        )
    empty = [form.name for form in forms if form.kind == "empty"]
    if empty:
        notes.append(f"without any value, and written without: {listed(map(repr, empty))}")
    return notes


def _refuse_nameless(where: str, forms: Sequence[Form], is_text_file: bool) -> None:
    remedy = f"give it one{', or, if the first line holds no names: dataset.header=false' if is_text_file else ''}"
    for i, form in enumerate(forms):
        if not form.name.strip() and form.is_learned:
            raise TableError(f"{where}: column {i + 1} has no name and does not number the rows; {remedy}")


def _refuse_second_header(where: str, frame: pd.DataFrame, forms: Sequence[Form]) -> None:
    """Refuse a table whose columns would be numbers but for the first row, which has units or the names again."""
    odd = []
    for form in forms:
        if form.kind != "category" or form.cells.content != "text":
            continue
        counts = frame[form.name].value_counts()
        texts = nearly_numbers(list(counts.index), counts.to_numpy(), False)
        if texts and list(frame.index[frame[form.name].isin(texts)]) == [0]:
            odd.append(form.name)
    n_numbers = sum(form.cells.content == "number" for form in forms)
    if odd and len(odd) >= max(n_numbers, 2):
        cells = ", ".join(f"{frame[name].iloc[0]!r} in {name!r}" for name in odd[:3])
        raise TableError(
            f"{where}: row 1 looks like a second header ({cells}), all other cells are numbers; delete that row"
        )
