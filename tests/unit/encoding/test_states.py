import json

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from src.encoding import StateEncoder, StatesRecipe, encoder_from_dict
from src.encoding.base import MISSING
from src.errors import ConfigError, TableError
from src.tables import Column, Schema, make_table
from tests.conftest import random_table

RECIPE = StatesRecipe(64, 32)


def numbers(values, integer=False):
    column = Column("n", "numerical", "int64" if integer else "float64", integer=integer)
    table = make_table(pd.DataFrame({"n": values}), Schema((column,)))
    return table, np.ones((len(values), 1), dtype=bool)


def fitted(values, recipe=RECIPE, integer=False):
    table, mask = numbers(values, integer)
    return recipe.fit(table, mask), table, mask


@pytest.mark.integration
@given(n=st.integers(2, 200), seed=st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_round_trip_of_complete_rows(n, seed):
    table = random_table(n, seed)
    mask = np.ones((n, 4), dtype=bool)
    encoder = RECIPE.fit(table, mask)
    x, observed = encoder.forward(table, mask)
    assert observed.all()
    assert x.shape == (n, 4)
    decoded = encoder.backward(x)
    pd.testing.assert_frame_equal(decoded.frame[["colour", "label"]], table.frame[["colour", "label"]])
    for name in ("age", "height"):
        given_, back = table.frame[name].to_numpy(float), decoded.frame[name].to_numpy(float)
        spread = given_.max() - given_.min()
        assert (
            np.abs(back - given_).max() <= spread * 0.002 + 1e-9
            if name == "height"
            else np.abs(back - given_).max() <= 1
        )
    again, _ = encoder.forward(decoded, mask)
    assert (again.floor() - x.floor()).abs().max() <= 1


@pytest.mark.integration
@given(st.lists(st.floats(-1e300, 1e300), min_size=2, max_size=300))
@example([0.0, 1.0, 1.0, 5e-324])
@example([1652232513.6291332, 1336238101.9529867, 1248746767.480097, 1907820308.8214288, 1008068107.915058])
@settings(max_examples=100, deadline=None)
def test_any_numbers_keep_their_order_and_range(values):
    encoder, table, mask = fitted(values)
    x, _ = encoder.forward(table, mask)
    assert torch.isfinite(x).all()
    assert int(x.max()) < sum(encoder.groups[0])
    order = np.argsort(values, kind="stable")
    assert (np.diff(x[order, 0].numpy()) >= 0).all()
    places = torch.linspace(0, sum(encoder.groups[0]) - 1e-3, 500)[:, None]
    drawn = encoder.decode(places)["n"]
    assert drawn.min() >= min(values)
    assert drawn.max() <= max(values)
    assert (np.diff(drawn) >= -1e-9 * np.abs(drawn[1:]).max()).all()


def test_few_values_are_states_of_their_own():
    encoder, table, mask = fitted([1, 1, 2, 5, 5, 5, 5, 7, 7] * 3, integer=True)
    assert encoder.groups == ((1, 1, 1, 1),)
    x, _ = encoder.forward(table, mask)
    assert x.floor()[:9, 0].tolist() == [0, 0, 1, 2, 2, 2, 2, 3, 3]
    np.testing.assert_array_equal(encoder.decode(x)["n"], table.frame["n"])


def test_a_value_that_many_share_is_a_state_of_its_own():
    rng = np.random.default_rng(0)
    values = np.concatenate([np.zeros(9_000), rng.lognormal(8, 1, 1_000)])
    encoder, _, _ = fitted(values)
    levels = torch.arange(sum(encoder.groups[0]))[:, None] + torch.linspace(0, 0.999, 50)
    drawn = encoder.decode(levels.reshape(-1, 1))["n"].reshape(-1, 50)
    is_zero = (drawn == 0).all(axis=1)
    assert is_zero.sum() == 1
    assert encoder.groups[0][int(is_zero.argmax())] == 1
    assert (drawn[~is_zero] > 0).all(), "no interval reaches the value that stands alone"


def test_values_that_come_again_are_levels_and_others_are_intervals():
    rng = np.random.default_rng(0)
    ages = rng.integers(0, 400, 10_000)
    encoder, _table, _mask = fitted(ages, integer=True)
    assert sum(encoder.groups[0]) == len(np.unique(ages))
    heights = rng.normal(size=10_000)
    encoder, _, _ = fitted(heights)
    assert 60 <= len(encoder.groups[0]) <= 64
    assert 12 <= max(encoder.groups[0]) <= 32
    n_cells = 10_000 / sum(encoder.groups[0])
    assert n_cells >= 7


def test_small_tables_have_few_groups():
    encoder, _, _ = fitted(np.random.default_rng(0).normal(size=100))
    assert len(encoder.groups[0]) == 10
    assert max(encoder.groups[0]) == 1


@pytest.mark.parametrize(
    "values", [np.random.default_rng(1).normal(size=5_000), np.random.default_rng(1).exponential(size=5_000)]
)
def test_even_states_have_the_distribution_of_the_column(values):
    encoder, table, mask = fitted(values)
    x, _ = encoder.forward(table, mask)
    rng = np.random.default_rng(2)
    states = x.floor()[rng.integers(len(x), size=50_000)] + torch.from_numpy(rng.random((50_000, 1)) * 0.999)
    drawn = encoder.decode(states)["n"]
    at = np.quantile(values, [0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999])
    for value in at:
        assert (drawn <= value).mean() == pytest.approx((values <= value).mean(), abs=0.006)


def test_missing_cells_are_never_read_and_unseen_categories_are_missing():
    table = random_table(300)
    mask = np.random.default_rng(0).random((300, 4)) > 0.3
    poisoned = table.frame.copy()
    for i, name in enumerate(("age", "height")):
        poisoned.loc[~mask[:, i], name] = 1e9
    encoder = RECIPE.fit(table, mask)
    assert RECIPE.fit(type(table)(poisoned, table.schema), mask) == encoder
    x, observed = encoder.forward(type(table)(poisoned, table.schema), mask)
    torch.testing.assert_close(x, encoder.forward(table, mask)[0], rtol=0, atol=0)
    assert (x[~observed] == 0).all()
    assert (observed.numpy() == mask).all()
    colour = table.schema.names.index("colour")
    rare = table.frame["colour"] == table.frame["colour"].iloc[0]
    mask[rare.to_numpy(), colour] = False
    encoder = RECIPE.fit(table, mask)
    _, observed = encoder.forward(table, np.ones_like(mask))
    assert not observed[rare.to_numpy(), colour].any()
    assert observed[~rare.to_numpy()].all()


def test_numbers_outside_or_between_states_go_to_the_nearest():
    encoder, _, _ = fitted([1.0] * 20 + [2.0] * 20 + [10.0] * 20)
    table, mask = numbers([-5.0, 1.4, 1.6, 5.9, 6.1, 99.0])
    assert encoder.forward(table, mask)[0].floor()[:, 0].tolist() == [0, 0, 1, 1, 2, 2]


def test_it_survives_json():
    encoder = RECIPE.fit(random_table(200), np.ones((200, 4), dtype=bool))
    again = encoder_from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert isinstance(again, StateEncoder)
    assert again == encoder


def test_refusals():
    table, mask = numbers([1.0, np.nan, 3.0])
    with pytest.raises(TableError, match="column 'n', row 1: marked observed"):
        RECIPE.fit(*numbers([1.0, 2.0])).forward(table, mask)
    with pytest.raises(TableError, match="no observed cell"):
        RECIPE.fit(table, np.zeros_like(mask))
    with pytest.raises(TableError, match="not finite"):
        RECIPE.fit(*numbers([1.0, 2.0])).decode(torch.tensor([[float("nan")]]))
    for bad in ({"n_groups": 1, "n_levels": 4}, {"n_groups": 4, "n_levels": 0}, {"n_groups": 1000, "n_levels": 4}):
        with pytest.raises(ConfigError, match=r"diffusion\.encoding\.n_"):
            StatesRecipe(**bad)


def test_a_column_of_many_values_is_a_continuum_with_its_repeated_values():
    """1,000 cells: 400 zeros, 30 fives (3 %), and 570 others; an integer of few values has states alone."""
    rng = np.random.default_rng(0)
    values = np.concatenate([np.zeros(400), np.full(30, 5.0), rng.uniform(0.1, 100, 570)])
    encoder, _, _ = fitted(rng.permutation(values))
    density = encoder.densities[0]
    assert sum(density.cells) == 1000
    assert [density.cells[i] for i in density.repeated] == [400, 30]
    assert all(density.is_value[i] for i in density.repeated)
    knots = np.array(encoder.blocks[0].knots).reshape(len(density.cells), -1)
    assert knots[list(density.repeated), 0].tolist() == [0.0, 5.0]
    assert StateEncoder.from_dict(encoder.to_dict()) == encoder
    few, _, _ = fitted(rng.integers(0, 9, 1000).astype(float))
    assert few.densities == {}


def test_a_column_of_repeated_values_alone_has_states_alone():
    values = np.repeat(np.arange(70.0), 20)
    encoder, _, _ = fitted(values)
    assert encoder.densities == {}


def test_an_encoder_of_an_earlier_version_has_levels():
    encoder, _, _ = fitted(np.random.default_rng(0).normal(size=500))
    stored = encoder.to_dict()
    for block in stored["blocks"]:
        del block["cells"], block["repeated"]
    earlier = StateEncoder.from_dict(stored)
    assert earlier.densities == {}
    assert earlier.groups == encoder.groups


def holed_table(structural=False):
    columns = (
        Column("a", "categorical", "object", categories=("u", "v")),
        Column("n", "numerical", "float64", structural=structural),
        Column("c", "numerical", "float64"),
    )
    rows = [("u", 1.0, 4.0), (np.nan, np.nan, 5.0), ("v", 3.0, 6.0), ("u", np.nan, 7.0)]
    return make_table(pd.DataFrame(rows, columns=["a", "n", "c"]), Schema(columns))


def test_holes_of_the_table_are_states_and_those_of_a_mechanism_are_not():
    table = holed_table()
    mask = table.observed.copy()
    mask[0] = False  # a mechanism takes the first row away
    encoder = RECIPE.fit(table, mask)
    assert encoder.holes == {0: (False, 0.25), 1: (False, 0.5)}
    x, observed = encoder.forward(table, mask)
    assert torch.equal(observed, torch.from_numpy(mask))
    assert x[0].tolist() == [0, 0, 0]
    assert x[1, :2].tolist() == [MISSING, MISSING]
    assert x[3, 1] == MISSING
    pd.testing.assert_frame_equal(encoder.backward(x).frame.iloc[1:], table.frame.iloc[1:], atol=0.01)
    assert encoder_from_dict(json.loads(json.dumps(encoder.to_dict()))) == encoder
    assert StatesRecipe(holes=False).fit(table, mask).holes == {}
    assert not (StatesRecipe(holes=False).fit(table, mask).forward(table, mask)[0] < 0).any()


def test_missing_is_an_observed_value_of_a_structural_column():
    table = holed_table(structural=True)
    encoder = RECIPE.fit(table, table.observed)
    assert encoder.holes == {0: (False, 0.25), 1: (True, 0.5)}
    x, observed = encoder.forward(table, table.observed)
    assert x[:, 1].tolist()[1::2] == [MISSING, MISSING]
    assert observed[:, 1].all()
    assert table.unknown.tolist() == [[False] * 3, [True, False, False], [False] * 3, [False] * 3]
    assert StatesRecipe(holes=False).fit(table, table.observed).holes == {1: (True, 0.5)}
