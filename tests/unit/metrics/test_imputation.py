"""Imputation metrics by hand, and calibration where it is known."""

import numpy as np
import pandas as pd
import pytest

from src.metrics.catalogue import describe
from src.metrics.imputation.metrics import N_BINS, randomised_coverage, rank_histogram
from src.metrics.imputation.scores import score_imputations
from src.tables import Column, Schema, make_table
from src.tables.imputations import Imputations

SCHEMA = Schema(
    (
        Column("a", "numerical", "float64"),
        Column("b", "numerical", "float64"),
        Column("c", "categorical", "object", categories=("x", "y", "z")),
    )
)
TRAIN = make_table(pd.DataFrame({"a": [0.0, 4.0, 8.0], "b": [1.0, 1.0, 1.0], "c": ["x", "y", "z"]}), SCHEMA)
TRUTH = make_table(pd.DataFrame({"a": [2.0, 6.0, np.nan], "b": [1.0, 1.0, 3.0], "c": ["x", "y", "y"]}), SCHEMA)


def found(mask, **draws):
    return Imputations(TRUTH.with_holes(np.array(mask, dtype=bool)), {k: np.array(v) for k, v in draws.items()})


def test_every_measure_by_hand():
    imputed = found(
        [[0, 1, 0], [0, 0, 0], [0, 1, 1]],  # a of the third row is a hole of the table itself: not scored
        a=[[1.0, 5.0, 9.0], [3.0, 9.0, 9.0]],
        b=[[1.0], [3.0]],
        c=[[0, 2], [0, 2]],
    )
    scores = score_imputations(TRAIN, TRUTH, imputed, 0.9, "imputation/")
    spread = np.std([0, 4, 8])
    value = {name.removeprefix("imputation/"): value for name, value in scores.values.items()}
    # a: means 2 and 7 for 2 and 6, span 8 + 1; b: mean 2 for 1, span 0 + 1, constant in training
    assert value["rmse"] == pytest.approx((np.sqrt(0.5) / 9 + 1) / 2)
    assert value["rmse_standardised"] == pytest.approx(np.sqrt(0.5) / spread)
    assert value["mae"] == value["mae_median"] == pytest.approx(0.5 / spread)
    assert value["crps"] == pytest.approx(((1 - 1) + (2 - 2)) / 2 / spread)
    assert value["coverage"] == pytest.approx(1)  # 1..3, 5..9, and 1..3 for b
    assert value["categorical_error"] == 0.5
    assert scores.details["imputation/categorical_error"]["per_column"] == {"c": 0.5}
    assert set(scores.details["imputation/rmse"]["per_column"]) == {"a", "b"}
    for name in scores.values:
        assert describe(name).meaning


def test_one_answer_has_no_distribution():
    scores = score_imputations(TRAIN, TRUTH, found([[0, 1, 1]] * 3, a=[[2.0, 4.0, 0.0]]), 0.9, "imputation/")
    assert scores.values["imputation/crps"] == scores.values["imputation/mae"]
    assert scores.values["imputation/coverage"] is None
    assert "one answer" in scores.reasons["imputation/coverage"]
    assert scores.reasons["imputation/categorical_error"] == "no categorical cell was held back"


def test_nothing_numerical_was_held_back():
    scores = score_imputations(TRAIN, TRUTH, found([[1, 1, 0], [1, 1, 1], [0, 1, 1]], a=[[1.0]], c=[[1]]), 0.9, "")
    assert scores.values["rmse"] is None
    assert scores.reasons["rmse"] == "no numerical cell was held back"
    assert scores.values["categorical_error"] == 1.0


def numbers(draws):
    """Imputations of a column of holes alone."""
    schema = Schema((Column("a", "numerical", "float64"),))
    return Imputations(make_table(pd.DataFrame({"a": np.full(draws.shape[1], np.nan)}), schema), {"a": draws})


def test_the_fair_score_of_draws_does_not_depend_on_their_number():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=40_000)
    few, many = (numbers(rng.normal(size=(m, 40_000))).crps("a", truth).mean() for m in (3, 60))
    assert few == pytest.approx(1 / np.sqrt(np.pi), abs=0.01)  # E|x - t| - E|x - x'| / 2 of standard normals
    assert many == pytest.approx(1 / np.sqrt(np.pi), abs=0.01)


@pytest.mark.parametrize("values", ["normal", "zeros", "coins"])
@pytest.mark.parametrize("m", [20, 50])
def test_perfect_draws_cover_the_level_however_many_ties(values, m):
    rng = np.random.default_rng(1)
    cells = rng.normal(size=(m + 1, 20_000))
    if values != "normal":
        cells = np.where(rng.random(cells.shape) < (0.95 if values == "zeros" else 0.5), 0.0, 1.0)
    ranks = numbers(cells[1:]).ranks("a", cells[0])
    assert randomised_coverage(ranks, 0.9).mean() == pytest.approx(0.9, abs=0.01)
    assert rank_histogram(ranks) == pytest.approx(np.full(N_BINS, 1 / N_BINS), abs=0.01)


def test_the_histogram_of_ranks_by_hand():
    ranks = np.array([[0.05, 0.3, 0.95, 1.0], [0.05, 0.5, 0.95, 1.0]])  # the second is spread over two bins
    assert rank_histogram(ranks) == pytest.approx([0.25, 0, 0, 0.125, 0.125, 0, 0, 0, 0, 0.5])
    assert randomised_coverage(ranks, 0.9).tolist() == [1, 1, 1, 0]
    assert randomised_coverage(ranks, 0.2) == pytest.approx([0, 0.5, 0, 0])


def test_draws_that_are_too_alike_have_their_truths_at_the_ends():
    rng = np.random.default_rng(2)
    imputed = found([[0, 1, 1], [0, 1, 1], [0, 1, 1]], a=rng.normal(4, 0.01, size=(20, 3)))
    scores = score_imputations(TRAIN, TRUTH, imputed, 0.9, "imputation/")
    details = scores.details["imputation/pit"]
    assert scores.values["imputation/pit"] == details["per_column"]["a"] == pytest.approx(0.8, abs=0.03)
    assert details["histogram"]["a"] == pytest.approx([0.5, *[0] * 8, 0.5], abs=0.03)
