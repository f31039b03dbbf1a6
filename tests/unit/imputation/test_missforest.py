"""MissForest: its stopping rule by hand, and what it keeps."""

import numpy as np
import pytest

from src.errors import ConfigError
from src.imputation.missforest import Change, MissForest, change_between
from tests.unit.imputation.imputers import accuracy, holes, mixed


def test_change_by_hand():
    before = np.array([[1.0, 0.0], [2.0, 1.0], [0.0, 2.0]])
    after = np.array([[1.0, 0.0], [4.0, 0.0], [0.0, 2.0]])
    hidden = np.array([[False, True], [True, True], [True, False]])
    is_number = np.array([True, False])
    found = change_between(before, after, hidden, is_number)
    assert found == Change(numbers=4 / 17, categories=1 / 2)
    assert change_between(before, after, hidden & is_number, is_number) == Change(4 / 17, None)
    assert change_between(before, after, hidden & ~is_number, is_number) == Change(None, 1 / 2)
    nothing = np.zeros((3, 2))
    assert change_between(nothing, nothing, hidden, is_number) == Change(0.0, 0.0)


@pytest.mark.parametrize(
    ("before", "now", "goes_on"),
    [
        (None, Change(5.0, 1.0), True),
        (Change(5.0, 0.5), Change(4.0, 0.4), True),
        (Change(5.0, 0.5), Change(6.0, 0.4), True),  # one kind has risen
        (Change(5.0, 0.5), Change(4.0, 0.6), True),
        (Change(5.0, 0.5), Change(6.0, 0.6), False),  # both have
        (Change(5.0, None), Change(6.0, None), False),
        (Change(5.0, None), Change(4.0, None), True),
        (Change(None, 0.5), Change(None, 0.6), False),
        (Change(0.0, 0.0), Change(0.0, 0.0), False),  # at rest
    ],
)
def test_the_stopping_rule(before, now, goes_on):
    assert now.fell_from(before) == goes_on


@pytest.mark.parametrize(
    ("numbers", "n_kept"),
    [
        ((4.0, 6.0, 7.0, 9.0, 13.0), 3),  # steps 4, 2, 1, 2: the fourth rises, its round is not taken
        ((4.0, 9.0), 1),
        ((4.0, 6.0, 7.0), 3),  # rounds run out
    ],
)
def test_the_round_before_the_change_rises_is_taken(monkeypatch, numbers, n_kept):
    table = mixed(20)
    mask = np.ones((20, 7), dtype=bool)
    mask[3, 0] = False
    values = iter(numbers)
    start = 1000.0  # far from the values, so that the sum of squares all but stays

    def grown(self, filled, hidden, is_number, order):
        after = filled.copy()
        after[3, 0] = start + next(values)
        return after, {}

    monkeypatch.setattr(MissForest, "_grown", grown)
    monkeypatch.setattr("src.imputation.missforest.most_frequent", lambda codes: 0)
    imputer = MissForest(2, len(numbers), 0)
    first = []
    monkeypatch.setattr(
        "src.imputation.missforest.change_between",
        lambda a, b, hidden, is_number: first.append(b[3, 0]) or Change(_step(first, start), None),
    )
    imputer.fit(table.with_holes(mask))
    assert len(imputer._rounds) == n_kept


def _step(values: list[float], start: float) -> float:
    return values[-1] - (values[-2] if len(values) > 1 else start)


@pytest.mark.integration
def test_another_table_of_the_same_rows_gets_what_learning_ended_with(monkeypatch):
    table = mixed(150)
    table = table.with_holes(holes(table))
    grown, seen = MissForest._grown, []

    def watched(self, *arguments):
        found = grown(self, *arguments)
        seen.append(found[0])
        return found

    monkeypatch.setattr(MissForest, "_grown", watched)
    imputer = MissForest(4, 6, 0).fit(table)
    taken = seen[len(imputer._rounds) - 1]
    expected = imputer._coordinates.fills(taken, table)
    for name, draws in imputer.transform(table).draws.items():
        np.testing.assert_array_equal(draws[0], expected[name])


@pytest.mark.integration
def test_the_number_of_threads_is_not_seen(monkeypatch):
    table = mixed(150)
    table = table.with_holes(holes(table))
    found = []
    for threads in (1, 3):
        monkeypatch.setattr("torch.get_num_threads", lambda threads=threads: threads)
        found.append(MissForest(6, 2, 0).fit(table).transform(table).draws)
    assert all(np.array_equal(found[0][name], found[1][name]) for name in found[0])


@pytest.mark.integration
def test_a_category_told_by_another_column_is_recovered():
    assert accuracy(MissForest(20, 5, 0), kept=1.0) > 0.99


def test_holes_of_another_table_go_through_rounds_though_learning_had_none():
    imputer = MissForest(3, 4, 0).fit(mixed(50))
    assert len(imputer._rounds) == 4


@pytest.mark.parametrize("setting", ["n_trees", "n_iterations"])
def test_settings_that_cannot_be(setting):
    with pytest.raises(ConfigError, match=setting):
        MissForest(**{"n_trees": 3, "n_iterations": 3, "seed": 0, setting: 0})
