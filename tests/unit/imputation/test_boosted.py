"""Chained equations of boosted trees: donors by hand, categories by probability, threads."""

import numpy as np
import pandas as pd
import pytest

from src.errors import ConfigError
from src.imputation.boosted import BoostedChain, donors
from src.tables import infer_schema, make_table
from tests.unit.imputation.imputers import accuracy, boosted, holes, mixed

PREDICTIONS = np.array([0.0, 1.0, 2.0, 3.0, 10.0])


@pytest.mark.parametrize(
    ("wanted", "n_donors", "expected"),
    [
        (2.1, 1, {2}),
        (2.1, 2, {2, 3}),
        (2.1, 3, {1, 2, 3}),
        (-5.0, 2, {0, 1}),
        (50.0, 2, {3, 4}),
        (9.0, 3, {2, 3, 4}),
        (1.0, 9, {0, 1, 2, 3, 4}),
    ],
)
def test_donors_are_the_closest_each_as_often(wanted, n_donors, expected):
    found = donors(np.full(3000, wanted), PREDICTIONS, n_donors, np.random.default_rng(0))
    counts = np.bincount(found, minlength=5)
    assert set(np.flatnonzero(counts)) == expected
    assert counts[sorted(expected)] == pytest.approx(3000 / len(expected), rel=0.15)


def test_donors_equally_close_are_all_drawn():
    found = donors(np.zeros(20_000), np.zeros(500), 5, np.random.default_rng(0))
    assert len(set(found)) > 490


def test_a_category_told_by_another_column_is_recovered():
    assert accuracy(boosted(0), kept=1.0) > 0.97


def test_draws_have_the_conditional_shares_and_spread():
    rng = np.random.default_rng(0)
    n = 3000
    side = rng.integers(0, 2, n)
    frame = pd.DataFrame(
        {
            "side": np.array(["left", "right"], dtype=object)[side],
            "number": 10 * side + rng.normal(size=n),
            "kind": np.where(rng.random(n) < 0.2 + 0.6 * side, "p", "q").astype(object),
        }
    )
    table = make_table(frame, infer_schema(frame, None, ["side", "kind"]))
    mask = np.ones((n, 3), dtype=bool)
    mask[:, 1:] = rng.random((n, 2)) < 0.7
    table = table.with_holes(mask)
    found = boosted(0, n_chains=4).fit(table).transform(table, 20)
    for which in (0, 1):
        draws = found.draws["number"][:, side[found.holes("number")] == which]
        assert draws.mean() == pytest.approx(10 * which, abs=0.15)
        assert draws.std(axis=0).mean() == pytest.approx(1, rel=0.1)
        shares = found.probabilities("kind")[side[found.holes("kind")] == which]
        assert shares[:, 0].mean() == pytest.approx(0.2 + 0.6 * which, abs=0.05)
    assert set(found.draws["number"].ravel()) <= set(table.frame["number"].dropna())


@pytest.mark.integration
def test_the_number_of_threads_is_not_seen(monkeypatch):
    table = mixed(400)
    table = table.with_holes(holes(table))
    found = []
    for threads in (1, 3):
        monkeypatch.setattr("torch.get_num_threads", lambda threads=threads: threads)
        found.append(boosted(0).fit(table).transform(table, 2).draws)
    assert all(np.array_equal(found[0][name], found[1][name]) for name in found[0])


SETTINGS = {
    "n_iterations": 1,
    "n_chains": 1,
    "n_trees": 1,
    "learning_rate": 0.1,
    "n_leaves": 2,
    "min_leaf": 1,
    "n_donors": 1,
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_settings_that_cannot_be(setting):
    BoostedChain(**SETTINGS, seed=0)
    with pytest.raises(ConfigError, match=setting):
        BoostedChain(**{**SETTINGS, setting: 0, "seed": 0})
