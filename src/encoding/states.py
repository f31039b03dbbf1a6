r"""Encode the numbers and categories of a table with holes as discrete states, one coordinate per column.

The states of a categorical column are the categories that its observed training cells have: each a group of its own,
or, where they are more than :data:`MANY_CATEGORIES`, all of them levels of one group.

The states of a numerical column are *levels*: intervals of values in increasing order, combined in *groups*. A model
draws the group first and then the level inside it, so that it can tell a thousand levels apart with far fewer outputs.
Groups have about equally many training cells. A value that more cells share than a group has (zero capital gain) forms
a group of its own; in a column of few values every value does. Inside a group, values that repeat often are levels;
otherwise levels are intervals of at least :data:`LEAST_CELLS` training cells. A level represents

* one value, or
* an interval, in which values are distributed as its training cells are: linear between :data:`N_KNOTS` quantiles.

A column of many values is *continuous* unless ``numbers=levels``: a model draws a position among the values of the
column, and only values that a share :data:`LEAST_SHARE` of the cells or more have in common are states of their own
("repeated" levels). Of such a column the levels only say how many training cells lie where.

The coordinate of a number is the index of its level plus its offset inside the level, in [0, 1); the coordinate of a
category is its position among the observed categories. The coordinates of missing cells are masked, and 0. Where
"missing" is a state of the column (``holes``), that of a cell which is missing in the table is -1: so it is in columns
of the training table that have holes of their own, and in structural columns, where it is not masked.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from src.encoding.base import (
    MISSING,
    Density,
    Encoder,
    Holes,
    observed_cells,
    refuse_empty,
    refuse_infinite,
    seen_categories,
)
from src.encoding.levels import N_KNOTS, closed, coordinate, even_quantiles, number, parts
from src.errors import ConfigError
from src.tables import Schema, Table

LEAST_CELLS = 8
"""Fewest training cells of a level that is an interval."""
LEAST_SHARE = 0.0025
"""Least share of the training cells of a continuous column that makes their common value a state of its own: a capital
gain of 7,688 says more than one near it."""
NUMBERS = ("density", "levels")
MANY_CATEGORIES = 100
"""Most categories of a column that are groups of their own: with more, a layer with an output for each gets slow."""


@dataclass(frozen=True)
class StatesRecipe:
    """Settings of :class:`StateEncoder`.

    Attributes:
        n_groups: approximate and largest number of groups of a numerical column; the square root of the number of its
            observed cells where that is smaller.
        n_levels: approximate and largest number of levels of a group.
        numbers: what is drawn of a column of many values: its ``density``, or one of its ``levels``.
        holes: whether the holes of the training table are learned, so that rows can be drawn together with theirs.
    """

    n_groups: int = 64
    n_levels: int = 32
    numbers: str = "density"
    holes: bool = True

    def __post_init__(self) -> None:
        if self.numbers not in NUMBERS:
            raise ConfigError(f"diffusion.encoding.numbers is one of {list(NUMBERS)}, got {self.numbers!r}")
        for key, value, least in (("n_groups", self.n_groups, 2), ("n_levels", self.n_levels, 1)):
            if not least <= value <= 256:
                raise ConfigError(f"diffusion.encoding.{key} is a whole number from {least} to 256, got {value}")

    def fit(self, table: Table, mask: np.ndarray) -> "StateEncoder":
        """See :meth:`Encoding.fit`."""
        blocks = []
        for i, column in enumerate(table.schema.columns):
            observed = observed_cells(table, mask, i)
            if column.kind == "categorical":
                seen = seen_categories(column.categories, observed)
                groups = (1,) * len(seen) if len(seen) <= MANY_CATEGORIES else (len(seen),)
                block = StateBlock(column.name, i, i + 1, groups, categories=seen)
            else:
                numbers = column.positions(observed.to_numpy(dtype=np.float64))
                values, counts = np.unique(numbers, return_counts=True)
                block = self._numbers(column.name, i, values, counts)
            holes = self._holes(table, i)
            missing = 0.0 if holes == "none" else float(1 - table.observed[:, i].mean())
            blocks.append(replace(block, holes=holes, missing=missing))
        return StateEncoder(table.schema, tuple(blocks))

    def for_imputation(self) -> Self:
        """See :meth:`Encoding.for_imputation`: holes are filled, not drawn."""
        return replace(self, holes=False)

    def _holes(self, table: Table, i: int) -> str:
        """Attribute ``holes`` of the block of column ``i``."""
        if table.schema.columns[i].structural:
            return "structural"
        return "hidden" if self.holes and not table.observed[:, i].all() else "none"

    def _numbers(self, name: str, i: int, values: np.ndarray, counts: np.ndarray) -> "StateBlock":
        """The block of numerical column ``i`` from its distinct values, increasing, and their numbers of cells."""
        knots, groups, cells = self._levels(values, counts)
        block = StateBlock(name, i, i + 1, groups, tuple(knots.ravel().tolist()))
        is_value = knots[:, 0] == knots[:, -1]
        is_repeated = is_value & (cells > max(LEAST_SHARE * counts.sum(), LEAST_CELLS))
        if self.numbers == "levels" or len(groups) == len(values) or is_repeated.all():
            return block
        return replace(block, cells=tuple(cells.tolist()), repeated=tuple(np.flatnonzero(is_repeated).tolist()))

    def _levels(self, values: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, tuple[int, ...], np.ndarray]:
        """Divide increasing ``values`` into levels.

        Returns:
            Knots of the levels (L, N_KNOTS), the number of levels of each group, and the cells of each level (L,).
        """
        n_groups = min(self.n_groups, max(int(np.sqrt(counts.sum())), 2))
        if len(values) <= n_groups:
            return np.repeat(values[:, None], N_KNOTS, axis=1), (1,) * len(values), counts
        knots, sizes, cells = [], [], []
        for start, stop in parts(counts, n_groups):
            n_values, n_cells = stop - start, int(counts[start:stop].sum())
            if n_values <= self.n_levels and n_cells >= 2 * n_values:
                levels = [(k, k + 1) for k in range(start, stop)]
            else:
                n_levels = max(min(self.n_levels, n_cells // LEAST_CELLS), 1)
                levels = [(start + a, start + b) for a, b in parts(counts[start:stop], n_levels)]
            knots += [even_quantiles(values[a:b], counts[a:b]) for a, b in levels]
            cells += [int(counts[a:b].sum()) for a, b in levels]
            sizes.append(len(levels))
        return closed(np.array(knots)), tuple(sizes), np.array(cells)


@dataclass(frozen=True)
class StateBlock:
    """The one coordinate of a column.

    Attributes:
        groups: the number of levels of each group.
        knots: of a numerical column, the knots of all its levels, concatenated; positions where it has a grid.
        categories: of a categorical column, the positions of its observed categories in the schema's list.
        cells: of a continuous column, the number of training cells of each level; else empty.
        repeated: of a continuous column, the levels that are states of their own.
        holes: whether "missing" is a state of the column: ``none``, ``hidden`` (it stands for a value that is not
            known) or ``structural`` (it is a value).
        missing: share of the training rows in which a cell is missing, where that is a state.
    """

    name: str
    start: int
    stop: int
    groups: tuple[int, ...]
    knots: tuple[float, ...] = ()
    categories: tuple[int, ...] = ()
    cells: tuple[int, ...] = ()
    repeated: tuple[int, ...] = ()
    holes: str = "none"
    missing: float = 0.0


@dataclass(frozen=True)
class StateEncoder(Encoder):
    """Encoder of discrete states, fitted by :meth:`StatesRecipe.fit`; checkpoints store it by :meth:`to_dict`."""

    KIND: ClassVar[str] = "states"
    schema: Schema
    blocks: tuple[StateBlock, ...]
    _knots: dict[str, np.ndarray] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        for block in self.blocks:
            self._knots[block.name] = np.array(block.knots).reshape(-1, N_KNOTS)

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """By column, the number of levels of each of its groups."""
        return tuple(block.groups for block in self.blocks)

    @property
    def is_ordered(self) -> tuple[bool, ...]:
        """By column, whether it is numerical."""
        return tuple(not block.categories for block in self.blocks)

    @property
    def densities(self) -> dict[int, Density]:
        """By continuous column, its training cells."""
        return {i: self._density(block) for i, block in enumerate(self.blocks) if block.cells}

    @property
    def holes(self) -> dict[int, Holes]:
        """See :attr:`Encoder.holes`."""
        return {
            i: Holes(block.holes == "structural", block.missing)
            for i, block in enumerate(self.blocks)
            if block.holes != "none"
        }

    def _density(self, block: StateBlock) -> Density:
        knots = self._knots[block.name]
        return Density(block.cells, tuple((knots[:, 0] == knots[:, -1]).tolist()), block.repeated)

    def forward(self, table: Table, mask: np.ndarray) -> tuple[Tensor, Tensor]:
        """See :meth:`Encoder.forward`."""
        x = np.zeros((table.n_rows, self.width), dtype=np.float32)
        observed = mask.copy()
        for i, block in enumerate(self.blocks):
            values = table.frame[block.name]
            is_missing = values.isna().to_numpy() & (block.holes != "none")
            x[is_missing, i] = MISSING
            if block.categories:
                refuse_empty(values.isna().to_numpy(), observed[:, i], block.name)
                codes = self._codes(block, values)
                observed[:, i] &= codes >= 0
                x[observed[:, i], i] = codes[observed[:, i]]
            else:
                numbers = values.to_numpy(dtype=np.float64)
                refuse_empty(~np.isfinite(numbers), observed[:, i], block.name)
                rows = observed[:, i]
                positions = self.schema[block.name].positions(numbers[rows])
                x[rows, i] = coordinate(self._knots[block.name], positions)
            observed[:, i] |= is_missing & (block.holes == "structural")
        return torch.from_numpy(x), torch.from_numpy(observed)

    def decode(self, x: Tensor) -> dict[str, np.ndarray]:
        """See :meth:`Encoder.decode`."""
        refuse_infinite(x)
        coordinates = x.double().cpu().numpy()
        decoded: dict[str, np.ndarray] = {}
        for i, block in enumerate(self.blocks):
            level = np.floor(coordinates[:, i]).astype(np.int64).clip(0, sum(block.groups) - 1)
            if block.categories:
                decoded[block.name] = np.array(block.categories)[level]
            else:
                numbers = number(self._knots[block.name][level], coordinates[:, i] - level)
                decoded[block.name] = self.schema[block.name].numbers(numbers)
        return decoded

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can store; see :meth:`from_dict`."""
        blocks = [{key: list(v) if isinstance(v, tuple) else v for key, v in asdict(b).items()} for b in self.blocks]
        return {"kind": self.KIND, "schema": self.schema.to_dict(), "blocks": blocks}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "StateEncoder":
        """Inverse of :meth:`to_dict`."""
        blocks: list[dict[str, Any]] = [
            {key: tuple(value) if isinstance(value, list) else value for key, value in block.items()}
            for block in values["blocks"]  # of earlier versions, without cells and repeated
        ]
        return cls(Schema.from_dict(values["schema"]), tuple(StateBlock(**block) for block in blocks))
