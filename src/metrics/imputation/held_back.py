"""Cells whose truth was held back from an imputer, and its answers."""

from dataclasses import dataclass

import numpy as np

from src.errors import NotApplicableError


@dataclass(frozen=True)
class NumericalCells:
    """Held-back cells of one numerical column.

    Attributes:
        name: of the column.
        truth: (n,) values.
        draws: (m, n) imputations.
        interval: (2, n) bounds of the interval of each cell.
        deviation: standard deviation of the column in the training table.
        span: its largest less its smallest value there.
    """

    name: str
    truth: np.ndarray
    draws: np.ndarray
    interval: np.ndarray
    deviation: float
    span: float

    def errors_of_mean(self) -> np.ndarray:
        """(n,) error of the mean of the draws, in the column's unit."""
        return np.asarray(np.mean(self.draws, axis=0) - self.truth)

    def errors_of_median(self) -> np.ndarray:
        """(n,) error of the median of the draws, in the column's unit."""
        return np.asarray(np.median(self.draws, axis=0) - self.truth)


@dataclass(frozen=True)
class HeldBack:
    """What the imputer made of the cells that were held back.

    Attributes:
        numbers: cells of the numerical columns that have any.
        shares_wrong: categorical column -> share of its cells whose most frequent draw is wrong.
        n_draws: draws of each cell; 1 = the imputer has one answer, no distribution.
        level: of the intervals, in (0, 1).
    """

    numbers: list[NumericalCells]
    shares_wrong: dict[str, float]
    n_draws: int
    level: float

    def numerical(self) -> list[NumericalCells]:
        """Cells of the numerical columns.

        Raises:
            NotApplicableError: none was held back.
        """
        if not self.numbers:
            raise NotApplicableError("no numerical cell was held back")
        return self.numbers

    def varying(self) -> list[NumericalCells]:
        """Cells of the numerical columns that vary in the training table.

        Raises:
            NotApplicableError: there is none.
        """
        varying = [cells for cells in self.numerical() if cells.deviation > 0]
        if not varying:
            raise NotApplicableError("every numerical column is constant")
        return varying

    def distributions(self) -> list[NumericalCells]:
        """Cells of the numerical columns, of an imputer that draws.

        Raises:
            NotApplicableError: no cell was held back, or each has one answer.
        """
        cells = self.numerical()
        if self.n_draws == 1:
            raise NotApplicableError("the imputer has one answer for each hole, no distribution")
        return cells
