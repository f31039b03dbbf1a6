r"""Numbers and categories of a table with holes to coordinates, and back.

Numerical column: one coordinate z, fitted on the observed training cells. ``minmax`` (the paper,
Appendix D.2): linear from the smallest value at ``low`` to the largest at 1, the same in both
directions; ``low`` is -1, or 0 as in STaSy.
``quantile``: the normal score :math:`z = \Phi^{-1}(F(v))` with F the empirical distribution function,
ties at the middle of their step; back by the empirical quantiles, so that a value half of the rows
share (zero capital gain, 40 hours a week) keeps half of the mass. A constant column encodes to the middle
of its scale.

Categorical column: a block of one coordinate per category seen in an observed training cell, 1 for
the cell's category and ``low`` elsewhere. Optionally (``na_coordinate``) one more for "missing".

Coordinates of a missing cell are exactly 0 (with ``na_coordinate`` the block of a missing category
points at its na coordinate instead), and its whole block is masked. What stands in a missing cell
is never read.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.special import ndtri
from torch import Tensor

from src.errors import ConfigError, TableError
from src.tables import Schema, Table

NUMERICAL = ("minmax", "quantile")
MOST_QUANTILES = 1001
LARGE = 1e150


@dataclass(frozen=True)
class EncodingRecipe:
    """How columns become coordinates.

    Attributes:
        numerical: scale of the numerical columns, ``minmax`` or ``quantile``.
        low: smaller end of min-max and of one-hot coordinates, -1 or 0; the other is 1.
        na_coordinate: whether each one-hot block has a coordinate for "missing".
    """

    numerical: str
    low: int
    na_coordinate: bool

    def __post_init__(self) -> None:
        if self.numerical not in NUMERICAL:
            raise ConfigError(f"diffusion.encoding.numerical is one of {list(NUMERICAL)}, got {self.numerical!r}")
        if self.low not in (-1, 0):
            raise ConfigError(f"diffusion.encoding.low is -1 or 0, got {self.low}")


@dataclass(frozen=True)
class Block:
    """The coordinates ``start:stop`` of one column.

    ``knots`` are, for a numerical column, the values that stand at the z of :func:`knot_positions`:
    the observed extremes or quantiles, linear in between; ``categories`` are, for a categorical one,
    the positions in the schema's list of the categories seen.
    """

    name: str
    start: int
    stop: int
    knots: tuple[float, ...] = ()
    categories: tuple[int, ...] = ()


@dataclass(frozen=True)
class TableEncoder:
    """Encoder fitted by :meth:`fit`; immutable, and plain enough to travel inside a checkpoint."""

    schema: Schema
    low: int
    na_coordinate: bool
    blocks: tuple[Block, ...]

    @classmethod
    def fit(cls, table: Table, mask: np.ndarray, recipe: EncodingRecipe) -> "TableEncoder":
        """Learn ranges or quantiles, and categories, from the observed training cells.

        Arguments:
            table: (N, d) training table.
            mask: (N, d) bool on cells, True = observed.
            recipe: how columns become coordinates.

        Raises:
            TableError: a column has no observed cell.
        """
        blocks = []
        start = 0
        for i, column in enumerate(table.schema.columns):
            observed = table.frame[column.name][mask[:, i]]
            if observed.empty:
                raise TableError(
                    f"column {column.name!r} has no observed cell in the {table.n_rows} training rows; "
                    "drop the column or lower the ratio"
                )
            if column.kind == "numerical":
                levels = np.linspace(0, 1, 2 if recipe.numerical == "minmax" else min(MOST_QUANTILES, len(observed)))
                knots = np.quantile(observed, levels)
                block = Block(column.name, start, start + 1, knots=tuple(knots.tolist()))
            else:
                present = set(observed)
                seen = tuple(k for k, category in enumerate(column.categories) if category in present)
                block = Block(column.name, start, start + len(seen) + recipe.na_coordinate, categories=seen)
            blocks.append(block)
            start = block.stop
        return cls(table.schema, recipe.low, recipe.na_coordinate, tuple(blocks))

    @property
    def width(self) -> int:
        """D, the number of coordinates."""
        return self.blocks[-1].stop

    def forward(self, table: Table, mask: np.ndarray) -> tuple[Tensor, Tensor]:
        """Encode rows.

        Arguments:
            table: (N, d) table; a category never seen in fitting counts as missing.
            mask: (N, d) bool on cells, True = observed.

        Returns:
            x (N, D) float32 and the mask (N, D) bool on coordinates, constant inside a block.

        Raises:
            TableError: a cell marked observed holds no finite value; names column and row.
        """
        x = np.zeros((table.n_rows, self.width), dtype=np.float32)
        coordinate_mask = np.zeros((table.n_rows, self.width), dtype=bool)
        for i, block in enumerate(self.blocks):
            values, observed = table.frame[block.name], mask[:, i]
            if block.categories:
                codes = self._codes(block, values)
                _refuse_empty(values.isna().to_numpy(), observed, block.name)
                observed = observed & (codes >= 0)
                x[:, block.start : block.stop] = self._one_hot(block, codes, observed)
            else:
                numbers = values.to_numpy(dtype=np.float64)
                _refuse_empty(~np.isfinite(numbers), observed, block.name)
                x[:, block.start] = _scale(block, numbers, observed, self.low)
            coordinate_mask[:, block.start : block.stop] = observed[:, None]
        return torch.from_numpy(x), torch.from_numpy(coordinate_mask)

    def backward(self, x: Tensor) -> Table:
        """Decode rows: clip and unscale numbers, softmax then argmax over categories.

        Arguments:
            x: (n, D) finite coordinates.

        Returns:
            A complete canonical table: numbers inside the observed range, integer columns integer,
            na never picked.

        Raises:
            TableError: a coordinate is not finite.
        """
        if not torch.isfinite(x).all():
            raise TableError("decoding: a sampled coordinate is not finite")
        columns: dict[str, Any] = {}
        for block in self.blocks:
            column = self.schema[block.name]
            if block.categories:
                logits = x[:, block.start : block.start + len(block.categories)]
                seen = np.array(block.categories)[logits.softmax(dim=1).argmax(dim=1).cpu().numpy()]
                values = np.empty(len(column.categories), dtype=object)
                values[:] = column.categories
                columns[block.name] = values[seen]
            else:
                z = x[:, block.start].double().cpu().numpy()
                numbers = _interpolated(z, knot_positions(len(block.knots), self.low), np.array(block.knots))
                columns[block.name] = numbers.round() if column.integer else numbers
        return Table(pd.DataFrame(columns), self.schema)

    def to_dict(self) -> dict[str, Any]:
        """Plain values only; see :meth:`from_dict`."""
        blocks = [
            {**asdict(block), "knots": list(block.knots), "categories": list(block.categories)} for block in self.blocks
        ]
        return {
            "schema": self.schema.to_dict(),
            "low": self.low,
            "na_coordinate": self.na_coordinate,
            "blocks": blocks,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TableEncoder":
        """Inverse of :meth:`to_dict`."""
        blocks = tuple(
            Block(**{**b, "knots": tuple(b["knots"]), "categories": tuple(b["categories"])}) for b in values["blocks"]
        )
        return cls(Schema.from_dict(values["schema"]), values["low"], values["na_coordinate"], blocks)

    def _codes(self, block: Block, values: pd.Series) -> np.ndarray:
        categories = self.schema[block.name].categories
        seen = [categories[k] for k in block.categories]
        return np.asarray(pd.Index(seen, dtype=object).get_indexer(values))

    def _one_hot(self, block: Block, codes: np.ndarray, observed: np.ndarray) -> np.ndarray:
        size = block.stop - block.start
        one_hot = self.low + (1 - self.low) * np.eye(size, dtype=np.float32)
        missing = one_hot[-1] if self.na_coordinate else np.zeros(size, dtype=np.float32)
        return np.where(observed[:, None], one_hot[np.where(observed, codes, 0)], missing)


def _interpolated(z: np.ndarray, positions: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Values at z between the knots; differences of very large ones do not overflow."""
    scale = LARGE if np.abs(knots).max() > LARGE else 1.0
    return np.asarray(np.interp(z, positions, knots / scale) * scale)


def knot_positions(n_knots: int, low: int) -> np.ndarray:
    """Z of the knots of a numerical column: ``low`` and 1 for two, else normal scores of even levels."""
    if n_knots == 2:
        return np.array([low, 1.0])
    return np.asarray(ndtri((np.arange(n_knots) + 0.5) / n_knots))


def _scale(block: Block, numbers: np.ndarray, observed: np.ndarray, low: int) -> np.ndarray:
    """Fill, then scale, then zero: what stands in a missing cell never meets the arithmetic."""
    knots = np.array(block.knots)
    filled = np.where(observed, numbers, knots[0])
    index = np.arange(len(knots))
    first, last = -np.interp(-filled, -knots[::-1], -index[::-1]), np.interp(filled, knots, index)
    return np.where(observed, np.interp((first + last) / 2, index, knot_positions(len(knots), low)), 0)


def _refuse_empty(empty: np.ndarray, observed: np.ndarray, name: str) -> None:
    wrong = empty & observed
    if wrong.any():
        raise TableError(f"column {name!r}, row {int(wrong.argmax())}: marked observed but holds no finite value")
