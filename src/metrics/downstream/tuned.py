r"""Utility as in the paper: tuned models, trained on the synthetic table, tested on the real test table.

Every grid point of every model (:mod:`src.metrics.downstream.grids`) is fitted once to the synthetic table and
scored on the original training table (validation; :mod:`src.metrics.downstream.sets`) and on the test
table. A metric is the test value of the grid point that validation chooses:

* classification: the point best in that metric (``choose_by=own``), or best in F1 for all metrics
  (``f1``, as published); the other reading is recorded as ``<metric>_by_<rule>``.
* regression: the point of least RMSE, which is that of largest R2. ``rmse`` and ``r2`` are on the
  target's scale, ``rmse_log`` and ``r2_log`` on that of ln(clip(y, 1, 20000)), the published one.
  Models fitted to the logged target record also what the published slip chooses, which compares their
  predictions with validation targets that are not logged: ``<metric>_by_raw_target``.

``utility/mean/<metric>`` is the mean over the models, undefined where one of them has no value. Best
is 1 (RMSE: 0). What it cannot see: columns that do not help to predict the target.
"""

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from src.metrics.base.features import category_codes, scaled_features
from src.metrics.base.measure import Downstream
from src.metrics.base.scores import Scores
from src.metrics.base.settings import PaperEvaluation
from src.metrics.downstream.choice import Point, add_chosen, add_mean, names_of
from src.metrics.downstream.grids import TAKES_HOLES, Fit, fit_and_predict, fits_of, models_of
from src.metrics.downstream.prediction import (
    Standardised,
    add_classification,
    add_regression,
    no_prediction,
    rows_with_target,
)
from src.seeding import derive_int32, numpy_stream
from src.tables import Schema, Table
from src.tables.schema import Task

LOG_RANGE = (1.0, 20_000.0)


@dataclass(frozen=True)
class Arrays:
    """Features and targets of the three tables: targets are numbers, or classes as positions in the schema."""

    task: Task
    n_classes: int
    log_target: bool
    x: np.ndarray
    y: np.ndarray
    x_real: tuple[np.ndarray, np.ndarray]
    y_real: tuple[np.ndarray, np.ndarray]


def tuned_names(schema: Schema, evaluation: PaperEvaluation) -> list[str]:
    """Names of all utility metrics of a schema's task."""
    task = schema.task
    if task is None:
        return []
    models = [*models_of(task, evaluation.models), "mean"]
    return [f"utility/{model}/{name}" for model in models for name in names_of(task, evaluation)]


def n_fits(schema: Schema, evaluation: PaperEvaluation) -> int:
    """How many fits scoring one complete table takes, at most."""
    if schema.task is None:
        return 0
    return sum(len(fits_of(model)) for model in models_of(schema.task, evaluation.models))


def add_tuned_utility(
    scores: Scores,
    rows: Downstream,
    evaluation: PaperEvaluation,
    seed: int,
    n_threads: int,
    on_fit: Callable[[], object] = lambda: None,
) -> None:
    """Add the metrics :func:`tuned_names` and, in ``scores.details``, the grid points they are read from.

    Rows without a target value are left out; validation and test rows with another hole too, and
    metrics say how many. A fitted table with holes is for XGBoost alone. The result does not depend
    on ``n_threads``, the number of fits side by side.

    Arguments:
        scores: receives the metrics.
        rows: of one schema, whose task is that of the target.
        evaluation: models and rules of choice.
        seed: fixes the rows that are drawn and the models.
        n_threads: fits that run side by side, each on one thread.
        on_fit: called after every fit.
    """
    schema = rows.fitted.schema
    task, target = schema.task, schema.target
    if task is None or target is None:
        return
    names = tuned_names(schema, evaluation)
    models = models_of(task, evaluation.models)
    frames, left_out = _frames(rows, target, evaluation.max_rows, seed)
    reason = _not_scorable(schema, target, frames, models, evaluation)
    if reason is not None:
        scores.undefined(names, reason)
        return
    arrays = _arrays(frames, rows.train, task, target, evaluation.log_target)
    holed = bool(frames[0].isna().any(axis=None))
    runnable = [model for model in models if not holed or model in TAKES_HOLES]
    points = _points(runnable, arrays, seed, n_threads, on_fit)
    for model in models:
        if model in runnable:
            add_chosen(scores, model, points[model], task, evaluation)
        else:
            undefined = [f"utility/{model}/{name}" for name in names_of(task, evaluation)]
            scores.undefined(undefined, "the table has holes, which of these models only XGBoost takes")
    add_mean(scores, models, names_of(task, evaluation))
    if left_out:
        scores.reasons |= {name: scores.reasons.get(name, left_out) for name in names}


def _frames(rows: Downstream, target: str, max_rows: int, seed: int) -> tuple[list[pd.DataFrame], str]:
    """Usable rows of the fitted, validation and test table, and what was left out of the last two."""
    frames, left_out = [], []
    for name, table in (("fitted", rows.fitted), ("validation", rows.validation), ("test", rows.test)):
        known = rows_with_target(table.frame, table.schema)
        usable = known if name == "fitted" else known.dropna()
        if len(usable) < len(known):
            left_out.append(f"{len(known) - len(usable)} of {len(known)} {name} rows")
        order = numpy_stream(seed, "rows", name).permutation(len(usable))
        frames.append(usable.iloc[order[:max_rows]])
    return frames, f"{' and '.join(left_out)} have holes and are left out" if left_out else ""


def _not_scorable(
    schema: Schema, target: str, frames: list[pd.DataFrame], models: list[str], evaluation: PaperEvaluation
) -> str | None:
    if not models:
        return f"none of the models asked for ({', '.join(evaluation.models)}) does {schema.task}"
    if (reason := no_prediction(schema)) is not None:
        return reason
    if len(schema[target].real_categories) == 1:
        return "the target has one category only"
    fitted, validation, test = (len(frame) for frame in frames)
    if min(fitted, validation, test) == 0:
        return f"too few usable rows: {fitted} to fit, {validation} to validate, {test} to test"
    return None


def _arrays(frames: list[pd.DataFrame], train: Table, task: Task, target: str, log_target: bool) -> Arrays:
    schema = train.schema
    features = [name for name in schema.names if name != target]
    x, *x_real = scaled_features(frames[0], frames, train.frame, schema, features)
    if task == "regression":
        y, *y_real = [frame[target].to_numpy(dtype=float) for frame in frames]
    else:
        y, *y_real = [category_codes(frame[target], schema[target].real_categories).astype(int) for frame in frames]
    n_classes = len(schema[target].real_categories)
    return Arrays(task, n_classes, log_target, x, y, (x_real[0], x_real[1]), (y_real[0], y_real[1]))


def _points(
    models: Sequence[str], arrays: Arrays, seed: int, n_threads: int, on_fit: Callable[[], object]
) -> dict[str, list[Point]]:
    """Every grid point of every model, scored on validation and test rows."""
    fits = [fit for model in models for fit in fits_of(model)]
    # Cheap and dear fits in turn, so that the time left can be told from the fits done so far.
    order = numpy_stream(seed, "order").permutation(len(fits))
    points: dict[int, list[Point]] = {}
    with warnings.catch_warnings(), threadpool_limits(1), ThreadPoolExecutor(max(n_threads, 1)) as workers:
        # Most grids ask for fewer iterations than convergence takes: that is the protocol, not news.
        warnings.simplefilter("ignore", ConvergenceWarning)
        measured = workers.map(partial(_measure, arrays=arrays, seed=seed), [fits[i] for i in order])
        for i, result in zip(order, measured, strict=True):
            points[i] = result
            on_fit()
    return {model: [p for i, fit in enumerate(fits) if fit.model == model for p in points[i]] for model in models}


def _measure(fit: Fit, arrays: Arrays, seed: int) -> list[Point]:
    """Scores of the grid points of one fit."""
    prefix = f"utility/{fit.model}"
    model_seed = derive_int32(seed, "model", fit.model)
    if arrays.task == "regression":
        predictions = _numbers(fit, arrays, model_seed)
    else:
        predictions = _class_probabilities(fit, arrays, model_seed)
    points = []
    for params, validation, test in zip(fit.points, *predictions, strict=True):
        sides = Scores(), Scores()
        for scores, y, predicted in zip(sides, arrays.y_real, (validation, test), strict=True):
            if arrays.task == "regression":
                add_both_scales(scores, prefix, y, predicted, arrays.log_target)
            else:
                add_classification(scores, prefix, y, predicted)
        points.append(Point(params, *sides))
    return points


def _numbers(fit: Fit, arrays: Arrays, seed: int) -> list[list[np.ndarray]]:
    """``[frame][point]``: (rows,), logged if the fitted target is; a target that is not logged is standardised."""
    x_real = list(arrays.x_real)
    if arrays.log_target:
        return fit_and_predict(fit, arrays.task, arrays.x, log_of(arrays.y), x_real, seed)
    standardised = Standardised.of(arrays.y)
    predictions = fit_and_predict(fit, arrays.task, arrays.x, standardised.forward(arrays.y), x_real, seed)
    return [[standardised.backward(z) for z in side] for side in predictions]


def _class_probabilities(fit: Fit, arrays: Arrays, seed: int) -> list[list[np.ndarray]]:
    """``[frame][point]``: (rows, K); a class absent from the fitted rows gets 0, a single one 1."""
    present, y = np.unique(arrays.y, return_inverse=True)
    if len(present) == 1:
        predictions = [[np.ones((len(x), 1)) for _ in fit.points] for x in arrays.x_real]
    else:
        predictions = fit_and_predict(fit, arrays.task, arrays.x, y, list(arrays.x_real), seed)
    everything = []
    for side in predictions:
        probabilities = [np.zeros((len(p), arrays.n_classes)) for p in side]
        for all_classes, present_classes in zip(probabilities, side, strict=True):
            all_classes[:, present] = present_classes
        everything.append(probabilities)
    return everything


def log_of(y: np.ndarray) -> np.ndarray:
    """ln(clip(y, 1, 20000)), the published label of a regression."""
    return np.asarray(np.log(np.clip(y, *LOG_RANGE)))


def add_both_scales(scores: Scores, prefix: str, y: np.ndarray, predicted: np.ndarray, logged: bool) -> None:
    """Add RMSE and R2 on the scale of ``y`` and on the logged one, whichever of them was ``predicted``.

    Logged predictions are also compared with ``y`` as it is (``rmse_raw_target``): the published slip.
    """
    logs = log_of(y)
    cut_off = bool((logs == logs[0]).all() and (y != y[0]).any())
    if logged:
        limits = np.log(LOG_RANGE)
        add_regression(scores, prefix, y, np.exp(np.clip(predicted, *limits)))
        add_regression(scores, prefix, logs, predicted, "_log")
        add_regression(scores, prefix, y, predicted, "_raw_target")
    else:
        add_regression(scores, prefix, y, predicted)
        add_regression(scores, prefix, logs, log_of(predicted), "_log")
    if cut_off:
        reason = (
            f"all real targets lie outside {LOG_RANGE[0]:,.0f}..{LOG_RANGE[1]:,.0f}, where the logarithm is cut off"
        )
        scores.undefined([f"{prefix}/rmse_log", f"{prefix}/r2_log"], reason)
