r"""Numbers and categories of a table with holes to states, and back: one coordinate a column.

Categorical column: its states are the categories seen in an observed training cell.

Numerical column: its states are *levels*, intervals of values in increasing order, gathered in *groups*. A model
draws the group first and then the level inside it, so that a thousand levels need no thousand outputs. Groups
hold about the same number of training cells; a value that more cells share than a group holds (zero capital gain)
is a group of its own, and so is every value where there are few. Inside a group, values that come again and again
are levels; else levels are intervals of at least :data:`LEAST_CELLS` training cells. A state stands for

* one value, or
* an interval, inside which values are spread as its training cells are: linear between :data:`N_KNOTS` quantiles.

The coordinate of a number is the position of its level plus its place inside, in [0, 1); that of a category its
position among those seen. Coordinates of missing cells are 0 and masked.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from src.encoding.base import Encoder, observed_cells, refuse_empty, refuse_infinite, seen_categories
from src.errors import ConfigError
from src.tables import Schema, Table

LEAST_CELLS = 8
"""Training cells of an interval."""
N_KNOTS = 5
LAST_PLACE = 0.999
"""Largest place inside a level, below 1 in float32 after the position of any level."""


@dataclass(frozen=True)
class StatesRecipe:
    """How columns become states.

    Attributes:
        n_groups: groups of a numerical column, about and at most; the square root of its observed cells where that is
            less.
        n_levels: levels of a group, about and at most.
    """

    n_groups: int = 64
    n_levels: int = 32

    def __post_init__(self) -> None:
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
                blocks.append(StateBlock(column.name, i, i + 1, groups=(1,) * len(seen), categories=seen))
            else:
                values, counts = np.unique(observed.to_numpy(dtype=np.float64), return_counts=True)
                knots, groups = self._levels(values, counts)
                blocks.append(StateBlock(column.name, i, i + 1, groups, tuple(knots.ravel().tolist())))
        return StateEncoder(table.schema, tuple(blocks))

    def _levels(self, values: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
        """Knots (L, N_KNOTS) of the levels of increasing ``values``, and the number of levels of each group."""
        n_groups = min(self.n_groups, max(int(np.sqrt(counts.sum())), 2))
        if len(values) <= n_groups:
            return np.repeat(values[:, None], N_KNOTS, axis=1), (1,) * len(values)
        knots, sizes = [], []
        for start, stop in _parts(counts, n_groups):
            n_values, n_cells = stop - start, int(counts[start:stop].sum())
            if n_values <= self.n_levels and n_cells >= 2 * n_values:
                levels = [(k, k + 1) for k in range(start, stop)]
            else:
                n_levels = max(min(self.n_levels, n_cells // LEAST_CELLS), 1)
                levels = [(start + a, start + b) for a, b in _parts(counts[start:stop], n_levels)]
            knots += [_knots(values[a:b], counts[a:b]) for a, b in levels]
            sizes.append(len(levels))
        return _closed(np.array(knots)), tuple(sizes)


@dataclass(frozen=True)
class StateBlock:
    """The one coordinate of a column.

    ``groups`` are the numbers of levels of its groups; ``knots`` of a numerical column those of its levels one after
    another; ``categories`` of a categorical one the positions in the schema's list of the categories seen.
    """

    name: str
    start: int
    stop: int
    groups: tuple[int, ...]
    knots: tuple[float, ...] = ()
    categories: tuple[int, ...] = ()


@dataclass(frozen=True)
class StateEncoder(Encoder):
    """Encoder fitted by :meth:`StatesRecipe.fit`; plain enough to travel inside a checkpoint."""

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
                here = observed[:, i]
                x[here, i] = _position(self._knots[block.name], numbers[here])
        return torch.from_numpy(x), torch.from_numpy(observed)

    def decode(self, x: Tensor) -> dict[str, np.ndarray]:
        """See :meth:`Encoder.decode`."""
        refuse_infinite(x)
        positions = x.double().cpu().numpy()
        decoded: dict[str, np.ndarray] = {}
        for i, block in enumerate(self.blocks):
            level = np.floor(positions[:, i]).astype(np.int64).clip(0, sum(block.groups) - 1)
            if block.categories:
                decoded[block.name] = np.array(block.categories)[level]
            else:
                numbers = _value(self._knots[block.name][level], positions[:, i] - level)
                decoded[block.name] = numbers.round() if self.schema[block.name].integer else numbers
        return decoded

    def to_dict(self) -> dict[str, Any]:
        """Plain values only."""
        blocks = [{key: list(v) if isinstance(v, tuple) else v for key, v in asdict(b).items()} for b in self.blocks]
        return {"kind": self.KIND, "schema": self.schema.to_dict(), "blocks": blocks}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "StateEncoder":
        """Inverse of :meth:`to_dict`."""
        blocks = (
            StateBlock(b["name"], b["start"], b["stop"], tuple(b["groups"]), tuple(b["knots"]), tuple(b["categories"]))
            for b in values["blocks"]
        )
        return cls(Schema.from_dict(values["schema"]), tuple(blocks))


def _parts(counts: np.ndarray, n_parts: int) -> list[tuple[int, int]]:
    """Stretches of values of about the same number of cells, those with more cells than that alone."""
    share = counts.sum() / n_parts
    middle = (np.cumsum(counts) - counts / 2) / share
    alone = counts > share
    new = np.diff(middle.astype(np.int64), prepend=-1) != 0
    new |= alone | np.concatenate([[False], alone[:-1]])
    starts = np.flatnonzero(new)
    return list(zip(starts.tolist(), [*starts[1:].tolist(), len(counts)], strict=True))


def _knots(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(N_KNOTS,) even quantiles of values, each as often as its count."""
    if len(values) == 1:
        return np.full(N_KNOTS, values[0])
    place = (np.cumsum(counts) - counts / 2 - counts[0] / 2) / (counts.sum() - counts[0] / 2 - counts[-1] / 2)
    scale = max(np.abs(values).max(), 1.0)  # differences of very large ones do not overflow
    return np.asarray(np.interp(np.linspace(0, 1, N_KNOTS), place, values / scale) * scale)


def _closed(knots: np.ndarray) -> np.ndarray:
    """Levels (L, N_KNOTS) of which neighbouring intervals meet half-way."""
    is_interval = knots[:, 0] < knots[:, -1]
    meet = np.flatnonzero(is_interval[:-1] & is_interval[1:])
    middle = knots[meet, -1] / 2 + knots[meet + 1, 0] / 2
    knots[meet, -1] = knots[meet + 1, 0] = middle
    return knots


def _position(knots: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """(n,) level of each number, plus how far along the level it is, in [0, 1).

    A number between two levels belongs to the nearer one, at its end. Differences are taken of halves: the difference
    of two numbers at either end of what a float holds would be infinite.
    """
    last = len(knots) - 1
    level = (np.searchsorted(knots[:, 0], numbers, side="right") - 1).clip(0, last)
    above = (level + 1).clip(max=last)
    is_nearer_above = numbers / 2 - knots[level, -1] / 2 > knots[above, 0] / 2 - numbers / 2
    level = np.where((numbers > knots[level, -1]) & is_nearer_above, above, level)

    of_level = knots[level]
    clipped = numbers.clip(of_level[:, 0], of_level[:, -1])
    piece = ((clipped[:, None] >= of_level).sum(axis=1) - 1).clip(0, N_KNOTS - 2)  # between which knots it is
    rows = np.arange(len(numbers))
    low, high = of_level[rows, piece], of_level[rows, piece + 1]
    width = np.where(high > low, high / 2 - low / 2, 1)
    along = np.where(high > low, (clipped / 2 - low / 2) / width, 0.5)  # where the knots are one value: its middle
    return np.asarray(level + ((piece + along) / (N_KNOTS - 1)).clip(0, LAST_PLACE))


def _value(knots: np.ndarray, place: np.ndarray) -> np.ndarray:
    """(n,) values at places in [0, 1] inside levels of knots (n, N_KNOTS)."""
    along = place.clip(0, 1) * (N_KNOTS - 1)
    piece = np.floor(along).astype(np.int64).clip(0, N_KNOTS - 2)
    rows = np.arange(len(place))
    share = along - piece
    low, high = knots[rows, piece], knots[rows, piece + 1]
    return np.asarray((low * (1 - share) + high * share).clip(low, high))
