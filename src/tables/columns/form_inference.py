"""Infer the kind of every column from its cells and the user's corrections; see :mod:`src.tables.columns.forms`.

The rules stand in ``docs/data.md``; thresholds are the constants below.
"""

import re
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pandas as pd

from src.errors import TableError
from src.system.quoting import setting
from src.tables.columns.cell_inference import date_patterns, infer_cells, patterned, reads
from src.tables.columns.cells import NOT_NULLABLE, Cells, Content
from src.tables.columns.choice import ColumnChoice
from src.tables.columns.distinct import distinct_cells
from src.tables.columns.forms import RARE, Form, FormKind, IdTemplate
from src.tables.columns.kinds import FEW_TEXTS, FEW_WHOLE_NUMBERS, is_number, listed, whole
from src.tables.text.delimited import Dialect, Say

ROWS_OF_A_COUNTER = 50
MOST_ODD = 0.5
ROOM_FOR_IDS = 100
ID_NAME = re.compile(
    r"(unnamed.*|index|row.?names?|row.?(id|no|nr|num(ber)?)|(.*[_ .-])?(p?id(num)?|uuid|guid)|id[_ .-].*|key|#)",
    re.IGNORECASE,
)
SIGNED = re.compile(r"[$€£¥]?\s?-?\d{1,3}([, .']?\d{3})*([.,]\d+)?\s?(%|[$€£¥]|[A-Z]{3})?")
CAMEL_ID = re.compile(r".*[a-z](Id|ID)")
NUMBER_KINDS = {"number": "integer", "date": "date", "time": "time", "duration": "duration"}
MARKERS_BY_CUSTOM = (-99, -999, -9999, -99999, 99, 999, 9999, 99999)


def infer_form(cells: pd.Series, choice: ColumnChoice, dialect: Dialect | None, where: str, say: Say) -> Form:
    """What becomes of a column.

    Arguments:
        cells: (N,), holes are NaN.
        choice: what the user says.
        dialect: of the text file that the cells are from; None of others.
        where: place of the column, for messages.
        say: is given a sentence for what the user may want to decide otherwise.

    Raises:
        TableError: the cells are not of the kind that the user says, or of none.
    """
    name = str(cells.name)
    if choice.kind == "drop":
        return Form(name, "drop", Cells("text", "object"))
    if cells.isna().all():
        if choice.kind not in (None, "empty"):
            raise TableError(f"{where} holds no value, so it cannot be of kind {choice.kind}")
        return Form(name, "empty", Cells("text", str(cells.dtype) if cells.dtype != "category" else "object"))
    found = _cells(cells, choice, dialect, where)
    values, counts = _values(cells, found, where)
    if found.is_number:
        found = replace(found, low=float(min(values)), high=float(max(values)))
    kind = _chosen_kind(choice, found, values, where) or _kind(cells, found, values, counts)
    if found.content == "text" and kind == "category" and not choice.kind:
        _say_nearly(name, values, counts, dialect is not None and dialect.decimal_comma, say)
    if kind == "ordered":
        return Form(name, kind, found, values=_order(choice, found, values, where))
    if kind in ("category", "boolean", "constant"):
        return Form(name, kind, found, values=(False, True) if kind == "boolean" else tuple(values))
    if kind == "id":
        _say_signed(name, found, values, choice, say)
        return Form(name, kind, found, template=_template(name, found, values, cells))
    if found.content == "number" and not choice.kind:
        _say_marker(name, values, counts, say)
        if found.comma and found.decimals == found.least_decimals == 3:
            say(f"column {name!r}: commas are decimal signs; if they part thousands, say dataset.decimal=.")
    return Form(name, kind, found)


def with_rare(form: Form, cells: pd.Series, most: int, where: str, say: Say) -> Form:
    """The form with all but the ``most - 1`` most frequent categories merged, where there are more than ``most``."""
    if form.kind != "category" or len(form.values) <= most:
        return form
    if RARE in form.values:
        raise TableError(f"{where} has a value {RARE!r}, which is the name of the rare ones; rename it")
    values, counts = _values(cells, form.cells, where)
    rank = np.argsort(-counts, kind="stable")
    kept, merged = np.sort(rank[: most - 1]), np.sort(rank[most - 1 :])
    share = counts[kept].sum() / counts.sum()
    say(
        f"column {form.name!r} has {len(values):,} categories: the {most - 1:,} most frequent ({share:.0%} of its "
        f"cells) are learned one by one, the others as one and drawn by their frequency (dataset.max_categories={most})"
    )
    return replace(
        form,
        values=tuple(values[k] for k in kept),
        rare=tuple(values[k] for k in merged),
        rare_counts=tuple(int(counts[k]) for k in merged),
    )


def _cells(cells: pd.Series, choice: ColumnChoice, dialect: Dialect | None, where: str) -> Cells:
    if choice.pattern is not None:
        distinct, _ = distinct_cells(cells)
        odd = next((cell for cell in distinct if not isinstance(cell, str)), None)
        if odd is not None:
            raise TableError(f"{where} holds {odd!r}, which is no text; pattern is for dates that are texts")
        if "%z" in choice.pattern.lower():
            raise TableError(f"{where}: write the offset from UTC as it stands, e.g. %Y-%m-%dT%H:%M:%S+01:00, not %z")
        content: Content = "time" if choice.kind == "time" else "date"
        Cells(content, "object", pattern=choice.pattern, unit="microseconds").values(cells, where)
        return replace(patterned(distinct, choice.pattern, content == "time"), dtype=_text_dtype(cells, dialect))
    found = infer_cells(cells, dialect, where)
    if choice.kind in ("category", "categorical") and found.content == "number" and dialect is not None:
        return Cells("text", "object")  # codes, as they are spelled
    if choice.kind in ("category", "categorical") and found.content in ("date", "time", "duration"):
        if not found.as_text:
            raise TableError(f"{where} holds {found.content}s, which are numbers; turn them into texts first")
        return Cells("text", found.dtype, dtype_categories=found.dtype_categories, ordered=found.ordered)
    return found


def _text_dtype(cells: pd.Series, dialect: Dialect | None) -> str:
    is_plain = dialect is not None or isinstance(cells.dtype, pd.CategoricalDtype)
    return "object" if is_plain else str(cells.dtype)


def _values(cells: pd.Series, found: Cells, where: str) -> tuple[list[Any], np.ndarray]:
    """What the cells mean, ascending, and how often each; whole numbers as int."""
    counts = found.values(cells, where).value_counts()
    values = [whole(value) for value in counts.index] if found.is_number else list(counts.index)
    if found.dtype_categories:
        place = {str(value): i for i, value in enumerate(found.dtype_categories)}
        keys: list[Any] = [place.get(str(value), i) for i, value in enumerate(values)]
    else:
        keys = values
    order = sorted(range(len(values)), key=keys.__getitem__)
    return [values[i] for i in order], counts.to_numpy()[order]


def _chosen_kind(choice: ColumnChoice, found: Cells, values: list[Any], where: str) -> FormKind | None:
    """The kind that the user chose; None where nobody chose one.

    Raises:
        TableError: the cells are not of that kind; says why.
    """
    kind = "ordered" if choice.order else choice.kind
    if kind is None:
        return None
    if kind in ("numerical", "integer", "real"):
        return _chosen_number_kind(kind, found, values, where)
    if (reason := _reason_against(kind, choice, found, values)) is not None:
        raise TableError(f"{where}{reason}")
    return cast(FormKind, "category" if kind == "categorical" else kind)


def _chosen_number_kind(kind: str, found: Cells, values: list[Any], where: str) -> FormKind:
    if found.content != "number":
        odd = next((value for value in values if not is_number(value)), values[0])
        marks = "if that marks a hole, name it in also_holes"
        raise TableError(f"{where} cannot be of kind {kind}: it holds {odd!r}; {marks}")
    is_whole = found.decimals == 0
    if kind == "integer" and not is_whole:
        raise TableError(f"{where} cannot be of kind integer: it holds {next(v for v in values if v % 1)}")
    return "integer" if is_whole and kind != "real" else "real"


def _reason_against(kind: str, choice: ColumnChoice, found: Cells, values: list[Any]) -> str | None:
    """Why cells are not of a kind, as the end of a sentence that begins with the column; None where they are."""
    some = listed(map(repr, values), 3)
    if kind in ("date", "time", "duration") and found.content != kind:
        return f" cannot be of kind {kind}: {values[0]!r} is no {kind} of a known pattern (pattern: names it)"
    if kind == "boolean" and found.content != "truth value":
        return f" cannot be of kind boolean: it holds {some}; say category"
    if kind == "constant" and len(values) > 1:
        return f" is not constant: it holds {some}"
    if kind == "id" and found.content not in ("number", "text"):
        return f" holds {found.content}s, which are no ids; say drop to leave it out"
    if kind == "id" and not _has_room(found, values):
        return f": {found.dtype} has no numbers left for new ids; widen it, or say integer"
    if kind == "empty":
        return f" is not empty: it holds {values[0]!r}; say drop to leave it out"
    if kind == "ordered" and not (choice.order or found.ordered):
        return ": kind: ordered needs order: [smallest, ..., largest]"
    return None


def _kind(cells: pd.Series, found: Cells, values: list[Any], counts: np.ndarray) -> FormKind:
    name, n_cells, n_rows = str(cells.name), int(counts.sum()), len(cells)
    if len(values) == 1 and n_cells == n_rows:
        return "constant"
    if found.ordered:
        return "ordered"
    if found.content == "truth value":
        return "boolean"
    named = not name.strip() or ID_NAME.fullmatch(name) or CAMEL_ID.fullmatch(name)
    if found.content == "text":
        nearly = nearly_numbers(values, counts, False) or _nearly_dates(values, counts)
        if (nearly and not (named and len(values) == n_cells)) or found.category_dtype not in ("", "object", "str"):
            return "category"
        return "id" if len(values) > FEW_TEXTS and len(values) > n_cells / 2 else "category"
    if found.content != "number":
        return NUMBER_KINDS[found.content]  # type: ignore[return-value]
    if found.decimals != 0:
        return "real"
    if len(values) <= FEW_WHOLE_NUMBERS:
        return "category"
    unique = len(values) == n_cells and (named or (n_cells == n_rows and _is_counter(cells, found)))
    if unique and _has_room(found, values):
        return "id"
    return "integer"


def _has_room(found: Cells, values: list[Any]) -> bool:
    """Whether the dtype has numbers enough for new ids."""
    if not NOT_NULLABLE.fullmatch(found.dtype.lower()) or found.content != "number":
        return True
    return bool(np.iinfo(found.dtype.lower()).max >= max(values) + ROOM_FOR_IDS * len(values))


def _is_counter(cells: pd.Series, found: Cells) -> bool:
    numbers = found.values(cells, "").to_numpy()
    return len(numbers) >= ROWS_OF_A_COUNTER and numbers[0] in (0, 1) and bool((np.diff(numbers) == 1).all())


def _order(choice: ColumnChoice, found: Cells, values: list[Any], where: str) -> tuple[Any, ...]:
    if not choice.order:
        return tuple(values)
    by_text = {str(value): value for value in values}
    order = [by_text[str(value)] for value in choice.order if str(value) in by_text]
    absent = [value for value in values if value not in order]
    if absent:
        raise TableError(f"{where}: order does not name {listed(map(repr, absent))}, which the column holds")
    return tuple(order)


def _template(name: str, found: Cells, values: list[Any], cells: pd.Series) -> IdTemplate:
    if found.content == "number" or found.objects == "int":
        numbers = [int(value) for value in values]
        if found.content == "number" and _is_counter(cells, found):
            return IdTemplate("", numbers[0], 0)
        return IdTemplate("", max(numbers) + 1, 0)
    matches = [re.fullmatch(r"(.*?)(\d{1,30})", str(value)) for value in values]
    prefixes = {match[1] for match in matches if match}
    if all(matches) and len(prefixes) == 1:
        tails = [match[2] for match in matches if match]
        return IdTemplate(prefixes.pop(), max(map(int, tails)) + 1, min(map(len, tails)))
    prefix = f"{name or 'row'}-"
    return IdTemplate(f"new-{prefix}" if any(str(value).startswith(prefix) for value in values) else prefix, 1, 0)


def _say_nearly(name: str, values: list[Any], counts: np.ndarray, comma: bool, say: Say) -> None:
    """Point at a few texts that keep a column from being numbers or dates."""
    for what, odd in (("numbers", nearly_numbers(values, counts, comma)), ("dates", _nearly_dates(values, counts))):
        if odd:
            n_odd = sum(int(count) for value, count in zip(values, counts, strict=True) if value in odd)
            n_shown = 3
            every = setting("dataset.also_holes", odd) if len(odd) <= n_shown else "dataset.also_holes with all of them"
            say(
                f"column {name!r}: all but {n_odd:,} of {counts.sum():,} cells are {what}, the others "
                f"{listed(map(repr, odd), n_shown)}; its cells are taken as categories. Where those mark holes, "
                f"{every} makes it a column of {what}"
            )
            return


def nearly_numbers(values: list[Any], counts: np.ndarray, comma: bool) -> list[Any]:
    """The values that are no numbers where most cells are; empty where all are, or fewer."""
    return _odd(values, counts, [is_number(value.replace(",", ".") if comma else value) for value in values])


def _nearly_dates(values: list[Any], counts: np.ndarray) -> list[Any]:
    usual = [values[i] for i in np.argsort(-counts, kind="stable")[:3]] + [values[len(values) // 2]]
    for value in usual:
        for pattern in date_patterns(value)[:1]:
            return _odd(values, counts, [reads(each, pattern) for each in values])
    return []


def _odd(values: list[Any], counts: np.ndarray, regular: list[bool]) -> list[Any]:
    odd = [i for i, fits in enumerate(regular) if not fits]
    few = 0 < counts[odd].sum() <= MOST_ODD * counts.sum() and len(odd) <= len(values) / 2
    return [values[i] for i in odd] if few else []


def _say_signed(name: str, found: Cells, values: list[Any], choice: ColumnChoice, say: Say) -> None:
    """Point at numbers that are taken for texts because of signs: thousands, percents, currencies."""
    signed = [str(value) for value in values if SIGNED.fullmatch(str(value))]
    if found.content == "text" and not choice.kind and len(signed) > MOST_ODD * len(values):
        say(f"column {name!r}: cells such as {signed[0]!r} are texts; without signs they would be learned as numbers")


def _say_marker(name: str, values: list[Any], counts: np.ndarray, say: Say) -> None:
    """Point at a number that is used for "missing" by custom and lies far from the others."""
    for i, rest in ((0, values[1:]), (-1, values[:-1])):
        if len(rest) < 3 or values[i] not in MARKERS_BY_CUSTOM or counts[i] < 2:
            continue
        gap = min(abs(values[i] - rest[0]), abs(values[i] - rest[-1]))
        if gap > rest[-1] - rest[0]:
            say(
                f"column {name!r}: {counts[i]:,} cells are {values[i]}, far from all others; if it marks a hole: "
                f"{setting('dataset.also_holes', [values[i]])}"
            )
