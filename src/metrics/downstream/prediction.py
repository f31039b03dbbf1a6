r"""Utility: XGBoost trained on the synthetic table, tested on the real test table.

Classes are those that real tables have; synthetic rows with another value of the target are left out.
Binary target: accuracy, AUROC, F1 of the second class in the schema's order (``>50K`` on Census)
and the weighted F1. Multi-class: accuracy, AUROC (one against the rest, mean over the classes),
macro F1 and the weighted F1. Regression: RMSE and R2. The weighted F1 is the paper's (D.3.1),

.. math:: \sum_i \frac{1 - p_i}{K - 1}\, F1_i

with :math:`p_i` the share of class i in the real test table and K the number of classes that occur in
it or are predicted; macro F1 is over these too, as in scikit-learn. For regression the target is
standardised for the fit: XGBoost holds it in single precision and its smallest gain counts in its units.
Best is 1 (RMSE: 0). What it cannot see: columns that do not help to predict the target.
"""

import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xgboost
from sklearn.metrics import f1_score, r2_score, roc_auc_score, root_mean_squared_error

from src.metrics.base.features import category_codes, median_cell, tree_features
from src.metrics.base.scores import Scores
from src.tables import Schema, Table

METRICS = {
    "regression": ["rmse", "r2"],
    "binary": ["accuracy", "auroc", "f1", "weighted_f1"],
    "multiclass": ["accuracy", "auroc", "macro_f1", "weighted_f1"],
}
MODEL = "xgboost"
N_TREES = 100
DEPTH = 6
MAX_CLASSES = 200


def utility_names(schema: Schema, family: str = "utility") -> list[str]:
    """Names of the utility metrics of a schema's task."""
    return [] if schema.task is None else [f"{family}/{MODEL}/{name}" for name in METRICS[schema.task]]


def add_utility(
    scores: Scores, test: Table, synthetic: Table, seed: int, n_threads: int, family: str = "utility"
) -> None:
    """Add the metrics :func:`utility_names`.

    Rows without a target value are left out on either side; holes in features are NaN to the trees.
    """
    schema = test.schema
    target = schema.target
    names = utility_names(schema, family)
    if target is None:
        return
    train_frame, test_frame = (rows_with_target(table.frame, schema) for table in (synthetic, test))
    reason = no_prediction(schema)
    if reason is None and (train_frame.empty or test_frame.empty):
        reason = f"{len(train_frame)} synthetic and {len(test_frame)} test rows have a target value"
    if reason is not None:
        scores.undefined(names, reason)
        return
    features = [name for name in schema.names if name != target]
    x, x_test = (tree_features(frame, test_frame, schema, features) for frame in (train_frame, test_frame))
    if schema.task == "regression":
        y, y_test = (frame[target].to_numpy(dtype=float) for frame in (train_frame, test_frame))
        standardised = Standardised.of(y)
        predicted = _regressor(seed, n_threads).fit(x, standardised.forward(y)).predict(x_test)
        add_regression(scores, f"{family}/{MODEL}", y_test, standardised.backward(predicted))
        return
    categories = schema[target].real_categories
    y, y_test = (category_codes(frame[target], categories).astype(int) for frame in (train_frame, test_frame))
    probability = class_probabilities(x, y, x_test, len(categories), seed, n_threads)
    add_classification(scores, f"{family}/{MODEL}", y_test, probability)


def no_prediction(schema: Schema) -> str | None:
    """Why the target cannot be predicted, whatever the rows; None if it can."""
    if len(schema.columns) < 2:
        return "the target is the only column"
    n_classes = len(schema[schema.target or ""].real_categories)
    return f"the target has {n_classes:,} classes, more than {MAX_CLASSES}" if n_classes > MAX_CLASSES else None


def rows_with_target(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """The rows of a frame whose target is there, and one of its classes."""
    column = schema[schema.target or ""]
    values = frame[column.name]
    return frame[values.notna() if column.kind == "numerical" else values.isin(column.real_categories)]


@dataclass(frozen=True)
class Standardised:
    """Numbers y as (y - middle) / scale, and back, without overflow on the way."""

    middle: float
    scale: float

    @classmethod
    def of(cls, y: np.ndarray) -> "Standardised":
        """The map that brings (n,) numbers to standard deviation 1, or to 0 if they are equal."""
        middle = median_cell(y)
        halves = y / 2 - middle / 2
        largest = float(np.abs(halves).max()) or 1.0
        return cls(middle, largest * (float((halves / largest).std()) or 1.0))

    def forward(self, y: np.ndarray) -> np.ndarray:
        """(n,) numbers of y's scale to the standardised one."""
        return np.asarray((y / 2 - self.middle / 2) / self.scale)

    def backward(self, z: np.ndarray) -> np.ndarray:
        """Inverse of :meth:`forward`, within the range of float64."""
        with np.errstate(over="ignore"):
            y = 2 * (z.astype(float) * self.scale + self.middle / 2)
        return np.asarray(y.clip(-sys.float_info.max, sys.float_info.max))


def class_probabilities(
    x: np.ndarray, y: np.ndarray, x_test: np.ndarray, n_classes: int, seed: int, n_threads: int
) -> np.ndarray:
    """Probabilities of every class, (n_test, n_classes), from trees fitted to classes ``y`` (n,).

    A class absent from ``y`` gets 0; a single class gets 1 everywhere.
    """
    present, codes = np.unique(y, return_inverse=True)
    probability = np.zeros((len(x_test), n_classes))
    if len(present) == 1:
        probability[:, present[0]] = 1
    else:
        model = xgboost.XGBClassifier(
            n_estimators=N_TREES, max_depth=DEPTH, tree_method="hist", random_state=seed, n_jobs=n_threads
        )
        probability[:, present] = model.fit(x, codes).predict_proba(x_test)
    return probability


def add_classification(scores: Scores, prefix: str, y_test: np.ndarray, probability: np.ndarray) -> None:
    """Add accuracy, AUROC, F1 and weighted F1 of predicted probabilities (n, K) for classes (n,)."""
    n_classes = probability.shape[1]
    classes = np.arange(n_classes)
    predicted = probability.argmax(axis=1)
    scores.add(f"{prefix}/accuracy", float((predicted == y_test).mean()))
    shares = np.bincount(y_test, minlength=n_classes) / len(y_test)
    seen = (shares > 0) & (shares < 1)
    if seen.sum() < 2:
        scores.undefined([f"{prefix}/auroc"], "the test table holds one class only")
    elif n_classes == 2:
        scores.add(f"{prefix}/auroc", roc_auc_score(y_test, probability[:, 1]))
    else:
        areas = [roc_auc_score(y_test == k, probability[:, k]) for k in classes[seen]]
        scores.add(f"{prefix}/auroc", float(np.mean(areas)))
    f1 = f1_score(y_test, predicted, labels=classes, average=None, zero_division=0)
    counted = (shares > 0) | (np.bincount(predicted, minlength=n_classes) > 0)
    if n_classes > 2:
        scores.add(f"{prefix}/macro_f1", f1[counted].mean())
    elif n_classes == 2 and shares[1] > 0:
        scores.add(f"{prefix}/f1", f1[1])
    else:
        scores.undefined([f"{prefix}/f1"], "the second class of the target does not occur in the test rows")
    if seen.sum() > 1:
        weights = (1 - shares[counted]) / (counted.sum() - 1)
        scores.add(f"{prefix}/weighted_f1", float(weights @ f1[counted]))
    else:
        scores.undefined([f"{prefix}/weighted_f1"], "the test rows hold one class only")


def add_regression(scores: Scores, prefix: str, y_test: np.ndarray, predicted: np.ndarray, suffix: str = "") -> None:
    """Add RMSE and R2 of predicted numbers (n,); ``suffix`` ends their names."""
    with np.errstate(over="ignore", invalid="ignore"):
        _add_errors(scores, prefix, y_test, predicted, suffix)


def _add_errors(scores: Scores, prefix: str, y_test: np.ndarray, predicted: np.ndarray, suffix: str) -> None:
    scores.add(f"{prefix}/rmse{suffix}", root_mean_squared_error(y_test, predicted))
    if (y_test == y_test[0]).all():
        scores.undefined([f"{prefix}/r2{suffix}"], "the target is constant in the real rows")
    else:
        scores.add(f"{prefix}/r2{suffix}", r2_score(y_test, predicted))


def _regressor(seed: int, n_threads: int) -> xgboost.XGBRegressor:
    return xgboost.XGBRegressor(
        n_estimators=N_TREES, max_depth=DEPTH, tree_method="hist", random_state=seed, n_jobs=n_threads
    )
