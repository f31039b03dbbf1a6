"""The form of a column: learned as a number, learned as categories, or written without being learned.

| kind | learned as | written |
|---|---|---|
| ``integer``, ``real``, ``date``, ``time``, ``duration`` | a number | inside the observed range, in its format |
| ``boolean``, ``category`` | categories | one of the values the file has |
| ``ordered`` | the position in its order, a number; as the target: categories | one of the values the file has |
| ``id`` | not at all | new ones: counted on from the largest, texts with the prefix they share |
| ``constant`` | not at all | its value |
| ``empty`` | not at all | empty |
| ``drop`` | not at all | not at all |
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, time
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from src.errors import TableError
from src.tables.columns.cells import NOT_NULLABLE, Cells
from src.tables.columns.kinds import close_name, listed
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
    """New ids: ``prefix`` and a number of at least ``digits`` digits, counting from ``start``."""

    prefix: str
    start: int
    digits: int

    def ids(self, first_row: int, n_rows: int) -> list[str]:
        """The ids of rows ``first_row`` to ``first_row + n_rows - 1``, as texts."""
        start = self.start + first_row
        return [f"{self.prefix}{number:0{self.digits}d}" for number in range(start, start + n_rows)]


@dataclass(frozen=True)
class Form:
    """One column of a file.

    Attributes:
        name: its name.
        kind: what becomes of it, see the table of this module.
        cells: how its cells are written; an ``empty`` column has texts.
        values: of ``boolean``, ``category``, ``ordered`` and ``constant``: what its cells can mean, in order.
        rare: further values of a ``category``, too rare to be learned one by one: they share the category
            :data:`RARE`, and one of them is drawn by its count where it comes out.
        rare_counts: how often each of them was seen.
        template: of ``id``.
        as_categories: an ``ordered`` column that is the target.
    """

    name: str
    kind: FormKind
    cells: Cells
    values: tuple[Any, ...] = ()
    rare: tuple[Any, ...] = ()
    rare_counts: tuple[int, ...] = ()
    template: IdTemplate | None = None
    as_categories: bool = False

    @property
    def is_learned(self) -> bool:
        """Whether the model has a column for it."""
        return self.kind in LEARNED

    @property
    def is_categorical(self) -> bool:
        """Whether the model learns categories."""
        return self.kind in ("boolean", "category") or (self.kind == "ordered" and self.as_categories)

    @property
    def is_number(self) -> bool:
        """Whether the model learns a number that is one by its meaning."""
        return self.is_learned and not self.is_categorical and self.kind != "ordered"

    @property
    def example(self) -> Any:
        """A canonical value of a learned column."""
        if self.is_categorical:
            return self.values[0]
        return 0.0 if self.kind == "ordered" or not np.isfinite(self.cells.low) else self.cells.low

    @property
    def column(self) -> Column:
        """The model's column."""
        if self.is_categorical:
            categories = (*self.values, RARE) if self.rare else self.values
            dtypes = {type(value) for value in categories}
            dtype = {bool: "bool", float: "float64"}.get(next(iter(dtypes)), "object") if len(dtypes) == 1 else "object"
            return Column(self.name, "categorical", dtype, categories=categories)
        whole = self.cells.content != "number" or self.cells.decimals == 0 or self.kind in ("integer", "ordered")
        return Column(self.name, "numerical", "float64", integer=whole)

    def canonical(self, cells: pd.Series, where: str) -> pd.Series:
        """Cells to the model's values; holes stay NaN.

        Raises:
            TableError: a cell is not of the column's format, or none of an ordered column's values.
        """
        values = self.cells.values(cells, where)
        if self.is_categorical:
            values = values.astype(object)
            return values.where(~values.isin(self.rare) | values.isna(), RARE) if self.rare else values
        if self.kind != "ordered":
            return values
        positions = pd.Series(pd.Index(self.values, dtype=object).get_indexer(values.astype(object)), name=values.name)
        unknown = (positions.to_numpy() < 0) & values.notna().to_numpy()
        if unknown.any():
            row = int(unknown.argmax())
            raise TableError(f"{where}, row {row + 1}: {cells.iloc[row]!r} is none of {listed(self.values)}")
        return positions.astype(float).where(positions >= 0)

    def write(
        self, values: pd.Series | None, first_row: int, n_rows: int, rng: np.random.Generator, for_text_file: bool
    ) -> pd.Series:
        """The model's values to cells; inverse of :meth:`canonical`.

        Arguments:
            values: (n,) canonical values, None of a column that is not learned.
            first_row: position of the first row in the whole table, which ids follow.
            n_rows: n.
            rng: draws rare values.
            for_text_file: see :meth:`Cells.cells`.
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
            codes = values.fillna(-1).astype(int).to_numpy()
            choices = np.append(np.array(self.values, dtype=object), np.nan)
            values = pd.Series(choices[codes], index=values.index)
        if self.rare:
            values = self._with_rare(values, rng)
        return self.cells.cells(values.astype(float) if self.cells.is_number else values, for_text_file)

    def value_of(self, given: Any) -> Any:
        """The canonical value of one value a user names, as a cell or as what it means.

        Raises:
            TableError: the column is not learned, or never had such a value; names what there is.
        """
        where = f"column {self.name!r}"
        if not isinstance(given, str | int | float | bool | date | datetime | time):
            raise TableError(f"{where} is fixed to one value, got {given!r}")
        if not self.is_learned:
            raise TableError(f"{where} is not learned (kind {self.kind}), so it cannot be fixed")
        text = given if isinstance(given, str) or not (self.cells.as_text or self.cells.truths) else str(given)
        if self.cells.content == "truth value" and str(given).lower() in ("true", "false"):
            return str(given).lower() == "true"
        if self.cells.content == "number" and self.cells.as_text and isinstance(given, int | float):
            text = self.cells.cells(pd.Series([float(given)]), for_text_file=True)[0]
        try:
            means = self.cells.values(pd.Series([text], dtype=object), where).iloc[0]
        except TableError as error:
            raise TableError(str(error).replace(", row 1", "")) from error
        if self.is_number and not self.cells.low <= means <= self.cells.high:
            low, high = self.cells.cells(pd.Series([self.cells.low, self.cells.high]), for_text_file=True)
            raise TableError(f"{where} was seen from {low} to {high}, got {given!r}; the model knows nothing beyond")
        if self.is_number and float(self.cells.values(self.cells.cells(pd.Series([float(means)])), where)[0]) != means:
            raise TableError(f"{where} has no values as fine as {given!r}")
        known = (*self.values, *self.rare)
        if known and means not in known:
            close = close_name(str(given), map(str, known))
            hint = f"; did you mean {close!r}?" if close else ""
            raise TableError(f"{where} never has the value {given!r}{hint} (values: {listed(known)})")
        return means

    def learned_as(self, values: pd.Series) -> pd.Series:
        """Values of :meth:`value_of` as the model has them: rare ones as :data:`RARE`, ordered ones as positions."""
        if self.kind == "ordered" and not self.as_categories:
            return values.map(self.values.index).astype(float)
        if self.is_categorical:
            return values.where(~values.isin(self.rare), RARE)
        return values.astype(float)

    def fixed_cells(self, value: Any, n_rows: int) -> pd.Series:
        """Canonical values of a column that is fixed to a value of :meth:`value_of`; a rare one stays itself."""
        values = pd.Series([value] * n_rows, dtype=object)
        return values if self.is_categorical else self.learned_as(values)

    def to_dict(self) -> dict[str, Any]:
        """Plain values only; see :meth:`from_dict`."""
        plain = asdict(self)
        return {key: _listed(value) for key, value in plain.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Form":
        """Inverse of :meth:`to_dict`."""
        cells = {key: _tupled(value) for key, value in values["cells"].items()}
        template = None if values["template"] is None else IdTemplate(**values["template"])
        rest = {key: _tupled(values[key]) for key in (field.name for field in fields(cls)) if key in values}
        return cls(**{**rest, "cells": Cells(**cells), "template": template})

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
        return {key: _listed(each) for key, each in value.items()}
    return [_listed(each) for each in value] if isinstance(value, tuple) else _plain(value)


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    """NumPy scalars as Python's."""
    return value.item() if isinstance(value, np.generic) else value
