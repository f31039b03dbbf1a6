"""First lines that hold names, and those that hold data."""

import numpy as np
import pandas as pd
import pytest

from src.errors import TableError
from src.tables.files.filling import open_holed
from src.tables.files.layout import Layout
from src.tables.files.writing import table_writer
from tests.unit.tables.own import RNG, own, written

N = 60


def rows(seed=0, n=N):
    rng = np.random.default_rng(seed)
    return [f"{rng.normal():.2f},{rng.poisson(3)},{rng.choice(['x', 'y'])},2020-01-{1 + i % 28:02d}" for i in range(n)]


def noted(columns):
    return [note for note in columns.notes if "dataset.header=false" in note]


def file_of(tmp_path, lines, name="table.csv"):
    return written(tmp_path, "\n".join(lines) + "\n", name)


@pytest.mark.parametrize("seed", range(5))
def test_a_first_line_of_data_is_shown(tmp_path, seed):
    lines = rows(seed)
    (note,) = noted(own(file_of(tmp_path, lines)).understand())
    assert repr(lines[0]) in note
    assert noted(own(file_of(tmp_path, ["a,b,c,d", *lines])).understand()) == []


def numbers(names, draw, seed=0):
    rng = np.random.default_rng(seed)
    cells = [",".join(map(str, draw(rng, len(names)))) for _ in range(N)]
    return [",".join(map(str, names)), *cells]


NAMED = {
    "years": numbers(range(2019, 2024), lambda rng, d: rng.normal(100, 9, d).round(1)),
    "years among years": numbers(range(2019, 2022), lambda rng, d: rng.integers(1990, 2030, d)),
    "pixels": numbers(range(64), lambda rng, d: rng.integers(0, 17, d)),
    "numbered columns": numbers(range(3), lambda rng, d: rng.normal(0, 3, d).round(2)),
    "irregular years": numbers((1990, 1995, 2004, 2010), lambda rng, d: rng.integers(0, 5000, d)),
    "other range": numbers((12, 7, 30), lambda rng, d: rng.random(d).round(3)),
    "one-hot": numbers(("x=1", "x=2"), lambda rng, d: rng.integers(0, 2, d)),
    "id and years": numbers(("id", 2019, 2020), lambda rng, d: rng.integers(0, 9000, d)),
}


@pytest.mark.parametrize("kind", NAMED)
def test_numbers_that_are_names_get_no_note(tmp_path, kind):
    assert noted(own(file_of(tmp_path, NAMED[kind])).understand()) == []


def test_a_file_without_a_header_is_read_and_written_without(tmp_path):
    lines = rows()
    columns = own(file_of(tmp_path, lines), header=False).understand()
    assert list(columns.frame) == ["column_1", "column_2", "column_3", "column_4"]
    assert (len(columns.frame), columns.notes) == (N, ())
    layout = Layout.from_dict(columns.layout.to_dict())
    table = layout.table(columns.frame, layout.schema(None), "there")
    with table_writer(tmp_path / "out.csv", layout) as writer:
        writer.add(table.frame, RNG)
    assert (tmp_path / "out.csv").read_text().splitlines() == lines
    assert noted(own(tmp_path / "table.csv", header=True).understand()) == []


@pytest.mark.parametrize("padded", [False, True])
def test_a_file_without_a_header_is_filled_from_its_first_line_on(tmp_path, padded):
    gap = ", " if padded else ","
    lines = [f",{'x'}", *(f"{i},{'xy'[i % 2]}" for i in range(40)), "7,"]
    file = file_of(tmp_path, [line.replace(",", gap) for line in lines])
    columns = own(file, header=False).understand()
    holed = open_holed(file, columns.layout, columns.frame)
    holed.write(tmp_path / "out.csv", {"column_1": np.array([3.0]), "column_2": np.array(["y"])}, RNG)
    filled = (tmp_path / "out.csv").read_text().splitlines()
    assert filled == [line.replace(",", gap) for line in ["3,x", *lines[1:-1], "7,y"]]


def test_repeated_and_absent_names_name_the_key(tmp_path):
    with pytest.raises(TableError, match=r"(?s)names repeat.*dataset\.header=false"):
        own(file_of(tmp_path, ["8,8,x", *(f"{i},{i % 3},x" for i in range(9))])).understand()
    with pytest.raises(TableError, match=r"column 1 has no name.*dataset\.header=false"):
        own(file_of(tmp_path, [",b", *(f"{i / 3},{i}" for i in range(9))])).understand()
    lines = ["1,1,x", "1,1,x", *(f"{i},{i % 3},y" for i in range(9))]
    assert len(own(file_of(tmp_path, lines), header=False).understand().frame) == len(lines)


def test_quotes_of_a_file_without_a_header_are_kept(tmp_path):
    lines = [f'{i},"{"xy"[i % 2]}"' for i in range(9)]
    columns = own(file_of(tmp_path, lines), header=False).understand()
    assert columns.layout.dialect.quotes == "texts"
    frame = pd.DataFrame({"a": [1.5, 2.5, 3.5], "b": list("xyx")})
    frame.to_csv(tmp_path / "all.csv", index=False, header=False, quoting=1)
    assert own(tmp_path / "all.csv", header=False).understand().layout.dialect.quotes == "all"
