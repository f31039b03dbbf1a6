import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.errors import ConfigError, MechanismError
from src.missing import MECHANISMS, realised_ratio
from src.missing.mcar import ColumnMissing, IndependentMissing, NativeMissing, RowMissing
from src.missing.mechanism import floor_share
from tests.conftest import random_table

WITH_RATIO = [name for name in MECHANISMS if name != "native"]


def mechanism(name, ratio=0.25, include_target=True, **more):
    if name == "native":
        return MECHANISMS[name]()
    if name in ("mar", "nmar"):
        more.setdefault("p_inputs", 0.3)
    return MECHANISMS[name](ratio, include_target, **more)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", MECHANISMS)
def test_masks_are_boolean_reproducible_and_leave_the_table_alone(name, table):
    before = table.frame.copy()
    first, again, other = (mechanism(name).sample_mask(table, rng(seed)) for seed in (0, 0, 1))
    assert first.shape == (table.n_rows, table.n_columns)
    assert first.dtype == bool
    np.testing.assert_array_equal(first, again)
    assert name == "native" or (first != other).any()
    assert table.frame.equals(before)


@given(n=st.integers(1, 60), ratio=st.integers(0, 99).map(lambda i: i / 100), seed=st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_row_and_column_missing_are_exact(n, ratio, seed):
    table = random_table(n, seed)
    rows = ~RowMissing(ratio, True).sample_mask(table, rng(seed))
    columns = ~ColumnMissing(ratio, True).sample_mask(table, rng(seed))
    assert set(rows.sum(axis=1)) == {int(4 * round(ratio * 100) // 100)}
    assert set(columns.sum(axis=0)) == {int(n * round(ratio * 100) // 100)}


def test_floor_share_is_exact_where_floats_are_not():
    assert floor_share(100, 0.29) == 29  # 100 * 0.29 == 28.999999999999996
    assert floor_share(15, 0.2) == 3
    assert floor_share(73, 0.2) == 14


def test_row_missing_places_are_uniform():
    mask = RowMissing(0.25, True).sample_mask(random_table(20000), rng())
    np.testing.assert_allclose((~mask).mean(axis=0), 0.25, atol=4 * (0.25 * 0.75 / 20000) ** 0.5)


def test_independent_missing_is_bernoulli_per_cell():
    mask = IndependentMissing(0.4, True).sample_mask(random_table(20000), rng())
    np.testing.assert_allclose((~mask).mean(axis=0), 0.4, atol=4 * (0.24 / 20000) ** 0.5)
    pairs = np.corrcoef((~mask).T)[np.triu_indices(4, 1)]
    np.testing.assert_allclose(pairs, 0, atol=4 / 20000**0.5)


@pytest.mark.parametrize("name", WITH_RATIO)
def test_target_is_spared_on_request(name, table):
    mask = mechanism(name, 0.4, include_target=False).sample_mask(table, rng())
    assert mask[:, table.schema.names.index("label")].all()
    assert not mask.all()


@pytest.mark.parametrize("name", WITH_RATIO)
def test_overall_ratio_is_realised(name):
    table = random_table(20000)
    mask = mechanism(name, 0.2, p_inputs=0.5) if name in ("mar", "nmar") else mechanism(name, 0.25)
    asked = 0.2 if name in ("mar", "nmar") else 0.25
    realised = realised_ratio(mask.sample_mask(table, rng()), table.schema.names)
    assert realised["overall"] == pytest.approx(asked, abs=0.006)
    assert set(realised["per_column"]) == set(table.schema.names)


@pytest.mark.parametrize("name", WITH_RATIO)
def test_ratio_zero_takes_nothing(name, table):
    assert mechanism(name, 0.0).sample_mask(table, rng()).all()


def test_mar_depends_on_complete_columns_only_and_nmar_hides_them():
    table = random_table(20000)
    mar = mechanism("mar", 0.3).sample_mask(table, rng(1))
    nmar = mechanism("nmar", 0.3).sample_mask(table, rng(1))
    complete = mar.all(axis=0)
    assert complete.sum() == 1
    codes = table.frame.assign(colour=table.frame["colour"].astype("category").cat.codes).astype(float).to_numpy()
    driver = codes[:, complete][:, 0]
    correlations = [abs(np.corrcoef(driver, ~mar[:, j])[0, 1]) for j in np.flatnonzero(~complete)]
    assert min(correlations) > 0.1
    assert not nmar.all(axis=0).any()
    hidden = ~nmar[:, complete][:, 0]
    assert abs(np.corrcoef(driver, hidden)[0, 1]) < 4 / 20000**0.5


def test_mar_says_what_can_be_reached():
    with pytest.raises(MechanismError, match=r"1 of 4 columns complete.*must be below 0\.750"):
        mechanism("mar", 0.8).sample_mask(random_table(50), rng())


@pytest.mark.parametrize("ratio", [-0.1, 1.0, 1.5, float("nan")])
def test_ratio_out_of_range_is_refused(ratio):
    with pytest.raises(ConfigError, match="ratio is the share missing"):
        RowMissing(ratio, True)


def test_logistic_mechanisms_survive_constant_columns_and_native_holes():
    frame = random_table(500).frame.assign(age=40.0)
    frame.loc[::7, "height"] = np.nan
    table = random_table(500).__class__(frame, random_table(500).schema)
    for name in ("mar", "nmar"):
        for seed in range(4):
            assert mechanism(name, 0.3).sample_mask(table, rng(seed)).shape == (500, 4)


def test_native_takes_nothing(table):
    assert NativeMissing().sample_mask(table, rng()).all()
