r"""The metrics of imputations: how close filled cells come to the values that were held back.

With t the truth of a cell, :math:`x_1..x_m` its draws and s the standard deviation of its column in the complete
training table, each class below says how it compares them. A new metric is one subclass of
:class:`ImputationMetric` and one entry in :data:`IMPUTATION_METRICS`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from src.errors import NotApplicableError
from src.metrics.base.metric import UNIT, Best, Bounds, Metric
from src.metrics.imputation.held_back import HeldBack, NumericalCells

PLACES = {"": ("", "held-back cells of test rows"), "in_sample_": (" (train)", "held-back cells of training rows")}
"""Prefix of a metric's name -> mark of its heading, and which cells it is about."""
ERROR: Bounds = (0.0, None)
SPREAD_BLIND = "categories; whether draws vary as the truth does"
WIDTH_BLIND = "how wide the intervals are"


@dataclass(frozen=True)
class Result:
    """Value of a metric, and the part of every column."""

    value: float
    per_column: dict[str, float]


class ImputationMetric(ABC):
    """One metric of imputations.

    Attributes:
        key: its name is ``imputation/<key>``, of training rows ``imputation/in_sample_<key>``.
        heading, best, bounds, meaning, blind: as of :class:`src.metrics.base.metric.Metric`.
    """

    key: str
    heading: str
    best: Best = Best.LOW
    bounds: Bounds = ERROR
    meaning: str
    blind: str = SPREAD_BLIND

    def described(self, prefix: str = "") -> Metric:
        """Name and texts of the metric; ``prefix`` is a key of :data:`PLACES`."""
        mark, cells = PLACES[prefix]
        meaning = f"{self.meaning}; {cells}."
        name = f"imputation/{prefix}{self.key}"
        return Metric(name, f"{self.heading}{mark}", self.best, self.bounds, meaning, self.blind)

    @abstractmethod
    def compute(self, held_back: HeldBack) -> Result:
        """The metric of these cells.

        Raises:
            NotApplicableError: they have none.
        """


class RangeRMSE(ImputationMetric):
    """RMSE of each column on the scale (x - (min - 1)) / (max - min + 1), min and max of the training table.

    The measure of TabCSDI, which the paper's Table 7 has.
    """

    key, heading = "rmse", "RMSE"
    meaning = (
        "The measure of the paper's Table 7: root mean squared error of each numerical column on the scale of its "
        "range, of the mean of the draws; mean over the columns"
    )
    blind = "categories; a single outlier of a column with a long tail decides much of it"

    def compute(self, held_back: HeldBack) -> Result:
        per_column = {
            cells.name: float(np.sqrt(np.square(cells.errors_of_mean()).mean())) / (cells.span + 1)
            for cells in held_back.numerical()
        }
        return Result(float(np.mean(list(per_column.values()))), per_column)


class StandardisedRMSE(ImputationMetric):
    """RMSE of the mean of the draws over s, over all numerical cells together."""

    key, heading = "rmse_standardised", "RMSE std"
    meaning = "Root mean squared error of the mean of the draws over all numerical cells, in standard deviations"

    def compute(self, held_back: HeldBack) -> Result:
        squares = {cells.name: (cells.errors_of_mean() / cells.deviation) ** 2 for cells in held_back.varying()}
        pooled = float(np.sqrt(np.concatenate(list(squares.values())).mean()))
        return Result(pooled, {name: float(np.sqrt(values.mean())) for name, values in squares.items()})


class MeanAbsoluteError(ImputationMetric):
    """Mean absolute error of the mean of the draws over s."""

    key, heading = "mae", "MAE"
    meaning = "Mean absolute error of the mean of the draws over all numerical cells, in standard deviations"

    def compute(self, held_back: HeldBack) -> Result:
        return _pooled(held_back.varying(), lambda cells: np.abs(cells.errors_of_mean()) / cells.deviation)


class MedianAbsoluteError(ImputationMetric):
    """Mean absolute error of the median of the draws over s: of all points the median has the least."""

    key, heading = "mae_median", "MAE median"
    meaning = "As MAE, of the median of the draws, which the absolute error asks for"

    def compute(self, held_back: HeldBack) -> Result:
        return _pooled(held_back.varying(), lambda cells: np.abs(cells.errors_of_median()) / cells.deviation)


class CRPS(ImputationMetric):
    r"""Continuous ranked probability score over s, in its fair version.

    :math:`\frac{1}{m} \sum_k |x_k - t| - \frac{1}{2 m (m-1)} \sum_{k,l} |x_k - x_l|` (Gneiting and Raftery 2007;
    Ferro 2014); the absolute error where there is one answer only.
    """

    key, heading = "crps", "CRPS"
    bounds = (None, None)
    meaning = (
        "Continuous ranked probability score of the draws in standard deviations of the column: the absolute error "
        "less half the mean distance of two draws; the absolute error of an imputer with one answer"
    )
    blind = "categories; dependence between the cells of a row"

    def compute(self, held_back: HeldBack) -> Result:
        return _pooled(held_back.varying(), lambda cells: crps(cells.draws, cells.truth) / cells.deviation)


class IntervalCoverage(ImputationMetric):
    """Share of numerical cells inside their interval, bounds included.

    Where many cells have one value an interval that includes it covers more than its level, however good the draws
    are.
    """

    key, heading = "coverage", "coverage"
    best, bounds = Best.LEVEL, UNIT
    meaning = (
        "Share of numerical cells inside their interval, bounds included; right is the level, 0.9 unless set, "
        "and more where many cells have one and the same value"
    )
    blind = WIDTH_BLIND

    def compute(self, held_back: HeldBack) -> Result:
        def inside(cells: NumericalCells) -> np.ndarray:
            low, high = cells.interval
            return np.asarray((low <= cells.truth) & (cells.truth <= high), dtype=float)

        return _pooled(held_back.distributions(), inside)


class RandomisedCoverage(ImputationMetric):
    """Coverage that counts a cell by the part of its rank among the draws, ties spread evenly, between the tails.

    Perfect draws cover exactly the level (Czado, Gneiting and Held 2009).
    """

    key, heading = "coverage_randomised", "coverage*"
    best, bounds = Best.LEVEL, UNIT
    meaning = (
        "As coverage, a truth that equals draws counted by the part of its rank that lies inside: right is exactly the "
        "level, 0.9 unless set otherwise"
    )
    blind = WIDTH_BLIND

    def compute(self, held_back: HeldBack) -> Result:
        def inside(cells: NumericalCells) -> np.ndarray:
            return randomised_coverage(cells.draws, cells.truth, held_back.level)

        return _pooled(held_back.distributions(), inside)


class CategoricalError(ImputationMetric):
    """Share of cells of a categorical column whose most frequent draw is wrong; mean of the columns."""

    key, heading = "categorical_error", "error"
    bounds = UNIT
    meaning = "Share of cells of a categorical column whose most frequent draw is wrong; mean over the columns"
    blind = "rare categories; whether draws vary as the truth does"

    def compute(self, held_back: HeldBack) -> Result:
        shares = held_back.shares_wrong
        if not shares:
            raise NotApplicableError("no categorical cell was held back")
        return Result(float(np.mean(list(shares.values()))), shares)


IMPUTATION_METRICS: tuple[ImputationMetric, ...] = (
    RangeRMSE(),
    StandardisedRMSE(),
    MeanAbsoluteError(),
    MedianAbsoluteError(),
    CRPS(),
    IntervalCoverage(),
    RandomisedCoverage(),
    CategoricalError(),
)


def crps(draws: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(n,) fair continuous ranked probability score of draws (m, n); the absolute error if m = 1."""
    m = len(draws)
    distance = np.abs(draws - truth).mean(axis=0)
    if m == 1:
        return np.asarray(distance)
    weight = 2 * np.arange(1, m + 1) - m - 1
    return np.asarray(distance - weight @ np.sort(draws, axis=0) / (m * (m - 1)))


def randomised_coverage(draws: np.ndarray, truth: np.ndarray, level: float) -> np.ndarray:
    """(n,) share of the rank of the truth among draws (m, n), ties spread evenly, between the two tails."""
    m = len(draws)
    first = (draws < truth).sum(axis=0) / (m + 1)
    last = ((draws <= truth).sum(axis=0) + 1) / (m + 1)
    inside = np.minimum(last, (1 + level) / 2) - np.maximum(first, (1 - level) / 2)
    return np.asarray(inside.clip(min=0) / (last - first))


def _pooled(columns: list[NumericalCells], of_cells: Callable[[NumericalCells], np.ndarray]) -> Result:
    """Mean over all cells of the columns together, and over the cells of each column."""
    values = {cells.name: of_cells(cells) for cells in columns}
    pooled = float(np.concatenate(list(values.values())).mean())
    return Result(pooled, {name: float(column.mean()) for name, column in values.items()})
