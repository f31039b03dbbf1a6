r"""The metrics of imputations: how close filled cells come to the values that were held back.

With t the truth of a cell, what the imputer says of it (best values, an interval, the rank of t: from a distribution or
from draws) and s the standard deviation of its column in the complete training table, each class below says how it
compares them. A new metric is one subclass of
:class:`ImputationMetric` and one entry in :data:`IMPUTATION_METRICS`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from src.errors import NotApplicableError
from src.metrics.base.metric import UNIT, Best, Bounds, Metric
from src.metrics.imputation.held_back import HeldBack, NumericalCells

PLACES = {"": ("", "held-back cells of test rows"), "in_sample_": (" (train)", "held-back cells of training rows")}
"""Prefix of a metric's name -> mark of its heading, and which cells it is about."""
N_BINS = 10
ERROR: Bounds = (0.0, None)
SPREAD_BLIND = "categories; whether draws vary as the truth does"
WIDTH_BLIND = "how wide the intervals are"


@dataclass(frozen=True)
class Result:
    """Value of a metric, the part of every column, and what else there is to say."""

    value: float
    per_column: dict[str, float]
    details: dict[str, Any] = field(default_factory=dict)


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
        "range, of the mean; mean over the columns"
    )
    blind = "categories; a single outlier of a column with a long tail decides much of it"

    def compute(self, held_back: HeldBack) -> Result:
        per_column = {
            cells.name: float(np.sqrt(np.square(cells.errors_of_mean()).mean())) / (cells.span + 1)
            for cells in held_back.numerical()
        }
        return Result(float(np.mean(list(per_column.values()))), per_column)


class StandardisedRMSE(ImputationMetric):
    """RMSE of the mean over s, over all numerical cells together."""

    key, heading = "rmse_standardised", "RMSE std"
    meaning = "Root mean squared error of the mean over all numerical cells, in standard deviations"

    def compute(self, held_back: HeldBack) -> Result:
        squares = {cells.name: (cells.errors_of_mean() / cells.deviation) ** 2 for cells in held_back.varying()}
        pooled = float(np.sqrt(np.concatenate(list(squares.values())).mean()))
        return Result(pooled, {name: float(np.sqrt(values.mean())) for name, values in squares.items()})


class MeanAbsoluteError(ImputationMetric):
    """Mean absolute error of the mean over s."""

    key, heading = "mae", "MAE"
    meaning = "Mean absolute error of the mean over all numerical cells, in standard deviations"

    def compute(self, held_back: HeldBack) -> Result:
        return _pooled(held_back.varying(), lambda cells: np.abs(cells.errors_of_mean()) / cells.deviation)


class MedianAbsoluteError(ImputationMetric):
    """Mean absolute error of the median over s: of all points the median has the least."""

    key, heading = "mae_median", "MAE median"
    meaning = "As MAE, of the median, which the absolute error asks for"

    def compute(self, held_back: HeldBack) -> Result:
        return _pooled(held_back.varying(), lambda cells: np.abs(cells.errors_of_median()) / cells.deviation)


class CRPS(ImputationMetric):
    """Continuous ranked probability score over s (:meth:`src.tables.imputations.Imputations.crps`)."""

    key, heading = "crps", "CRPS"
    bounds = (None, None)
    meaning = (
        "Continuous ranked probability score in standard deviations of the column: the absolute error less half the "
        "mean distance of two draws; the absolute error of an imputer with one answer"
    )
    blind = "categories; dependence between the cells of a row"

    def compute(self, held_back: HeldBack) -> Result:
        return _pooled(held_back.varying(), lambda cells: cells.crps / cells.deviation)


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
    """Coverage that counts a cell by the part of its rank, ties spread evenly, between the tails.

    Perfect draws cover exactly the level (Czado, Gneiting and Held 2009).
    """

    key, heading = "coverage_randomised", "coverage*"
    best, bounds = Best.LEVEL, UNIT
    meaning = (
        "As coverage, a truth that draws equal or that has a probability of its own counted by the part of its rank "
        "that lies inside: right is exactly the level, 0.9 unless set otherwise"
    )
    blind = WIDTH_BLIND

    def compute(self, held_back: HeldBack) -> Result:
        def inside(cells: NumericalCells) -> np.ndarray:
            return randomised_coverage(cells.ranks, held_back.level)

        return _pooled(held_back.distributions(), inside)


class RankUniformity(ImputationMetric):
    r"""Half the distance between the histogram of the ranks of the truths and the uniform one.

    The rank of a truth in its distribution (probability integral transform) is uniform if the distribution is right
    (Gneiting, Balabdaoui and Raftery 2007): a histogram like a hump says too wide, like a valley too narrow.
    """

    key, heading = "pit", "PIT"
    bounds = UNIT
    meaning = (
        "Ranks of the truths in their distributions, in ten bins: the share of cells in the wrong bin; the histogram "
        "of each column is in the details"
    )
    blind = WIDTH_BLIND

    def compute(self, held_back: HeldBack) -> Result:
        columns = held_back.distributions()
        histograms = {cells.name: rank_histogram(cells.ranks) for cells in columns}
        counts = [len(cells.truth) for cells in columns]
        distances = {name: float(np.abs(shares - 1 / N_BINS).sum() / 2) for name, shares in histograms.items()}
        of_all = np.average(list(histograms.values()), axis=0, weights=counts)
        details = {"histogram": {name: shares.round(4).tolist() for name, shares in histograms.items()}}
        return Result(float(np.abs(of_all - 1 / N_BINS).sum() / 2), distances, details)


class CategoricalError(ImputationMetric):
    """Share of cells of a categorical column whose most probable category is wrong; mean of the columns."""

    key, heading = "categorical_error", "error"
    bounds = UNIT
    meaning = "Share of cells of a categorical column whose most probable category is wrong; mean over the columns"
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
    RankUniformity(),
    CategoricalError(),
)


def randomised_coverage(ranks: np.ndarray, level: float) -> np.ndarray:
    """(n,) share of the ranks between (2, n) that lies between the two tails, ties spread evenly."""
    first, last = ranks
    inside = np.minimum(last, (1 + level) / 2) - np.maximum(first, (1 - level) / 2)
    is_inside = (first >= (1 - level) / 2) & (last <= (1 + level) / 2)
    width = np.where(last > first, last - first, 1)
    return np.asarray(np.where(last > first, inside.clip(min=0) / width, is_inside))


def rank_histogram(ranks: np.ndarray) -> np.ndarray:
    """Share of the cells of which the rank lies in each of :data:`N_BINS` equal bins of 0..1, ties spread evenly."""
    edges = np.linspace(0, 1, N_BINS + 1)
    first, last = ranks
    width = last - first
    spread = (np.minimum(last, edges[1:, None]) - np.maximum(first, edges[:-1, None])).clip(min=0)
    here = np.minimum((first * N_BINS).astype(np.int64), N_BINS - 1) == np.arange(N_BINS)[:, None]
    return np.asarray(np.where(width > 0, spread / np.where(width > 0, width, 1), here).mean(axis=1))


def _pooled(columns: list[NumericalCells], of_cells: Callable[[NumericalCells], np.ndarray]) -> Result:
    """Mean over all cells of the columns together, and over the cells of each column."""
    values = {cells.name: of_cells(cells) for cells in columns}
    pooled = float(np.concatenate(list(values.values())).mean())
    return Result(pooled, {name: float(column.mean()) for name, column in values.items()})
