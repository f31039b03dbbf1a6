"""What every encoder of tables has in common."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from src.errors import TableError
from src.tables import Schema, Table


class Block(Protocol):
    """The coordinates ``start:stop`` of one column.

    ``knots`` are increasing numbers, from the smallest value seen of a numerical column to the largest;
    ``categories`` the positions in the schema's list of the categories seen of a categorical one.
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


class Encoder(ABC):
    """Columns of a table with holes to coordinates, and back; fitted, immutable.

    Attributes:
        schema: of the tables it takes.
        blocks: the coordinates of each column, in the schema's order.
    """

    schema: Schema
    blocks: Sequence[Block]

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Of an encoder of states, by column the number of levels of each of its groups; else empty."""
        return ()

    @property
    def is_ordered(self) -> tuple[bool, ...]:
        """Of an encoder of states, by column whether it holds numbers; else empty."""
        return ()

    @property
    def width(self) -> int:
        """D, the number of coordinates."""
        return self.blocks[-1].stop

    @property
    def columns(self) -> Tensor:
        """(D,) int64 position of the column that each coordinate belongs to."""
        return torch.cat([torch.full((b.stop - b.start,), i, dtype=torch.int64) for i, b in enumerate(self.blocks)])

    @abstractmethod
    def forward(self, table: Table, mask: np.ndarray) -> tuple[Tensor, Tensor]:
        """Encode rows.

        Arguments:
            table: (N, d) table; a category never seen in fitting counts as missing.
            mask: (N, d) bool on cells, True = observed. What stands in a missing cell is never read.

        Returns:
            x (N, D) float32 and the mask (N, D) bool on coordinates, constant inside a block.

        Raises:
            TableError: a cell marked observed holds no finite value; names column and row.
        """

    @abstractmethod
    def decode(self, x: Tensor) -> dict[str, np.ndarray]:
        """Decode rows.

        Arguments:
            x: (n, D) finite coordinates.

        Returns:
            By column, (n,): numbers inside the observed range, of integer columns whole; of categorical columns
            int64 positions in the schema's categories, na never among them.

        Raises:
            TableError: a coordinate is not finite.
        """

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Plain values only; the inverse is :func:`src.encoding.encoder_from_dict`."""

    def backward(self, x: Tensor) -> Table:
        """Decode rows to a complete canonical table; see :meth:`decode`.

        Arguments:
            x: (n, D) finite coordinates.
        """
        decoded = self.decode(x)
        columns: dict[str, Any] = {}
        for column in self.schema.columns:
            columns[column.name] = decoded[column.name]
            if column.kind == "categorical":
                values = np.empty(len(column.categories), dtype=object)
                values[:] = column.categories
                columns[column.name] = values[decoded[column.name]]
        return Table(pd.DataFrame(columns), self.schema)

    def _codes(self, block: Block, values: pd.Series) -> np.ndarray:
        """(n,) position of each value among the block's categories, -1 for any other."""
        categories = self.schema[block.name].categories
        seen = [categories[k] for k in block.categories]
        return np.asarray(pd.Index(seen, dtype=object).get_indexer(values))


class Encoding(Protocol):
    """How columns become coordinates, before a table is known."""

    def fit(self, table: Table, mask: np.ndarray) -> Encoder:
        """Learn ranges and categories from the observed training cells.

        Arguments:
            table: (N, d) training table.
            mask: (N, d) bool on cells, True = observed.

        Raises:
            TableError: a column has no observed cell.
        """
        ...


def observed_cells(table: Table, mask: np.ndarray, i: int) -> pd.Series:
    """Observed cells of the column ``i``.

    Raises:
        TableError: there are none.
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
    """Positions of the categories that occur."""
    present = set(observed)
    return tuple(k for k, category in enumerate(categories) if category in present)


def refuse_empty(empty: np.ndarray, observed: np.ndarray, name: str) -> None:
    """Raise a TableError where a cell marked observed is empty, both (N,) bool."""
    wrong = empty & observed
    if wrong.any():
        raise TableError(f"column {name!r}, row {int(wrong.argmax())}: marked observed but holds no finite value")


def refuse_infinite(x: Tensor) -> None:
    """Raise a TableError where a coordinate to decode is not finite."""
    if not torch.isfinite(x).all():
        raise TableError("decoding: a sampled coordinate is not finite")
