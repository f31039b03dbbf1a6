"""The schema of a table: kind and categories of its columns, its target and task."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from src.errors import TableError
from src.tables.grid import Grid

Kind = Literal["numerical", "categorical"]
Task = Literal["binary", "multiclass", "regression"]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: name of the column in its file.
        kind: ``numerical`` or ``categorical``.
        dtype: pandas dtype of the column when it is written without holes, e.g. ``int64``.
        integer: whether a numerical column contains integers only.
        grid: the values that a numerical column can have; None = all, or all integers.
        categories: the allowed values of a categorical column, in a fixed order.
        structural: whether a missing cell is no unknown value: the column does not apply to the row.
        n_foreign: number of categories, at the end of the list, that only a synthetic table has, not the real one.

    Raises:
        TableError: the kind is unknown, a categorical column has no category, or categories repeat.
    """

    name: str
    kind: Kind
    dtype: str
    integer: bool = False
    categories: tuple[Hashable, ...] = ()
    n_foreign: int = 0
    grid: Grid | None = None
    structural: bool = False

    def __post_init__(self) -> None:
        if self.kind not in ("numerical", "categorical"):
            raise TableError(f"column {self.name!r}: kind is numerical or categorical, got {self.kind!r}")
        if self.kind == "categorical" and not self.categories:
            raise TableError(f"column {self.name!r}: a categorical column needs at least one category")
        if len(set(self.categories)) != len(self.categories):
            raise TableError(f"column {self.name!r}: categories repeat: {list(self.categories)}")

    def positions(self, numbers: np.ndarray) -> np.ndarray:
        """Convert numbers (n,) of the column to their positions on its grid; without one they stay."""
        return numbers if self.grid is None else self.grid.positions(numbers)

    def numbers(self, positions: np.ndarray) -> np.ndarray:
        """Convert positions (n,) to the nearest numbers that the column can have; see :meth:`positions`."""
        if self.grid is not None:
            return self.grid.values(positions)
        return positions.round() if self.integer else positions

    @property
    def real_categories(self) -> tuple[Hashable, ...]:
        """The categories of the real table."""
        return self.categories[: len(self.categories) - self.n_foreign]


@dataclass(frozen=True)
class Schema:
    """The columns of a table in order, and the name of the target, if there is one.

    Raises:
        TableError: there is no column, names repeat, or the target is not a column.
    """

    columns: tuple[Column, ...]
    target: str | None = None

    def __post_init__(self) -> None:
        names = self.names
        if not names:
            raise TableError("a table needs at least one column")
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise TableError(f"column names repeat: {repeated}; rename them so that each is unique")
        if self.target is not None and self.target not in names:
            raise TableError(f"target {self.target!r} is not a column of the table; its columns are {names}")

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [column.name for column in self.columns]

    @property
    def numerical(self) -> list[str]:
        """Names of the numerical columns."""
        return [column.name for column in self.columns if column.kind == "numerical"]

    @property
    def categorical(self) -> list[str]:
        """Names of the categorical columns."""
        return [column.name for column in self.columns if column.kind == "categorical"]

    @property
    def target_position(self) -> int | None:
        """Position of the target among the columns; None without a target."""
        return None if self.target is None else self.names.index(self.target)

    @property
    def task(self) -> Task | None:
        """The kind of prediction that the target calls for; None without a target."""
        if self.target is None:
            return None
        column = self[self.target]
        if column.kind == "numerical":
            return "regression"
        return "binary" if len(column.real_categories) <= 2 else "multiclass"

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def restore(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Convert a complete canonical frame (see :class:`Table`) to the dtypes of the original file."""
        return frame.astype({column.name: column.dtype for column in self.columns})

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can store; see :meth:`from_dict`.

        Checkpoints store these values. What a column has none of (``n_foreign``, ``grid``, ``structural``) is left
        out: older checkpoints have no such keys, and equal schemas must have equal values.
        """
        columns = [{**asdict(column), "categories": list(column.categories)} for column in self.columns]
        for column in columns:
            for key, usual in (("n_foreign", 0), ("grid", None), ("structural", False)):
                if column[key] == usual:
                    del column[key]
        return {"columns": columns, "target": self.target}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Schema":
        """Inverse of :meth:`to_dict`."""
        return cls(tuple(_column(column) for column in values["columns"]), values["target"])


def _column(values: Mapping[str, Any]) -> Column:
    grid = values.get("grid")
    return Column(
        **{
            **values,
            "categories": tuple(values["categories"]),
            "grid": None if grid is None else Grid.from_dict(grid),
        }
    )


def infer_schema(frame: pd.DataFrame, target: str | None, categorical: Sequence[str]) -> Schema:
    """Infer the schema of a frame; NaN and None are holes.

    Categories are the sorted distinct values of a column. A numerical column is integer if all its values are.

    Arguments:
        frame: (N, d).
        target: name of the target, None for none.
        categorical: names of the categorical columns; the others are numerical.

    Raises:
        TableError: a numerical column contains text, a categorical column mixes types, or a column has no value.
    """
    columns = []
    for position, name in enumerate(frame.columns):
        values = frame.iloc[:, position].dropna()
        if values.empty:
            raise TableError(f"column {name!r} is entirely missing: drop it or give it values")
        if name in categorical:
            dtype = str(values.infer_objects().dtype)
            kinds = {type(value) for value in values}
            if len(kinds) > 1 and not all(isinstance(value, int | float) for value in values):
                raise TableError(f"column {name!r} mixes types: {sorted(k.__name__ for k in kinds)}")
            categories = tuple(pd.unique(values.sort_values()).tolist())
            columns.append(Column(name, "categorical", dtype, categories=categories))
        else:
            numbers = pd.to_numeric(values, errors="coerce")
            if numbers.isna().any():
                row, text = next((r, v) for r, v in values.items() if pd.isna(numbers[r]))
                raise TableError(f"column {name!r} is numerical but row {row} holds {text!r}")
            integer = bool((numbers == numbers.round()).all())
            dtype = "int64" if integer else "float64"
            if pd.api.types.is_numeric_dtype(values.dtype) and not frame.iloc[:, position].isna().any():
                dtype = str(values.dtype)
            columns.append(Column(name, "numerical", dtype, integer=integer))
    return Schema(tuple(columns), target)
