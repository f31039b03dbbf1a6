"""Infer the form of a column from its cells and the user's choice, by the rules of ``docs/data.md``."""

import re
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pandas as pd

from src.errors import TableError
from src.tables.columns.choice import ColumnChoice
from src.tables.columns.forms import RARE, Form, FormKind, IdTemplate
from src.tables.columns.grids import with_grid
from src.tables.columns.kinds import (
    FEW_INTEGERS,
    FEW_TEXTS,
    are_codes,
    int_if_integral,
    is_number,
    listed,
    nearly_numbers,
)
from src.tables.columns.patterns import patterned_format, text_dtype
from src.tables.columns.remarks import (
    nearly_dates,
    say_as_written,
    say_codes,
    say_marker,
    say_nearly,
    say_patterns,
    say_variants,
)
from src.tables.columns.spellings import merged
from src.tables.formats.cell_format import NOT_NULLABLE, CellFormat
from src.tables.formats.inference import infer_cell_format
from src.tables.formats.texts import wishes_of
from src.tables.text.delimited import Dialect, Say

ROWS_OF_A_COUNTER = 50
ROOM_FOR_IDS = 100
ID_NAME = re.compile(
    r"(unnamed.*|index|row.?names?|row.?(id|no|nr|num(ber)?)|(.*[_ .-])?(p?id(num)?|uuid|guid)|id[_ .-].*|key|#)",
    re.IGNORECASE,
)
CAMEL_ID = re.compile(r".*[a-z](Id|ID)")
NUMBER_KINDS = {"number": "integer", "date": "date", "time": "time", "duration": "duration"}
VALUED = ("category", "boolean", "constant", "ordered")
MEASURED = ("integer", "real", "date", "time", "duration")


def infer_form(cells: pd.Series, choice: ColumnChoice, dialect: Dialect | None, where: str, say: Say) -> Form:
    """Infer the form of a column.

    Arguments:
        cells: (N,), holes NaN.
        choice: the user's choice.
        dialect: dialect of the text file; None for cells of another origin.
        where: name of the column in messages.
        say: called with a sentence about every decision that the user may want to correct.

    Raises:
        TableError: the cells are not of the chosen kind, or have no format.
    """
    name = str(cells.name)
    if choice.kind == "drop":
        return Form(name, "drop", CellFormat("text", "object"))
    if cells.isna().all():
        if choice.kind not in (None, "empty"):
            raise TableError(f"{where} holds no value, so it cannot be of kind {choice.kind}")
        return Form(name, "empty", CellFormat("text", str(cells.dtype) if cells.dtype != "category" else "object"))
    cell_format = _cell_format(cells, choice, dialect, where, say)
    values, counts = _values(cells, cell_format, where)
    if cell_format.is_number:
        cell_format = replace(cell_format, low=float(min(values)), high=float(max(values)))
    kind = _chosen_kind(choice, cell_format, values, where) or _kind(cells, cell_format, values, counts)
    is_text = cell_format.content == "text" and kind in ("category", "id") and not choice.kind
    if is_text and not say_patterns(name, values, counts, say) and kind == "category":
        say_nearly(name, values, counts, dialect is not None and dialect.decimal_comma, say)
    if cell_format.content == "text" and not choice.kind:
        say_as_written(name, values, kind, say)
    if cell_format.content == "number" and kind == "category" and len(values) > FEW_INTEGERS and not choice.kind:
        say_codes(name, values, say)
    if choice.merge_spellings:
        if cell_format.content != "text" or kind != "category":
            raise TableError(f"{where} is of kind {kind}; merge_spellings is for categories that are texts")
        values, counts = merged(values, counts)
        return Form(name, kind, cell_format, tuple(values), tuple(counts.tolist()), merges_spellings=True)
    if kind == "category" and choice.merge_spellings is None:
        say_variants(name, values, counts, say)
    if kind in MEASURED:
        cell_format = with_grid(cell_format, values, counts)
    if kind in VALUED:
        n_cells = dict(zip(values, counts.tolist(), strict=True))
        all_values = _order(choice, cell_format, values, where) if kind == "ordered" else tuple(values)
        all_values = (False, True) if kind == "boolean" else all_values
        return Form(name, kind, cell_format, all_values, tuple(n_cells.get(value, 0) for value in all_values))
    if kind == "id":
        return Form(name, kind, cell_format, template=_template(name, cell_format, values, cells))
    if cell_format.content == "number" and not choice.kind:
        say_marker(name, values, counts, say)
    return Form(name, kind, cell_format)


def with_rare(form: Form, cells: pd.Series, most: int, where: str, say: Say) -> Form:
    """Merge the rarest categories of a form into one, so that at most ``most`` categories are learned."""
    if form.kind != "category" or len(form.values) <= most:
        return form
    if RARE in form.values:
        raise TableError(f"{where} has a value {RARE!r}, which is the name of the rare ones; rename it")
    values, counts = _values(cells, form.cells, where)
    if form.merges_spellings:
        values, counts = merged(values, counts)
    rank = np.argsort(-counts, kind="stable")
    frequent, rare = np.sort(rank[: most - 1]), np.sort(rank[most - 1 :])
    share = counts[frequent].sum() / counts.sum()
    say(
        f"column {form.name!r} has {len(values):,} categories: the {most - 1:,} most frequent ({share:.0%} of its "
        f"cells) are learned one by one, the others as one and drawn by their frequency (dataset.max_categories={most})"
    )
    return replace(
        form,
        values=tuple(values[k] for k in frequent),
        counts=tuple(int(counts[k]) for k in frequent),
        rare=tuple(values[k] for k in rare),
        rare_counts=tuple(int(counts[k]) for k in rare),
    )


def _cell_format(cells: pd.Series, choice: ColumnChoice, dialect: Dialect | None, where: str, say: Say) -> CellFormat:
    if choice.pattern is not None:
        return patterned_format(cells, choice, dialect, where)
    kind = "ordered" if choice.order else choice.kind or ("id" if _is_named_id(cells) else None)
    cell_format = infer_cell_format(cells, dialect, where, wishes_of(kind, choice.decimal, dialect, say))
    are_texts = dialect is not None or cell_format.as_text
    if choice.kind in ("category", "categorical") and cell_format.content == "number" and are_texts:
        return CellFormat("text", text_dtype(cells, dialect))  # codes keep their spelling: 250.0 and 250.00 are two
    if choice.kind in ("category", "categorical") and cell_format.content in ("date", "time", "duration"):
        if not cell_format.as_text:
            raise TableError(f"{where} holds {cell_format.content}s, which are numbers; turn them into texts first")
        categories, ordered = cell_format.dtype_categories, cell_format.ordered
        return CellFormat("text", cell_format.dtype, dtype_categories=categories, ordered=ordered)
    return cell_format


def _is_named_id(cells: pd.Series) -> bool:
    """Tell whether a column is named as ids are and has no cell twice."""
    return _names_ids(str(cells.name)) and not cells.dropna().duplicated().any()


def _names_ids(name: str) -> bool:
    return not name.strip() or ID_NAME.fullmatch(name) is not None or CAMEL_ID.fullmatch(name) is not None


def _values(cells: pd.Series, cell_format: CellFormat, where: str) -> tuple[list[Any], np.ndarray]:
    """Parse the cells into increasing distinct values, integers as int, and count them."""
    counts = cell_format.parse(cells, where).value_counts()
    values = [int_if_integral(value) for value in counts.index] if cell_format.is_number else list(counts.index)
    if cell_format.dtype_categories:
        positions = {str(value): i for i, value in enumerate(cell_format.dtype_categories)}
        keys: list[Any] = [positions.get(str(value), i) for i, value in enumerate(values)]
    else:
        keys = values
    order = sorted(range(len(values)), key=keys.__getitem__)
    return [values[i] for i in order], counts.to_numpy()[order]


def _chosen_kind(choice: ColumnChoice, cell_format: CellFormat, values: list[Any], where: str) -> FormKind | None:
    """Check the kind that the user chose against the cells; None if the user chose none.

    A choice with an ``order`` is ``ordered``; cells decide whether ``numerical`` is ``integer`` or ``real``.

    Raises:
        TableError: the cells are not of that kind; says why.
    """
    kind = "ordered" if choice.order else choice.kind
    if kind is None:
        return None
    if kind in ("numerical", "integer", "real"):
        return _chosen_number_kind(kind, cell_format, values, where)
    if (reason := _reason_against(kind, choice, cell_format, values)) is not None:
        raise TableError(f"{where}{reason}")
    return cast(FormKind, "category" if kind == "categorical" else kind)


def _chosen_number_kind(kind: str, cell_format: CellFormat, values: list[Any], where: str) -> FormKind:
    if cell_format.content != "number":
        odd = next((value for value in values if not is_number(value)), values[0])
        marks = "if that marks a hole, name it in also_holes"
        raise TableError(f"{where} cannot be of kind {kind}: it holds {odd!r}; {marks}")
    is_integer = cell_format.decimals is not None and not any(value % 1 for value in values)
    if kind == "integer" and not is_integer:
        odd = float(next((value for value in values if value % 1), values[-1]))
        raise TableError(f"{where} cannot be of kind integer: it holds {odd}")
    return "integer" if is_integer and kind != "real" else "real"


def _reason_against(kind: str, choice: ColumnChoice, cell_format: CellFormat, values: list[Any]) -> str | None:
    """Say why cells are not of a kind, to follow the name of the column in a message; None if they are."""
    some = listed(map(repr, values), 3)
    if kind in ("date", "time", "duration") and cell_format.content != kind:
        return f" cannot be of kind {kind}: {values[0]!r} is no {kind} of a known pattern (pattern: names it)"
    if kind == "boolean" and cell_format.content != "truth value":
        return f" cannot be of kind boolean: it holds {some}; say category"
    if kind == "constant" and len(values) > 1:
        return f" is not constant: it holds {some}"
    if kind == "id" and cell_format.content not in ("number", "text"):
        return f" holds {cell_format.content}s, which are no ids; say drop to leave it out"
    if kind == "id" and not _has_room(cell_format, values):
        return f": {cell_format.dtype} has no numbers left for new ids; widen it, or say integer"
    if kind == "empty":
        return f" is not empty: it holds {values[0]!r}; say drop to leave it out"
    if kind == "ordered" and not (choice.order or cell_format.ordered):
        return ": kind: ordered needs order: [smallest, ..., largest]"
    return None


def _kind(cells: pd.Series, cell_format: CellFormat, values: list[Any], counts: np.ndarray) -> FormKind:
    name, n_cells, n_rows = str(cells.name), int(counts.sum()), len(cells)
    if len(values) == 1 and n_cells == n_rows:
        return "constant"
    if cell_format.ordered:
        return "ordered"
    if cell_format.content == "truth value":
        return "boolean"
    named = _names_ids(name)
    if cell_format.content == "text":
        nearly = nearly_numbers(values, counts, False) or nearly_dates(values, counts)
        is_id = named and len(values) == n_cells
        if (nearly and not is_id) or cell_format.category_dtype not in ("", "object", "str"):
            return "category"
        return "id" if len(values) > FEW_TEXTS and len(values) > n_cells / 2 else "category"
    if cell_format.content != "number":
        return NUMBER_KINDS[cell_format.content]  # type: ignore[return-value]
    if cell_format.decimals is None or any(value % 1 for value in values):  # 1.0 is whole: pandas writes it
        return "real"
    if len(values) <= FEW_INTEGERS:
        return "category"
    unique = len(values) == n_cells and (named or (n_cells == n_rows and _is_counter(cells, cell_format)))
    if unique and cell_format.decimals == 0 and _has_room(cell_format, values):
        return "id"
    return "category" if are_codes(values, counts) else "integer"


def _has_room(cell_format: CellFormat, values: list[Any]) -> bool:
    """Tell whether the dtype has enough further numbers for new ids."""
    if not NOT_NULLABLE.fullmatch(cell_format.dtype.lower()) or cell_format.content != "number":
        return True
    return bool(np.iinfo(cell_format.dtype.lower()).max >= max(values) + ROOM_FOR_IDS * len(values))


def _is_counter(cells: pd.Series, cell_format: CellFormat) -> bool:
    numbers = cell_format.parse(cells, "").to_numpy()
    return len(numbers) >= ROWS_OF_A_COUNTER and numbers[0] in (0, 1) and bool((np.diff(numbers) == 1).all())


def _order(choice: ColumnChoice, cell_format: CellFormat, values: list[Any], where: str) -> tuple[Any, ...]:
    if not choice.order:
        return tuple(values)
    by_text = {str(value): value for value in values}
    order = [by_text[str(value)] for value in choice.order if str(value) in by_text]
    absent = [value for value in values if value not in order]
    if absent:
        raise TableError(f"{where}: order does not name {listed(map(repr, absent))}, which the column holds")
    return tuple(order)


def _template(name: str, cell_format: CellFormat, values: list[Any], cells: pd.Series) -> IdTemplate:
    if cell_format.content == "number" or cell_format.objects == "int":
        numbers = [int(value) for value in values]
        if cell_format.content == "number" and _is_counter(cells, cell_format):
            return IdTemplate("", numbers[0], 0)
        return IdTemplate("", max(numbers) + 1, 0)
    matches = [re.fullmatch(r"(.*?)(\d{1,30})", str(value)) for value in values]
    prefixes = {match[1] for match in matches if match}
    if all(matches) and len(prefixes) == 1:
        tails = [match[2] for match in matches if match]
        return IdTemplate(prefixes.pop(), max(map(int, tails)) + 1, min(map(len, tails)))
    prefix = f"{name or 'row'}-"
    return IdTemplate(f"new-{prefix}" if any(str(value).startswith(prefix) for value in values) else prefix, 1, 0)
