"""Linear chained equations on tables whose conditional distributions are known."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import BayesianRidge

from src.errors import ConfigError
from src.imputation.chain import ColumnwiseImputer, GramRidge
from src.imputation.mice import Mice, MiceDraws
from src.tables import Table, infer_schema, make_table
from tests.unit.imputation.imputers import accuracy, copied

SLOPE, INTERCEPT, NOISE = 2.0, 30.0, 5.0


def gaussian(n_rows: int) -> tuple[Table, np.ndarray, np.ndarray]:
    """y = 30 + 2 x + noise of standard deviation 5; x; mask of y."""
    rng = np.random.default_rng(0)
    x = rng.normal(10, 4, n_rows)
    y = INTERCEPT + SLOPE * x + NOISE * rng.normal(size=n_rows)
    frame = pd.DataFrame({"x": x, "y": y})
    shown = rng.random(n_rows) < 0.6
    table = make_table(frame, infer_schema(frame, None, []))
    return table.with_holes(np.column_stack([np.ones(n_rows, dtype=bool), shown])), x, shown


@pytest.mark.parametrize("encoding", ["one_hot", "ordinal"])
def test_fills_are_conditional_means(encoding):
    table, x, shown = gaussian(4000)
    fills = Mice(encoding, 10, 1e-3, 0).fit(table).transform(table).draws["y"][0]
    expected = INTERCEPT + SLOPE * x[~shown]
    inside = (expected > table.frame["y"].min()) & (expected < table.frame["y"].max())
    assert np.abs(fills - expected)[inside].max() < 0.6  # of the slope's standard error, far from the mean
    assert np.abs(fills - expected)[inside].mean() < 0.2


@pytest.mark.integration
def test_draws_have_the_conditional_mean_and_variance():
    table, x, shown = gaussian(4000)
    draws = MiceDraws("one_hot", 10, 1e-3, 0, n_chains=3).fit(table).transform(table, 60).draws["y"]
    expected = INTERCEPT + SLOPE * x[~shown]
    middle = np.abs(x[~shown] - 10) < 4  # where the range observed cuts no tail off
    assert np.abs((draws.mean(axis=0) - expected)[middle]).mean() < 3 * NOISE / 60**0.5
    assert draws.std(axis=0, ddof=1)[middle].mean() == pytest.approx(NOISE, rel=0.03)
    # draws of different rows are not one and the same noise
    residuals = (draws - expected)[:, middle]
    assert abs(np.corrcoef(residuals.T)[np.triu_indices(50, 1)].mean()) < 0.02


@pytest.mark.parametrize("encoding", ["one_hot", "ordinal"])
def test_another_table_of_the_same_rows_gets_what_learning_ended_with(encoding, monkeypatch):
    table = copied(300, 0.9)
    table = table.with_holes(np.random.default_rng(0).random((300, 3)) > 0.2)
    ended, fit_transform = [], ColumnwiseImputer.fit_transform

    def watched(self, x, y=None):
        ended.append(fit_transform(self, x))
        return ended[-1]

    monkeypatch.setattr(ColumnwiseImputer, "fit_transform", watched)
    imputer = Mice(encoding, 4, 1e-9, 0).fit(table)
    for name, expected in imputer._coordinates.fills(ended[0], table).items():
        np.testing.assert_array_equal(imputer.transform(table).draws[name][0], expected)


def test_a_category_told_by_another_column_is_recovered():
    assert accuracy(Mice("one_hot", 10, 1e-3, 0), kept=1.0) > 0.99


def test_coordinates_of_a_category_do_not_predict_one_another(monkeypatch):
    assert accuracy(Mice("one_hot", 10, 1e-3, 0), kept=0.8) > 0.99
    monkeypatch.delattr(ColumnwiseImputer, "_get_neighbor_feat_idx")
    assert accuracy(Mice("one_hot", 10, 1e-3, 0), kept=0.8) < 0.7


def test_the_library_asks_for_the_predictors_of_every_equation():
    table = copied(100, 0.9)
    table = table.with_holes(np.random.default_rng(0).random((100, 3)) > 0.2)
    chain = Mice("one_hot", 3, 1e-9, 0).fit(table)._chains[0]
    assert chain.n_learned == len(chain.imputation_sequence_) == 3 * 7
    for step in chain.imputation_sequence_:
        columns = chain.columns[step.neighbor_feat_idx]
        assert chain.columns[step.feat_idx] not in columns
        assert len(columns) == (chain.columns != chain.columns[step.feat_idx]).sum()


@pytest.mark.parametrize("shape", [(500, 8), (6, 8)])
@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_the_ridge_is_the_librarys(shape, noise):
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape)
    x[:, 1] = x[:, 0]  # as columns of 0/1 coordinates are, dependent
    y = 3 + x[:, 0] - x[:, 2] + noise * rng.normal(size=len(x))
    ours, theirs = GramRidge().fit(x, y), BayesianRidge().fit(x, y)
    rows = rng.normal(size=(20, 8))
    mean, spread = ours.predict(rows, return_std=True)
    expected, expected_spread = theirs.predict(rows, return_std=True)
    np.testing.assert_allclose(mean, expected, atol=1e-4)
    np.testing.assert_allclose(spread, expected_spread, rtol=1e-3)
    np.testing.assert_array_equal(mean, ours.predict(rows))


@pytest.mark.parametrize(
    ("setting", "value"), [("encoding", "codes"), ("n_iterations", 0), ("tolerance", 0.0), ("n_chains", 0)]
)
def test_settings_that_cannot_be(setting, value):
    settings = {"encoding": "one_hot", "n_iterations": 5, "tolerance": 1e-3, "n_chains": 2, "seed": 0}
    with pytest.raises(ConfigError, match=setting):
        MiceDraws(**{**settings, setting: value})
