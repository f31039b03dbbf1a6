"""What every imputer promises."""

import warnings

import numpy as np
import pytest

from src.errors import ConfigError, TableError
from src.imputation.imputer import Imputer
from src.tables import Schema, Table
from src.tables.imputations import Imputations
from tests.unit.imputation.imputers import IMPUTERS, MIXED, holes, mixed

pytestmark = pytest.mark.parametrize("name", IMPUTERS)
N_ROWS = 80


@pytest.fixture(autouse=True)
def _no_noise():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.simplefilter("error", UserWarning)  # of scikit-learn, ConvergenceWarning among them
        yield


def train(n_rows: int = N_ROWS) -> Table:
    table = mixed(n_rows)
    return table.with_holes(holes(table))


def unseen() -> Table:
    table = mixed(40, seed=7)
    return table.with_holes(holes(table, seed=7))


def fitted(name: str, table: Table | None = None, seed: int = 3) -> Imputer:
    return IMPUTERS[name](seed).fit(table or train())


def n_draws(imputer: Imputer) -> int:
    return 3 if imputer.draws_differ else 1


def same(a: Imputations, b: Imputations) -> bool:
    return a.draws.keys() == b.draws.keys() and all(np.array_equal(a.draws[k], b.draws[k]) for k in a.draws)


def check_filled(found: Imputations, learned_from: Table) -> None:
    """No hole is left, observed cells are as they were, and values are among or between those observed."""
    before = found.table
    for number in range(found.n_draws):
        after = found.completed(number)
        assert after.observed.all()
        kept = after.frame.where(before.observed)
        assert kept.equals(before.frame)
    for column in before.schema.columns:
        observed = learned_from.frame[column.name].dropna()
        if column.name not in found.draws:
            continue
        draws = found.draws[column.name]
        if column.kind == "numerical":
            assert draws.dtype == np.float64
            rounding = 1e-12 * observed.abs().max()  # of the mean of equal numbers
            assert observed.min() - rounding <= draws.min()
            assert draws.max() <= observed.max() + rounding
        else:
            assert draws.dtype == np.int64
            assert {column.categories[k] for k in draws.ravel()} <= set(observed)


@pytest.mark.integration
def test_fills_every_hole_and_nothing_else_in_and_out_of_sample(name):
    imputer = fitted(name)
    for table in (train(), unseen()):
        found = imputer.transform(table, n_draws(imputer))
        assert found.n_draws == n_draws(imputer)
        check_filled(found, train())


@pytest.mark.integration
def test_what_stands_under_holes_is_never_seen(name):
    one, mask = mixed(N_ROWS), holes(mixed(N_ROWS))
    other = mixed(N_ROWS, seed=5)
    other = Table(one.frame.where(mask, other.frame), MIXED)
    assert not one.frame.equals(other.frame)
    found = [fitted(name, table.with_holes(mask)).transform(table.with_holes(mask)) for table in (one, other)]
    assert same(*found)


@pytest.mark.integration
def test_same_seed_same_values_whatever_was_filled_before(name):
    one, two = fitted(name), fitted(name)
    n = n_draws(one)
    first = one.transform(train(), n)
    two.transform(unseen(), n)
    two.transform(unseen())
    second = two.transform(train(), n)
    assert same(first, second)
    assert same(first, one.transform(train(), n))
    # an earlier draw does not know how many follow
    assert all(np.array_equal(one.transform(train()).draws[k], first.draws[k][:1]) for k in first.draws)


@pytest.mark.integration
def test_draws_and_seeds_differ_where_it_says_so(name):
    imputer = fitted(name)
    if imputer.draws_differ:
        draws = imputer.transform(train(), 3).draws["height"]
        assert not np.array_equal(draws[0], draws[1])
        assert not np.array_equal(draws[0], draws[2])
        assert not same(imputer.transform(train()), fitted(name, seed=4).transform(train()))
    else:
        with pytest.raises(ConfigError, match="one answer"):
            imputer.transform(train(), 2)


@pytest.mark.integration
def test_a_table_without_holes_is_left_alone_and_can_be_learned_from(name):
    complete = mixed(N_ROWS)
    imputer = fitted(name, complete)
    assert not imputer.transform(complete, n_draws(imputer)).draws
    check_filled(imputer.transform(unseen(), n_draws(imputer)), complete)


@pytest.mark.integration
def test_columns_complete_in_learning_are_filled_in_another_table(name):
    table = mixed(N_ROWS)
    mask = holes(table)
    mask[:, [0, 2]] = True
    learned_from = table.with_holes(mask)
    check_filled(fitted(name, learned_from).transform(unseen()), learned_from)


@pytest.mark.integration
def test_a_row_without_any_cell(name):
    mask = holes(mixed(N_ROWS))
    mask[4] = False
    learned_from = mixed(N_ROWS).with_holes(mask)
    imputer = fitted(name, learned_from)
    check_filled(imputer.transform(learned_from), learned_from)
    empty = mixed(3).with_holes(np.zeros((3, 7), dtype=bool))
    check_filled(imputer.transform(empty), learned_from)


@pytest.mark.integration
def test_a_category_never_seen_stays_where_it_is(name):
    frame = unseen().frame.copy()
    frame["colour"] = "never"
    frame["lone"] = "other"
    table = Table(frame, MIXED)
    check_filled(fitted(name).transform(table), train())


@pytest.mark.integration
def test_numbers_far_outside_the_range_learned_from(name):
    frame = unseen().frame.copy()
    frame["height"] = 1e300
    frame["huge"] = -1e300
    frame.loc[::2, "height"] = np.nan
    check_filled(fitted(name).transform(Table(frame, MIXED)), train())


@pytest.mark.integration
def test_ten_rows(name):
    learned_from = train(10)
    imputer = fitted(name, learned_from)
    check_filled(imputer.transform(learned_from, n_draws(imputer)), learned_from)
    check_filled(imputer.transform(unseen(), n_draws(imputer)), learned_from)


@pytest.mark.integration
@pytest.mark.parametrize("i", [0, 2])
def test_a_single_column(name, i):
    table = train()
    column = MIXED.columns[i]
    alone = Table(table.frame[[column.name]], Schema((column,)))
    imputer = fitted(name, alone)
    found = imputer.transform(alone, n_draws(imputer))
    check_filled(found, alone)
    if not imputer.draws_differ and column.kind == "categorical":
        assert (found.cells(column.name, 0) == alone.frame[column.name].mode()[0]).all()


@pytest.mark.integration
def test_progress_goes_up_to_one(name):
    imputer, shares = IMPUTERS[name](0), []
    imputer.on_progress = shares.append
    imputer.fit(train())
    imputer.transform(unseen())
    assert all(0 <= share <= 1 for share in shares)


@pytest.mark.integration
def test_refuses_what_it_was_not_fitted_for(name):
    with pytest.raises(TableError, match="not fitted"):
        IMPUTERS[name](0).transform(train())
    imputer = fitted(name)
    with pytest.raises(TableError, match="expected the columns"):
        imputer.transform(Table(train().frame[["height"]], Schema(MIXED.columns[:1])))
    with pytest.raises(ConfigError, match="at least 1"):
        imputer.transform(train(), 0)
    empty = train().frame.copy()
    empty["height"] = np.nan
    with pytest.raises(TableError, match="height"):
        IMPUTERS[name](0).fit(Table(empty, MIXED))
