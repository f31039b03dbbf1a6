"""The result of an imputer: draws of the values in the holes of a table, or their distributions.

Only holes are stored, so that observed cells cannot change and a hundred draws of a large table fit into memory.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from src.errors import ConfigError
from src.tables.distributions import CategoryDistribution, Distribution, NumberDistribution
from src.tables.table import Table

ESTIMATES = ("mean", "median")


@dataclass(frozen=True)
class Imputations:
    """Draws of the values in the holes of a table, and the distribution of each where the imputer knows it.

    Best values, intervals and probabilities are those of the distributions, else of the draws.

    Attributes:
        table: (N, d) table with holes.
        draws: by column with holes, (m, n_holes) draws in the order of the rows: float64 numbers in a numerical column,
            int64 positions in the schema's categories in a categorical one. With distributions m may be 0.
        distributions: by column with holes, those of its holes in the order of the rows; empty = there are draws only.

    Raises:
        ValueError: a column has more or fewer holes than values, or columns have different numbers of draws.
    """

    table: Table
    draws: Mapping[str, np.ndarray]
    distributions: Mapping[str, Distribution] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for i, name in enumerate(self.table.schema.names):
            n_holes = int(self.table.unknown[:, i].sum())
            n_filled = self.draws[name].shape[1] if name in self.draws else 0
            if n_filled != n_holes:
                raise ValueError(f"column {name!r} has {n_holes} holes, {n_filled} were filled")
        if len({draws.shape[0] for draws in self.draws.values()}) > 1:
            raise ValueError("columns have unequal numbers of draws")

    @property
    def n_draws(self) -> int:
        """Number of draws, m; 1 for a table without holes."""
        return next((draws.shape[0] for draws in self.draws.values()), 1)

    def holes(self, name: str) -> np.ndarray:
        """Return the increasing positions of the rows in which a column has a hole, (n_holes,) int."""
        return np.flatnonzero(self.table.unknown[:, self.table.schema.names.index(name)])

    def completed(self, which: int | str) -> Table:
        """Return the table with its holes filled; ``which`` as in :meth:`cells`."""
        frame = self.table.frame.copy()
        for name in self.draws:
            cells = frame[name].to_numpy(copy=True)
            cells[self.holes(name)] = self.cells(name, which)
            frame[name] = cells
        return Table(frame, self.table.schema)

    def cells(self, name: str, which: int | str) -> np.ndarray:
        """Return canonical cells for the holes of a column, (n_holes,): numbers or categories.

        Numbers of an integer column are rounded.

        Arguments:
            name: name of the column.
            which: number of a draw, from 0; or an estimate, see :meth:`numbers` and :meth:`codes`.
        """
        column = self.table.schema[name]
        if column.kind == "numerical":
            numbers = self.numbers(name, which) if isinstance(which, str) else self.draws[name][which]
            return numbers.round() if column.integer else numbers
        categories = np.empty(len(column.categories), dtype=object)
        categories[:] = column.categories
        return np.asarray(categories[self.codes(name) if isinstance(which, str) else self.draws[name][which]])

    def numbers(self, name: str, estimate: str) -> np.ndarray:
        """Estimate the holes of a numerical column by their ``mean`` or ``median``, (n_holes,), not rounded.

        The mean has the smallest expected squared error, the median the smallest absolute one (Gneiting
        2011, https://arxiv.org/abs/0912.0902).

        Raises:
            ConfigError: the estimate is neither.
        """
        if estimate not in ESTIMATES:
            raise ConfigError(f"estimate is one of {', '.join(ESTIMATES)}, got {estimate!r}")
        known = self.distributions.get(name)
        if isinstance(known, NumberDistribution):
            return known.mean if estimate == "mean" else known.quantile(0.5)
        return np.asarray(getattr(np, estimate)(self.draws[name], axis=0))

    def codes(self, name: str) -> np.ndarray:
        """Return the position of the most probable category of every hole, (n_holes,) int; of several the first."""
        known = self.distributions.get(name)
        if isinstance(known, CategoryDistribution):
            return known.codes[:, 0]
        return np.asarray(self.probabilities(name).argmax(axis=1))

    def interval(self, name: str, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Compute prediction intervals for the holes of a numerical column: lower and upper bounds, (n_holes,) each.

        Quantiles of the distributions, where these are known. Else, the m draws of a perfect imputer and the truth are
        exchangeable, so that the truth lies with equal probability in each of the m + 1 gaps between the sorted draws.
        Bounds are quantiles of Weibull's plotting positions k / (m + 1), interpolated between draws and limited to the
        outermost draws. Fewer than (1 + level) / (1 - level) draws therefore cover less than ``level``.

        Arguments:
            name: name of the column.
            level: probability of the interval, in (0, 1).
        """
        tails = [(1 - level) / 2, (1 + level) / 2]
        known = self.distributions.get(name)
        if isinstance(known, NumberDistribution):
            return known.quantile(tails[0]), known.quantile(tails[1])
        lower, upper = np.quantile(self.draws[name], tails, axis=0, method="weibull")
        return lower, upper

    def probabilities(self, name: str) -> np.ndarray:
        """Return the probabilities of the K categories of every hole, (n_holes, K): their shares among the draws, or
        those of the distributions.
        """
        draws, known = self.draws[name], self.distributions.get(name)
        n_categories = len(self.table.schema[name].categories)
        if isinstance(known, CategoryDistribution):
            return known.of_all(n_categories)
        offsets = np.arange(draws.shape[1]) * n_categories
        counts = np.bincount((draws + offsets).ravel(), minlength=draws.shape[1] * n_categories)
        return np.asarray(counts.reshape(-1, n_categories) / draws.shape[0])

    def ranks(self, name: str, values: np.ndarray) -> np.ndarray:
        """Return the probabilities of less than each value of a numerical column, and of at most it, (2, n_holes).

        Among m draws the truth is one of m + 1 values that are alike.
        """
        draws, known = self.draws[name], self.distributions.get(name)
        if isinstance(known, NumberDistribution):
            return known.ranks(values)
        return np.stack([(draws < values).sum(axis=0), (draws <= values).sum(axis=0) + 1]) / (len(draws) + 1)

    def crps(self, name: str, values: np.ndarray) -> np.ndarray:
        r"""Continuous ranked probability score (n_holes,) of values of a numerical column; of draws the fair one,

        :math:`\frac{1}{m} \sum_k |x_k - t| - \frac{1}{2 m (m-1)} \sum_{k,l} |x_k - x_l|` (Gneiting and Raftery 2007;
        Ferro 2014); the absolute error if m = 1.
        """
        draws, known = self.draws[name], self.distributions.get(name)
        if isinstance(known, NumberDistribution):
            return known.crps(values)
        m = len(draws)
        distance = np.abs(draws - values).mean(axis=0)
        if m == 1:
            return np.asarray(distance)
        weight = 2 * np.arange(1, m + 1) - m - 1
        return np.asarray(distance - weight @ np.sort(draws, axis=0) / (m * (m - 1)))

    @property
    def has_distributions(self) -> bool:
        """Whether it says how probable values are: by distributions, or by several draws."""
        return bool(self.distributions) or self.n_draws > 1


def draws_for(level: float) -> int:
    """Return the smallest number of draws whose range covers ``level``, (1 + level) / (1 - level)."""
    return math.ceil(round((1 + level) / (1 - level), 6))


def codes_of(table: Table, name: str) -> np.ndarray:
    """Return the positions of a categorical column's cells in the schema's categories, (N,) int64, -1 in a hole."""
    categories = list(table.schema[name].categories)
    return np.asarray(pd.Index(categories, dtype=object).get_indexer(table.frame[name]), dtype=np.int64)
