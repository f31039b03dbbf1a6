"""Imputations: estimates, intervals and shares with known answers."""

import numpy as np
import pandas as pd
import pytest

from src.errors import ConfigError
from src.tables import Column, Schema, Table, make_table
from src.tables.imputations import Imputations, codes_of

SCHEMA = Schema(
    (
        Column("age", "numerical", "int64", integer=True),
        Column("colour", "categorical", "object", categories=("blue", "green", "red")),
    )
)


def table() -> Table:
    frame = pd.DataFrame({"age": [np.nan, 20.0, np.nan], "colour": ["red", np.nan, np.nan]})
    return make_table(frame, SCHEMA)


def found() -> Imputations:
    """Three draws of two holes in either column."""
    return Imputations(
        table(),
        {"age": np.array([[1.0, 30], [2.0, 30], [9.2, 30]]), "colour": np.array([[0, 1], [2, 0], [2, 2]])},
    )


def test_holes_and_draws():
    assert found().n_draws == 3
    assert found().holes("age").tolist() == [0, 2]
    assert found().holes("colour").tolist() == [1, 2]
    assert (
        Imputations(table().take(np.array([0])).with_holes(np.ones((1, 2), bool)), {"age": np.ones((2, 1))}).n_draws
        == 2
    )


def test_mean_median_and_mode():
    assert found().numbers("age", "mean") == pytest.approx([12.2 / 3, 30])
    assert found().numbers("age", "median").tolist() == [2, 30]
    assert found().codes("colour").tolist() == [2, 0]  # of equally frequent ones the first
    with pytest.raises(ConfigError, match="mean, median"):
        found().numbers("age", "mode")


def test_shares_sum_to_one():
    shares = found().probabilities("colour")
    np.testing.assert_allclose(shares, [[1 / 3, 0, 2 / 3], [1 / 3, 1 / 3, 1 / 3]])
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_completed_tables_keep_what_is_observed_and_round_integers():
    first = found().completed(2)
    assert first.frame["age"].tolist() == [9, 20, 30]
    assert first.frame["colour"].tolist() == ["red", "red", "red"]
    best = found().completed("mean")
    assert best.frame["age"].tolist() == [4, 20, 30]
    assert best.frame["colour"].tolist() == ["red", "red", "blue"]
    assert table().frame["age"].isna().sum() == 2


@pytest.mark.integration
@pytest.mark.parametrize(("n_draws", "level"), [(19, 0.9), (39, 0.9), (99, 0.8), (9, 0.5)])
def test_intervals_cover_an_exchangeable_truth_as_often_as_they_say(n_draws, level):
    rng = np.random.default_rng(0)
    n = 40_000
    holes = make_table(pd.DataFrame({"age": [np.nan] * n, "colour": ["red"] * n}), SCHEMA)
    draws, truth = rng.random((n_draws, n)), rng.random(n)
    lower, upper = Imputations(holes, {"age": draws}).interval("age", level)
    assert ((lower <= truth) & (truth <= upper)).mean() == pytest.approx(level, abs=0.006)
    assert (lower > truth).mean() == pytest.approx((1 - level) / 2, abs=0.006)


def test_intervals_by_hand():
    holes = make_table(pd.DataFrame({"age": [np.nan], "colour": ["red"]}), SCHEMA)
    draws = np.array([[4.0], [1.0], [3.0], [2.0]])
    lower, upper = Imputations(holes, {"age": draws}).interval("age", 0.6)  # at 1 / 5 and 4 / 5
    assert (lower[0], upper[0]) == pytest.approx((1, 4))
    lower, upper = Imputations(holes, {"age": draws}).interval("age", 0.99)  # ends at the outermost
    assert (lower[0], upper[0]) == pytest.approx((1, 4))
    lower, upper = Imputations(holes, {"age": draws}).interval("age", 0.2)  # at 2 / 5 and 3 / 5
    assert (lower[0], upper[0]) == pytest.approx((2, 3))


def test_unfilled_holes_and_unequal_draws_are_refused():
    with pytest.raises(ValueError, match="2 holes, 0 were filled"):
        Imputations(table(), {"age": np.ones((1, 2))})
    with pytest.raises(ValueError, match="2 holes, 1 were filled"):
        Imputations(table(), {"age": np.ones((1, 1)), "colour": np.zeros((1, 2), int)})
    with pytest.raises(ValueError, match="unequal"):
        Imputations(table(), {"age": np.ones((1, 2)), "colour": np.zeros((2, 2), int)})


def test_codes():
    assert codes_of(table(), "colour").tolist() == [2, -1, -1]
    numbers = Column("label", "categorical", "int64", categories=(0, 1))
    assert codes_of(make_table(pd.DataFrame({"label": [1, 0, None]}), Schema((numbers,))), "label").tolist() == [
        1,
        0,
        -1,
    ]
