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
        mean, median: (n,) best values.
        crps: (n,) continuous ranked probability scores; absolute errors of an imputer that has one answer.
        ranks: (2, n) probabilities of less than the truth, and of at most it.
        interval: (2, n) bounds of the interval of each cell.
        deviation: standard deviation of the column in the training table.
        span: its largest less its smallest value there.
    """

    name: str
    truth: np.ndarray
    mean: np.ndarray
    median: np.ndarray
    crps: np.ndarray
    ranks: np.ndarray
    interval: np.ndarray
    deviation: float
    span: float

    def errors_of_mean(self) -> np.ndarray:
        """(n,) error of the mean, in the column's unit."""
        return np.asarray(self.mean - self.truth)

    def errors_of_median(self) -> np.ndarray:
        """(n,) error of the median, in the column's unit."""
        return np.asarray(self.median - self.truth)


@dataclass(frozen=True)
class HeldBack:
    """What the imputer made of the cells that were held back.

    Attributes:
        numbers: cells of the numerical columns that have any.
        shares_wrong: categorical column -> share of its cells whose most probable category is wrong.
        has_distributions: whether the imputer says how probable values are; otherwise it has one answer.
        level: of the intervals, in (0, 1).
    """

    numbers: list[NumericalCells]
    shares_wrong: dict[str, float]
    has_distributions: bool
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
        if not self.has_distributions:
            raise NotApplicableError("the imputer has one answer for each hole, no distribution")
        return cells
