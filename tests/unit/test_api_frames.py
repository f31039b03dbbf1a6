"""Frames with labels and types that files do not have, in the Python interface."""

import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from src.api import MissDiff
from src.errors import TableError
from src.tables.reading.frame_types import FrameTypes, plain_frame, types_of
from src.tables.reading.frames import understood
from src.tables.reading.understanding import Rules

SETTINGS = {"training.epochs": 1, "network.channels": 8, "evaluation.detection_rows": 50}
N = 80


def holed(n=N):
    rng = np.random.default_rng(0)
    hole = rng.random(n) < 0.2
    months = pd.Series(pd.period_range("2020-01", periods=12, freq="M")[rng.integers(0, 12, n)])
    shops = [uuid.UUID(int=k) for k in range(3)]
    return pd.DataFrame(
        {
            0: rng.normal(size=n).round(2),
            3: np.where(rng.random(n) < 0.5, "yes", "no"),
            "month": months.mask(hole),
            "shop": pd.Series([shops[k] for k in rng.integers(0, 3, n)], dtype=object).mask(hole, None),
            "row": [uuid.UUID(int=1000 + k) for k in range(n)],
            "count": pd.Series(rng.integers(0, 40, n)).astype("int64[pyarrow]").mask(hole),
        },
        index=np.arange(n) + 7,
    )


@pytest.fixture(scope="module")
def model():
    return MissDiff(target=3, categorical=[3], settings=SETTINGS).fit(holed())


@pytest.mark.integration
def test_rows_have_the_labels_and_types_of_the_frame(model, tmp_path):
    frame = holed()
    for each in (model, None):
        if each is None:
            model.save(tmp_path / "m.ckpt")
            each = MissDiff.load(tmp_path / "m.ckpt")
        rows = each.sample(30)
        assert list(rows) == list(frame)
        assert rows["month"].dtype == frame["month"].dtype
        assert set(rows["month"]) <= set(frame["month"].dropna())
        assert set(rows["shop"]) <= set(frame["shop"].dropna())
        assert not set(rows["row"]) & set(frame["row"])
    assert set(model.sample(5, where={3: "yes", "shop": uuid.UUID(int=1)})[3]) == {"yes"}
    assert set(model.sample(5, where={"month": pd.Period("2020-05", "M")})["month"]) == {pd.Period("2020-05", "M")}


@pytest.mark.integration
def test_fills_keep_labels_types_and_observed_cells(model):
    frame = holed()
    filled = model.impute(frame, 1)[0]
    assert filled.columns.tolist() == frame.columns.tolist()
    assert (filled.dtypes == frame.dtypes).all()
    assert filled.index.equals(frame.index)
    assert not filled.isna().any().any()
    for name in frame:
        kept = frame[name].notna()
        assert (filled.loc[kept, name] == frame.loc[kept, name]).all()
    assert all(isinstance(cell, uuid.UUID) for cell in filled["shop"])
    assert "synthetic" in model.evaluate(frame)


@pytest.mark.parametrize("freq", ["M", "Q-DEC", "W-SUN", "D", "h", "Y-DEC"])
def test_a_date_becomes_the_nearest_period(freq):
    periods = pd.period_range("2020-01-01", periods=9, freq=freq)
    frame = pd.DataFrame({"p": pd.Series([*periods, None]).astype(object), "q": [*periods, pd.NaT]})
    types = types_of(frame, [])
    starts = plain_frame(frame)["p"]
    step = (starts[1] - starts[0]) * 0.4
    for shift in (pd.Timedelta(0), step, -step):
        assert types.restored("p", starts + shift).tolist()[:9] == list(periods)
    assert types.restored_frame(plain_frame(frame))["q"].dtype == pd.PeriodDtype(freq)


def test_arrow_decimals_and_dictionaries_are_read():
    money = pd.array([Decimal("1.50"), Decimal("2.25"), None], dtype=pd.ArrowDtype(pa.decimal128(8, 2)))
    of_texts = pd.ArrowDtype(pa.dictionary(pa.int64(), pa.string()))
    kinds = pd.Series(pa.array(["a", "b", "a"]).dictionary_encode(), dtype=of_texts)
    columns = understood(pd.DataFrame({"money": money, "kind": kinds}), {}, Rules())
    assert [form.kind for form in columns.layout.forms] == ["real", "category"]
    assert columns.frame["money"].isna().tolist() == [False, False, True]


def of(**columns):
    return pd.DataFrame({name: pd.Series(values) for name, values in columns.items()})


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (of(a=pd.cut(np.arange(9), 3)), r"'a' holds intervals; frame\['a'\].astype\(str\)"),
        (of(a=pd.arrays.IntervalArray.from_breaks(range(9))), "holds intervals"),
        (of(a=np.arange(4) + 1j), "complex numbers; make one column"),
        (of(a=[None, (1, 2)]), r"row 2: a tuple is neither .* exclude leaves the column out"),
        (of(a=[1, 2]).set_axis(pd.MultiIndex.from_tuples([("a", "b")]), axis=1), r"'_'.join\(map\(str, names\)\)"),
        (of(a=[1, 2]).set_axis([pd.Timestamp(0)], axis=1), r"frame.columns.map\(str\)"),
        (pd.DataFrame([[1, 2]], columns=[3, "3"]), "column names repeat"),
    ],
)
def test_what_has_no_plain_type_is_refused_with_a_remedy(frame, message):
    with pytest.raises(TableError, match=message):
        types_of(frame, [])


def test_a_column_that_is_left_out_may_hold_anything():
    assert types_of(of(a=[(1, 2)], b=[1]), ["a"]) == FrameTypes({"a": "a", "b": "b"})
