import datetime
import time
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.errors import TableError
from src.tables.cells.date_patterns import parsed
from src.tables.formats.cell_format import CellFormat
from src.tables.formats.inference import infer_cell_format
from src.tables.text.delimited import Dialect

CSV = Dialect()
ZONED_ARROW = "timestamp[ns, tz=Europe/Berlin][pyarrow]"


def texts(cells):
    return pd.Series(pd.Categorical(cells))


@pytest.mark.integration
@pytest.mark.parametrize(
    ("cells", "content", "values"),
    [
        (["1", "-2", "30"], "number", [1, -2, 30]),
        (["1.50", "2.25"], "number", [1.5, 2.25]),
        (["1e3", "2.5E-1"], "number", [1000, 0.25]),
        ([".5", "2.", "-0.25"], "number", [0.5, 2, -0.25]),
        (["True", "False"], "truth value", [True, False]),
        (["TRUE", "FALSE"], "truth value", [True, False]),
        (["true"], "truth value", [True]),
        (["1970-01-02", "1969-12-31"], "date", [1, -1]),
        (["02/01/1970", "31/12/1969"], "date", [1, -1]),
        (["01/31/1970", "01/02/1970"], "date", [30, 1]),
        (["1/2/1970", "12/31/1969"], "date", [1, -1]),
        (["2.1.1970 00:00", "2.1.1970 01:00"], "date", [24, 25]),
        (["1970-01-01T00:00:01Z", "1970-01-01T00:00:02Z"], "date", [1, 2]),
        (["1970-01-01 00:00:00.500", "1970-01-01 00:00:01.000"], "date", [500, 1000]),
        (["1970-01-01T01:00:00+01:00", "1970-01-01T01:00:00-01:00"], "date", [0, 2]),
        (["Jan 2, 1970", "Feb 1, 1970"], "date", [1, 31]),
        (["2-Jan-70", "1-Feb-70"], "date", [1, 31]),
        (["1970-01", "1970-02"], "date", [0, 31]),
        (["9999-12-31", "1600-02-29"], "date", [2932896, -135081]),
        (["08:30", "12:00"], "time", [510, 720]),
        (["1:05 PM", "11:00 AM"], "time", [785, 660]),
        (["a", "1"], "text", ["a", "1"]),
        (["007", "12"], "text", ["007", "12"]),
        (["+491511234567", "+491511234568"], "text", ["+491511234567", "+491511234568"]),
        (["07.50", "12.70"], "text", ["07.50", "12.70"]),
        (["08.30", "12.15"], "time", [510, 735]),
        (["-9007199254740993", "3"], "text", ["-9007199254740993", "3"]),
        (["1,234", "5"], "number", [1234, 5]),
        (["2020-02-30", "2020-02-01"], "text", ["2020-02-30", "2020-02-01"]),
        (["1970-01-01", "1.1.1970"], "text", ["1970-01-01", "1.1.1970"]),
        (["100000000000000000001", "2"], "text", ["100000000000000000001", "2"]),
        (["yes", "no"], "text", ["yes", "no"]),
        (["=1+1", "@x", "-"], "text", ["=1+1", "@x", "-"]),
    ],
)
def test_texts_mean_and_read_back(cells, content, values):
    column = texts(cells)
    found = infer_cell_format(column, CSV, "there")
    assert found.content == content
    means = found.parse(column, "there")
    assert means.tolist() == values
    again = found.parse(found.write(means, for_text_file=True), "there")
    assert again.tolist() == means.tolist()


@pytest.mark.parametrize(
    "cells",
    [
        ["1.50", "2.25", "-0.10"],
        ["1.5", "2.25", "3"],
        ["1.0", "2.0"],
        ["7", "100"],
        ["0.1", "0.30000000000000004"],
        ["TRUE", "FALSE"],
        ["03/04/2020", "01/12/2020"],
        ["3/4/2020 9:05", "11/12/2020 10:30"],
        ["31.12.2020 23:59:59.125", "01.01.2021 00:00:00.000"],
        ["2020-01-01T10:00:00+01:00", "2020-06-01T10:00:00+01:00"],
        ["12:30:15", "00:00:01"],
        ["0100-01-01", "2020-01-01"],
        [" a ", "b"],
    ],
)
def test_cells_are_written_as_they_stood(cells):
    column = texts(cells)
    found = infer_cell_format(column, CSV, "there")
    assert found.write(found.parse(column, "there"), for_text_file=True).tolist() == cells


def test_a_decimal_comma_is_one_where_the_dialect_allows_it():
    column = texts(["1,50", "-2,25"])
    german = infer_cell_format(column, Dialect(separator=";", decimal_comma=True), "there")
    assert german.parse(column, "there").tolist() == [1.5, -2.25]
    assert german.write(pd.Series([0.126, -0.001]), for_text_file=True).tolist() == ["0,13", "0,00"]
    assert infer_cell_format(texts(["1,5", "-2,25"]), CSV, "there").content == "text"


def test_numbers_stay_inside_their_range_when_they_are_rounded():
    cells = texts([*[f"{i / 10:.1f}" for i in range(1, 40)], "0.04", "3.96666666666666"])
    found = infer_cell_format(cells, CSV, "there")
    assert found.decimals == 2
    written = found.write(pd.Series([0.04, 3.9666666666, 1.234]), for_text_file=True).astype(float)
    assert written.min() >= 0.04
    assert written.max() <= 3.96666666666666
    assert written[2] == 1.23


def test_small_numbers_are_not_rounded_away():
    found = infer_cell_format(texts(["1.5", "2.5", "2.9e-22"]), CSV, "there")
    assert found.decimals is None
    assert found.write(pd.Series([2.9e-22, 2.0]), for_text_file=True).tolist() == ["2.9e-22", "2.0"]


@pytest.mark.parametrize(
    ("column", "content"),
    [
        (pd.Series([1, 2], dtype="int8"), "number"),
        (pd.Series([1, 2], dtype="uint64"), "number"),
        (pd.Series([1.5, 2.25], dtype="float32"), "number"),
        (pd.array([1, 2], dtype="Int64"), "number"),
        (pd.array([True, False], dtype="boolean"), "truth value"),
        (pd.Series([True, False]), "truth value"),
        (pd.Series([Decimal("1.50"), Decimal("2.25")]), "number"),
        (pd.Series(pd.Categorical(["b", "a"], categories=["b", "a", "c"], ordered=True)), "text"),
        (pd.Series(pd.Categorical([3, 1])), "text"),
        (pd.Series(pd.Categorical([0.5, None, 1.25])), "text"),
        (pd.Series(pd.Categorical([True, False])), "text"),
        (pd.Series(pd.Categorical(["10001", "20500"])), "text"),
        (pd.Series(pd.Categorical(pd.to_datetime(["2020-01-01", "2021-01-01"]))), "text"),
        (pd.Series(pd.to_datetime(["2020-01-01T10:00:00+01:00", "2020-07-01T10:00:00+01:00"])), "date"),
        (pd.Series(pd.to_datetime(["2020-01-01", "2020-07-01"]).tz_localize("UTC")), "date"),
        (pd.Series(pd.to_datetime(["2020-01-01", "2020-07-01"]).as_unit("ms").tz_localize("Asia/Tokyo")), "date"),
        (pd.Series(pd.to_datetime(["2020-01-01", None]).tz_localize("UTC")).astype(ZONED_ARROW), "date"),
        (pd.Series([1, None], dtype="int64[pyarrow]"), "number"),
        (pd.Series([datetime.datetime.max, datetime.datetime.min], dtype="datetime64[us]"), "date"),
        (pd.array(["x", "y"], dtype="string"), "text"),
        (pd.Series([datetime.date(2020, 1, 2), datetime.date(1999, 1, 1)]), "date"),
        (pd.Series([datetime.time(1, 2), datetime.time(3, 4, 5, 6)]), "time"),
        (pd.Series(pd.to_datetime(["2020-01-01T00:00:00.5", "2021-01-01T10:00:00.000001"])), "date"),
        (pd.Series(pd.to_datetime(["2020-01-01", "2020-07-01"]).tz_localize("Europe/Berlin")), "date"),
        (pd.Series(pd.to_timedelta([36, 12], unit="h")), "duration"),
        (pd.Series(["2020-01-01", "2020-02-02"]), "date"),
        (pd.Series(["1.50", "2.25"]), "number"),
        (pd.Series([2**60 + 1, 2**60 + 3]), "text"),
    ],
)
def test_typed_columns_come_back_in_their_dtype(column, content):
    column = pd.Series(column)
    found = infer_cell_format(column, None, "there")
    assert found.content == content
    pd.testing.assert_series_equal(found.write(found.parse(column, "there")), column, check_names=False)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([1, 2, "a"], "row 3: str 'a'; a column holds numbers, texts"),
        ([[1], [2, 3]], r"row 1: list \[1\]"),
        ([{"a": 1}, {"b": 2}], "row 1: dict"),
        ([1.5, np.inf], "row 2: an infinite number"),
        ([b"x", b"y"], "row 1: bytes"),
        ([1j, 2j], "row 1: complex"),
    ],
)
def test_cells_of_other_types_are_refused_by_row(cells, message):
    column = pd.Series(cells, dtype=object)
    with pytest.raises(TableError, match=message):
        infer_cell_format(column, None, "t.parquet, column 'a'")


@pytest.mark.parametrize(
    ("known", "cells", "message"),
    [
        (["1", "2"], ["1", "x"], "row 2: expected a number, got 'x'"),
        (["1", "2"], ["inf"], "row 1: expected a number, got 'inf'"),
        (["2020-01-01"], ["2020-01-01", "01.01.2020"], "row 2: expected a date like 1999-12-31, got '01.01.2020'"),
        (["True", "False"], ["maybe"], r"expected a truth value \(False or True\), got 'maybe'"),
    ],
)
def test_a_cell_of_another_format_is_refused_by_row(known, cells, message):
    found = infer_cell_format(texts(known), CSV, "there")
    with pytest.raises(TableError, match=message):
        found.parse(pd.Series(cells, dtype=object), "there")


def test_an_infinite_text_is_refused():
    with pytest.raises(TableError, match="'inf' is an infinite number"):
        infer_cell_format(texts(["1", "inf"]), CSV, "there")


@pytest.mark.integration
@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=8))
def test_any_numbers_are_written_close_to_what_they_were(numbers):
    cells = texts([repr(number) for number in numbers])
    found = infer_cell_format(cells, CSV, "there")
    if found.content == "text":  # whole and too large for float64
        assert max(map(abs, numbers)) > 2**53
        return
    again = found.write(found.parse(cells, "there"), for_text_file=True).astype(float)
    step = 0.5 * 10.0 ** -(found.decimals or 0) if found.decimals is not None else 0
    assert (np.abs(again - numbers) <= step * (1 + 1e-9)).all()


@pytest.mark.integration
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2250, 12, 31)), min_size=1, max_size=6),
    st.sampled_from(["%Y-%m-%d", "%d.%m.%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%-m/%-d/%Y"]),
)
def test_any_dates_are_written_as_they_stood(moments, pattern):
    cells = texts([moment.strftime(pattern) for moment in moments])
    found = infer_cell_format(cells, CSV, "there")
    assert found.content == "date"
    assert found.write(found.parse(cells, "there"), for_text_file=True).tolist() == list(cells)


def test_holes_stay_holes():
    found = CellFormat("number", "int64", decimals=0)
    assert found.write(pd.Series([1.0, np.nan])).isna().tolist() == [False, True]
    assert found.write(pd.Series([1.0, np.nan]), for_text_file=True).tolist() == ["1", ""]


def test_a_date_without_an_offset_is_one_of_utc_whatever_the_zone_of_the_machine(monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert parsed("2020-01-01T12:00:00", "", zone=True) == datetime.datetime(2020, 1, 1, 12)
        assert parsed("2020-01-01T12:00:00+02:00", "", zone=True) == datetime.datetime(2020, 1, 1, 10)
    finally:
        monkeypatch.undo()
        time.tzset()
