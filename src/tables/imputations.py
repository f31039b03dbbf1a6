"""The result of an imputer: values for the holes of a table, one set for each draw.

Only holes are stored, so that an observed cell cannot change and a hundred draws of a large table fit
into memory.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from src.errors import ConfigError
from src.tables.table import Table

ESTIMATES = ("mean", "median")


@dataclass(frozen=True)
class Imputations:
    """Draws for the holes of a table.

    Attributes:
        table: (N, d) table with holes.
        draws: by column with holes, (m, n_holes), in the order of the rows: float64 numbers of a numerical
            column, of a categorical one int64 positions in the schema's categories.
    """

    table: Table
    draws: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        for i, name in enumerate(self.table.schema.names):
            n_holes = int((~self.table.observed[:, i]).sum())
            found = self.draws[name].shape[1] if name in self.draws else 0
            if found != n_holes:
                raise ValueError(f"column {name!r} has {n_holes} holes, {found} were filled")
        if len({draws.shape[0] for draws in self.draws.values()}) > 1:
            raise ValueError("columns have unequal numbers of draws")

    @property
    def n_draws(self) -> int:
        """How many completions of the table there are, m; 1 of a table without holes."""
        return next((draws.shape[0] for draws in self.draws.values()), 1)

    def holes(self, name: str) -> np.ndarray:
        """Positions of the rows in which the column has a hole, increasing."""
        return np.flatnonzero(~self.table.observed[:, self.table.schema.names.index(name)])

    def completed(self, which: int | str) -> Table:
        """The table without holes; ``which`` as in :meth:`cells`."""
        frame = self.table.frame.copy()
        for name in self.draws:
            cells = frame[name].to_numpy(copy=True)
            cells[self.holes(name)] = self.cells(name, which)
            frame[name] = cells
        return Table(frame, self.table.schema)

    def cells(self, name: str, which: int | str) -> np.ndarray:
        """(n_holes,) canonical cells of a column: numbers, of an integer column whole, or categories.

        Arguments:
            name: of the column.
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
        """(n_holes,) ``mean`` or ``median`` of the draws of a numerical column, not rounded.

        The mean has the smallest expected squared error, the median the smallest absolute one (Gneiting
        2011, https://arxiv.org/abs/0912.0902).

        Raises:
            ConfigError: there is no such estimate.
        """
        if estimate not in ESTIMATES:
            raise ConfigError(f"estimate is one of {', '.join(ESTIMATES)}, got {estimate!r}")
        return np.asarray(getattr(np, estimate)(self.draws[name], axis=0))

    def codes(self, name: str) -> np.ndarray:
        """(n_holes,) the most frequent category of a categorical column; of several the first."""
        return np.asarray(self.probabilities(name).argmax(axis=1))

    def interval(self, name: str, level: float) -> tuple[np.ndarray, np.ndarray]:
        """(n_holes,) lower and upper bounds of a numerical column, quantiles of the draws.

        The m draws of a perfect imputer and the truth are exchangeable, so that each of the m + 1 gaps
        between the sorted draws holds the truth with the same probability. Bounds are interpolated between
        draws (quantiles of Weibull's plotting positions k / (m + 1)) and end at the outermost draws, so that with
        fewer than (1 + level) / (1 - level) draws less than ``level`` is covered.

        Arguments:
            name: of the column.
            level: probability to be covered, in (0, 1).
        """
        tails = [(1 - level) / 2, (1 + level) / 2]
        lower, upper = np.quantile(self.draws[name], tails, axis=0, method="weibull")
        return lower, upper

    def probabilities(self, name: str) -> np.ndarray:
        """(n_holes, K) shares of the draws that are each of the K categories of a categorical column."""
        draws = self.draws[name]
        n_categories = len(self.table.schema[name].categories)
        cell = np.arange(draws.shape[1]) * n_categories
        counts = np.bincount((draws + cell).ravel(), minlength=draws.shape[1] * n_categories)
        return np.asarray(counts.reshape(-1, n_categories) / draws.shape[0])


def draws_for(level: float) -> int:
    """The fewest draws whose outermost ones cover ``level``, (1 + level) / (1 - level)."""
    return math.ceil(round((1 + level) / (1 - level), 6))


def codes_of(table: Table, name: str) -> np.ndarray:
    """(N,) int64 positions of the cells of a categorical column in the schema's categories, -1 in a hole."""
    categories = list(table.schema[name].categories)
    return np.asarray(pd.Index(categories, dtype=object).get_indexer(table.frame[name]), dtype=np.int64)
