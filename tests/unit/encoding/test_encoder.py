import json

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from src.encoding import EncodingRecipe, TableEncoder
from src.errors import ConfigError, TableError
from src.tables import Column, Schema, make_table
from tests.conftest import random_table

MINMAX = EncodingRecipe("minmax", -1, False)
QUANTILE = EncodingRecipe("quantile", -1, False)
NA = EncodingRecipe("minmax", -1, True)
REPEATED = EncodingRecipe("quantile", -1, repeated=True)


def random_mask(table, seed=0, share=0.3):
    return np.random.default_rng(seed).random((table.n_rows, table.n_columns)) > share


@pytest.mark.integration
@given(
    n=st.integers(2, 60),
    seed=st.integers(0, 1000),
    na=st.booleans(),
    low=st.sampled_from([-1, 0]),
    numerical=st.sampled_from(["minmax", "quantile"]),
    repeated=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_round_trip_of_complete_rows(n, seed, na, low, numerical, repeated):
    table = random_table(n, seed)
    mask = np.ones((n, 4), dtype=bool)
    encoder = TableEncoder.fit(table, mask, EncodingRecipe(numerical, low, na, repeated=repeated))
    x, coordinate_mask = encoder.forward(table, mask)
    assert coordinate_mask.all()
    decoded = encoder.backward(x)
    pd.testing.assert_frame_equal(decoded.frame.drop(columns="height"), table.frame.drop(columns="height"))
    np.testing.assert_allclose(decoded.frame["height"], table.frame["height"], atol=1e-6)
    assert table.schema.restore(decoded.frame).dtypes.astype(str).tolist() == [c.dtype for c in table.schema.columns]


def test_values_by_hand():
    schema = Schema((Column("n", "numerical", "float64"), Column("c", "categorical", "object", categories=("a", "b"))))
    table = make_table(pd.DataFrame({"n": [0.0, 5.0, 10.0, 99.0], "c": ["a", "b", "a", "b"]}), schema)
    mask = np.array([[1, 1], [1, 1], [1, 0], [0, 1]], dtype=bool)
    x, m = TableEncoder.fit(table, mask, MINMAX).forward(table, mask)
    np.testing.assert_array_equal(x, [[-1, 1, -1], [0, -1, 1], [1, 0, 0], [0, -1, 1]])
    np.testing.assert_array_equal(m, [[1, 1, 1], [1, 1, 1], [1, 0, 0], [0, 1, 1]])
    x, _ = TableEncoder.fit(table, mask, EncodingRecipe("minmax", 0, False)).forward(table, mask)  # STaSy's
    np.testing.assert_array_equal(x, [[0, 1, 0], [0.5, 0, 1], [1, 0, 0], [0, 0, 1]])
    x, m = TableEncoder.fit(table, mask, NA).forward(table, mask)
    np.testing.assert_array_equal(x[:, 1:], [[1, -1, -1], [-1, 1, -1], [-1, -1, 1], [-1, 1, -1]])
    np.testing.assert_array_equal(m[:, 1:], [[1] * 3, [1] * 3, [0] * 3, [1] * 3])


@pytest.mark.parametrize("numerical", ["minmax", "quantile"])
@pytest.mark.parametrize("low", [-1, 0])
@pytest.mark.parametrize("na", [False, True])
@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize("poison", [np.nan, 1e6, -1e30])
def test_missing_cells_are_never_read(numerical, low, na, repeated, poison):
    table = random_table(300)
    mask = random_mask(table)
    poisoned = table.frame.copy()
    for i, name in enumerate(("age", "height")):
        poisoned.loc[~mask[:, i], name] = poison
    for i, name in ((2, "colour"), (3, "label")):
        poisoned.loc[~mask[:, i], name] = np.nan
    other = table.__class__(poisoned, table.schema)
    recipe = EncodingRecipe(numerical, low, na, repeated=repeated)
    fits = [TableEncoder.fit(t, mask, recipe) for t in (table, other)]
    assert fits[0] == fits[1]
    (x, m), (x_poisoned, m_poisoned) = (e.forward(t, mask) for e, t in zip(fits, (table, other), strict=True))
    assert torch.equal(x, x_poisoned)
    assert torch.equal(m, m_poisoned)
    assert x.isfinite().all()
    assert na or (x[~m] == 0).all()


def test_mask_is_constant_inside_a_block():
    table = random_table(100)
    mask = random_mask(table)
    encoder = TableEncoder.fit(table, mask, MINMAX)
    _, m = encoder.forward(table, mask)
    for i, block in enumerate(encoder.blocks):
        np.testing.assert_array_equal(
            m[:, block.start : block.stop], np.repeat(mask[:, [i]], block.stop - block.start, 1)
        )
    assert encoder.width == 2 + 3 + 2


def test_statistics_come_from_observed_cells_only():
    table = random_table(200)
    mask = random_mask(table)
    encoder = TableEncoder.fit(table, mask, MINMAX)
    observed = table.frame["age"][mask[:, 0]]
    assert encoder.blocks[0].knots == (observed.min(), observed.max())
    mask[table.frame["colour"] == "red", 2] = False
    assert TableEncoder.fit(table, mask, MINMAX).blocks[2].categories == (0, 1)


@given(
    seed=st.integers(0, 1000),
    scale=st.floats(0.1, 50),
    numerical=st.sampled_from(["minmax", "quantile"]),
    repeated=st.booleans(),
)
@settings(max_examples=30, deadline=None)
def test_any_coordinates_decode_into_the_observed_range(seed, scale, numerical, repeated):
    table = random_table(100)
    mask = random_mask(table)
    encoder = TableEncoder.fit(table, mask, EncodingRecipe(numerical, -1, True, repeated=repeated))
    x = scale * torch.randn(50, encoder.width, generator=torch.Generator().manual_seed(seed))
    decoded = encoder.backward(x)
    assert decoded.observed.all()
    restored = table.schema.restore(decoded.frame)
    for name, i in (("age", 0), ("height", 1)):
        observed = table.frame[name][mask[:, i]]
        assert restored[name].between(observed.min(), observed.max()).all()
    assert set(restored["colour"]) <= {"blue", "green", "red"}


def test_constant_column_and_category_seen_once():
    frame = random_table(50).frame.assign(age=40.0, colour="blue")
    frame.loc[7, "colour"] = "green"
    table = make_table(frame, random_table(50).schema)
    mask = np.ones((50, 4), dtype=bool)
    encoder = TableEncoder.fit(table, mask, MINMAX)
    x, _ = encoder.forward(table, mask)
    assert (x[:, 0] == 0).all()
    decoded = encoder.backward(x).frame
    assert set(decoded["age"]) == {40.0}
    assert decoded["colour"][7] == "green"


def test_errors_name_the_place():
    table = random_table(20)
    mask = np.ones((20, 4), dtype=bool)
    mask[:, 1] = False
    with pytest.raises(TableError, match="'height' has no observed cell"):
        TableEncoder.fit(table, mask, MINMAX)
    mask[:] = True
    encoder = TableEncoder.fit(table, mask, MINMAX)
    frame = table.frame.copy()
    frame.loc[3, "age"] = np.nan
    with pytest.raises(TableError, match="'age', row 3: marked observed"):
        encoder.forward(table.__class__(frame, table.schema), mask)
    with pytest.raises(TableError, match="not finite"):
        encoder.backward(torch.full((1, encoder.width), torch.nan))


def test_a_row_with_nothing_observed_is_finite():
    table = random_table(20)
    mask = np.ones((20, 4), dtype=bool)
    mask[4] = False
    x, m = TableEncoder.fit(table, mask, MINMAX).forward(table, mask)
    assert (x[4] == 0).all()
    assert not m[4].any()


def test_json_round_trip():
    table = random_table(30)
    encoder = TableEncoder.fit(table, np.ones((30, 4), dtype=bool), NA)
    assert TableEncoder.from_dict(json.loads(json.dumps(encoder.to_dict()))) == encoder


def test_quantile_scale_gives_a_shared_value_its_share_of_the_interval():
    schema = Schema((Column("gain", "numerical", "int64", integer=True),))
    values = np.r_[np.zeros(900), np.arange(1, 101) * 100]
    table = make_table(pd.DataFrame({"gain": values}), schema)
    mask = np.ones((1000, 1), dtype=bool)
    encoder = TableEncoder.fit(table, mask, QUANTILE)
    x, _ = encoder.forward(table, mask)
    np.testing.assert_allclose(x[:900, 0], ndtri(0.45), atol=0.01)  # the middle of the lower 90 %
    even = torch.tensor(ndtri((np.arange(100_000) + 0.5) / 100_000))[:, None]
    drawn = encoder.backward(even).frame["gain"]
    assert (drawn == 0).mean() == pytest.approx(0.9, abs=2e-3)
    assert drawn.max() == 10_000
    np.testing.assert_allclose(drawn.quantile([0.95, 0.99]), np.quantile(values, [0.95, 0.99]), atol=110)


def test_repeated_values_have_codes_beside_the_score():
    schema = Schema((Column("gain", "numerical", "float64"), Column("code", "numerical", "int64", integer=True)))
    gain = np.r_[np.zeros(60), np.full(20, 7.5), 10 + np.arange(20.0)]
    frame = pd.DataFrame({"gain": gain, "code": np.tile([1, 2, 2, 9], 25)})
    table = make_table(frame, schema)
    mask = np.ones((100, 2), dtype=bool)
    mask[99] = False
    encoder = TableEncoder.fit(table, mask, REPEATED)
    assert [block.repeated for block in encoder.blocks] == [(0, 7.5), (1, 2, 9)]
    x, coordinates = encoder.forward(table, mask)
    np.testing.assert_array_equal(x[[0, 60, 80], 1:4], [[-1, 1, -1], [-1, -1, 1], [1, -1, -1]])
    np.testing.assert_array_equal(x[[0, 1, 3], 5:], [[1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    assert x[99].tolist() == [0] * 8
    assert coordinates.all(dim=1).tolist() == mask[:, 0].tolist()
    torch.testing.assert_close(x[:, 0], TableEncoder.fit(table, mask, QUANTILE).forward(table, mask)[0][:, 0])
    x = torch.randn(500, 8, generator=torch.Generator().manual_seed(0))
    decoded = encoder.decode(x)
    assert set(decoded["code"]) == {1, 2, 9}
    named = x[:, 1:4].argmax(dim=1).numpy()
    assert (decoded["gain"][named == 1] == 0).all()
    assert (decoded["gain"][named == 2] == 7.5).all()
    others = decoded["gain"][named == 0]
    assert 7.5 < others.min() < 12
    assert 27 < others.max() <= 29
    again = TableEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert again == encoder


def test_a_value_of_few_cells_has_no_code():
    schema = Schema((Column("n", "numerical", "float64"),))
    for n_shared, n_codes in ((8, 0), (9, 2)):
        values = np.r_[np.zeros(n_shared), 1 + np.arange(50.0)]
        encoder = TableEncoder.fit(
            make_table(pd.DataFrame({"n": values}), schema), np.ones((len(values), 1), bool), REPEATED
        )
        assert encoder.width == 1 + n_codes


def test_unknown_scale_is_refused():
    with pytest.raises(ConfigError, match=r"minmax.*quantile.*got 'log'"):
        EncodingRecipe("log", -1, False)
    with pytest.raises(ConfigError, match="low is -1 or 0, got 2"):
        EncodingRecipe("minmax", 2, False)


@given(n=st.integers(2, 60), seed=st.integers(0, 1000), code=st.sampled_from(["analog_bits", "tokens"]))
@settings(max_examples=30, deadline=None)
def test_round_trip_of_every_code(n, seed, code):
    table = random_table(n, seed)
    mask = random_mask(table, seed)
    mask[0] = True
    encoder = TableEncoder.fit(table, mask, EncodingRecipe("quantile", -1, False, code))
    x, coordinates = encoder.forward(table, mask)
    assert (x[~coordinates] == 0).all()
    assert encoder.columns.tolist() == [i for i, b in enumerate(encoder.blocks) for _ in range(b.stop - b.start)]
    again = TableEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    decoded = again.backward(x).frame
    for i, name in enumerate(table.schema.names):
        known = mask[:, i] & coordinates[:, encoder.blocks[i].start].numpy()
        if name == "height":
            np.testing.assert_allclose(decoded[name][known], table.frame[name][known], atol=1e-5)
        else:
            assert decoded[name][known].tolist() == table.frame[name][known].tolist()


def test_analog_bits_by_hand():
    categories = ("a", "b", "c", "d")
    schema = Schema((Column("c", "categorical", "object", categories=categories),))
    table = make_table(pd.DataFrame({"c": [*categories, "a"]}), schema)
    mask = np.array([[1], [1], [1], [1], [0]], dtype=bool)
    encoder = TableEncoder.fit(table, mask, EncodingRecipe("minmax", -1, False, "analog_bits"))
    x, _ = encoder.forward(table, mask)  # numbers 1 to 4 in binary, lowest digit first
    np.testing.assert_array_equal(x, [[1, -1, -1], [-1, 1, -1], [1, 1, -1], [-1, -1, 1], [0, 0, 0]])
    noisy = torch.tensor([[0.9, -0.2, -1.3], [0.4, 0.7, -0.1]])  # nearest codes, also where bits are no category's
    assert encoder.backward(noisy).frame["c"].tolist() == ["a", "c"]
    assert encoder.backward(torch.tensor([[1.0, 1.0, 1.0]])).frame["c"].tolist()[0] in categories


def test_codes_that_do_not_exist_are_refused():
    with pytest.raises(ConfigError, match=r"diffusion.encoding.code is one of"):
        EncodingRecipe("minmax", -1, False, "bits")
    with pytest.raises(ConfigError, match="na_coordinate=true needs code=one_hot"):
        EncodingRecipe("minmax", -1, True, "tokens")
    with pytest.raises(ConfigError, match="repeated=true needs code=one_hot or analog_bits"):
        EncodingRecipe("quantile", -1, False, "tokens", repeated=True)
