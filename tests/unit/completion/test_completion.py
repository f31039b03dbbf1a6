import numpy as np
import pandas as pd
import pytest

from src.completion import complete, delete_rows, draw_marginals, hot_deck, keep, marginals, mean_mode
from src.errors import NotApplicableError, TableError
from tests.conftest import random_table


@pytest.fixture
def holed():
    table = random_table(400)
    mask = np.random.default_rng(0).random((400, 4)) > 0.3
    return table, mask


def rng():
    return np.random.default_rng(0)


def test_keep_changes_neither_the_table_nor_the_mask(holed):
    table, mask = holed
    kept, kept_mask = keep(table, mask, rng())
    assert kept is table
    assert kept_mask is mask


def test_delete_rows_keeps_complete_rows_or_says_none_is_left(holed):
    table, mask = holed
    kept, kept_mask = delete_rows(table, mask, rng())
    assert kept.n_rows == mask.all(axis=1).sum()
    assert kept_mask.all()
    mask[:, 0] = False
    with pytest.raises(NotApplicableError, match="none of the 400 training rows"):
        delete_rows(table, mask, rng())
    mask[7] = True
    with pytest.raises(NotApplicableError, match="only 1 of the 400 training rows"):
        delete_rows(table, mask, rng())


def test_complete_gives_the_lost_cells_back_but_not_native_holes(holed):
    table, mask = holed
    native = table.with_holes(np.arange(1600).reshape(400, 4) % 7 > 0)
    given, given_mask = complete(native, mask & native.observed, rng())
    assert given is native
    np.testing.assert_array_equal(given_mask, native.observed)


def test_marginals_draw_any_number_of_rows(holed):
    table, mask = holed
    drawn = draw_marginals(table, mask, 17, rng())
    assert drawn.n_rows == 17
    assert drawn.observed.all()


def test_mean_mode_by_hand(holed):
    table, mask = holed
    filled, filled_mask = mean_mode(table, mask, rng())
    assert filled_mask.all()
    assert filled.observed.all()
    ages = table.frame["age"][mask[:, 0]]
    assert set(filled.frame["age"][~mask[:, 0]]) == {round(ages.mean())}
    colours = table.frame["colour"][mask[:, 2]].value_counts()
    assert set(filled.frame["colour"][~mask[:, 2]]) == {colours.idxmax()}


@pytest.mark.parametrize("fill", [mean_mode, hot_deck])
def test_observed_cells_stay(holed, fill):
    table, mask = holed
    filled, _ = fill(table, mask, rng())
    pd.testing.assert_frame_equal(filled.frame.where(mask), table.frame.where(mask), check_dtype=False)


@pytest.mark.parametrize("fill", [mean_mode, hot_deck, marginals])
def test_missing_cells_are_never_read(holed, fill):
    table, mask = holed
    poisoned = table.frame.copy()
    poisoned.loc[~mask[:, 0], "age"] = 1e6
    poisoned.loc[~mask[:, 2], "colour"] = "blue"
    first, _ = fill(table, mask, rng())
    second, _ = fill(table.__class__(poisoned, table.schema), mask, rng())
    pd.testing.assert_frame_equal(first.frame, second.frame)


def test_marginals_destroy_dependence_and_keep_shares(holed):
    big = random_table(20000)
    mask = np.ones((20000, 4), dtype=bool)
    drawn, _ = marginals(big, mask, rng())
    values = drawn.frame[["age", "label"]].astype(float)
    assert abs(values.corr().iloc[0, 1]) < 4 / 20000**0.5
    assert abs(values["label"].mean() - big.frame["label"].mean()) < 0.02


@pytest.mark.parametrize("fill", [mean_mode, hot_deck, marginals])
def test_a_column_without_observed_cells_is_named(holed, fill):
    table, mask = holed
    mask[:, 2] = False
    with pytest.raises(TableError, match="'colour' has no observed cell"):
        fill(table, mask, rng())
