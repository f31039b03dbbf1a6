"""Files that no one should have made: each is refused with a sentence that says where and what to do, or read right."""

import datetime
import gzip
import os
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from src import describe, train
from src.commands.cli.main import main
from tests.unit.tables.own import own

FAR = datetime.date(9999, 12, 31)
ROWS = "".join(f"{i},{i * 0.5},{'xyz'[i % 3]}\n" for i in range(20))
GOOD = "a,b,c\n" + ROWS


def parquet(frame):
    def write(file):
        frame.to_parquet(file)

    return write


def numbers(n=20):
    return list(range(n))


def lines(header, row, n=30):
    return "\n".join([header, *map(row, range(n))]).encode()


REFUSED = {
    "empty": ("t.csv", b"", "is empty"),
    "blank": ("t.csv", b"\n \n\n", "is empty"),
    "header only": ("t.csv", b"a,b,c\n", "3 columns but no rows"),
    "one row": ("t.csv", b"a,b\n1,2\n", "has one row; at least 3"),
    "two rows": ("t.csv", b"a,b\n1,2\n3,4\n", "has 2 rows; at least 3"),
    "a line with too few fields": ("t.csv", f"{GOOD}1,2\n".encode(), "line 22: 2 fields where the header has 3"),
    "a line with too many fields": ("t.csv", f"{GOOD}1,2,3,4\n".encode(), "line 22: 4 fields"),
    "a comment before the header": ("t.csv", f"# made by hand, 2020\n{GOOD}".encode(), "fields where the header has"),
    "a title above the header": ("t.csv", f"Report 2020\n{GOOD}".encode(), "line 2: 3 fields where the header has 1"),
    "the header twice": ("t.csv", f"{GOOD}a,b,c\n{ROWS}".encode(), "line 22 repeats the header"),
    "units below the header": ("t.csv", f"a,b,c\ncm,kg,x\n{ROWS}".encode(), "row 1 looks like a second header"),
    "colons between fields": ("t.csv", GOOD.replace(",", ":").encode(), r"the separator: dataset\.separator=:"),
    "carets between fields": ("t.csv", GOOD.replace(",", "^").encode(), r"the separator: 'dataset\.separator=\^'"),
    "names that repeat": ("t.csv", GOOD.replace("a,b,c", "a,b,a").encode(), r"column names repeat: \['a'\]"),
    "a name that is absent": ("t.csv", f"a,,c\n{ROWS.replace('.5', 'q')}".encode(), "column 2 has no name"),
    "no name at all": ("t.csv", b",,\n1,2,3\n4,5,6\n7,8,9\n", "has no column with a name"),
    "a quote that never ends": ("t.csv", f'{GOOD}1,2,"x\n'.encode(), "cannot be read as .csv"),
    "an infinite number": ("t.csv", f"{GOOD}inf,1,x\n".encode(), "column 'a'.*infinite number; leave the cell empty"),
    "minus infinity": ("t.csv", f"{GOOD}1,-Infinity,x\n".encode(), "column 'b'.*'-Infinity' is an infinite number"),
    "zero bytes": ("t.csv", f"{GOOD}1,\0,x\n".encode(), "zero bytes .line 22."),
    "utf-16 without a mark": ("t.csv", GOOD.encode("utf-16-le"), "dataset.encoding=utf-16-le"),
    "not gzip": ("t.csv.gz", GOOD.encode(), "cannot be read as .csv.gz"),
    "gzip cut short": ("t.csv.gz", gzip.compress(GOOD.encode())[:-12], "cannot be read as .csv.gz"),
    "not parquet": ("t.parquet", GOOD.encode(), "cannot be read as .parquet"),
    "not feather": ("t.feather", GOOD.encode(), "cannot be read as .feather"),
    "a spreadsheet": ("t.xlsx", b"PK", "the extension is none of"),
    "no extension": ("table", GOOD.encode(), "the extension is none of"),
    "only missing": ("t.csv", b"a,b\n" + b"NA,\n" * 9, "no column is left to learn: a .empty., b .empty."),
    "only constants": ("t.csv", b"a,b\n" + b"1,x\n" * 9, "no column is left to learn: a .constant."),
    "only ids": (
        "t.csv", lines("id,name", lambda i: f"{i},n{i}", 99), "no column is left to learn"
    ),
    "no column": ("t.parquet", parquet(pd.DataFrame(index=range(3))), "no column with a name"),
    "no row": ("t.parquet", parquet(pd.DataFrame({"a": [], "b": []})), "2 columns but no rows"),
    "a column of lists": ("t.parquet", parquet(pd.DataFrame({"a": [[1], [2, 3], [4]]})), "row 1: .* one value"),
    "a column of structs": ("t.parquet", parquet(pd.DataFrame({"a": [{"x": 1}] * 4, "b": range(4)})), "row 1: dict"),
    "bytes": ("t.parquet", parquet(pd.DataFrame({"a": [b"x", b"y", b"z"]})), "row 1: bytes"),
    "infinite in parquet": ("t.parquet", parquet(pd.DataFrame({"a": [1.0, np.inf, 2.0]})), "row 2: an infinite number"),
}  # fmt: skip

READ = {
    "utf-16": ("t.csv", GOOD.encode("utf-16"), ["integer", "real", "category"]),
    "a mark of utf-8": ("t.csv", GOOD.encode("utf-8-sig"), ["integer", "real", "category"]),
    "windows": ("t.csv", GOOD.replace("\n", "\r\n").encode(), ["integer", "real", "category"]),
    "old mac": ("t.csv", GOOD.replace("\n", "\r").encode(), ["integer", "real", "category"]),
    "no newline at the end": ("t.csv", GOOD.strip().encode(), ["integer", "real", "category"]),
    "blank lines": ("t.csv", GOOD.replace("\n", "\n\n").encode(), ["integer", "real", "category"]),
    "semicolons": ("t.csv", GOOD.replace(",", ";").replace(".", ",").encode(), ["integer", "real", "category"]),
    "upper case": ("T.CSV", GOOD.encode(), ["integer", "real", "category"]),
    "spaces after commas": ("t.csv", GOOD.replace(",", ", ").encode(), ["integer", "real", "category"]),
    "a separator at the end of lines": (
        "t.csv", GOOD.replace("\n", ",\n").encode(), ["integer", "real", "category", "empty"]
    ),
    "latin-1": ("t.csv", GOOD.replace("x", "é").encode("latin-1"), ["integer", "real", "category"]),
    "formulas": (
        "t.csv",
        ("a,b\n" + "".join(f'"=SUM(A{i % 3}:B2)","@cmd|{i % 2}"\n' for i in range(20))).encode(),
        ["category", "category"],
    ),
    "huge integers": (
        "t.csv",
        lines("a,b", lambda i: f"{10**40 + i % 3},{2**63 - i}"),
        ["category", "id"],
    ),
    "huge reals": (
        "t.csv", ("a,b\n" + "".join(f"{i}e300,{i % 5}\n" for i in range(1, 20))).encode(), ["real", "integer"]
    ),
    "tiny reals": (
        "t.csv", ("a,b\n" + "".join(f"{i}.5e-300,{i % 5}\n" for i in range(1, 20))).encode(), ["real", "integer"]
    ),
    "mixed types": (
        "t.csv",
        lines("a,b", lambda i: f"{i if i % 2 else 'n' + str(i % 4)},{i}"),
        ["category", "integer"],
    ),
    "odd names": (
        "t.csv",
        lines('"a | b","$x$","c\nd","{e}","0"', lambda i: f"{i},{i % 3},{i % 5},{i % 7},{i / 4}"),
        ["integer", "integer", "integer", "integer", "real"],
    ),
    "a line break in a cell": ("t.csv", (GOOD + '1,2,"x\ny"\n').encode(), ["integer", "real", "category"]),
    "codes with zeros": ("t.csv", lines("a,b", lambda i: f"00{i % 4},{i}"), ["category", "integer"]),
    "dates that do not exist": (
        "t.csv", lines("a,b", lambda i: f"2020-02-{28 + i % 3},{i}"), ["category", "integer"]
    ),
    "ten rows": ("t.csv", lines("a,b", lambda i: f"{i * i},{'xy'[i % 2]}", 10), ["integer", "category"]),
    "decimals of parquet": (
        "t.parquet",
        parquet(pd.DataFrame({"a": [Decimal("1.50"), None, Decimal("2.25")] * 5, "b": numbers(15)})),
        ["real", "integer"],
    ),
    "dates of parquet": (
        "t.parquet",
        parquet(pd.DataFrame({"a": [FAR, None, datetime.date(2020, 1, 1)] * 5, "b": range(15)})),
        ["date", "integer"],
    ),
    "times beyond a day's end": (
        "t.csv", lines("a,b", lambda i: f"{20 + i % 10}:00,{i}"), ["category", "integer"]
    ),
}  # fmt: skip


def placed(folder, name, content):
    file = folder / name
    if callable(content):
        content(file)
    else:
        file.write_bytes(content)
    return file


def command(module, monkeypatch, capsys, *arguments, name="config", **more):
    """Exit code and what a command says, in this process."""
    monkeypatch.setattr("sys.argv", [module.__name__, *arguments])
    code = 0
    try:
        main(module.job, module.check, name, **more)
    except SystemExit as end:
        code = end.code
    out = capsys.readouterr()
    return code, out.out + out.err


@pytest.mark.slow
@pytest.mark.parametrize("case", REFUSED)
def test_a_hostile_file_is_refused_with_place_and_remedy(case, tmp_path, monkeypatch, capsys):
    name, content, message = REFUSED[case]
    file = placed(tmp_path, name, content)
    code, said = command(describe, monkeypatch, capsys, str(file), name="describe", positional="file")
    assert code == 2
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) == 1
    assert str(file) in said or "no column is left" in said
    assert re.search(message, said), said
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("case", READ)
def test_a_strange_file_is_read_right_and_written_alike(case, tmp_path, monkeypatch, capsys):
    name, content, expected = READ[case]
    file = placed(tmp_path, name, content)
    code, said = command(describe, monkeypatch, capsys, str(file), name="describe", positional="file")
    assert code == 0, said
    columns = own(file).understand()
    assert [form.kind for form in columns.layout.forms] == expected
    split = own(file).load(0)
    assert split.train.n_rows + split.test.n_rows == len(columns.frame)
    layout = columns.layout
    table = layout.table(columns.frame, layout.schema(None), "there")
    back = layout.restore(table.frame, 0, np.random.default_rng(0))
    again = layout.table(back, table.schema, "there")
    pd.testing.assert_frame_equal(again.frame, table.frame)


def test_files_that_cannot_be_opened(tmp_path, monkeypatch, capsys):
    def said(path):
        return command(describe, monkeypatch, capsys, str(path), name="describe", positional="file")

    assert said(tmp_path / "no.csv") == (2, f"error: {tmp_path / 'no.csv'} does not exist\n")
    (tmp_path / "folder.csv").mkdir()
    assert "is a folder; name one file" in said(tmp_path / "folder.csv")[1]
    os.symlink(tmp_path / "nowhere", tmp_path / "link.csv")
    assert said(tmp_path / "link.csv")[0] == 2
    secret = placed(tmp_path, "secret.csv", GOOD.encode())
    opened = type(secret).read_bytes

    def refuse(path):
        if path == secret:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path)

    monkeypatch.setattr(type(secret), "read_bytes", refuse)
    code, words = said(secret)
    assert (code, "Permission denied" in words) == (2, True)


@pytest.mark.parametrize("case", ["header only", "a column of lists", "only missing", "zero bytes"])
def test_training_refuses_before_it_writes(case, tmp_path, monkeypatch, capsys):
    name, content, _ = REFUSED[case]
    file = placed(tmp_path, name, content)
    outputs = tmp_path / "out"
    arguments = ["dataset=table", f"dataset.path={file}", "missing=native", f"outputs_dir={outputs}"]
    code, said = command(train, monkeypatch, capsys, *arguments)
    assert code == 2
    assert "Traceback" not in said
    assert not list(outputs.rglob("config.yaml"))
