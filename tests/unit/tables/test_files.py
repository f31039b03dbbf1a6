import datetime
import gzip
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.errors import TableError
from src.tables.text.dialect import HOLES, read_frame


def nothing_to_say(sentence):
    raise AssertionError(sentence)


def read(folder, content, name="table.csv", said=None, **more):
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_frame(file, nothing_to_say if said is None else said.append, **more)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_whatever_the_cells_hold(tmp_path, separator):
    lines = [["a", "b", "c"], ["1", '"x,y;z|\tq"', "1.5"], ["2", '"say ""hi"""', "2.5"]]
    frame = read(tmp_path, "\n".join(separator.join(line) for line in lines))
    expected = pd.DataFrame({"a": [1, 2], "b": ["x,y;z|\tq", 'say "hi"'], "c": [1.5, 2.5]})
    pd.testing.assert_frame_equal(frame, expected)


def test_a_comma_in_the_header_does_not_win_over_the_semicolon(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("x,1;y\n1,5;2\n2,5;3\n")
    assert list(read_frame(file, print).columns) == ["x,1", "y"]


def test_dates_beyond_nanoseconds_are_dates(tmp_path):
    far = ["9999-12-31", "1600-02-29", "2020-01-01"]
    pd.DataFrame({"d": far}).to_csv(tmp_path / "t.csv", index=False)
    pd.DataFrame({"d": [datetime.date.fromisoformat(day) for day in far]}).to_parquet(tmp_path / "t.parquet")
    for name in ("t.csv", "t.parquet"):
        values = read_frame(tmp_path / name, print)["d"]
        assert values.dt.strftime("%Y-%m-%d").tolist() == far


def test_a_file_without_a_named_column_is_refused(tmp_path):
    pd.DataFrame(index=range(3)).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(TableError, match="no column with a name"):
        read_frame(tmp_path / "t.parquet", print)


def test_decimal_commas_are_numbers_and_said(tmp_path):
    said = []
    frame = read(tmp_path, "a;b\n1,5;x,y\n-2;z\n,25;x\n", said=said)
    assert frame["a"].tolist() == [1.5, -2.0, 0.25]
    assert frame["b"].tolist() == ["x,y", "z", "x"]
    assert len(said) == 1
    assert "decimal commas in a" in said[0]


def test_spaces_after_the_separator_belong_to_it(tmp_path):
    frame = read(tmp_path, 'a, b, c\n1, x, "p, q"\n2, y z, r\n')
    assert list(frame) == ["a", "b", "c"]
    assert frame.iloc[:, 1:].to_numpy().tolist() == [["x", "p, q"], ["y z", "r"]]


def test_every_hole_is_one_and_nothing_else_is(tmp_path):
    cells = [*HOLES, "??", "..", "none", "0"]
    text = read(tmp_path, "a,b\n" + "".join(f'"{cell}",1\n' for cell in cells))["a"]
    assert text.isna().tolist() == [cell in HOLES for cell in cells]
    pd.DataFrame({"a": cells}).to_parquet(tmp_path / "t.parquet")
    assert read_frame(tmp_path / "t.parquet", nothing_to_say)["a"].equals(text)
    assert read_frame(tmp_path / "t.parquet", nothing_to_say, ["a"])["a"].equals(text)


def test_encodings(tmp_path):
    expected = pd.DataFrame({"größe": [1, 2], "名前": ["é", "ü"]})
    text = expected.to_csv(index=False)
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        pd.testing.assert_frame_equal(read(tmp_path, text.encode(encoding)), expected)
    said = []
    latin = read(tmp_path, "größe,b\n1,é\n".encode("latin-1"), said=said)
    assert (list(latin), latin["b"][0]) == (["größe", "b"], "é")
    assert "not UTF-8" in said[0]


def test_compressed_tabbed_and_upper_case(tmp_path):
    frame = pd.DataFrame({"a": [1, 2], "b": ["x,y", "z,w"]})
    tabbed = frame.to_csv(index=False, sep="\t")
    pd.testing.assert_frame_equal(read(tmp_path, gzip.compress(tabbed.encode()), "t.TSV.gz"), frame)
    frame.to_feather(tmp_path / "t.feather")
    pd.testing.assert_frame_equal(read_frame(tmp_path / "t.feather", nothing_to_say), frame)


def test_an_index_is_not_a_column(tmp_path):
    frame = pd.DataFrame({"a": [1.5, 2.5, 3.5]}, index=[7, 3, 5])
    said = []
    assert list(read(tmp_path, frame.to_csv(), said=said)) == ["a"]
    assert "has no name" in said[0]
    frame.rename_axis("id").to_parquet(tmp_path / "t.parquet")
    assert read_frame(tmp_path / "t.parquet", said.append).index.tolist() == [0, 1, 2]
    assert "id is its index" in said[1]
    with pytest.raises(TableError, match="column 1 has no name"):
        read(tmp_path, ",a\nx,1\n")


def test_one_dtype_a_column_whatever_the_format(tmp_path):
    frame = pd.DataFrame(
        {
            "int": [1, 2],
            "nullable": pd.array([1, None], dtype="Int64"),
            "bool": [True, False],
            "maybe": pd.array([True, None], dtype="boolean"),
            "category": pd.Categorical(["b", "a"]),
            "string": pd.array(["x", None], dtype="string"),
            "decimal": [Decimal("1.5"), None],
            "date": [datetime.date(1970, 1, 2), None],
            "zoned": pd.to_datetime(["1970-01-01T02:00+02:00", None], utc=False),
            "took": pd.to_timedelta([36, 12], unit="h"),
            "empty": [None, None],
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")
    found = read_frame(tmp_path / "t.parquet", nothing_to_say)
    kinds = ["int64", "float64", "bool", "object", "object", "object", "float64", *["datetime64[ns]"] * 2]
    assert [str(dtype) for dtype in found.dtypes] == [*kinds, "float64", "float64"]
    assert found["took"].tolist() == [1.5, 0.5]
    assert found["zoned"][0] == pd.Timestamp("1970-01-01")
    written = read(tmp_path, frame.drop(columns="took").to_csv(index=False))
    pd.testing.assert_frame_equal(written, found.drop(columns="took"))


def test_text_stays_text_where_it_is_asked_for(tmp_path):
    assert read(tmp_path, "zip,b\n007,1\n,2\n", text=["zip"])["zip"].tolist()[0] == "007"
    pd.DataFrame({"zip": [7.0, np.nan, 1.5]}).to_parquet(tmp_path / "t.parquet")
    found = read_frame(tmp_path / "t.parquet", nothing_to_say, ["zip"])["zip"]
    assert found.tolist()[::2] == ["7", "1.5"]
    assert found.isna().tolist() == [False, True, False]


def test_dates_are_iso_dates_only(tmp_path):
    frame = read(tmp_path, "a,b,c,d\n2020-02-29,2020-02-30,03/04/2021,2020-01-01T10:00:00Z\n,,,2020-01-01\n")
    assert [str(dtype) for dtype in frame.dtypes] == ["datetime64[ns]", "object", "object", "datetime64[ns]"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", b"", "is empty"),
        ("t.csv", "\n\n", "is empty"),
        ("t.csv", "a,b\n", "has 2 columns but no rows"),
        ("t.csv", "a,b,a\n1,2,3\n", r"column names repeat: \['a'\]"),
        ("t.csv", "a,b\n1,2\n3\n", "line 3: 1 fields where the header has 2"),
        ("t.csv", 'a,b\n"x\ny",2\n3,4,5\n', "line 4: 3 fields"),
        ("t.csv", 'a,b\n1,2\n1,"2\n', "cannot be read as .csv"),
        ("t.csv", "a,b\n1.5,2\ninf,3\n", "column 'a', row 2: an infinite number"),
        ("t.csv", bytes(range(1, 256)) + b"\0", "zero bytes"),
        ("t.csv.gz", b"a,b\n1,2\n", "cannot be read as .csv.gz"),
        ("t.parquet", b"PAR1 not", "cannot be read as .parquet"),
        ("t.feather", b"no", "cannot be read as .feather"),
        ("t.xlsx", b"x", r"the extension is none of \.csv, .*\.feather"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(tmp_path, name, text, message):
    with pytest.raises(TableError, match=message) as error:
        read(tmp_path, text, name)
    assert str(tmp_path / name) in str(error.value)


def test_absent_files_folders_and_cells_of_many_values(tmp_path):
    with pytest.raises(TableError, match=r"no\.csv does not exist"):
        read_frame(tmp_path / "no.csv", nothing_to_say)
    with pytest.raises(TableError, match="is a folder"):
        read_frame(tmp_path, nothing_to_say)
    pd.DataFrame({"a": [None, [1, 2]]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(TableError, match=r"column 'a', row 2: \w+ among"):
        read_frame(tmp_path / "t.parquet", nothing_to_say)


NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=6)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t,;|\"'"), max_size=6).map(
    lambda text: f"x{text}"
)


@pytest.mark.integration
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_was_written_is_read(tmp_path_factory, data):
    names = data.draw(st.lists(NAMES, min_size=2, max_size=4, unique=True))
    n_rows = data.draw(st.integers(2, 6))
    numbers = st.floats(allow_nan=False, allow_infinity=False) | st.just(np.nan)
    rows = [data.draw(st.lists(kind, min_size=n_rows, max_size=n_rows)) for kind in (numbers, TEXTS)]
    frame = pd.DataFrame({name: rows[i % 2] for i, name in enumerate(names)})
    folder = tmp_path_factory.getbasetemp()
    frame.to_csv(folder / "t.csv", index=False)
    frame.to_parquet(folder / "t.parquet")
    for file in ("t.csv", "t.parquet"):
        pd.testing.assert_frame_equal(
            read_frame(folder / file, nothing_to_say), frame, check_dtype=False, check_exact=True
        )
