"""How values go missing: the contract of a mechanism and helpers shared by all.

A mask is (N, d) bool with True = **observed** (paper, section 2.1). A mechanism decides from the
complete cells; where the file itself has no value the caller ANDs the native mask.
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
            MechanismError: the asked ratio cannot be reached on this table.
        """


@dataclass(frozen=True)
class RatioMechanism(Mechanism):
    """A mechanism that takes away a given share of the cells.

    Attributes:
        ratio: share missing, in [0, 1), of the cells of the columns the mechanism may touch.
        include_target: whether the target column loses cells too, as in the paper.
    """

    ratio: float
    include_target: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.ratio < 1:
            raise ConfigError(f"ratio is the share missing, at least 0 and below 1, got {self.ratio}")

    def maskable(self, table: Table) -> np.ndarray:
        """Positions of the columns that may lose cells.

        Raises:
            MechanismError: there is none.
        """
        names = table.schema.names
        target = table.schema.target
        columns = [i for i, name in enumerate(names) if self.include_target or name != target]
        if not columns:
            raise MechanismError("the only column is the target; set missing.include_target=true")
        return np.array(columns)


def floor_share(n: int, ratio: float) -> int:
    """floor(n * ratio) in exact arithmetic on the ratio as it is written (0.29 * 100 is 29)."""
    return int(n * Decimal(str(ratio)))


def realised_ratio(mask: np.ndarray, names: list[str]) -> dict[str, Any]:
    """Share missing that a mask came to: ``{"overall": float, "per_column": {name: float}}``."""
    missing = ~mask
    per_column = {name: float(share) for name, share in zip(names, missing.mean(axis=0), strict=True)}
    return {"overall": float(missing.mean()), "per_column": per_column}
