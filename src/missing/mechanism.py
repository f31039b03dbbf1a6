"""The interface of missing mechanisms, which decide which cells of a table go missing, and their shared functions.

A mask is (N, d) bool with True = **observed** (paper, section 2.1). A mechanism sees the table before it lost cells;
callers combine its mask with the mask of the native holes by AND.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from src.errors import ConfigError, MechanismError
from src.tables import Table


@dataclass(frozen=True)
class Mechanism(ABC):
    """A missing mechanism with its parameters."""

    @abstractmethod
    def sample_mask(self, table: Table, rng: np.random.Generator) -> np.ndarray:
        """Draw a mask for the rows of ``table``: (N, d) bool, True = observed.

        Raises:
            MechanismError: the requested ratio cannot be reached on this table.
        """


@dataclass(frozen=True)
class RatioMechanism(Mechanism):
    """A mechanism that makes a chosen ratio of the cells missing.

    Attributes:
        ratio: share of missing cells, in [0, 1), in the columns that may lose cells.
        include_target: whether the target column may lose cells too, as in the paper.
    """

    ratio: float
    include_target: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.ratio < 1:
            raise ConfigError(f"ratio is the share missing, at least 0 and below 1, got {self.ratio}")

    def maskable(self, table: Table) -> np.ndarray:
        """Return the positions of the columns that may lose cells, (n,) int, increasing.

        Raises:
            MechanismError: no column may lose cells.
        """
        names = table.schema.names
        target = table.schema.target
        columns = [i for i, name in enumerate(names) if self.include_target or name != target]
        if not columns:
            raise MechanismError("the only column is the target; set missing.include_target=true")
        return np.array(columns)


def floor_share(n: int, ratio: float) -> int:
    """Compute floor(n * ratio) with the decimal digits of the ratio: 0.29 * 100 is 29, in floats 28.999..."""
    return int(n * Decimal(str(ratio)))


def realised_ratio(mask: np.ndarray, names: list[str]) -> dict[str, Any]:
    """Measure the share of missing cells of a mask: ``{"overall": float, "per_column": {name: float}}``."""
    missing = ~mask
    per_column = {name: float(share) for name, share in zip(names, missing.mean(axis=0), strict=True)}
    return {"overall": float(missing.mean()), "per_column": per_column}
