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
category is its position among the observed categories. The coordinates of missing cells are 0 and masked.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from src.encoding.base import Density, Encoder, observed_cells, refuse_empty, refuse_infinite, seen_categories
from src.errors import ConfigError
from src.tables import Schema, Table

LEAST_CELLS = 8
"""Fewest training cells of a level that is an interval."""
LEAST_SHARE = 0.01
"""Least share of the training cells of a continuous column that makes their common value a state of its own."""
NUMBERS = ("density", "levels")
N_KNOTS = 5
MANY_CATEGORIES = 100
"""Most categories of a column that are groups of their own: with more, a layer with an output for each gets slow."""
LARGEST_OFFSET = 0.999
"""Largest offset inside a level; added to the index of any level it stays below the next one in float32."""


@dataclass(frozen=True)
class StatesRecipe:
    """Settings of :class:`StateEncoder`.

    Attributes:
        n_groups: approximate and largest number of groups of a numerical column; the square root of the number of its
            observed cells where that is smaller.
        n_levels: approximate and largest number of levels of a group.
        numbers: what is drawn of a column of many values: its ``density``, or one of its ``levels``.
    """

    n_groups: int = 64
    n_levels: int = 32
    numbers: str = "density"

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
                blocks.append(StateBlock(column.name, i, i + 1, groups, categories=seen))
            else:
                numbers = column.positions(observed.to_numpy(dtype=np.float64))
                values, counts = np.unique(numbers, return_counts=True)
                blocks.append(self._numbers(column.name, i, values, counts))
        return StateEncoder(table.schema, tuple(blocks))

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
        for start, stop in _parts(counts, n_groups):
            n_values, n_cells = stop - start, int(counts[start:stop].sum())
            if n_values <= self.n_levels and n_cells >= 2 * n_values:
                levels = [(k, k + 1) for k in range(start, stop)]
            else:
                n_levels = max(min(self.n_levels, n_cells // LEAST_CELLS), 1)
                levels = [(start + a, start + b) for a, b in _parts(counts[start:stop], n_levels)]
            knots += [_knots(values[a:b], counts[a:b]) for a, b in levels]
            cells += [int(counts[a:b].sum()) for a, b in levels]
            sizes.append(len(levels))
        return _closed(np.array(knots)), tuple(sizes), np.array(cells)


@dataclass(frozen=True)
class StateBlock:
    """The one coordinate of a column.

    Attributes:
        groups: the number of levels of each group.
        knots: of a numerical column, the knots of all its levels, concatenated; positions where it has a grid.
        categories: of a categorical column, the positions of its observed categories in the schema's list.
        cells: of a continuous column, the number of training cells of each level; else empty.
        repeated: of a continuous column, the levels that are states of their own.
    """

    name: str
    start: int
    stop: int
    groups: tuple[int, ...]
    knots: tuple[float, ...] = ()
    categories: tuple[int, ...] = ()
    cells: tuple[int, ...] = ()
    repeated: tuple[int, ...] = ()


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

    def _density(self, block: StateBlock) -> Density:
        knots = self._knots[block.name]
        return Density(block.cells, tuple((knots[:, 0] == knots[:, -1]).tolist()), block.repeated)

    def forward(self, table: Table, mask: np.ndarray) -> tuple[Tensor, Tensor]:
        """See :meth:`Encoder.forward`."""
        x = np.zeros((table.n_rows, self.width), dtype=np.float32)
        observed = mask.copy()
        for i, block in enumerate(self.blocks):
            values = table.frame[block.name]
            if block.categories:
                refuse_empty(values.isna().to_numpy(), observed[:, i], block.name)
                codes = self._codes(block, values)
                observed[:, i] &= codes >= 0
                x[:, i] = np.where(observed[:, i], codes, 0)
            else:
                numbers = values.to_numpy(dtype=np.float64)
                refuse_empty(~np.isfinite(numbers), observed[:, i], block.name)
                rows = observed[:, i]
                positions = self.schema[block.name].positions(numbers[rows])
                x[rows, i] = _coordinate(self._knots[block.name], positions)
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
                numbers = _number(self._knots[block.name][level], coordinates[:, i] - level)
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


def _parts(counts: np.ndarray, n_parts: int) -> list[tuple[int, int]]:
    """Cut increasing values into ranges of about equally many cells; a value with more cells than that stays alone.

    Arguments:
        counts: (n,) number of cells of each value.
        n_parts: about how many ranges.

    Returns:
        Start and stop of each range.
    """
    share = counts.sum() / n_parts
    middle = (np.cumsum(counts) - counts / 2) / share  # in which of n_parts equal shares the value has its middle cell
    is_alone = counts > share
    begins = np.diff(middle.astype(np.int64), prepend=-1) != 0
    begins |= is_alone | np.concatenate([[False], is_alone[:-1]])
    starts = np.flatnonzero(begins)
    return list(zip(starts.tolist(), [*starts[1:].tolist(), len(counts)], strict=True))


def _knots(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Compute evenly spaced quantiles (N_KNOTS,) of increasing values, weighted by their counts."""
    if len(values) == 1:
        return np.full(N_KNOTS, values[0])
    probabilities = (np.cumsum(counts) - counts / 2 - counts[0] / 2) / (counts.sum() - counts[0] / 2 - counts[-1] / 2)
    scale = max(np.abs(values).max(), 1.0)  # else the difference of two very large values would overflow
    knots = np.interp(np.linspace(0, 1, N_KNOTS), probabilities, values / scale) * scale
    return np.asarray(knots.clip(values[0], values[-1]))  # dividing and multiplying may round beyond either end


def _closed(knots: np.ndarray) -> np.ndarray:
    """Move the ends of neighbouring intervals to the middle of the gap between them; knots are (L, N_KNOTS)."""
    is_interval = knots[:, 0] < knots[:, -1]
    meet = np.flatnonzero(is_interval[:-1] & is_interval[1:])
    middle = knots[meet, -1] / 2 + knots[meet + 1, 0] / 2  # the sum of two very large knots would overflow
    knots[meet, -1] = knots[meet + 1, 0] = middle
    return knots


def _coordinate(knots: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Encode numbers (n,) as the index of their level plus their offset inside the level, in [0, 1).

    A number in the gap between two levels belongs to the end of the nearer one.

    Arithmetic is done on halves of the numbers: the difference of the smallest and the largest float64 is infinite, the
    difference of their halves is not. A ratio of two halved differences is the ratio of the differences.
    """
    last = len(knots) - 1
    level = (np.searchsorted(knots[:, 0], numbers, side="right") - 1).clip(0, last)
    above = (level + 1).clip(max=last)
    is_nearer_above = numbers / 2 - knots[level, -1] / 2 > knots[above, 0] / 2 - numbers / 2
    level = np.where((numbers > knots[level, -1]) & is_nearer_above, above, level)

    level_knots = knots[level]
    clipped = numbers.clip(level_knots[:, 0], level_knots[:, -1])
    segment = ((clipped[:, None] >= level_knots).sum(axis=1) - 1).clip(0, N_KNOTS - 2)  # between knots k and k + 1
    rows = np.arange(len(numbers))
    low, high = level_knots[rows, segment], level_knots[rows, segment + 1]
    width = high / 2 - low / 2
    has_width = width > 0  # half of the smallest float64 is 0
    share = np.where(
        has_width, (clipped / 2 - low / 2) / np.where(has_width, width, 1), 0.5
    )  # of one value: the middle
    return np.asarray(level + ((segment + share) / (N_KNOTS - 1)).clip(0, LARGEST_OFFSET))


def _number(knots: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Decode offsets (n,) in [0, 1] inside levels of the knots (n, N_KNOTS); inverse of :func:`_coordinate`."""
    position = offset.clip(0, 1) * (N_KNOTS - 1)
    segment = np.floor(position).astype(np.int64).clip(0, N_KNOTS - 2)
    rows = np.arange(len(offset))
    share = position - segment
    low, high = knots[rows, segment], knots[rows, segment + 1]
    return np.asarray((low * (1 - share) + high * share).clip(low, high))
