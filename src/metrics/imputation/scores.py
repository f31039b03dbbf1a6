r"""How close imputations come to the cells that were held back.

With t the truth of a cell, :math:`x_1..x_m` its draws and s the standard deviation of its column in the complete
training table:

* ``rmse``: the measure of the paper's Table 7 (TabCSDI's): of each numerical column the root mean squared error of
  the draws' mean on the scale (x - (min - 1)) / (max - min + 1), min and max of the training table; the mean of
  the columns.
* ``rmse_standardised``, ``mae``: error of the draws' mean over s, over all numerical cells together;
  ``mae_median``: of their median, which the absolute error asks for.
* ``crps``: :math:`\frac{1}{m} \sum_k |x_k - t| - \frac{1}{2 m (m-1)} \sum_{k,l} |x_k - x_l|` over s (Gneiting and
  Raftery 2007; the fair version of Ferro 2014), the absolute error where there is one answer only.
* ``coverage``: share of numerical cells inside their interval, bounds included. Where many cells have one value
  an interval that includes it covers more than its level, however good the draws are. ``coverage_randomised``
  counts a cell by the part of its rank among the draws, ties spread evenly, that lies between the tails
  (Czado, Gneiting and Held 2009): perfect draws cover exactly the level.
* ``categorical_error``: of each categorical column the share of cells whose most frequent draw is wrong; the
  mean of the columns.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from src.metrics.base.scores import Scores
from src.tables import Table
from src.tables.imputations import Imputations, codes_of

ONE_ANSWER = "the imputer has one answer for each hole, no distribution"
NOTHING_HELD_BACK = "no {} cell was held back"
NUMERICAL = ("rmse", "rmse_standardised", "mae", "mae_median", "crps", "coverage", "coverage_randomised")


@dataclass(frozen=True)
class _Cells:
    """Held-back cells of one numerical column: truth (n,), draws (m, n), interval (2, n)."""

    name: str
    truth: np.ndarray
    draws: np.ndarray
    bounds: np.ndarray
    spread: float
    span: float

    def errors(self, estimate: str) -> np.ndarray:
        return np.asarray(getattr(np, estimate)(self.draws, axis=0) - self.truth)


def score_imputations(train: Table, truth: Table, found: Imputations, level: float, prefix: str) -> Scores:
    """Score imputations of a table whose cells are known.

    Arguments:
        train: complete training table, whose ranges and spreads are the scales.
        truth: (n, d) the table before cells were held back; its own holes are not scored.
        found: imputations of the same rows.
        level: of the intervals.
        prefix: of the metrics' names.
    """
    scores = Scores()
    columns = [cells for name in truth.schema.numerical if (cells := _held_back(train, truth, found, name, level))]
    _score_numbers(scores, columns, found.n_draws, level, prefix)
    errors = {name: error for name in truth.schema.categorical if (error := _wrong(truth, found, name)) is not None}
    name = f"{prefix}categorical_error"
    if errors:
        scores.add(name, float(np.mean(list(errors.values()))))
        scores.details[name] = {"per_column": errors}
    else:
        scores.undefined([name], NOTHING_HELD_BACK.format("categorical"))
    return scores


def _score_numbers(scores: Scores, columns: list[_Cells], n_draws: int, level: float, prefix: str) -> None:
    if not columns:
        scores.undefined([prefix + name for name in NUMERICAL], NOTHING_HELD_BACK.format("numerical"))
        return
    _add(scores, f"{prefix}rmse", {c.name: _rms(c.errors("mean")) / (c.span + 1) for c in columns}, pooled=None)
    spread = [c for c in columns if c.spread > 0]
    if not spread:
        scores.undefined([prefix + name for name in NUMERICAL[1:5]], "every numerical column is constant")
    else:
        squared = {c.name: (c.errors("mean") / c.spread) ** 2 for c in spread}
        root = {name: float(np.sqrt(errors.mean())) for name, errors in squared.items()}
        _add(scores, f"{prefix}rmse_standardised", root, pooled=float(np.sqrt(_mean(list(squared.values())))))
        for name, estimate in (("mae", "mean"), ("mae_median", "median")):
            _pool(scores, f"{prefix}{name}", {c.name: np.abs(c.errors(estimate)) / c.spread for c in spread})
        _pool(scores, f"{prefix}crps", {c.name: crps(c.draws, c.truth) / c.spread for c in spread})
    if n_draws == 1:
        scores.undefined([prefix + name for name in NUMERICAL[5:]], ONE_ANSWER)
        return
    inside = {c.name: ((c.bounds[0] <= c.truth) & (c.truth <= c.bounds[1])).astype(float) for c in columns}
    _pool(scores, f"{prefix}coverage", inside)
    randomised = {c.name: randomised_coverage(c.draws, c.truth, level) for c in columns}
    _pool(scores, f"{prefix}coverage_randomised", randomised)


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


def _held_back(train: Table, truth: Table, found: Imputations, name: str, level: float) -> _Cells | None:
    if name not in found.draws:
        return None
    values = truth.frame[name].to_numpy(dtype=np.float64)[found.holes(name)]
    known = ~np.isnan(values)
    if not known.any():
        return None
    column = train.frame[name].to_numpy(dtype=np.float64)
    bounds = np.stack(found.interval(name, level))[:, known]
    span = float(np.nanmax(column) - np.nanmin(column))
    return _Cells(name, values[known], found.draws[name][:, known], bounds, float(np.nanstd(column)), span)


def _wrong(truth: Table, found: Imputations, name: str) -> float | None:
    if name not in found.draws:
        return None
    values = codes_of(truth, name)[found.holes(name)]
    known = values >= 0
    return float((found.codes(name) != values)[known].mean()) if known.any() else None


def _rms(errors: np.ndarray) -> float:
    return float(np.sqrt(np.square(errors).mean()))


def _mean(parts: list[np.ndarray]) -> float:
    return float(np.concatenate(parts).mean())


def _pool(scores: Scores, name: str, cells: dict[str, np.ndarray]) -> None:
    _add(scores, name, {column: float(values.mean()) for column, values in cells.items()}, _mean(list(cells.values())))


def _add(scores: Scores, name: str, per_column: dict[str, float], pooled: float | None) -> None:
    scores.add(name, float(np.mean(list(per_column.values()))) if pooled is None else pooled)
    detail: dict[str, Any] = {"per_column": per_column}
    scores.details[name] = detail
