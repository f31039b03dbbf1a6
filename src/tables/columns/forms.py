"""The form of a column: how it is learned, as a number or as categories or not at all, and how it is written.

| kind | learned as | written |
|---|---|---|
| ``integer``, ``real``, ``date``, ``time``, ``duration`` | a number | inside the observed range, in its format |
| ``boolean``, ``category`` | categories | one of the values in the file |
| ``ordered`` | the position in its order, a number; as the target: categories | one of the values in the file |
| ``id`` | not at all | new ids: numbers after the largest one, texts with the common prefix |
| ``constant`` | not at all | its value |
| ``empty`` | not at all | empty |
| ``drop`` | not at all | not at all |
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime, time
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from src.errors import TableError
from src.tables.cells.number_style import NumberStyle
from src.tables.columns.kinds import close_name, listed
from src.tables.columns.spellings import spelling_key
from src.tables.formats.cell_format import NOT_NULLABLE, CellFormat
from src.tables.grid import Grid, described
from src.tables.schema import Column

FormKind = Literal[
    "integer", "real", "date", "time", "duration", "boolean", "category", "ordered", "id", "constant", "empty", "drop"
]
KINDS = get_args(FormKind)
AS_NUMBERS = ("integer", "real", "date", "time", "duration", "ordered")
LEARNED = (*AS_NUMBERS, "boolean", "category")
RARE = "rare values"


@dataclass(frozen=True)
class IdTemplate:
    """Template of new ids: ``prefix`` and a number of at least ``digits`` digits, from ``start`` on."""

    prefix: str
    start: int
    digits: int

    def ids(self, first_row: int, n_rows: int) -> list[str]:
        """Write the ids of rows ``first_row`` to ``first_row + n_rows - 1`` as texts."""
        start = self.start + first_row
        return [f"{self.prefix}{number:0{self.digits}d}" for number in range(start, start + n_rows)]


@dataclass(frozen=True)
class Form:
    """The form of one column of a file.

    Attributes:
        name: name of the column.
        kind: kind of the form, see the table of this module.
        cells: format of its cells; those of an ``empty`` column are texts.
        values: the values of a ``boolean``, ``category``, ``ordered`` or ``constant`` column, in order.
        counts: number of cells of each value, which a condition on few cells is told from; empty = not known.
        rare: further values of a ``category``, which are too rare to be learned one by one. They share the category
            :data:`RARE`; where a model draws it, one of them is drawn by frequency.
        rare_counts: number of cells of each rare value.
        template: template of new ids, of an ``id`` column.
        structural: whether a hole is no unknown value: the column does not apply to the row.
        merges_spellings: whether cells that differ from one of the values only in case or blanks have that value.
        as_categories: whether an ``ordered`` column is learned as categories, because it is the target.
    """

    name: str
    kind: FormKind
    cells: CellFormat
    values: tuple[Any, ...] = ()
    counts: tuple[int, ...] = ()
    rare: tuple[Any, ...] = ()
    rare_counts: tuple[int, ...] = ()
    template: IdTemplate | None = None
    as_categories: bool = False
    merges_spellings: bool = False
    structural: bool = False

    @property
    def is_learned(self) -> bool:
        """Whether the model has this column."""
        return self.kind in LEARNED

    @property
    def is_categorical(self) -> bool:
        """Whether the model learns the column as categories."""
        return self.kind in ("boolean", "category") or (self.kind == "ordered" and self.as_categories)

    @property
    def is_number(self) -> bool:
        """Whether the model learns the column as a number, and its cells mean numbers, not ranks."""
        return self.is_learned and not self.is_categorical and self.kind != "ordered"

    @property
    def example(self) -> Any:
        """A valid canonical value of a learned column."""
        if self.is_categorical:
            return self.values[0]
        return 0.0 if self.kind == "ordered" or not np.isfinite(self.cells.low) else self.cells.low

    @property
    def column(self) -> Column:
        """The column of the model's schema."""
        if self.is_categorical:
            categories = (*self.values, RARE) if self.rare else self.values
            dtypes = {type(value) for value in categories}
            dtype = {bool: "bool", float: "float64"}.get(next(iter(dtypes)), "object") if len(dtypes) == 1 else "object"
            return Column(self.name, "categorical", dtype, categories=categories, structural=self.structural)
        integer = self.cells.content != "number" or self.cells.decimals == 0 or self.kind in ("integer", "ordered")
        grid = None if self.kind == "ordered" else self.cells.grid
        return Column(self.name, "numerical", "float64", integer=integer, grid=grid, structural=self.structural)

    def canonical(self, cells: pd.Series, where: str) -> pd.Series:
        """Convert cells to the canonical values that the model learns; holes stay NaN.

        Arguments:
            cells: (N,).
            where: name of the column in messages.

        Raises:
            TableError: a cell is not of the column's format, or is none of the values of an ordered column.
        """
        return self.coded(self.cells.parse(cells, where), where)

    def coded(self, values: pd.Series, where: str) -> pd.Series:
        """Convert the values that cells mean to canonical ones; holes stay NaN.

        Arguments:
            values: (N,), as :meth:`CellFormat.parse` returns them.
            where: name of the column in messages.

        Raises:
            TableError: a value is none of those of an ordered column.
        """
        if self.is_categorical:
            values = self._in_one_spelling(values.astype(object))
            return values.where(~values.isin(self.rare) | values.isna(), RARE) if self.rare else values
        if self.kind != "ordered":
            return values
        positions = pd.Series(pd.Index(self.values, dtype=object).get_indexer(values.astype(object)), name=values.name)
        unknown = (positions.to_numpy() < 0) & values.notna().to_numpy()
        if unknown.any():
            row = int(unknown.argmax())
            raise TableError(f"{where}, row {row + 1}: {values.iloc[row]!r} is none of {listed(self.values)}")
        return positions.astype(float).where(positions >= 0)

    def write(
        self, values: pd.Series | None, first_row: int, n_rows: int, rng: np.random.Generator, for_text_file: bool
    ) -> pd.Series:
        """Convert canonical values to cells; inverse of :meth:`canonical`.

        Arguments:
            values: (n,) canonical values; None for a column that is not learned.
            first_row: position of the first row in the synthetic table, from which ids are numbered.
            n_rows: number of rows, n.
            rng: random stream that draws rare values.
            for_text_file: whether to write every cell as a text; see :meth:`CellFormat.write`.
        """
        if self.kind == "empty":
            hole = "" if for_text_file else np.nan
            empty = pd.Series([hole] * n_rows, dtype=object)
            return empty if for_text_file else self._empty_as(empty)
        if self.kind == "id":
            return self._ids(first_row, n_rows, for_text_file)
        if self.kind == "constant":
            values = pd.Series([self.values[0]] * n_rows, dtype=float if self.cells.is_number else object)
        assert values is not None, f"column {self.name!r} is learned"
        if self.kind == "ordered" and not self.as_categories:
            codes = values.fillna(-1).astype(int).to_numpy()  # -1 selects the NaN
            choices = np.append(np.array(self.values, dtype=object), np.nan)
            values = pd.Series(choices[codes], index=values.index)
        if self.rare:
            values = self._with_rare(values, rng)
        return self.cells.write(values.astype(float) if self.cells.is_number else values, for_text_file)

    def value_of(self, value: Any) -> Any:
        """Parse a value that a user wrote as a cell or as its meaning, and return the value that cells mean.

        Raises:
            TableError: the column is not learned or never has this value; names the range or the values.
        """
        where = f"column {self.name!r}"
        if not isinstance(value, str | int | float | bool | date | datetime | time):
            raise TableError(f"{where} is fixed to one value, got {value!r}")
        if not self.is_learned:
            raise TableError(f"{where} is not learned (kind {self.kind}), so it cannot be fixed")
        text = value if isinstance(value, str) or not (self.cells.as_text or self.cells.truths) else str(value)
        if self.cells.content == "truth value" and str(value).lower() in ("true", "false"):
            return str(value).lower() == "true"
        if self.cells.content == "number" and self.cells.as_text and isinstance(value, int | float):
            text = self.cells.write(pd.Series([float(value)]), for_text_file=True)[0]
        try:
            parsed = self.cells.parse(pd.Series([text], dtype=object), where).iloc[0]
        except TableError as error:
            raise TableError(str(error).replace(", row 1", "")) from error
        if self.is_number and not self.cells.low <= parsed <= self.cells.high:
            low, high = self.cells.write(pd.Series([self.cells.low, self.cells.high]), for_text_file=True)
            raise TableError(f"{where} was seen from {low} to {high}, got {value!r}; the model knows nothing beyond")
        if self.is_number and float(self.cells.parse(self.cells.write(pd.Series([float(parsed)])), where)[0]) != parsed:
            grid = f": it has values {described(self.cells.grid, self.cells.unit)}" if self.cells.grid else ""
            raise TableError(f"{where} has no values as fine as {value!r}{grid}")
        parsed = self._in_one_spelling(pd.Series([parsed], dtype=object)).iloc[0]
        known = (*self.values, *self.rare)
        if known and parsed not in known:
            close = close_name(str(value), map(str, known))
            hint = f"; did you mean {close!r}?" if close else ""
            raise TableError(f"{where} never has the value {value!r}{hint} (values: {listed(known)})")
        return parsed

    def n_cells(self, value: Any) -> int | None:
        """Number of cells that had a value of :meth:`value_of` when the form was inferred; None = not known."""
        known = dict(zip((*self.values, *self.rare), (*self.counts, *self.rare_counts), strict=False))
        return known.get(value) if self.counts else None

    def learned_as(self, values: pd.Series) -> pd.Series:
        """Convert values of :meth:`value_of` to canonical ones: rare to :data:`RARE`, ordered to positions."""
        if self.kind == "ordered" and not self.as_categories:
            return values.map(self.values.index).astype(float)
        if self.is_categorical:
            return values.where(~values.isin(self.rare), RARE)
        return values.astype(float)

    def fixed_cells(self, value: Any, n_rows: int) -> pd.Series:
        """Repeat a value of :meth:`value_of` as canonical values; a rare one is not replaced by :data:`RARE`."""
        values = pd.Series([value] * n_rows, dtype=object)
        return values if self.is_categorical else self.learned_as(values)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can store; see :meth:`from_dict`."""
        plain = asdict(self)
        return {key: _listed(value) for key, value in plain.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Form":
        """Inverse of :meth:`to_dict`."""
        cells = {key: _tupled(value) for key, value in values["cells"].items()}
        if cells.get("grid") is not None:
            cells["grid"] = Grid.from_dict(cells["grid"])
        if cells.get("style") is not None:
            cells["style"] = NumberStyle(**cells["style"])
        template = None if values["template"] is None else IdTemplate(**values["template"])
        attributes = {key: _tupled(values[key]) for key in (field.name for field in fields(cls)) if key in values}
        return cls(**{**attributes, "cells": CellFormat(**cells), "template": template})

    def _in_one_spelling(self, values: pd.Series) -> pd.Series:
        """Replace spellings of the values by these."""
        if not self.merges_spellings:
            return values
        by_key = {spelling_key(value): value for value in (*self.values, *self.rare)}
        distinct = values.dropna().unique()
        return values.map({value: by_key.get(spelling_key(value), value) for value in distinct}).astype(object)

    def _with_rare(self, values: pd.Series, rng: np.random.Generator) -> pd.Series:
        is_rare = np.asarray(values == RARE)
        weights = np.array(self.rare_counts) / sum(self.rare_counts)
        drawn = rng.choice(len(self.rare), size=int(is_rare.sum()), p=weights)
        chosen = values.astype(object).copy()
        choices = np.empty(len(self.rare), dtype=object)
        choices[:] = self.rare
        chosen[is_rare] = choices[drawn]
        return chosen

    def _ids(self, first_row: int, n_rows: int, for_text_file: bool) -> pd.Series:
        assert self.template is not None, "ids follow a template"
        ids = pd.Series(self.template.ids(first_row, n_rows), dtype=object)
        if self.cells.style is not None and (for_text_file or self.cells.as_text):
            return replace(self.cells, high=np.inf).write(ids.astype(float), for_text_file)
        if for_text_file or self.cells.as_text or (self.cells.content == "text" and not self.cells.objects):
            if self.cells.dtype == "category":
                return ids if for_text_file else ids.astype("category")
            return ids if for_text_file else self.cells.with_dtype(ids)
        numbers = ids.map(int)
        return self.cells.with_dtype(numbers.astype(object) if self.cells.dtype == "category" else numbers)

    def _empty_as(self, empty: pd.Series) -> pd.Series:
        return empty.astype(float if NOT_NULLABLE.fullmatch(self.cells.dtype) else self.cells.dtype)


def _listed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, tuple) else _plain(value)


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    """Convert NumPy scalars to Python's."""
    return value.item() if isinstance(value, np.generic) else value
