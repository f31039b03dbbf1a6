"""A validated table: a frame that agrees with its schema, NaN where a cell has no value."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from src.errors import TableError
from src.tables.schema import Schema


@dataclass(frozen=True)
class Table:
    """Rows that agree with a schema.

    ``frame`` is canonical: numerical columns are float64, categorical columns are object, a hole is
    NaN in both, the index is 0..N-1. Use :func:`make_table` to get there from any frame.

    Attributes:
        frame: (N, d) canonical frame.
        schema: what its columns are.
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
        """Native mask, (N, d) bool, True where the file holds a value."""
        return np.asarray(self.frame.notna())

    def take(self, rows: np.ndarray) -> "Table":
        """The rows of these positions (or of this boolean selection), renumbered from 0."""
        return Table(self.frame.iloc[rows].reset_index(drop=True), self.schema)

    def with_holes(self, mask: np.ndarray) -> "Table":
        """The same table with NaN where ``mask`` ((N, d) bool, True = observed) is False."""
        return Table(self.frame.where(mask), self.schema)


def make_table(frame: pd.DataFrame, schema: Schema) -> Table:
    """Check a frame against a schema and bring it to canonical form.

    Raises:
        TableError: no row, repeated, missing or additional columns, text or an infinite value in a
            numerical column, a value outside the categories; names the column and the row.
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
