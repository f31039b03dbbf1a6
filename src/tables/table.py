"""Validated tables: frames that agree with a schema, with NaN in their holes."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from src.errors import TableError
from src.tables.schema import Schema


@dataclass(frozen=True)
class Table:
    """Rows that agree with a schema.

    The frame is canonical: numerical columns are float64, categorical columns are object, holes are NaN in both, and
    the index is 0..N-1. :func:`make_table` brings any frame to this form.

    Attributes:
        frame: (N, d) canonical frame.
        schema: the schema of its columns.
    """

    frame: pd.DataFrame
    schema: Schema

    @property
    def n_rows(self) -> int:
        """Number of rows, N."""
        return len(self.frame)

    @property
    def n_columns(self) -> int:
        """Number of columns, d."""
        return len(self.schema.columns)

    @cached_property
    def observed(self) -> np.ndarray:
        """Native mask, (N, d) bool, True where a cell has a value."""
        return np.asarray(self.frame.notna())

    @cached_property
    def unknown(self) -> np.ndarray:
        """(N, d) bool, True where a cell has a value that is not known: where it is missing, but for structural
        columns, which do not apply there.
        """
        structural = [column.structural for column in self.schema.columns]
        return np.asarray(~self.observed & ~np.array(structural))

    @property
    def complete(self) -> np.ndarray:
        """(N,) bool, True of rows without an unknown cell."""
        return np.asarray(~self.unknown.any(axis=1))

    def take(self, rows: np.ndarray) -> "Table":
        """Select rows by position or by a boolean mask (N,), and renumber them from 0."""
        return Table(self.frame.iloc[rows].reset_index(drop=True), self.schema)

    def with_holes(self, mask: np.ndarray) -> "Table":
        """Return the table with NaN where ``mask`` ((N, d) bool, True = observed) is False."""
        return Table(self.frame.where(mask), self.schema)


def make_table(frame: pd.DataFrame, schema: Schema) -> Table:
    """Check a frame against a schema and convert it to canonical form.

    Raises:
        TableError: the frame has no rows, or repeated, missing or additional columns; a numerical column contains text
            or an infinite value, or a categorical one a value that is no category. Names the column and the row.
    """
    names = list(frame.columns)
    repeated = sorted({str(name) for name in names if names.count(name) > 1})
    if repeated:
        raise TableError(f"column names repeat: {repeated}; rename them so that each is unique")
    absent = [name for name in schema.names if name not in names]
    extra = [name for name in names if name not in schema.names]
    if absent or extra:
        raise TableError(f"columns differ from the schema: absent {absent}, not expected {extra}")
    if frame.empty:
        raise TableError("the table has no rows")
    frame = frame[schema.names].reset_index(drop=True)
    columns = {}
    for column in schema.columns:
        values = frame[column.name]
        if column.kind == "numerical":
            columns[column.name] = _numbers(values)
        else:
            columns[column.name] = _members(values, column.categories)
    return Table(pd.DataFrame(columns), schema)


def _numbers(values: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    text = numbers.isna() & values.notna()
    if text.any():
        row = int(text.idxmax())
        raise TableError(f"column {values.name!r}, row {row}: expected a number, got {values[row]!r}")
    infinite = np.isinf(numbers)
    if infinite.any():
        row = int(infinite.idxmax())
        raise TableError(f"column {values.name!r}, row {row}: infinite value; replace it by a number or leave it empty")
    return numbers


def _members(values: pd.Series, categories: tuple[object, ...]) -> pd.Series:
    values = values.astype(object).where(values.notna(), np.nan)
    unknown = values.notna() & ~values.isin(categories)
    if unknown.any():
        row = int(unknown.idxmax())
        raise TableError(
            f"column {values.name!r}, row {row}: {values[row]!r} is none of its {len(categories)} categories"
        )
    return values
