import datetime
import gzip
import re
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.errors import ConfigError, TableError
from src.tables.columns.forms import RARE
from src.tables.files.filling import check_out, open_holed
from src.tables.files.layout import Layout
from src.tables.text.delimited import Dialect, parse
from tests.unit.tables.own import own, written

UVW = "uvw"
HOLE = re.compile("⟦(.*?)→(.*?)⟧", re.DOTALL)


def canonical(columns):
    layout = columns.layout
    return layout.table(columns.frame, layout.schema(None), "there").frame


def hot_deck(columns, seed=0):
    """For every hole one of the column's own values."""
    rng = np.random.default_rng(seed)
    frame = canonical(columns)
    holes = {name: frame[name].isna().to_numpy() for name in frame}
    return {
        name: rng.choice(frame[name].to_numpy()[~hole], hole.sum()) for name, hole in holes.items() if hole.any()
    }  # fmt: skip


def fill(file, out, fills=None, seed=0, **choices):
    columns = own(file, **choices).understand()
    fills = hot_deck(columns, seed) if fills is None else fills
    open_holed(file, columns.layout, columns.frame).write(out, fills, np.random.default_rng(seed))
    return columns, fills


def table(header, row, n=12, end="\n"):
    return header + end + "".join(row(i) + end for i in range(n))


TEXT = {
    "empty cells": (table("a,b", lambda i: f"{i},{UVW[i % 3]}") + "⟦→7⟧,⟦→v⟧\n⟦→3⟧,w\n", {"a": [7, 3], "b": ["v"]}),
    "no newline at the end": (table("a,b", lambda i: f"{i},{UVW[i % 3]}") + "1,⟦→v⟧", {"b": ["v"]}),
    "markers": (
        table("a,b", lambda i: f"{i},{UVW[i % 3]}") + "⟦NA→7⟧,⟦?→u⟧\n⟦ NA →3⟧,⟦ ? →w⟧\n⟦   →4⟧,⟦N/A→w⟧\n",
        {"a": [7, 3, 4], "b": ["u", "w", "w"]},
    ),
    "asked markers": (
        table("a,b", lambda i: f"{i},{UVW[i % 3]}") + "⟦-999→7⟧,⟦unknown→u⟧\n⟦-999.0→3⟧,v\n⟦ -999 →4⟧,w\n",
        {"a": [7, 3, 4], "b": ["u"]},
        {"also_holes": [-999, "unknown"]},
    ),
    "odd spellings": (
        table("zip,phone,x,y,b", lambda i: f"0{i % 3}.75,+49{i % 3},{i}e3, {i}.50 ,{i}")
        + "⟦→01.75⟧,⟦→+491⟧,⟦→5000⟧,⟦→3.50⟧, 1\n",
        {"zip": ["01.75"], "phone": ["+491"], "x": [5000.0], "y": [3.5]},
    ),
    "windows": (
        table("a,b", lambda i: f"{i},{UVW[i % 3]}", end="\r\n") + "⟦→7⟧,v\r\n3,⟦NA→w⟧\r\n", {"a": [7], "b": ["w"]}
    ),
    "old mac": (table("a,b", lambda i: f"{i},{UVW[i % 3]}", end="\r") + "⟦→7⟧,v\r 3,⟦→w⟧\r", {"a": [7], "b": ["w"]}),
    "mixed ends and blank lines": (
        "\n\r\n" + table("a,b", lambda i: f"{i},{UVW[i % 3]}" + ["\r", "\r\n", "", "\n"][i % 4])
        + "⟦→7⟧,⟦→v⟧\n\r\n\r\r\n\n",
        {"a": [7], "b": ["v"]},
    ),
    "all quoted": (
        table('"a","b"', lambda i: f'"{i}","{UVW[i % 3]}"') + '⟦→"7"⟧,⟦""→"v"⟧\n"1",⟦"NA"→"w"⟧\n',
        {"a": [7], "b": ["v", "w"]},
    ),
    "texts quoted": (
        table('"a","b"', lambda i: f'{i},"{UVW[i % 3]}"') + '⟦NA→7⟧,⟦NA→"v"⟧\n⟦""→8⟧,"w"\n', {"a": [7, 8], "b": ["v"]}
    ),
    "texts quoted but the header": (
        table("a,b", lambda i: f'{i},"{UVW[i % 3]}"') + '⟦→7⟧,⟦→"v"⟧\n', {"a": [7], "b": ["v"]}
    ),
    "the header quoted but the texts": (
        table('"a","b"', lambda i: f"{i},{UVW[i % 3]}") + "⟦→7⟧,⟦→v⟧\n", {"a": [7], "b": ["v"]}
    ),
    "quoted as needed": (
        table("a,b", lambda i: f"{i}," + ["x", '"x, ""y"""', '"x\r\ny,"'][i % 3]) + '⟦→7⟧,⟦→"x, ""y"""⟧\n1,⟦""→x⟧\n',
        {"a": [7], "b": ['x, "y"', "x"]},
    ),
    "quotes inside of cells": (
        table("a,b", lambda i: f'{i},{i % 3}" pipe') + '⟦→7⟧,"x"y\n1,⟦→"1"" pipe"⟧\n', {"a": [7], "b": ['1" pipe']}
    ),
    "apostrophes": (
        table("a;b", lambda i: f"{i};" + ["x", "'x;y'"][i % 2]) + "⟦→7⟧;⟦''→'x;y'⟧\n",
        {"a": [7], "b": ["x;y"]},
        {"quote": "'"},
    ),
    "blanks after separators": (
        table("a, b, c", lambda i: f'{i}, {UVW[i % 3]},  "{i % 5}"') + '⟦→7⟧, ⟦→v⟧, "1"\n1, ⟦NA →w⟧,   ⟦""→"4"⟧\n',
        {"a": [7], "b": ["v", "w"], "c": [4]},
    ),
    "decimal commas": (
        table("a;b;t", lambda i: f"{i},5;{i}.{i % 3};{UVW[i % 2]}") + "⟦→7,5⟧;1.1;⟦→v⟧\n", {"a": [7.5], "t": ["v"]}
    ),
    "a marker in utf-8": (
        "\ufeff" + table("a,b", lambda i: f"{i},ä{UVW[i % 3]}") + "⟦→7⟧,⟦→äv⟧\n", {"a": [7], "b": ["äv"]}
    ),
    "utf-16, little end": (
        "\ufeff" + table("ä,b", lambda i: f"{i},€{UVW[i % 3]}") + "1,⟦→€v⟧", {"b": ["€v"]}, {}, "utf-16-le"
    ),
    "utf-16, big end": (
        "\ufeff" + table("ä,b", lambda i: f"{i},😀{UVW[i % 3]}") + "1,⟦→😀v⟧", {"b": ["😀v"]}, {}, "utf-16-be"
    ),
    "utf-16 without a mark": (
        table("ä,b", lambda i: f"{i},€{UVW[i % 3]}") + "1,⟦→€v⟧", {"b": ["€v"]}, {"encoding": "utf-16-le"}, "utf-16-le"
    ),
    "latin-1": (table("ä,b", lambda i: f"{i},é{UVW[i % 3]}") + "1,⟦→év⟧\n", {"b": ["év"]}, {}, "latin-1"),
    "windows letters": (
        table("ä,b", lambda i: f"{i},€{UVW[i % 3]}") + "1,⟦→€v⟧\n", {"b": ["€v"]}, {"encoding": "cp1252"}, "cp1252"
    ),
    "columns that are not learned": (
        table("id,,gone,unit,note,b,,", lambda i: f'A{i:03d},{i},{"" if i % 2 else i},kg,,{UVW[i % 3]},,', 40)
        + 'NA,,"",kg,NA,⟦→v⟧,,\n',
        {"b": ["v"]},
        {"exclude": ["gone"]},
    ),
    "a nameless counter": (
        table(",b,c", lambda i: f"{i},{UVW[i % 3]},{i % 7}", 60) + "60,⟦→v⟧,⟦→5⟧\n", {"b": ["v"], "c": [5]}
    ),
    "one column": (table("x", lambda i: f"{i}.5") + "⟦→7.5⟧\n3.5\n⟦NA→1.5⟧\n8.5\n\n\n", {"x": [7.5, 1.5]}),
    "dates, times, truths": (
        table("d,t,b", lambda i: f"{i + 1:02d}.01.2020,{i:02d}:30,{'TRUE' if i % 2 else 'FALSE'}")
        + "⟦→03.01.2020⟧,⟦→05:30⟧,⟦→TRUE⟧\n",
        {"d": [18264], "t": [330], "b": [True]},
    ),
    "two decimals": (table("a,b", lambda i: f"{i}.50,{i % 4}") + "⟦→7.50⟧,1\n", {"a": [7.5]}),
}  # fmt: skip


@pytest.mark.integration
@pytest.mark.parametrize(
    ("case", "suffix"),
    [
        *((case, ".csv") for case in TEXT),
        ("windows", ".csv.gz"),
        ("utf-16, little end", ".csv.gz"),
        ("latin-1", ".tsv"),
    ],
)
def test_only_holes_of_a_text_file_are_other_bytes(case, suffix, tmp_path):
    template, fills, choices, encoding = (*TEXT[case], *({}, "utf-8")[len(TEXT[case]) - 2 :])
    template = template.replace(",", "\t") if suffix == ".tsv" else template
    source, expected = (HOLE.sub(part, template).encode(encoding) for part in (r"\1", lambda m: m[2]))
    file = written(tmp_path, gzip.compress(source) if suffix == ".csv.gz" else source, f"t{suffix}")
    out = tmp_path / f"out{suffix}"
    columns, _ = fill(file, out, {name: np.array(values, dtype=object) for name, values in fills.items()}, **choices)
    found = gzip.decompress(out.read_bytes()) if suffix == ".csv.gz" else out.read_bytes()
    assert found.decode(encoding) == expected.decode(encoding)
    assert found == expected
    again = own(out, **choices).understand()
    assert again.frame[list(fills)].notna().all(axis=None)
    assert set(fills) == set(hot_deck(columns))


QUOTES = ("needed", "texts", "all")
SIGNS = st.sampled_from([*"ab1 ", "\t", "é", ",", ";", '"', "'", "\n", "\r", "\r\n"])
TEXTS = st.lists(SIGNS, max_size=4).map("".join)
DIALECTS = st.builds(
    Dialect,
    separator=st.sampled_from(",;\t|"),
    quote=st.sampled_from("\"'"),
    quotes=st.sampled_from(QUOTES),
    padded=st.booleans(),
)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


def field(dialect, text, is_quoted, tail):
    """A text as some writer may spell it."""
    quote = dialect.quote
    start = text.lstrip(" ") if dialect.padded else text
    if is_quoted or start[:1] == quote or any(sign in text for sign in (dialect.separator, "\n", "\r")):
        return quote + text.replace(quote, quote * 2) + quote + tail * is_quoted
    return text


@pytest.mark.integration
@settings(max_examples=300, deadline=None)
@given(st.data(), DIALECTS, st.integers(1, 4))
def test_fields_are_those_of_the_parser(data, dialect, n_columns):
    names = tuple(f"c{i}" for i in range(n_columns))
    dialect = replace(dialect, names=names, padded=dialect.padded and n_columns > 1)
    cells = st.tuples(TEXTS, st.booleans(), st.sampled_from(["", "", "x", f"b{dialect.quote} "]))
    rows = data.draw(st.lists(st.lists(cells, min_size=n_columns, max_size=n_columns), min_size=1, max_size=5))
    gap = dialect.separator + " " * dialect.padded
    lines = [gap.join(names), *(gap.join(field(dialect, *cell) for cell in row) for row in rows)]
    text = "".join(line + data.draw(ENDS) * data.draw(st.integers(1, 2)) for line in lines)
    parser = dialect.field_parser()
    starts, stops = parser.records(text)
    records = [text[start:stop] for start, stop in zip(starts, stops, strict=True)]
    fields = [parser.fields(record) for record in records]
    assert [dialect.separator.join(found) for found in fields] == records
    found = [[parser.unquoted(each) for each in record] for record in fields[1:]]
    if found:
        frame = parse(text.lstrip("\r\n"), dialect, dtype="category", na_filter=False)
        assert found == frame.astype(object).fillna("").astype(str).to_numpy().tolist()


@pytest.mark.parametrize("row", [" 1;x", ";x", "1;'a\rb'"])
def test_lines_that_end_in_a_lone_return_are_read_once(row):
    dialect = Dialect(separator=";", quote="'", names=("a", "b"))
    frame = parse(f"a;b\r1;y\r\r{row}\r2;z\r", dialect, dtype=str, na_filter=False)
    middle = [cell.strip("'") for cell in row.split(";")]
    assert frame.to_numpy().tolist() == [["1", "y"], middle, ["2", "z"]]


WORDS = ["a", "b,c", 'd"e', "f;g", " h", "ß", "x\ny", "x\r\ny", "l\rm", "'", "007", "+49"]
HOLES_OF_TEXTS = ["", '""', "NA", "?", " NA ", "-999", "  ", " - "]


@st.composite
def files(draw):
    """A table, its text cut where its holes are, and the settings that it is read with."""
    dialect = draw(DIALECTS)
    dialect = replace(dialect, separator=draw(st.sampled_from(",;\t|")))
    n = draw(st.integers(4, 12))
    gap = dialect.separator + " " * dialect.padded
    pieces, piece = [], f"n{gap}w{gap}spare{gap}x" + draw(ENDS)
    for i in range(n):
        if i:
            piece += draw(ENDS) * draw(st.integers(1, 2))
        word = WORDS[i] if i < 3 else draw(st.sampled_from(WORDS))
        for name, cell in (("n", str(i * i - 3)), ("w", word), ("spare", ""), ("x", f"{i * 1.25:.2f}")):
            if name != "n":
                piece += gap
            if i > 2 and name != "spare" and draw(st.booleans()):
                marker = draw(st.sampled_from(HOLES_OF_TEXTS)).replace('"', dialect.quote)
                skipped = len(marker) - len(marker.lstrip(" ")) if dialect.padded else 0
                pieces += [(piece + marker[:skipped], name, marker[skipped:])]
                piece = ""
            else:
                is_text = dialect.quotes == "texts" and name == "w"
                piece += field(dialect, cell, bool(cell) and (dialect.quotes == "all" or is_text), "")
    return dialect, pieces, piece + draw(st.sampled_from(["", "\n", "\r\n\n"]))


@pytest.mark.integration
@settings(max_examples=60, deadline=None)
@given(files(), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]), st.integers(0, 99))
def test_a_filled_text_file_is_the_original_around_its_holes(tmp_path_factory, drawn, encoding, seed):
    dialect, pieces, rest = drawn
    source = "".join(before + hole for before, _, hole in pieces) + rest
    file, out = (tmp_path_factory.getbasetemp() / name for name in ("holed.csv", "filled.csv"))
    file.write_bytes(source.encode(encoding))
    choices = {
        "separator": dialect.separator, "quote": dialect.quote, "encoding": encoding, "also_holes": [-999, "-"],
        "categorical": ["w"], "numerical": ["n", "x"],
    }  # fmt: skip
    columns, fills = fill(file, out, seed=seed, **choices)
    found, left = out.read_bytes().decode(encoding), {name: iter(values) for name, values in fills.items()}
    for before, name, _ in pieces:
        assert found.startswith(before)
        found, cell = found[len(before) :], next(left[name])
        text = cell if name == "w" else f"{cell:.2f}" if name == "x" else str(int(cell))
        quoted = dialect.quote + text.replace(dialect.quote, dialect.quote * 2) + dialect.quote
        is_quoted = found.startswith(quoted)
        assert is_quoted or found.startswith(text)
        found = found.removeprefix(quoted if is_quoted else text)
    assert found == rest
    assert all(next(values, None) is None for values in left.values())
    again = own(out, **choices).understand()
    assert again.layout.dialect.padded == columns.layout.dialect.padded
    before, after = canonical(columns), canonical(again)
    for name in before:
        assert after[name].tolist() == before[name].mask(before[name].isna(), in_order(before[name], fills)).tolist()


def in_order(values, fills):
    column = values.copy()
    column[values.isna()] = fills.get(values.name, [])
    return column


N = 60


def arrow_columns():
    """Columns of every type with holes: Nones, NaN and markers."""
    rng = np.random.default_rng(3)

    def holed(values, kind, hole=None):
        return pa.array([hole if i % 7 == 3 else value for i, value in enumerate(values)], kind)

    counts = (rng.integers(3, 90, N)).tolist()
    moments = [datetime.datetime(2020, 1, 1 + i % 28, i % 24, 30) for i in range(N)]
    words = [["S", "M", "L"][i % 3] for i in range(N)]
    columns = {
        **{f"{kind}": holed(counts, kind) for kind in (pa.int8(), pa.uint8(), pa.int32(), pa.int64())},
        "shard": holed([2**60 + 1 + 2 * (i % 3) for i in range(N)], pa.int64()),
        "asked": holed([2**40 + i for i in counts], pa.int64(), -999),
        "float": holed([i / 8 for i in counts], pa.float32(), np.nan),
        "double": holed([i / 8 for i in counts], pa.float64()),
        "whole": holed([float(i) for i in counts], pa.float64(), -999.0),
        "truth": holed([i % 2 == 0 for i in counts], pa.bool_()),
        "text": holed(words, pa.string(), "?"),
        "large": holed(words, pa.large_string(), " NA "),
        "numbers": holed([f"{i / 4:.2f}" for i in counts], pa.string(), ""),
        "days": holed([f"{1 + i % 28}.1.2020" for i in range(N)], pa.string(), "?"),
        "decimal": holed([Decimal(f"{i}.25") for i in counts], pa.decimal128(9, 3)),
        "date": holed([moment.date() for moment in moments], pa.date32()),
        "clock": holed([moment.time() for moment in moments], pa.time64("us")),
        "took": holed([datetime.timedelta(seconds=i) for i in counts], pa.duration("us")),
        "zone": holed(moments, pa.timestamp("us", "Europe/Berlin")),
        **{f"moment {unit}": holed(moments, pa.timestamp(unit)) for unit in ("ms", "us", "ns")},
        "size": pa.DictionaryArray.from_arrays(
            holed([i % 3 for i in range(N)], pa.int32()), pa.array(["S", "M", "L", "unseen"]), ordered=True
        ),
        "colour": pa.DictionaryArray.from_arrays(
            holed([1 + i % 2 for i in range(N)], pa.int32(), 0), pa.array(["?", "red", "blue"])
        ),
        "grade": pa.DictionaryArray.from_arrays(holed([i % 3 for i in range(N)], pa.int32()), pa.array([5, 10, 50])),
        "id": pa.array([None if i == 5 else f"A{i}" for i in range(N)]),
        "empty": pa.array([None] * N, pa.float64()),
        "gone": holed(counts, pa.int16()),
    }
    table = pa.table(columns)
    fields = [each.with_metadata({"unit": "kg"}) if each.name == "double" else each for each in table.schema]
    fields[fields.index(table.schema.field("asked"))] = pa.field("asked", pa.int64(), nullable=False)
    return table.cast(pa.schema(fields, metadata={"made": "by hand"}))


def save(table, file, rows=25):
    if file.suffix == ".parquet":
        pq.write_table(table, file, row_group_size=rows)
    else:
        with pa.ipc.new_file(str(file), table.schema) as writer:
            writer.write_table(table, max_chunksize=rows)


def load(file):
    return pq.ParquetFile(file).read() if file.suffix == ".parquet" else pyarrow.feather.read_table(file)


@pytest.mark.integration
@pytest.mark.parametrize("ends", [(".parquet", ".parquet"), (".feather", ".feather"), (".feather", ".parquet")])
def test_only_holes_of_a_columnar_file_are_other_values(ends, tmp_path):
    file, out = (tmp_path / f"{name}{end}" for name, end in zip(("t", "out"), ends, strict=True))
    of_numbers = ["grade"] if ends[0] != ends[1] else []  # a dictionary that Parquet does not keep
    save(arrow_columns().drop_columns(of_numbers), file)
    choices = {"also_holes": [-999], "exclude": ["gone"]}
    columns, fills = fill(file, out, **choices)
    before, after = load(file), load(out)
    if ends[0] == ends[1]:
        assert after.schema.equals(before.schema, check_metadata=True)
    assert len(fills) == before.num_columns - 3
    for name in before.schema.names:
        hole = columns.frame[name].isna().to_numpy() & (name in fills)
        kept = pa.array(~hole)
        assert after.column(name).filter(kept).to_pylist() == before.column(name).filter(kept).to_pylist()
    again = own(out, **choices).understand()
    understood, refilled = canonical(columns), canonical(again)
    for name, values in fills.items():
        assert refilled[name][understood[name].isna()].tolist() == values.tolist()


def test_a_frame_of_pandas_comes_back_with_its_types_and_index(tmp_path):
    frame = pd.DataFrame(
        {
            "small": pd.array([None, *range(3, 30)], dtype="Int8"),
            "maybe": pd.array([None, *([True, False, True] * 9)], dtype="boolean"),
            "text": pd.array([None, *(["x", "y", "z"] * 9)], dtype="string"),
            "size": pd.Categorical([None, *(["S", "L", "M"] * 9)], categories=["S", "M", "L", "XL"], ordered=True),
            "when": pd.Series([None, *pd.date_range("2020", periods=27, freq="37min", tz="Asia/Tokyo")]).to_numpy(),
        },
        index=pd.Index([f"r{i}" for i in range(28)], name="row"),
    )
    file, out = tmp_path / "t.parquet", tmp_path / "out.parquet"
    frame.to_parquet(file)
    fill(file, out)
    again = pd.read_parquet(out)
    assert again.notna().all(axis=None)
    pd.testing.assert_frame_equal(again.iloc[1:], pd.read_parquet(file).iloc[1:])
    assert pq.read_schema(out).equals(pq.read_schema(file), check_metadata=True)


def test_dictionaries_that_differ_by_batch_are_kept_in_order(tmp_path):
    batches = [
        pa.DictionaryArray.from_arrays(pa.array([i % 2 for i in range(20)] + [None], pa.int8()), pa.array(values))
        for values in (["a", "b"], ["c", "a"])
    ]
    table = pa.table({"c": pa.chunked_array(batches), "x": [i % 9 + 0.5 for i in range(42)]})
    file, out = tmp_path / "t.feather", tmp_path / "out.feather"
    with pa.ipc.new_file(str(file), table.schema, options=pa.ipc.IpcWriteOptions(unify_dictionaries=True)) as writer:
        writer.write_table(table)
    fill(file, out, {"c": np.array(["c", "b"], dtype=object)})
    expected = [*(["a", "b"] * 10), "c", *(["c", "a"] * 10), "b"]
    assert load(out).column("c").to_pylist() == expected
    assert load(out).schema == table.schema


def test_a_category_that_only_the_model_knows_joins_the_dictionary(tmp_path):
    def column(values):
        return pa.table({"c": pa.array(values).dictionary_encode(), "x": [i % 9 + 0.5 for i in range(30)]})

    train, file, out = (tmp_path / f"{name}.feather" for name in ("train", "t", "out"))
    save(column(["a", "b", "c"] * 10), train)
    save(column([*(["a", "b"] * 14), None, "a"]), file)
    layout, frame = own(train).understand().layout, own(file).understand().frame
    open_holed(file, layout, frame).write(out, {"c": np.array(["c"], dtype=object)}, np.random.default_rng(0))
    assert load(out).column("c").to_pylist()[-2:] == ["c", "a"]


def test_values_of_another_type_are_refused(tmp_path):
    train, file, out = (tmp_path / f"{name}.parquet" for name in ("train", "t", "out"))
    pd.DataFrame({"c": ["a", "b", "c"] * 10, "x": np.arange(30) % 9}).to_parquet(train)
    pd.DataFrame({"c": pd.array([1, 2, None] * 10, dtype="Int64"), "x": np.arange(30) % 9}).to_parquet(file)
    layout, frame = own(train).understand().layout, own(file).understand().frame
    with pytest.raises(TableError, match="column 'c': 'a' cannot be written as int64"):
        open_holed(file, layout, frame).write(out, {"c": np.array(["a"] * 10, dtype=object)}, np.random.default_rng(0))
    assert not out.exists()


def test_another_text_file_is_filled_by_what_one_taught(tmp_path):
    train = written(tmp_path, table("day,c", lambda i: f"2020-01-{i + 1:02d},{UVW[i % 3]}"), "train.csv")
    file = written(tmp_path, 'c;"day";note\r\n"v";2020-01-05;a\r\n"u";;\r\n;2020-01-07;c', "t.csv")
    layout, other = own(train).understand().layout, own(file).understand()
    holed = open_holed(file, replace(layout, dialect=other.layout.dialect), other.frame)
    assert {name: rows.tolist() for name, rows in holed.holes.items()} == {"day": [1], "c": [2]}
    fills = {"day": np.array([18263.0]), "c": np.array(["w"], dtype=object)}
    holed.write(tmp_path / "out.csv", fills, np.random.default_rng(0))
    expected = 'c;"day";note\r\n"v";2020-01-05;a\r\n"u";2020-01-02;\r\n"w";2020-01-07;c'
    assert (tmp_path / "out.csv").read_bytes() == expected.encode()


def test_several_files_of_chosen_columns_from_one_reading(tmp_path):
    values = ["big"] * 60 + ["mid"] * 50 + ["r1"] * 30 + ["r2"] * 10 + [""] * 400
    file = written(tmp_path, "c,x\n" + "".join(f"{v},{i % 50 if i % 9 else ''}\n" for i, v in enumerate(values)))
    columns = own(file, max_categories=3).understand()
    holed = open_holed(file, columns.layout, columns.frame)
    drawn = []
    for number in (0, 1, 0):
        out = tmp_path / f"out-{number}.csv"
        holed.write(out, {"c": np.array([RARE] * 400, dtype=object)}, np.random.default_rng(number))
        drawn.append(out.read_text())
        again = pd.read_csv(out)
        assert again["x"].isna().sum() == len(holed.holes["x"])
        assert set(again["c"][150:]) == {"r1", "r2"}
        assert abs((again["c"][150:] == "r1").mean() - 0.75) < 5 * (0.75 * 0.25 / 400) ** 0.5
    assert drawn[0] == drawn[2] != drawn[1]
    holed.write(tmp_path / "same.csv", {}, np.random.default_rng(0))
    assert (tmp_path / "same.csv").read_bytes() == file.read_bytes()


GOOD = table("a,b", lambda i: f"{i},{UVW[i % 3]}") + ",v\n3,\n"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (GOOD + "1,w\n", "it has 15 rows, not 14"),
        (GOOD.replace("11,w", "12,w"), "row 12, column 'a' is '12' where it was '11'"),
        (GOOD.replace("11,w", "11"), "row 12 has 1 fields where the header has 2"),
    ],
)
def test_a_file_that_has_changed_is_refused(tmp_path, changed, message):
    file = written(tmp_path, GOOD)
    columns = own(file).understand()
    file.write_text(changed)
    with pytest.raises(TableError, match=f"no longer the file that was read: {message}"):
        open_holed(file, columns.layout, columns.frame)


@pytest.mark.parametrize(("x", "message"), [([1.5, None, 2.5, 2.0] * 4, "other holes"), ([0.5] * 9, "9 rows, not 16")])
def test_a_columnar_file_that_has_changed_is_refused(tmp_path, x, message):
    file = tmp_path / "t.parquet"
    pd.DataFrame({"x": [1.5, 2.5, None, 2.0] * 4}).to_parquet(file)
    columns = own(file).understand()
    pd.DataFrame({"x": x}).to_parquet(file)
    with pytest.raises(TableError, match=message):
        open_holed(file, columns.layout, columns.frame)


@pytest.mark.parametrize(
    ("source", "out", "same"),
    [
        ("t.csv", "out.parquet", "a .csv or .csv.gz file"),
        ("t.csv.gz", "out.tsv", "a .csv or .csv.gz file"),
        ("t.TSV", "out.csv", "a .tsv or .tsv.gz file"),
        ("t.parquet", "out.csv", "a .parquet or .feather file"),
    ],
)
def test_another_format_is_refused(tmp_path, source, out, same):
    with pytest.raises(ConfigError, match=f"out={out}: {source} keeps its format.*{same}"):
        check_out(tmp_path.__class__(source), tmp_path.__class__(out))
    check_out(tmp_path / "t.csv", tmp_path / "out.CSV.gz")


def test_the_file_itself_is_not_written_over(tmp_path):
    file = written(tmp_path, GOOD)
    with pytest.raises(ConfigError, match="is the table with the holes; name another file"):
        fill(file, file)


@pytest.mark.parametrize("values", [[], [1.0, 2.0], [np.nan]])
def test_fills_are_as_many_as_holes(tmp_path, values):
    file = written(tmp_path, GOOD)
    with pytest.raises(ValueError, match=r"column 'a' has 1 holes, got \d values"):
        fill(file, tmp_path / "out.csv", {"a": np.array(values)})
    assert [each.name for each in tmp_path.iterdir()] == ["table.csv"]


def test_what_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    file = written(tmp_path, GOOD)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("src.tables.files.filling.opened", full)
    with pytest.raises(OSError, match="No space"):
        fill(file, tmp_path / "out.csv")
    assert [each.name for each in tmp_path.iterdir()] == ["table.csv"]


def test_an_encoding_of_several_spellings_is_refused(tmp_path):
    content = table("a,b", lambda i: f"{i},{UVW[i % 3]}").encode() + b",\x1b$B\x1b(Bx1\n"
    file = written(tmp_path, content)
    columns = own(file, encoding="iso2022_jp").understand()
    with pytest.raises(TableError, match=r"can spell one text in several ways.*save it as UTF-8"):
        open_holed(file, columns.layout, columns.frame)


def test_a_layout_that_was_stored_fills_alike(tmp_path):
    file = written(tmp_path, GOOD)
    columns = own(file).understand()
    stored = Layout.from_dict(columns.layout.to_dict())
    holed = open_holed(file, stored, columns.frame)
    holed.write(tmp_path / "out.csv", hot_deck(columns), np.random.default_rng(0))
    fill(file, tmp_path / "other.csv")
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "other.csv").read_bytes()
