"""What the columns of a table are: kind, categories, integer or real, target and task."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import pandas as pd

from src.errors import TableError

Kind = Literal["numerical", "categorical"]
Task = Literal["binary", "multiclass", "regression"]


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: its name in the file.
        kind: ``numerical`` or ``categorical``.
        dtype: pandas dtype of the column when it is written without holes, e.g. ``int64``.
        integer: a numerical column that holds whole numbers only.
        categories: the values a categorical column may take, in their fixed order.
        n_foreign: how many of the last categories no real table has, only one it is compared with.
    """

    name: str
    kind: Kind
    dtype: str
    integer: bool = False
    categories: tuple[Hashable, ...] = ()
    n_foreign: int = 0

    def __post_init__(self) -> None:
        if self.kind not in ("numerical", "categorical"):
            raise TableError(f"column {self.name!r}: kind is numerical or categorical, got {self.kind!r}")
        if self.kind == "categorical" and not self.categories:
            raise TableError(f"column {self.name!r}: a categorical column needs at least one category")
        if len(set(self.categories)) != len(self.categories):
            raise TableError(f"column {self.name!r}: categories repeat: {list(self.categories)}")

    @property
    def own_categories(self) -> tuple[Hashable, ...]:
        """The categories that real tables have."""
        return self.categories[: len(self.categories) - self.n_foreign]


@dataclass(frozen=True)
class Schema:
    """The columns of a table in their order, and which of them is the target.

    Raises:
        TableError: names repeat, there is no column, or the target is not a column.
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
    def task(self) -> Task | None:
        """What predicting the target is: decided by its kind and its number of categories."""
        if self.target is None:
            return None
        column = self[self.target]
        if column.kind == "numerical":
            return "regression"
        return "binary" if len(column.own_categories) <= 2 else "multiclass"

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def restore(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Give a complete canonical frame (see :class:`Table`) the dtypes of the original file."""
        return frame.astype({column.name: column.dtype for column in self.columns})

    def to_dict(self) -> dict[str, Any]:
        """Plain values only, as JSON can hold them; see :meth:`from_dict`.

        Checkpoints hold them, so the values of a table without foreign categories are the same in every version.
        """
        columns = [{**asdict(column), "categories": list(column.categories)} for column in self.columns]
        for column in columns:
            if column["n_foreign"] == 0:
                del column["n_foreign"]
        return {"columns": columns, "target": self.target}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Schema":
        """Inverse of :meth:`to_dict`."""
        columns = tuple(Column(**{**c, "categories": tuple(c["categories"])}) for c in values["columns"])
        return cls(columns, values["target"])


def infer_schema(frame: pd.DataFrame, target: str | None, categorical: Sequence[str]) -> Schema:
    """Schema of a frame whose categorical columns are known by name; NaN and None are holes.

    Categories are the distinct values present, sorted. A numerical column is integer when all its
    finite values are whole numbers.

    Raises:
        TableError: a numerical column holds text, or a column holds no value at all.
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
            whole = bool((numbers == numbers.round()).all())
            dtype = "int64" if whole else "float64"
            if pd.api.types.is_numeric_dtype(values.dtype) and not frame.iloc[:, position].isna().any():
                dtype = str(values.dtype)
            columns.append(Column(name, "numerical", dtype, integer=whole))
    return Schema(tuple(columns), target)
