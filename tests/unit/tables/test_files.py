import gzip

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.errors import TableError
from src.tables.files.raw import read_raw
from src.tables.reading.understanding import Rules, marked
from src.tables.text.delimited import Reading
from src.tables.text.dialect import HOLES


def nothing_to_say(sentence):
    raise AssertionError(sentence)


def cells_of(file, say=nothing_to_say):
    """The cells of a file; of a text file they are texts."""
    frame = read_raw(file, Reading(), say).frame
    return frame.astype(dict.fromkeys(frame.select_dtypes("category"), object))


def read(folder, content, name="table.csv", said=None):
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return cells_of(file, nothing_to_say if said is None else said.append)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_whatever_the_cells_hold(tmp_path, separator):
    lines = [["a", "b", "c"], ["1", '"x,y;z|\tq"', "1.5"], ["2", '"say ""hi"""', "2.5"]]
    frame = read(tmp_path, "\n".join(separator.join(line) for line in lines))
    expected = pd.DataFrame({"a": ["1", "2"], "b": ["x,y;z|\tq", 'say "hi"'], "c": ["1.5", "2.5"]})
    pd.testing.assert_frame_equal(frame, expected)


def test_a_comma_in_the_header_does_not_win_over_the_semicolon(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("x,1;y\n1,5;2\n2,5;3\n")
    assert list(cells_of(file)) == ["x,1", "y"]


def test_a_file_without_a_named_column_is_refused(tmp_path):
    pd.DataFrame(index=range(3)).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(TableError, match="no column with a name"):
        cells_of(tmp_path / "t.parquet")


def test_spaces_after_the_separator_belong_to_it(tmp_path):
    frame = read(tmp_path, 'a, b, c\n1, x, "p, q"\n2, y z, r\n')
    assert list(frame) == ["a", "b", "c"]
    assert frame.iloc[:, 1:].to_numpy().tolist() == [["x", "p, q"], ["y z", "r"]]


def test_every_hole_is_one_and_nothing_else_is(tmp_path):
    cells = [*HOLES, "??", "..", "none", "0"]
    read(tmp_path, "a,b\n" + "".join(f'"{cell}",1\n' for cell in cells))
    pd.DataFrame({"a": cells}).to_parquet(tmp_path / "t.parquet")
    for name in ("table.csv", "t.parquet"):
        found = marked(read_raw(tmp_path / name, Reading(), nothing_to_say).frame, {}, Rules(), [].append)["a"]
        assert found.isna().tolist() == [cell in HOLES and cell != "None" for cell in cells], "None is a text here"


def test_a_named_index_is_not_a_column(tmp_path):
    frame = pd.DataFrame({"a": [1.5, 2.5, 3.5]}, index=[7, 3, 5])
    said = []
    assert list(read(tmp_path, frame.to_csv())) == ["", "a"]
    frame.rename_axis("id").to_parquet(tmp_path / "t.parquet")
    found = cells_of(tmp_path / "t.parquet", said.append)
    assert (list(found), found.index.tolist()) == (["a"], [0, 1, 2])
    assert "id is its index" in said[0]


def test_encodings(tmp_path):
    expected = pd.DataFrame({"größe": ["1", "2"], "名前": ["é", "ü"]})
    text = expected.to_csv(index=False)
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        pd.testing.assert_frame_equal(read(tmp_path, text.encode(encoding)), expected)
    said = []
    latin = read(tmp_path, "größe,b\n1,é\n".encode("latin-1"), said=said)
    assert (list(latin), latin["b"][0]) == (["größe", "b"], "é")
    assert "not UTF-8" in said[0]


def test_compressed_tabbed_and_upper_case(tmp_path):
    frame = pd.DataFrame({"a": ["1", "2"], "b": ["x,y", "z,w"]})
    tabbed = frame.to_csv(index=False, sep="\t")
    pd.testing.assert_frame_equal(read(tmp_path, gzip.compress(tabbed.encode()), "t.TSV.gz"), frame)
    frame.to_feather(tmp_path / "t.feather")
    pd.testing.assert_frame_equal(cells_of(tmp_path / "t.feather"), frame)


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


def test_absent_files_and_folders(tmp_path):
    with pytest.raises(TableError, match=r"no\.csv does not exist"):
        cells_of(tmp_path / "no.csv")
    with pytest.raises(TableError, match="is a folder"):
        cells_of(tmp_path)


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
    rows = [data.draw(st.lists(TEXTS, min_size=n_rows, max_size=n_rows)) for _ in range(2)]
    frame = pd.DataFrame({name: rows[i % 2] for i, name in enumerate(names)})
    folder = tmp_path_factory.getbasetemp()
    frame.to_csv(folder / "t.csv", index=False)
    frame.to_parquet(folder / "t.parquet")
    for file in ("t.csv", "t.parquet"):
        pd.testing.assert_frame_equal(cells_of(folder / file, [].append), frame)
