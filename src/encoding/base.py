"""The interface of encoders, which turn tables into coordinates and back."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from src.errors import TableError
from src.tables import Schema, Table

MISSING = -1.0
"""Coordinate of a cell that is missing, where that is a state of its column."""


class Block(Protocol):
    """The coordinates ``start:stop`` of one column.

    Attributes:
        knots: of a numerical column, increasing numbers from its smallest observed value to its largest.
        categories: of a categorical column, the positions of its observed categories in the schema's list.
    """

    @property
    def name(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def stop(self) -> int: ...
    @property
    def knots(self) -> tuple[float, ...]: ...
    @property
    def categories(self) -> tuple[int, ...]: ...


class Density(NamedTuple):
    """The training cells of a continuous column, by level.

    Attributes:
        cells: number of training cells.
        is_value: whether the level is one value, not an interval.
        repeated: the levels that are states of their own.
    """

    cells: tuple[int, ...]
    is_value: tuple[bool, ...]
    repeated: tuple[int, ...]


class Holes(NamedTuple):
    """The holes of a column of which "missing" is a state.

    Attributes:
        is_structural: whether it is a value, that the column does not apply to the row.
        share: of the training rows in which a cell is missing.
    """

    is_structural: bool
    share: float


class Encoder(ABC):
    """Encode the columns of tables with holes as coordinates, and decode them; fitted and immutable.

    Attributes:
        schema: schema of the tables to encode.
        blocks: the coordinates of each column, in the schema's order.
    """

    schema: Schema
    blocks: Sequence[Block]

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """By column, the number of levels of each of its groups; empty if the encoder has no states."""
        return ()

    @property
    def is_ordered(self) -> tuple[bool, ...]:
        """By column, whether it is numerical; empty if the encoder has no states."""
        return ()

    @property
    def densities(self) -> Mapping[int, Density]:
        """By continuous column, its training cells; empty if the encoder has no states."""
        return {}

    @property
    def holes(self) -> Mapping[int, Holes]:
        """By column of which "missing" is a state, its holes; empty if the encoder has no states."""
        return {}

    @property
    def has_many_categories(self) -> bool:
        """Whether the states of a column are categories that are too many for outputs of their own."""
        pairs = zip(self.groups, self.is_ordered, strict=True)
        return any(not is_ordered and max(groups) > 1 for groups, is_ordered in pairs)

    @property
    def width(self) -> int:
        """D, the number of coordinates."""
        return self.blocks[-1].stop

    @property
    def columns(self) -> Tensor:
        """(D,) int64, the position of the column that each coordinate belongs to."""
        return torch.cat([torch.full((b.stop - b.start,), i, dtype=torch.int64) for i, b in enumerate(self.blocks)])

    @abstractmethod
    def forward(self, table: Table, mask: np.ndarray) -> tuple[Tensor, Tensor]:
        """Encode rows.

        Arguments:
            table: (N, d) table; a category that was absent in fitting counts as missing.
            mask: (N, d) bool on cells, True = observed. The contents of missing cells are never read.

        Returns:
            x (N, D) float32, and the mask (N, D) bool of coordinates, which is constant inside a block. Of
            :attr:`holes`, a cell that is missing in the table is :data:`MISSING`; in a structural column, of which that
            is a value, it counts as observed.

        Raises:
            TableError: an observed cell has no finite value; names column and row.
        """

    @abstractmethod
    def decode(self, x: Tensor) -> dict[str, np.ndarray]:
        """Decode rows.

        Arguments:
            x: (n, D) finite coordinates.

        Returns:
            By column, (n,) values: of a numerical column numbers inside the observed range, rounded if the column is
            integer; of a categorical column int64 positions in the schema's categories, never "missing".

        Raises:
            TableError: a coordinate is not finite.
        """

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can store; the inverse is :func:`src.encoding.encoder_from_dict`."""

    def backward(self, x: Tensor) -> Table:
        """Decode rows as a canonical table, complete but for cells that are :data:`MISSING`; see :meth:`decode`.

        Arguments:
            x: (n, D) finite coordinates.
        """
        decoded = self.decode(x)
        missing = {self.schema.names[i]: x[:, self.blocks[i].start].cpu().numpy() < 0 for i in self.holes}
        columns: dict[str, Any] = {}
        for column in self.schema.columns:
            columns[column.name] = decoded[column.name]
            if column.kind == "categorical":
                values = np.empty(len(column.categories), dtype=object)
                values[:] = column.categories
                columns[column.name] = values[decoded[column.name]]
        frame = pd.DataFrame(columns)
        for name, rows in missing.items():
            frame[name] = frame[name].mask(rows)
        return Table(frame, self.schema)

    def _codes(self, block: Block, values: pd.Series) -> np.ndarray:
        """Return the position of each value among the block's categories, (n,) int, -1 for other values."""
        categories = self.schema[block.name].categories
        seen = [categories[k] for k in block.categories]
        return np.asarray(pd.Index(seen, dtype=object).get_indexer(values))


class Encoding(Protocol):
    """Settings of an encoder, before it is fitted to a table."""

    def fit(self, table: Table, mask: np.ndarray) -> Encoder:
        """Fit an encoder to the observed cells of the training table.

        Arguments:
            table: (N, d) training table.
            mask: (N, d) bool on cells, True = observed.

        Raises:
            TableError: a column has no observed cell.
        """
        ...

    def for_imputation(self) -> Self:
        """A copy for a model that fills holes."""
        ...


def observed_cells(table: Table, mask: np.ndarray, i: int) -> pd.Series:
    """Select the observed cells of column ``i``.

    Raises:
        TableError: the column has no observed cell.
    """
    name = table.schema.names[i]
    observed = table.frame[name][mask[:, i]]
    if observed.empty:
        raise TableError(
            f"column {name!r} has no observed cell in the {table.n_rows} training rows; "
            "drop the column or lower the ratio"
        )
    return observed


def seen_categories(categories: Sequence[Any], observed: pd.Series) -> tuple[int, ...]:
    """Return the positions of the categories that occur among the observed cells."""
    present = set(observed)
    return tuple(k for k, category in enumerate(categories) if category in present)


def refuse_empty(empty: np.ndarray, observed: np.ndarray, name: str) -> None:
    """Raise a TableError if an observed cell is empty; both arguments are (N,) bool."""
    contradicts = empty & observed
    if contradicts.any():
        raise TableError(f"column {name!r}, row {int(contradicts.argmax())}: marked observed but has no finite value")


def refuse_infinite(x: Tensor) -> None:
    """Raise a TableError if a coordinate to decode is not finite."""
    if not torch.isfinite(x).all():
        raise TableError("decoding: a sampled coordinate is not finite")
