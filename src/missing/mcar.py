"""Missing completely at random: row, column and independent missing (paper, Appendix D.1)."""

from dataclasses import dataclass

import numpy as np

from src.missing.mechanism import Mechanism, RatioMechanism, floor_share
from src.tables import Table


@dataclass(frozen=True)
class RowMissing(RatioMechanism):
    """Every row has exactly floor(d * ratio) holes, in columns drawn uniformly."""

    def sample_mask(self, table: Table, rng: np.random.Generator) -> np.ndarray:
        columns = self.maskable(table)
        n_holes = floor_share(len(columns), self.ratio)
        rank = rng.random((table.n_rows, len(columns))).argsort(axis=1).argsort(axis=1)
        mask = np.ones((table.n_rows, table.n_columns), dtype=bool)
        mask[:, columns] = rank >= n_holes
        return mask


@dataclass(frozen=True)
class ColumnMissing(RatioMechanism):
    """Every column has exactly floor(N * ratio) holes, in rows drawn uniformly."""

    def sample_mask(self, table: Table, rng: np.random.Generator) -> np.ndarray:
        n_holes = floor_share(table.n_rows, self.ratio)
        mask = np.ones((table.n_rows, table.n_columns), dtype=bool)
        for column in self.maskable(table):
            mask[rng.permutation(table.n_rows)[:n_holes], column] = False
        return mask


@dataclass(frozen=True)
class IndependentMissing(RatioMechanism):
    """Every cell is missing with probability ``ratio``, independently."""

    def sample_mask(self, table: Table, rng: np.random.Generator) -> np.ndarray:
        columns = self.maskable(table)
        mask = np.ones((table.n_rows, table.n_columns), dtype=bool)
        mask[:, columns] = rng.random((table.n_rows, len(columns))) >= self.ratio
        return mask


@dataclass(frozen=True)
class NativeMissing(Mechanism):
    """No cell goes missing, so that the table has its native holes only."""

    def sample_mask(self, table: Table, rng: np.random.Generator) -> np.ndarray:
        return np.ones((table.n_rows, table.n_columns), dtype=bool)
