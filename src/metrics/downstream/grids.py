"""The downstream models of the paper's utility and their grids (STaSy's ``evaluation.py``).

| task | models (grid points) |
|---|---|
| binary | decision tree (48), AdaBoost (4), logistic regression (36), MLP (12), random forest (36), XGBoost (36) |
| multiclass | decision tree (48), MLP (12), random forest (36), XGBoost (36) |
| regression | linear regression (1), MLP (12), random forest (36), XGBoost (36) |

The libraries have moved on since: AdaBoost is SAMME (was SAMME.R), and XGBoost splits on histograms
(was exact, which costs ten times as much).
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import ParameterGrid
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier, XGBRegressor

from src.metrics.base.settings import DOWNSTREAM_MODELS
from src.tables.schema import Task

Params = Mapping[str, Any]
LEAVES = {"min_samples_split": [2, 4, 8], "min_samples_leaf": [1, 2, 4, 8]}
GRIDS: dict[str, dict[str, list[Any]]] = {
    "decision_tree": {"max_depth": [4, 8, 16, 32], **LEAVES},
    "adaboost": {"n_estimators": [10, 50, 100, 200]},
    "logistic_regression": {"max_iter": [10, 50, 100, 200], "C": [0.01, 0.1, 1], "tol": [1e-1, 1e-2, 1e-4]},
    "linear_regression": {},
    "mlp": {"hidden_layer_sizes": [(100,), (200,), (100, 100)], "max_iter": [50, 100], "alpha": [1e-4, 1e-3]},
    "random_forest": {"max_depth": [8, 16, None], **LEAVES},
    "xgboost": {
        "n_estimators": [10, 50, 100],
        "min_child_weight": [1, 10],
        "max_depth": [5, 10, 20],
        "gamma": [0, 1],
    },
}
STAGED = ("adaboost", "xgboost")
STAGE = "n_estimators"
TAKES_HOLES = ("xgboost",)


@dataclass(frozen=True)
class Fit:
    """One fit and the grid points that are read from it.

    A boosted model with fewer trees is the beginning of one with more, so the points that differ in
    their number alone share the longest fit.

    Attributes:
        model: a key of :data:`GRIDS`.
        points: parameters of every grid point, the longest last.
    """

    model: str
    points: tuple[Params, ...]


def models_of(task: Task, names: list[str]) -> list[str]:
    """The models of ``names`` that a task has, in the order of :data:`DOWNSTREAM_MODELS`."""
    return [name for name in DOWNSTREAM_MODELS[task] if name in names]


def fits_of(model: str) -> list[Fit]:
    """Every fit that the grid of a model takes."""
    groups: dict[str, list[Params]] = {}
    for params in ParameterGrid(GRIDS[model]):
        shared = {key: value for key, value in params.items() if not (model in STAGED and key == STAGE)}
        groups.setdefault(repr(shared), []).append(params)
    return [Fit(model, tuple(sorted(points, key=lambda point: point.get(STAGE, 0)))) for points in groups.values()]


def make_model(name: str, task: Task, params: Params, seed: int) -> Any:
    """An unfitted single-threaded scikit-learn or XGBoost estimator."""
    classify = task != "regression"
    if name == "decision_tree":
        return DecisionTreeClassifier(**params, random_state=seed)
    if name == "adaboost":
        return AdaBoostClassifier(**params, random_state=seed)
    if name == "logistic_regression":
        return LogisticRegression(**params, solver="lbfgs")
    if name == "linear_regression":
        return LinearRegression()
    if name == "mlp":
        return (MLPClassifier if classify else MLPRegressor)(**params, random_state=seed)
    if name == "random_forest":
        return (RandomForestClassifier if classify else RandomForestRegressor)(**params, random_state=seed, n_jobs=1)
    return (XGBClassifier if classify else XGBRegressor)(**params, tree_method="hist", random_state=seed, n_jobs=1)


def fit_and_predict(
    fit: Fit, task: Task, x: np.ndarray, y: np.ndarray, frames: list[np.ndarray], seed: int
) -> list[list[np.ndarray]]:
    """Predictions of every point of a fit on every frame.

    Arguments:
        fit: what to fit.
        task: of the target.
        x: (n, width) features to fit.
        y: (n,) target: numbers, or classes 0..K-1 that all occur.
        frames: feature arrays to predict.
        seed: of the model.

    Returns:
        ``[frame][point]``: (rows,) numbers, or (rows, K) class probabilities.
    """
    model = make_model(fit.model, task, fit.points[-1], seed)
    try:
        model.fit(x, y)
    except ValueError as error:
        if fit.model != "adaboost" or "worse than random" not in str(error):
            raise
        # No stump beats chance, as on constant features: an ensemble of none knows the class shares only.
        shares = np.bincount(y) / len(y)
        return [[np.tile(shares, (len(frame), 1)) for _ in fit.points] for frame in frames]
    return [_predict(model, fit, task, frame) for frame in frames]


def _predict(model: Any, fit: Fit, task: Task, x: np.ndarray) -> list[np.ndarray]:
    if fit.model == "adaboost":
        return [_first_stumps(model, point[STAGE]).predict_proba(x) for point in fit.points]
    predict = model.predict if task == "regression" else model.predict_proba
    if fit.model == "xgboost":
        return [predict(x, iteration_range=(0, point[STAGE])) for point in fit.points]
    return [predict(x)]


def _first_stumps(model: AdaBoostClassifier, n_stumps: int) -> AdaBoostClassifier:
    """What a fit of ``n_stumps`` stumps comes to; scikit-learn's own staged predictions round otherwise."""
    shorter = copy(model)
    shorter.estimators_ = model.estimators_[:n_stumps]
    shorter.estimator_weights_ = model.estimator_weights_[:n_stumps]
    return shorter
