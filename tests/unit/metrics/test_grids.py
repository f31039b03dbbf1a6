"""The published grids, and that what shares a fit equals a fit of its own."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import AdaBoostClassifier
from xgboost import XGBClassifier, XGBRegressor

from src.metrics.base.features import scaled_features
from src.metrics.base.settings import DOWNSTREAM_MODELS
from src.metrics.downstream.grids import Fit, fit_and_predict, fits_of, make_model, models_of
from src.tables import Column, Schema

RNG = np.random.default_rng(0)
X, X_TEST = RNG.normal(size=(120, 3)), RNG.normal(size=(50, 3))
NOISY = (X[:, 0] + X[:, 1] * X[:, 2] + RNG.normal(size=120) > 0).astype(int)
THREE = (X[:, 0] > 0) + (X[:, 1] + RNG.normal(size=120) > 0.5).astype(int)


@pytest.mark.parametrize(
    ("task", "points", "fits"),
    [
        ("binary", [48, 4, 36, 12, 36, 36], [48, 1, 36, 12, 36, 12]),
        ("multiclass", [48, 12, 36, 36], [48, 12, 36, 12]),
        ("regression", [1, 12, 36, 36], [1, 12, 36, 12]),
    ],
)
def test_every_grid_has_its_published_size_and_no_point_twice(task, points, fits):
    found = [fits_of(model) for model in models_of(task, [*DOWNSTREAM_MODELS["binary"], "linear_regression"])]
    assert [len(each) for each in found] == fits
    for each, size in zip(found, points, strict=True):
        assert len({repr(sorted(point.items())) for fit in each for point in fit.points}) == size


def test_models_keep_their_order_and_those_of_other_tasks_are_not_run():
    assert models_of("regression", ["xgboost", "adaboost", "mlp"]) == ["mlp", "xgboost"]


@pytest.mark.parametrize("y", [NOISY, THREE], ids=["binary", "three classes"])
def test_stages_of_xgboost_equal_fits_of_their_own(y):
    task = "binary" if y.max() == 1 else "multiclass"
    fit = Fit("xgboost", tuple({"n_estimators": n, "max_depth": 5, "gamma": 1} for n in (10, 50, 100)))
    (found,) = fit_and_predict(fit, task, X, y, [X_TEST], 7)
    for point, probability in zip(fit.points, found, strict=True):
        own = XGBClassifier(**point, tree_method="hist", random_state=7, n_jobs=1).fit(X, y)
        np.testing.assert_array_equal(probability, own.predict_proba(X_TEST))


def test_stages_of_an_xgboost_regression_equal_fits_of_their_own():
    fit = Fit("xgboost", ({"n_estimators": 10}, {"n_estimators": 30}))
    (found,) = fit_and_predict(fit, "regression", X, X[:, 0] * 3, [X_TEST], 7)
    for point, predicted in zip(fit.points, found, strict=True):
        own = XGBRegressor(**point, tree_method="hist", random_state=7, n_jobs=1).fit(X, X[:, 0] * 3)
        np.testing.assert_array_equal(predicted, own.predict(X_TEST))


@pytest.mark.integration
@pytest.mark.parametrize("y", [NOISY, (X[:, 0] > 0).astype(int)], ids=["noisy", "one stump is perfect"])
def test_stages_of_adaboost_equal_fits_of_their_own(y):
    (fit,) = fits_of("adaboost")
    (found,) = fit_and_predict(fit, "binary", X, y, [X_TEST], 7)
    assert [point["n_estimators"] for point in fit.points] == [10, 50, 100, 200]
    for point, probability in zip(fit.points, found, strict=True):
        own = AdaBoostClassifier(**point, random_state=7).fit(X, y)
        np.testing.assert_array_equal(probability, own.predict_proba(X_TEST))


def test_adaboost_without_a_stump_better_than_chance_knows_the_class_shares():
    constant = np.zeros((16, 1))
    (found,) = fit_and_predict(fits_of("adaboost")[0], "binary", constant, np.arange(16) % 2, [np.zeros((3, 1))], 0)
    assert len(found) == 4
    np.testing.assert_array_equal(found[0], np.full((3, 2), 0.5))


def test_an_error_of_a_model_is_not_swallowed():
    with pytest.raises(ValueError, match="NaN"):
        fit_and_predict(fits_of("adaboost")[0], "binary", X * np.nan, NOISY, [X_TEST], 0)


@pytest.mark.integration
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_every_model_takes_every_point_of_its_grid(task):
    y = {"binary": NOISY, "multiclass": THREE, "regression": X[:, 0]}[task]
    for model in DOWNSTREAM_MODELS[task]:
        fit = fits_of(model)[-1]
        model_fitted = make_model(model, task, {**fit.points[-1], **({"max_iter": 2} if model == "mlp" else {})}, 0)
        assert len(model_fitted.fit(X, y).predict(X_TEST)) == 50
        for each in fits_of(model):
            for point in each.points:
                assert point.items() <= make_model(model, task, point, 0).get_params().items()


FEATURES = Schema(
    (
        Column("small", "numerical", "float64"),
        Column("large", "numerical", "float64"),
        Column("signed", "numerical", "float64"),
        Column("constant", "numerical", "float64"),
        Column("two", "categorical", "object", categories=("n", "y")),
        Column("three", "categorical", "object", categories=("a", "b", "c")),
    )
)


def frame(**columns) -> pd.DataFrame:
    return pd.DataFrame(columns)


def test_features_by_hand():
    real = frame(
        small=[10.0, 20.0, 30.0],
        large=[0.0, 50.0, 1000.0],
        signed=[-1000.0, 0.0, 1000.0],
        constant=[7.0, 7.0, 7.0],
        two=["n", "y", "n"],
        three=["a", "b", "c"],
    )
    fitted = frame(small=[20.0], large=[0.0], signed=[0.0], constant=[9.0], two=["y"], three=["c"])
    fitted = pd.concat([fitted, fitted.assign(three="a", small=40.0)], ignore_index=True)
    x, x_real = scaled_features(fitted, [fitted, real], real, FEATURES, FEATURES.names)
    low = np.log(0.01)
    np.testing.assert_allclose(x, [[2.5, low, 2.5, 0, 1, 0, 1], [7.5, low, 2.5, 0, 1, 1, 0]])
    # "b" does not occur in the fitted table: 0 in both of the columns that are left
    np.testing.assert_allclose(x_real[:, 5:], [[1, 0], [0, 0], [0, 1]])
    np.testing.assert_allclose(x_real[:, :2], [[0, low], [2.5, np.log(50)], [5, np.log(1000)]])


def test_a_hole_is_nan_in_every_coordinate_of_its_column():
    whole = frame(small=[1.0, 2.0], two=["n", "y"], three=["a", "b"])
    holed = frame(small=[np.nan, 2.0], two=["n", np.nan], three=[np.nan, "b"])
    (x,) = scaled_features(whole, [holed], whole, FEATURES, ["small", "two", "three"])
    np.testing.assert_array_equal(x, [[np.nan, 0, np.nan, np.nan], [5, np.nan, 0, 1]])
