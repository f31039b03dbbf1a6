import datetime
import gzip

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src.encoding import EncodingRecipe, TableEncoder
from src.errors import ConfigError, TableError
from src.tables.columns.forms import RARE, Form
from src.tables.columns.sidecar import read_sidecar, sidecar_of, sidecar_text
from src.tables.columns.summary import summary_table
from src.tables.datasets.own_table import dataset_label
from src.tables.datasets.split import split_positions
from src.tables.files.layout import Layout, layout_of_schema
from src.tables.files.writing import table_writer
from tests.conftest import SCHEMA, random_frame
from tests.unit.tables.own import RNG, as_written, kinds, own, written

N = 60


def mixed_frame(n=N):
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "id": np.arange(1001, 1001 + n),
            "code": [f"C-{i:04d}" for i in rng.permutation(n)],
            "name": [f"person {chr(65 + i % 26)}{i}" for i in range(n)],
            "age": rng.integers(18, 90, n),
            "height": rng.normal(1.7, 0.1, n).round(2),
            "zip": [f"0{i % 7}120" for i in range(n)],
            "sex": np.array(["f", "m"])[rng.integers(0, 2, n)],
            "smokes": rng.random(n) < 0.3,
            "flag": rng.integers(0, 2, n),
            "seen": [f"{1 + i % 28:02d}.{1 + i % 12:02d}.2020" for i in range(n)],
            "at": [f"{i % 24:02d}:{i % 60:02d}" for i in range(n)],
            "unit": "kg",
            "note": np.nan,
        }
    )


EXPECTED = {
    "id": "id",
    "code": "id",
    "name": "id",
    "age": "integer",
    "height": "real",
    "zip": "category",
    "sex": "category",
    "smokes": "boolean",
    "flag": "category",
    "seen": "date",
    "at": "time",
    "unit": "constant",
    "note": "empty",
}


def holed(frame, share=0.1):
    rng = np.random.default_rng(2)
    columns = ["age", "height", "zip", "sex", "smokes", "flag", "seen", "at"]
    holes = rng.random((len(frame), len(columns))) < share
    return frame.assign(**{c: frame[c].astype(object).mask(holes[:, i]) for i, c in enumerate(columns)})


@pytest.mark.integration
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz", ".parquet", ".feather"])
def test_kinds_are_found_in_every_format(tmp_path, suffix):
    frame = mixed_frame()
    file = tmp_path / f"table{suffix}"
    save(frame, file)
    columns = own(file).understand()
    assert kinds(columns) == EXPECTED
    assert list(columns.frame) == list(frame)


def save(frame, file):
    if file.suffix == ".parquet":
        frame.to_parquet(file)
    elif file.suffix == ".feather":
        frame.to_feather(file)
    else:
        frame.to_csv(file, index=False, sep="\t" if ".tsv" in file.name else ",")


STYLES = [
    {"sep": ","},
    {"sep": ";", "decimal": ","},
    {"sep": "\t"},
    {"sep": "|", "quoting": 1},
    {"sep": ",", "quoting": 2},
    {"sep": ",", "lineterminator": "\r\n"},
    {"sep": ",", "encoding": "utf-16"},
    {"sep": ",", "encoding": "utf-8-sig"},
    {"sep": ";", "encoding": "latin-1"},
    {"sep": ",", "quotechar": "'"},
]


@pytest.mark.integration
@pytest.mark.parametrize("style", STYLES, ids=str)
def test_rows_of_a_text_file_are_written_as_they_stood(tmp_path, style):
    frame = mixed_frame().rename(columns={"height": "größe, m", "sex": 'se"x'})
    file = tmp_path / "t.csv"
    frame.to_csv(file, index=False, **style)
    columns = own(file, quote=style.get("quotechar")).understand()
    expected = {"height": "größe, m", "sex": 'se"x'}
    assert kinds(columns) == {expected.get(name, name): kind for name, kind in EXPECTED.items()}
    layout = columns.layout
    table = layout.table(columns.frame, layout.schema(None), "there")
    out = tmp_path / "out.csv"
    with table_writer(out, layout) as rows:
        rows.add(table.frame, RNG)
    encoding = style.get("encoding", "utf-8")
    before, after = (f.read_bytes().decode(encoding).splitlines(keepends=True) for f in (file, out))
    assert before[0] == after[0]
    ids = {"id", "code", "name"}
    real, synthetic = (
        pd.read_csv(f, dtype=str, **{k: v for k, v in style.items() if k in ("sep", "encoding", "quotechar")})
        for f in (file, out)
    )
    pd.testing.assert_frame_equal(real.drop(columns=ids), synthetic.drop(columns=ids))
    assert not set(real["code"]) & set(synthetic["code"])
    assert synthetic["code"].str.fullmatch(r"C-\d{4}").all()
    assert synthetic["id"].astype(int).min() == 1001 + N
    if style.get("quoting") == 1:
        assert all(line.startswith('"') for line in after)


def test_a_parquet_file_comes_back_with_its_types(tmp_path):
    n = 40
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "small": rng.integers(0, 100, n).astype("int8"),
            "nullable": pd.array([None, *rng.integers(0, 9, n - 1)], dtype="Int64"),
            "half": rng.normal(size=n).astype("float32"),
            "maybe": pd.array([None, *(rng.random(n - 1) < 0.5)], dtype="boolean"),
            "size": pd.Categorical(rng.choice(["S", "L"], n), categories=["S", "M", "L"], ordered=True),
            "colour": pd.Categorical(rng.choice(["red", "blue"], n), categories=["red", "green", "blue"]),
            "text": pd.array([None, *rng.choice(["x", "y", "z"], n - 1)], dtype="string"),
            "day": [datetime.date(2020, 1, 1 + i % 28) for i in range(n)],
            "when": pd.date_range("2020-01-01 10:00", periods=n, freq="37min", tz="Europe/Berlin"),
            "took": pd.to_timedelta(rng.integers(1, 999, n), unit="s"),
        }
    )
    file = tmp_path / "t.parquet"
    frame.to_parquet(file)
    columns = own(file).understand()
    assert kinds(columns)["size"] == "ordered"
    assert columns.layout["size"].values == ("S", "L")
    table = columns.layout.table(columns.frame, columns.layout.schema(None), "there")
    out = tmp_path / "out.parquet"
    with table_writer(out, Layout.from_dict(columns.layout.to_dict())) as rows:
        rows.add(table.frame.iloc[:25], RNG)
        rows.add(table.frame.iloc[25:].reset_index(drop=True), RNG)
    again = pd.read_parquet(out)
    pd.testing.assert_frame_equal(again, pd.read_parquet(file), rtol=1e-6)
    import pyarrow.parquet as pq

    assert pq.read_schema(out).remove_metadata() == pq.read_schema(file).remove_metadata()


@pytest.mark.integration
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([",", ";"]))
def test_a_layout_and_its_inverse(tmp_path_factory, seed, separator):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 40))
    frame = pd.DataFrame(
        {
            "number": rng.normal(size=n).round(int(rng.integers(0, 6))) * 10.0 ** int(rng.integers(-3, 6)),
            "count": rng.integers(-50, 50, n),
            "word": rng.choice(["a", "b,c", 'd"e', "f;g", " h", "ß"], n),
            "day": [f"{2000 + d % 30}-{1 + d % 12:02d}-{1 + d % 28:02d}" for d in rng.integers(0, 999, n)],
        }
    )
    holes = rng.random(frame.shape) < 0.2
    holes[0] = False
    frame = frame.astype(object).mask(holes)
    file = tmp_path_factory.getbasetemp() / "layout.csv"
    frame.to_csv(file, index=False, sep=separator)
    columns = own(file, max_categories=4).understand()
    layout = columns.layout
    table = layout.table(columns.frame, layout.schema(None), "there")
    assert (table.observed == columns.frame[table.schema.names].notna().to_numpy()).all()
    written_rows = layout.restore(table.frame, 0, np.random.default_rng(0))
    pd.testing.assert_frame_equal(layout.table(written_rows, table.schema, "there").frame, table.frame)
    assert Layout.from_dict(layout.to_dict()) == layout


def test_holes_are_the_usual_markers_and_those_asked_for(tmp_path):
    rows = "".join(f"{i},{i / 2},w{i % 3}\n" for i in range(30))
    file = written(tmp_path, f"a,b,c\n{rows}NA,?,\n-999,-999.0,unknown\n7,NaN,null\n")
    plain = own(file).understand()
    assert plain.frame.isna().sum().tolist() == [1, 2, 2]
    assert any("'?' 1x" in note for note in plain.notes)
    assert any("'a': 1 cells" in note or "-999" in note for note in plain.notes) is False  # one cell is no custom
    asked = own(file, also_holes=["-999", "unknown"]).understand()
    assert asked.frame.isna().sum().tolist() == [2, 3, 3]
    only = own(file, holes=["?"]).understand()
    assert only.frame.isna().sum().tolist() == [0, 1, 1]
    frame = pd.DataFrame({"a": [1, -999, 3, 4], "b": ["x", "y", "-999", "x"]})
    frame.to_parquet(tmp_path / "t.parquet")
    asked = own(tmp_path / "t.parquet", also_holes=[-999]).understand()
    assert asked.frame.isna().sum().tolist() == [1, 1]


def test_a_number_used_for_missing_by_custom_is_pointed_at(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.integers(20, 60, 50)
    values[:4] = -999
    file = written(tmp_path, "age,b\n" + "".join(f"{v},{i % 3}\n" for i, v in enumerate(values)))
    assert any("'age': 4 cells are -999" in note for note in own(file).understand().notes)


def test_none_is_a_text_among_texts_and_a_hole_among_numbers(tmp_path):
    file = written(tmp_path, "a,b\n" + "".join(f"{i},{'xyz'[i % 3]}\n" for i in range(20)) + "None,None\n")
    frame = own(file).understand().frame
    assert frame.isna().sum().tolist() == [1, 0]


def test_columns_that_are_nearly_numbers_or_dates_are_categories_with_a_word(tmp_path):
    days = [f"2020-01-{1 + i % 28:02d}" for i in range(40)]
    lines = [f"{i * 3},{days[i]}" for i in range(40)] + ["unknown,open", "12,open"]
    columns = own(written(tmp_path, "\n".join(["a,b", *lines]) + "\n")).understand()
    assert kinds(columns) == {"a": "category", "b": "category"}
    notes = " ".join(columns.notes)
    assert "column 'a': all but 1 of 42 cells are numbers, the others 'unknown'" in notes
    assert "column 'b': all but 2 of 42 cells are dates, the others 'open'" in notes
    asked = own(tmp_path / "table.csv", also_holes=["unknown", "open"]).understand()
    assert kinds(asked) == {"a": "integer", "b": "date"}


@pytest.mark.parametrize("n_of_second", [2, 15, 30])
def test_dates_of_two_patterns_are_counted(tmp_path, n_of_second):
    days = pd.date_range("2021-01-01", periods=40 + n_of_second)
    cells = [f"{day:%Y-%m-%d}" if i >= n_of_second else f"{day:%d/%m/%Y}" for i, day in enumerate(days)]
    file = written(tmp_path, "seen,x\n" + "".join(f"{cell},{i}.5\n" for i, cell in enumerate(cells)))
    columns = own(file).understand()
    notes = " ".join(columns.notes)
    assert "column 'seen': all cells are dates or times, but of 2 patterns: " in notes
    assert f"{n_of_second} like '01/01/2021'" in notes
    assert f"40 like '{cells[n_of_second]}'" in notes
    assert "mark holes" not in notes
    assert columns.layout["seen"].cells.content == "text"


def test_rare_categories_share_one_and_come_out_by_their_frequency(tmp_path):
    values = ["big"] * 500 + ["mid"] * 300 + ["r1"] * 150 + ["r2"] * 50
    file = written(tmp_path, "c,x\n" + "".join(f"{v},{i % 50}\n" for i, v in enumerate(values)))
    columns = own(file, max_categories=3).understand()
    form = columns.layout["c"]
    assert form.values == ("big", "mid")
    assert dict(zip(form.rare, form.rare_counts, strict=True)) == {"r1": 150, "r2": 50}
    assert form.column.categories == ("big", "mid", RARE)
    assert any("80% of its cells" in note for note in columns.notes)
    drawn = form.write(pd.Series([RARE] * 4000 + ["big"]), 0, 4001, np.random.default_rng(0), False)
    share = (drawn == "r1").mean()
    assert abs(share - 0.75) < 5 * (0.75 * 0.25 / 4000) ** 0.5
    assert form.canonical(drawn, "there").tolist() == [RARE] * 4000 + ["big"]


@pytest.mark.integration
def test_ten_thousand_categories_are_learned_one_by_one_and_more_of_them_share_one(tmp_path):
    rng = np.random.default_rng(0)
    codes = rng.zipf(1.3, 40_000) % 10_000
    file = tmp_path / "t.parquet"
    pd.DataFrame({"city": [f"c{code}" for code in codes], "x": rng.normal(size=40_000)}).to_parquet(file)
    learned = own(file).load(0).train.schema["city"].categories
    assert len(learned) == len(np.unique(codes))
    split = own(file, max_categories=100).load(0)
    assert split.train.schema["city"].categories[-1] == RARE
    assert len(split.train.schema["city"].categories) == 100


def test_an_ordered_column_is_its_ranks_and_a_target_its_categories(tmp_path):
    file = written(tmp_path, "size,x\n" + "".join(f"{'SML'[i % 3]},{i}\n" for i in range(12)))
    for target, kind in ((None, "numerical"), ("size", "categorical")):
        columns = own(file, ordered={"size": ["S", "M", "L"]}, target=target).understand()
        layout = columns.layout
        schema = layout.schema(target)
        assert schema["size"].kind == kind
        assert as_written(columns)["size"].tolist() == [*"SML"] * 4
    assert layout.table(columns.frame, schema, "there").frame["size"].tolist() == [*"SML"] * 4


@pytest.mark.integration
def test_the_split_is_disjoint_seeded_and_leaves_no_column_without_a_value(tmp_path):
    lines = [f"{i},{i if i == 7 else ''}" for i in range(10)]
    file = written(tmp_path, "\n".join(["x,y", *lines, "10,8"]) + "\n")
    for seed in range(20):
        split = own(file, test_fraction=0.5).load(seed)
        assert split.train.n_rows + split.test.n_rows == 11
        assert split.train.frame["y"].notna().any()
        assert not set(split.train.frame["x"]) & set(split.test.frame["x"])
    again = own(file, test_fraction=0.5).load(3)
    assert again.train.frame.equals(own(file, test_fraction=0.5).load(3).train.frame)


def test_test_rows_from_a_file_of_their_own(tmp_path):
    train = written(tmp_path, "c,x\n" + "".join(f"{'ab'[i % 2]},{i}\n" for i in range(20)))
    test = written(tmp_path, "x,c\n5,new\n6,a\n", "test.csv")
    split = own(train, test_path=str(test)).load(0)
    assert (split.train.n_rows, split.test.n_rows) == (20, 2)
    assert split.test.frame["c"].tolist() == ["new", "a"]
    assert split.train.schema["c"].categories == ("a", "b", "new")
    with pytest.raises(TableError, match="row 1: expected a number, got 'q'"):
        own(train, test_path=str(written(tmp_path, "c,x\na,q\n", "bad.csv"))).load(0)
    with pytest.raises(TableError, match="only in"):
        own(train, test_path=str(written(tmp_path, "c,y\na,1\n", "bad.csv"))).load(0)
    with pytest.raises(ConfigError, match="is the table itself"):
        own(train, test_path=str(train)).load(0)


@pytest.mark.integration
def test_a_sidecar_says_what_was_found_and_is_obeyed(tmp_path):
    file = tmp_path / "t.csv"
    holed(mixed_frame()).to_csv(file, index=False)
    columns = own(file).understand()
    sidecar = sidecar_of(file)
    sidecar.write_text(sidecar_text("t.csv", columns.layout.forms, columns.summaries))
    again = own(file).understand()
    assert kinds(again) == kinds(columns)
    assert f"columns as {sidecar} says" in again.notes
    text = sidecar.read_text().replace("flag: {kind: category}", "flag: {kind: integer, holes: [1]}")
    text = text.replace("name: {kind: id}", "name: {kind: drop}").replace("columns:", "target: sex\ncolumns:")
    sidecar.write_text(text)
    changed = own(file).understand()
    assert kinds(changed) == {**kinds(columns), "flag": "constant", "name": "drop"} | {"flag": "integer"}
    assert changed.frame["flag"].isna().sum() > columns.frame["flag"].isna().sum()
    assert changed.target == "sex"
    assert "name" not in changed.layout.names
    assert kinds(own(file, categorical=["age"]).understand())["age"] == "category"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("columns: [a]", "expected the keys target and columns"),
        ("kolumns: {}", "names 'kolumns'.*did you mean 'columns'"),
        ("columns:\n  age: {kind: whole}", "column 'age': kind is one of integer, real"),
        ("columns:\n  age: {kin: integer}", "did you mean 'kind'"),
        ("columns:\n  age: integer", "expected keys such as kind: category"),
        ("columns:\n  age: {order: abc}", "order is a list"),
        ("columns:\n  age: {kind: real, order: [a, b]}", "order goes with kind: ordered"),
        ("columns:\n  age: {order: [a, a]}", "names a value twice"),
        ("a: b: c", "cannot be read as YAML"),
        ("target: [a]", "target is the name of a column"),
        ("columns:\n  age: {kind: date, pattern: [x]}", "pattern is a text"),
        ("columns:\n  age: {kind: date, pattern: ''}", "pattern is a text"),
        ("columns:\n  age: {holes: [[1]]}", "holes is a list"),
        ("columns:\n  agee: {kind: integer}", "the sidecar names 'agee'.*did you mean 'age'"),
    ],
)
def test_a_sidecar_that_is_wrong_is_refused(tmp_path, text, message):
    file = written(tmp_path, "age,b\n1,2\n3,4\n5,6\n7,8\n")
    sidecar_of(file).write_text(text)
    with pytest.raises(ConfigError, match=message):
        own(file).load(0)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"numerical": ["sex"]}, "cannot be of kind numerical: it holds 'f'; if that marks a hole, name it"),
        ({"ordered": {"sex": ["f", "x"]}}, "order does not name 'm'"),
        ({"target": "unit"}, "the target 'unit' cannot be predicted: it is of kind constant"),
        ({"target": "Sex"}, "dataset.target names 'Sex'.*did you mean 'sex'"),
        ({"exclude": ["agee"]}, "dataset.exclude names 'agee'.*did you mean 'age'"),
        ({"categorical": ["age"], "numerical": ["age"]}, "both name 'age'"),
        ({"target": "age", "exclude": ["age"]}, "names the target"),
        ({"test_fraction": 1.0}, "between 0 and 1"),
        ({"n_rows": 2}, "dataset.n_rows is at least 3"),
        ({"max_categories": 1}, "at least 2"),
        ({"separator": "ab"}, "one character"),
        ({"decimal": ":"}, "dataset.decimal is . or ,"),
        ({"encoding": "utf-99"}, "dataset.encoding=utf-99 is no encoding"),
        ({"ordered": {"sex": "f"}}, "is a list of values"),
        ({"columns": "absent.yaml"}, "does not exist; python -m src.describe"),
        ({"exclude": list(EXPECTED)}, "no column is left to learn"),
    ],
)
def test_choices_that_cannot_be_meant_are_refused(tmp_path, choices, message):
    file = tmp_path / "t.csv"
    mixed_frame().to_csv(file, index=False)
    with pytest.raises((ConfigError, TableError), match=message) as error:
        own(file, **choices).load(0)
    assert error.value.exit_code == 2


def test_a_pattern_says_which_is_the_month(tmp_path):
    days = [f"{1 + i % 12:02d}/{1 + i % 11:02d}/2020" for i in range(30)]
    file = written(tmp_path, "\n".join(["day,x", *(f"{day},{i}" for i, day in enumerate(days))]) + "\n")
    assert own(file).understand().layout["day"].cells.pattern == "%m/%d/%Y"
    sidecar_of(file).write_text('columns:\n  day: {kind: date, pattern: "%d/%m/%Y"}')
    columns = own(file).understand()
    cells = columns.layout["day"].cells
    assert (cells.pattern, cells.unit) == ("%d/%m/%Y", "days")
    assert cells.parse(columns.frame["day"], "there")[1] == 18294  # the second of February
    assert as_written(columns)["day"].tolist() == days
    sidecar_of(file).write_text('columns:\n  day: {kind: date, pattern: "%Y-%m-%d"}')
    with pytest.raises(TableError, match="row 1: expected a date like 1999-12-31"):
        own(file).understand()
    sidecar_of(file).write_text("columns:\n  day: {kind: id}")
    with pytest.raises(TableError, match="holds dates, which are no ids"):
        own(file).understand()


def test_categoricals_are_categories_whatever_they_hold(tmp_path):
    rng = np.random.default_rng(0)
    n = 60
    frame = pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "number": pd.Categorical(rng.choice([1, 5, 10, 50], n)),
            "day": pd.Categorical(pd.to_datetime(rng.choice(["2020-01-01", "2020-06-01", "2021-01-01"], n))),
            "zip": pd.Categorical(rng.choice(["10001", "20500", "94110"], n)),
            "code": pd.Categorical([f"P{i:03d}" for i in range(n)]),
        }
    )
    file = tmp_path / "t.feather"
    frame.to_feather(file)
    columns = own(file).understand()
    assert [kinds(columns)[name] for name in ("number", "day", "zip")] == ["category"] * 3
    assert kinds(columns)["code"] == "id"
    back = as_written(columns, for_text_file=False)
    pd.testing.assert_frame_equal(back.drop(columns="code"), pd.read_feather(file).drop(columns="code"))
    assert not set(back["code"]) & set(frame["code"])
    assert columns.layout["number"].value_of(5) == "5"


def test_codes_that_are_numbers_keep_their_spelling(tmp_path):
    codes = ["250.0", "250.00", "4.9", "4.90", "7"]
    file = written(tmp_path, "icd,x\n" + "".join(f"{codes[i % 5]},{i}\n" for i in range(40)))
    columns = own(file, categorical=["icd"]).understand()
    assert columns.layout["icd"].values == tuple(sorted(codes))
    assert as_written(columns)["icd"].tolist() == [codes[i % 5] for i in range(40)]


def test_one_column_with_commas_in_quotes_is_written_in_quotes(tmp_path):
    file = written(tmp_path, "city\n" + '"Paris, FR"\n"Rome, IT"\n' * 10)
    columns = own(file).understand()
    with table_writer(tmp_path / "out.csv", columns.layout) as rows:
        rows.add(columns.layout.table(columns.frame, columns.layout.schema(None), "there").frame, RNG)
    assert (tmp_path / "out.csv").read_text() == file.read_text()


def test_ids_with_holes_or_a_clashing_prefix_do_not_come_back(tmp_path):
    names = ["special", *(f"c-{i}" for i in range(1, 60))]
    lines = [f"{'' if i == 5 else 100 + i},{names[i]},{i % 7}" for i in range(60)]
    columns = own(written(tmp_path, "\n".join(["id,c,x", *lines]) + "\n")).understand()
    assert kinds(columns) == {"id": "id", "c": "id", "x": "integer"}
    back = as_written(columns)
    assert not set(back["id"]) & set(columns.frame["id"].dropna())
    assert not set(back["c"]) & set(names)


def test_whole_numbers_with_holes_of_other_writers_are_exact(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    shards = [2**60 + 1, 2**60 + 3, None]
    table = pa.table({"shard": pa.array([shards[i % 3] for i in range(30)], pa.int64()), "x": list(range(30))})
    pq.write_table(table, tmp_path / "t.parquet")
    form = own(tmp_path / "t.parquet").understand().layout["shard"]
    assert (form.kind, form.values) == ("category", (str(2**60 + 1), str(2**60 + 3)))


def test_a_row_depends_on_its_place_with_any_number_of_rare_columns(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: [f"{name}{i}" for i in rng.integers(0, 30, 300)] for name in "ab"})
    frame.to_csv(tmp_path / "t.csv", index=False)
    layout = own(tmp_path / "t.csv", max_categories=3).understand().layout
    table = pd.DataFrame({"a": [RARE] * 50, "b": [RARE] * 50})
    short, long = (layout.restore(table.head(n), 0, np.random.default_rng(1)) for n in (20, 50))
    pd.testing.assert_frame_equal(short, long.head(20))


def test_a_blank_line_of_one_column_is_a_hole(tmp_path):
    columns = own(written(tmp_path, "x\n" + "".join(f"{i}.5\n" for i in range(9)) + "\n7.5\n")).understand()
    assert columns.frame["x"].isna().tolist() == [*[False] * 9, True, False]


def test_a_fixed_time_without_offset_is_local(tmp_path):
    when = pd.date_range("2020-02-01", periods=40, freq="12h", tz="Europe/Berlin")
    pd.DataFrame({"when": when, "x": range(40)}).to_parquet(tmp_path / "t.parquet")
    form = own(tmp_path / "t.parquet").understand().layout["when"]
    assert form.cells.write(pd.Series([form.value_of("2020-02-03 00:00:00")])).iloc[0] == when[4]


def test_small_dtypes_have_no_room_for_new_ids(tmp_path):
    key = np.random.default_rng(0).permutation(256)
    file = tmp_path / "t.parquet"
    frame = pd.DataFrame({"key": key.astype("uint8"), "id": key, "x": np.arange(256) % 7})
    frame.to_parquet(file)
    assert kinds(own(file).understand()) == {"key": "integer", "id": "id", "x": "integer"}
    with pytest.raises(TableError, match="uint8 has no numbers left for new ids"):
        own(file, ids=["key"]).understand()


def test_a_pattern_is_for_texts(tmp_path):
    pd.DataFrame({"day": pd.to_datetime(["2020-01-01"] * 5), "x": range(5)}).to_parquet(tmp_path / "t.parquet")
    sidecar_of(tmp_path / "t.parquet").write_text('columns:\n  day: {kind: date, pattern: "%Y"}')
    with pytest.raises(TableError, match="pattern is for dates that are texts"):
        own(tmp_path / "t.parquet").understand()
    file = written(tmp_path, "day,x\n" + "".join(f"2020-01-0{i}T00:00:00+0100,{i}\n" for i in range(1, 8)))
    sidecar_of(file).write_text('columns:\n  day: {kind: date, pattern: "%Y-%m-%dT%H:%M:%S%z"}')
    with pytest.raises(TableError, match="as it stands"):
        own(file).understand()


def test_a_sidecar_of_strange_names_can_be_read(tmp_path):
    names = ["a" * 3000, "c\x7f\x92", "x: {y}", "#", "- b"]
    frame = pd.DataFrame({name: np.arange(20) * (i + 1.5) for i, name in enumerate(names)})
    file = tmp_path / "t.csv"
    frame.to_csv(file, index=False)
    columns = own(file).understand()
    sidecar_of(file).write_text(sidecar_text("t.csv", columns.layout.forms, columns.summaries), encoding="utf-8")
    assert list(read_sidecar(sidecar_of(file)).columns) == names


def test_numbers_at_the_ends_of_float64_come_back_finite(tmp_path):
    file = tmp_path / "t.parquet"
    pd.DataFrame({"a": [-1e308, 1e308, 0.0] * 9, "x": range(27)}).to_parquet(file)
    split = own(file).load(0)
    encoder = TableEncoder.fit(split.train, split.train.observed, EncodingRecipe("quantile", -1, False))
    z = torch.linspace(-3, 3, 50)[:, None].expand(-1, 2)
    assert np.isfinite(encoder.backward(z).frame.to_numpy(dtype=float)).all()


def test_what_a_column_is_fixed_to_is_checked(tmp_path):
    file = tmp_path / "t.csv"
    mixed_frame().to_csv(file, index=False)
    layout = own(file).understand().layout
    assert layout["age"].value_of(30) == 30
    assert layout["age"].value_of("30") == 30
    assert layout["smokes"].value_of(True) is True
    assert layout["smokes"].value_of("True") is True
    assert layout["seen"].value_of("03.01.2020") == 18264
    assert layout["flag"].value_of(1) == 1
    for name, value, message in [
        ("age", 200, r"was seen from 18 to \d+, got 200"),
        ("age", "old", "expected a number, got 'old'"),
        ("sex", "M", "did you mean 'm'"),
        ("seen", "2020-01-03", "expected a date like 31.12.1999"),
        ("id", 5, "is not learned"),
    ]:
        with pytest.raises(TableError, match=message):
            layout[name].value_of(value)


def test_forms_are_plain_values_and_back(tmp_path):
    file = tmp_path / "t.csv"
    mixed_frame().to_csv(file, index=False)
    for form in own(file, max_categories=3).understand().layout.forms:
        assert Form.from_dict(form.to_dict()) == form


def test_a_table_without_a_file_has_a_layout_of_its_schema():
    frame = random_frame(50, 0)
    layout = layout_of_schema(SCHEMA)
    table = layout.table(frame, SCHEMA, "there")
    back = layout.restore(table.frame, 0, RNG)
    pd.testing.assert_frame_equal(back, SCHEMA.restore(table.frame))


def test_labels_tell_files_apart():
    assert dataset_label({"name": "census", "path": None}) == "census"
    first, second = (dataset_label({"name": "table", "path": path}) for path in ("a/my data.csv", "b/my data.csv"))
    assert first.startswith("my_data-")
    assert first != second


def test_the_summary_has_a_line_for_every_column(tmp_path):
    file = tmp_path / "t.csv"
    holed(mixed_frame()).to_csv(file, index=False)
    table = summary_table(own(file).understand().summaries)
    assert len(table.splitlines()) == 1 + len(EXPECTED)
    assert ".2020 .. " in table
    assert "and 8 more columns: 3 category" in summary_table(own(file).understand().summaries, most=5)


def test_rows_are_split_off_by_position_only():
    table = layout_of_schema(SCHEMA).table(random_frame(20, 0), SCHEMA, "there")
    train, test = split_positions(table, 0.2, 0)
    assert (len(train), len(test)) == (16, 4)
    assert sorted([*train, *test]) == list(range(20))


def interrupted(file, layout, frame):
    with table_writer(file, layout) as rows:
        rows.add(frame, RNG)
        raise KeyboardInterrupt


def test_an_interrupted_file_leaves_nothing(tmp_path):
    layout = layout_of_schema(SCHEMA)
    frame = layout.table(random_frame(20, 0), SCHEMA, "there").frame
    for name in ("t.csv", "t.csv.gz", "t.parquet", "t.feather"):
        (tmp_path / name).write_text("before")
        with pytest.raises(KeyboardInterrupt):
            interrupted(tmp_path / name, layout, frame)
        assert (tmp_path / name).read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 4


def test_a_compressed_file_is_the_same_every_time(tmp_path):
    layout = layout_of_schema(SCHEMA)
    frame = layout.table(random_frame(20, 0), SCHEMA, "there").frame
    for name in ("a.csv.gz", "b.csv.gz"):
        with table_writer(tmp_path / name, layout) as rows:
            rows.add(frame, RNG)
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()).decode().splitlines()[0] == "age,height,colour,label"


def test_whole_numbers_with_a_point_are_whole_and_keep_it(tmp_path):
    frame = pd.DataFrame(
        {"flag": [1.0, 0.0, None, 1.0] * 9, "n": [5.0, None, 12.0, 40.0] * 9, "x": [5.0, 1.5, 2.0, 1] * 9}
    )
    content = frame.to_csv(index=False)
    file = written(tmp_path, content)
    columns = own(file).understand()
    assert kinds(columns) == {"flag": "category", "n": "integer", "x": "real"}
    assert as_written(columns).to_csv(index=False) == content
    sidecar_of(file).write_text(sidecar_text("t", columns.layout.forms, columns.summaries))
    assert kinds(own(file).understand()) == kinds(columns)
    sidecar_of(file).write_text("columns: {n: {kind: integer}}")
    huge = own(written(tmp_path, "n,m\n" + "".join(f"{i}e300,{i}\n" for i in (1, 2, 4))))
    with pytest.raises(TableError, match=r"cannot be of kind integer: it holds 4e\+300"):
        huge.understand()
