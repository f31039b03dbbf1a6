"""A real file and a synthetic one with its columns, which may be spelled in another way."""

import datetime
from itertools import product

import numpy as np
import pandas as pd
import pytest

from src.errors import ConfigError, TableError
from src.tables.columns.kinds import ColumnChoices
from src.tables.reading import counterparts
from src.tables.reading.counterparts import read_counterparts
from src.tables.reading.understanding import Rules

N = 60
FRAME = pd.DataFrame(
    {
        "age": np.arange(N) * 2,
        "half": [0.5, 1.5, 2.5] * (N // 3),
        "flag": [0, 1] * (N // 2),
        "gaps": [1.0, None, 2.0] * (N // 3),
        "constant": 7,
        "bool": [True, False] * (N // 2),
        "city": ["Bonn", "Köln", "Ulm"] * (N // 3),
        "name": [f"person {i}" for i in range(N)],
        "born": pd.date_range("1970-01-01", periods=N),
        "empty": np.nan,
        "typed": ["1", "2", "3", "4", "unknown", *["5"] * (N - 5)],
    }
)


def write(frame, file):
    if file.suffix == ".parquet":
        frame.to_parquet(file)
    elif isinstance(frame, str):
        file.write_text(frame)
    else:
        frame.to_csv(file, index=False)
    return file


def read(folder, real, other, choices=None, *, test=None, names=("real.csv", "other.csv"), rules=None):
    notes = []
    files = {"real": write(real, folder / names[0]), "synthetic": write(other, folder / names[1])}
    if test is not None:
        files["test"] = write(test, folder / "test.csv")
    return read_counterparts(files, choices or ColumnChoices(), rules or Rules(), notes), notes


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_columns_without_anything_to_compare_are_left_out_with_a_note(tmp_path, suffix):
    found, notes = read(tmp_path, FRAME, FRAME, names=(f"real{suffix}", f"other{suffix}"))
    schema = found.tables["real"].schema
    assert schema.numerical == ["age", "half", "born"]
    assert schema.categorical == ["flag", "gaps", "bool", "city", "typed"]
    assert found.left_out == ["constant", "name", "empty"]
    left_out = [note.split(": ", 1)[1] for note in notes if "left out" in note]
    assert left_out == [
        "column 'constant' is left out: all its values are '7' ('categorical=[constant]' keeps it)",
        "column 'name' is left out: nearly every row has a value of its own ('categorical=[name]' keeps it)",
        "column 'empty' is left out: it holds no value",
    ]
    assert any("all but 1 of 60 cells are numbers" in note and "also_holes=[unknown]" in note for note in notes)
    assert not any("dataset." in note for note in notes)


def test_the_user_has_the_last_word(tmp_path):
    choices = ColumnChoices("age", ["age", "name", "constant"], ["flag"], ["typed", "empty"])
    found, _ = read(tmp_path, FRAME, FRAME, choices)
    schema = found.tables["real"].schema
    assert schema.task == "multiclass"
    assert {"age", "name", "constant"} <= set(schema.categorical)
    assert "flag" in schema.numerical
    assert not {"typed", "empty"} & {*schema.names, *found.left_out}


@pytest.mark.parametrize(
    ("choices", "error", "message"),
    [
        ({"target": "Age"}, ConfigError, "target names 'Age', which is not a column; did you mean 'age'"),
        ({"exclude": ["citi"]}, ConfigError, "exclude names 'citi'.*did you mean 'city'"),
        ({"categorical": ["x9"]}, ConfigError, r"categorical names 'x9', which is not a column \(columns: age, "),
        ({"target": "name"}, TableError, "target 'name' cannot be predicted: it is of kind id"),
        ({"target": "empty"}, TableError, "target 'empty' cannot be predicted: it is of kind empty"),
        ({"target": "constant"}, TableError, "target 'constant' cannot be predicted: it is of kind constant"),
        ({"numerical": ["typed"]}, TableError, "cannot be of kind numerical: it holds 'unknown'"),
        ({"exclude": list(FRAME.columns)}, TableError, "no column is left"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, choices, error, message):
    with pytest.raises(error, match=message):
        read(tmp_path, FRAME, FRAME, ColumnChoices(**choices))


def test_a_sidecar_beside_the_real_file_is_obeyed_and_the_command_overrules_it(tmp_path):
    (tmp_path / "real.columns.yaml").write_text(
        "target: flag\ncolumns:\n  age: {kind: category, holes: [0]}\n"
        "  city: {kind: ordered, order: [Ulm, Bonn, Köln]}\n"
        "  half: {kind: drop}\n  typed: {kind: integer, holes: [unknown]}\n"
    )
    found, notes = read(tmp_path, FRAME, FRAME.drop(columns="half"), ColumnChoices(numerical=["age"]))
    table = found.tables["synthetic"]
    assert table.schema.target == "flag"
    assert "half" not in table.schema.names
    assert table.frame["city"].tolist()[:3] == [1, 2, 0]
    assert table.frame["age"].isna().tolist() == [True, *[False] * (N - 1)], "its holes stay those of the sidecar"
    assert table.frame["typed"].isna().sum() == 1
    assert f"columns as {tmp_path / 'real.columns.yaml'} says" in notes


def test_cells_of_another_content_are_shown(tmp_path):
    text = FRAME["age"].astype(str).where(FRAME["age"] != 4, "old")
    other = FRAME.assign(age=text, born=3, city=[str(i) for i in range(N)], bool="yes", half=[True, False] * (N // 2))
    with pytest.raises(TableError) as error:
        read(tmp_path, FRAME, other.assign(flag=FRAME["city"]))
    lines = str(error.value).splitlines()
    real, other = "in the real file (real.csv)", "in the synthetic file (other.csv)"
    assert lines == [
        "5 of 8 columns hold something else in the synthetic file (other.csv) than in the real file (real.csv)",
        f"  'age': numbers {real} (row 1: 0), texts {other} (row 3: 'old')",
        f"  'flag': numbers {real} (row 1: 0), texts {other} (row 1: 'Bonn')",
        f"  'bool': truth values {real} (row 1: True), texts {other} (row 1: 'yes')",
        f"  'city': texts {real} (row 1: 'Bonn'), numbers {other} (row 1: 0)",
        f"  'born': dates {real} (row 1: 1970-01-01), numbers {other} (row 1: 3)",
    ]


DAYS = ["2020-02-29", "2021-12-31", "2020-01-13", "1999-07-04"]


def days(pattern):
    return [datetime.date.fromisoformat(day).strftime(pattern) for day in DAYS]


CLOCK = ["08:30", "23:59", "00:05", "12:15"]
SIZES = pd.Categorical(["S", "L", "M", "S"], ["S", "M", "L"], ordered=True)
SPELLINGS = {
    "whole numbers as decimals": ([1, 2, 3, 10], ["1.0", "2.0", "3.0", "10.0"]),
    "numbers with holes": ([1, 2, 3, 10], [1.0, 2.0, None, 10.0]),
    "numbers as texts": ([1.5, 2.5, 3.0, 10.0], ["1.50", "2.5", "3", "1e1"]),
    "numbers as a categorical": ([1, 2, 3, 10], pd.Categorical([1, 2, 3, 10])),
    "numbers as texts of a categorical": ([1, 2, 3, 10], pd.Categorical(["1", "2", "3", "10"])),
    "nullable numbers": ([1, 2, 3, 10], pd.array([1, 2, None, 10], dtype="Int64")),
    "truth values for 0 and 1": ([1, 0, 0, 1], [True, False, False, True]),
    "0 and 1 for truth values": ([True, False, False, True], [1, 0, 0, 1]),
    "truth values in capitals": (["TRUE", "FALSE", "FALSE", "TRUE"], ["True", "False", "False", "True"]),
    "truth values of Python": (["true", "false", "false", "true"], [True, False, None, True]),
    "0.0 and 1.0 for truth values": ([True, False, False, True], [1.0, 0.0, None, 1.0]),
    "days first": (DAYS, days("%d/%m/%Y")),
    "months first": (days("%d.%m.%Y"), days("%m/%d/%Y")),
    "days at midnight": (DAYS, [f"{day} 00:00:00" for day in DAYS]),
    "moments at midnight as days": ([f"{day} 00:00:00" for day in DAYS], DAYS),
    "names of months": (days("%d-%b-%y"), days("%B %d, %Y")),
    "datetimes": (days("%d.%m.%Y"), pd.to_datetime(DAYS)),
    "dates of Python": (pd.to_datetime(DAYS), [datetime.date.fromisoformat(day) for day in DAYS]),
    "texts for datetimes": (pd.to_datetime(DAYS), days("%d.%m.%Y")),
    "dates of a categorical": (DAYS, pd.Categorical(days("%d.%m.%Y"))),
    "offsets from UTC": (
        ["2020-01-01T10:00:00+01:00", "2020-06-01T00:30:00+01:00"] * 2,
        ["2020-01-01 09:00:00Z", "2020-05-31 23:30:00Z"] * 2,
    ),
    "clock times with seconds": (CLOCK, [f"{clock}:00" for clock in CLOCK]),
    "clock times of twelve hours": (CLOCK, ["8:30 AM", "11:59 PM", "12:05 AM", "12:15 PM"]),
    "times of Python": (CLOCK, [datetime.time.fromisoformat(clock) for clock in CLOCK]),
    "codes with leading zeros": (["01", "02", "x", "10"], ["01", "02", "x", "10"]),
    "codes as numbers": (["01", "02", "03", "10"], [1, 2, 3, 10]),
    "codes as decimals": (["01", "02", "03", "10"], [1.0, None, 3.0, 10.0]),
    "a categorical as numbers": (pd.Categorical([1, 2, 3, 10]), [1, 2, 3, 10]),
    "a categorical as decimals": (pd.Categorical([1, 2, 3, 10]), [1.0, 2.0, None, 10.0]),
    "a categorical as texts": (pd.Categorical([1, 2, 3, 10]), ["1", "2", "3", "10"]),
    "a categorical of truth values": (pd.Categorical([True, False, True, True]), [1, 0, 1, 1]),
    "an ordered categorical as texts": (SIZES, ["S", "L", "M", "S"]),
    "one number among texts": (["1", "x", "2", "1"], ["1.0", "1.0", "2.0", "1.0"]),
}


@pytest.mark.parametrize("name", SPELLINGS)
@pytest.mark.parametrize("suffixes", product((".csv", ".parquet"), repeat=2), ids="-".join)
def test_the_same_values_in_another_spelling_are_the_same_table(tmp_path, name, suffixes):
    spelled, other = ({"v": list(cells) * 6 if isinstance(cells, list) else cells} for cells in SPELLINGS[name])
    real, other = (pd.DataFrame(columns) for columns in (spelled, other))
    real, other = (pd.concat([frame] * (24 // len(frame)), ignore_index=True) for frame in (real, other))
    names = (f"real{suffixes[0]}", f"other{suffixes[1]}")
    found, notes = read(tmp_path, real, other, names=names)
    expected, given = (found.tables[which].frame["v"] for which in ("real", "synthetic"))
    holes = other["v"].isna()
    assert given.isna().tolist() == holes.tolist()
    if name == "one number among texts":
        expected = pd.Series(["1", "1", "2", "1"] * 6, dtype=object, name="v")
    pd.testing.assert_series_equal(given[~holes], expected[~holes], check_dtype=False)
    assert [type(value) for value in given[~holes]] == [type(value) for value in expected[~holes]]
    assert not any("never has" in note for note in notes)


def test_a_decimal_comma_in_one_file(tmp_path):
    point, comma = "a,b\n1.5,x\n-2.25,y\n3,x\n", "a;b\n1,5;x\n-2,25;y\n3;x\n"
    for real, other in ((point, comma), (comma, point)):
        found, _ = read(tmp_path, real, other)
        for table in found.tables.values():
            assert table.frame["a"].tolist() == [1.5, -2.25, 3]


def test_dates_beyond_nanoseconds_are_dates(tmp_path):
    far = ["9999-12-31", "1600-02-29", "2020-01-01"]
    typed = pd.DataFrame({"d": [datetime.date.fromisoformat(day) for day in far]})
    found, _ = read(tmp_path, pd.DataFrame({"d": far}), typed, names=("real.csv", "other.parquet"))
    expected = [(datetime.date.fromisoformat(day) - datetime.date(1970, 1, 1)).days for day in far]
    assert found.tables["real"].frame["d"].tolist() == found.tables["synthetic"].frame["d"].tolist() == expected


def test_codes_keep_their_own_spelling_where_two_of_them_are_the_same_number(tmp_path):
    real = pd.DataFrame({"v": ["1.1", "1.10", "2", "x"] * 5})
    found, notes = read(tmp_path, real, pd.DataFrame({"v": ["1.100", "1.1", "2.0"] * 5}))
    assert found.tables["synthetic"].frame["v"].tolist() == ["1.100", "1.1", "2"] * 5
    assert any("('1.100' 5x)" in note for note in notes)


def test_a_value_that_an_order_lacks_makes_it_categories(tmp_path):
    real = pd.DataFrame({"size": pd.Categorical(["S", "M", "L"] * 5, ["S", "M", "L"], ordered=True)})
    names = ("real.parquet", "other.csv")
    found, notes = read(tmp_path, real, pd.DataFrame({"size": ["S", "XL", "M"]}), names=names)
    assert found.tables["real"].schema["size"].categories == ("S", "M", "L", "XL")
    assert any("column 'size': its order lacks 'XL'; it is scored as categories" in note for note in notes)
    found, _ = read(tmp_path, real, pd.DataFrame({"size": ["S", "L", "M"]}), names=names)
    assert found.tables["synthetic"].frame["size"].tolist() == [0, 2, 1]


def test_categories_of_the_test_rows_are_real_ones(tmp_path):
    test, other = FRAME.assign(city="Rom", gaps=3), FRAME.assign(city="Rom", gaps=4.5)
    found, notes = read(tmp_path, FRAME, other, test=test)
    schema = found.tables["real"].schema
    assert schema["city"].real_categories == ("Bonn", "Köln", "Ulm", "Rom")
    assert (schema["gaps"].categories, schema["gaps"].n_foreign) == ((1, 2, 3, 4.5), 1)
    assert [type(value) for value in schema["gaps"].categories] == [int, int, int, float]
    assert [note for note in notes if "never has" in note] == [
        "column 'gaps': 60 of 60 cells hold values the real table never has (4.5 60x); they are scored as the wrong "
        "values they are"
    ]


def test_the_rarest_of_very_many_categories_share_one(tmp_path, monkeypatch):
    monkeypatch.setattr(counterparts, "MOST_CATEGORIES", 3)
    real = pd.DataFrame({"v": [*["a"] * 8, *["b"] * 6, *["c"] * 4, *["d"] * 2]})
    found, notes = read(tmp_path, real, pd.DataFrame({"v": ["a", "c", "d", "e"]}))
    assert found.tables["synthetic"].frame["v"].tolist() == ["a", "rare values", "rare values", "e"]
    assert any(
        "has 4 categories: the 2 most frequent (70% of its cells) are scored one by one" in note for note in notes
    )


def test_row_numbers_without_a_name_need_no_counterpart(tmp_path):
    real = FRAME.to_csv(index=True)
    for other in (FRAME, real):
        found, notes = read(tmp_path, real, other)
        assert "" not in [*found.tables["synthetic"].schema.names, *found.left_out]
        assert any("column 1 has no name" in note for note in notes)
        assert not any("another order" in note for note in notes)


def test_notes_name_the_file_and_the_keys_as_they_are_written_here(tmp_path):
    real = FRAME.assign(age=FRAME["age"].replace({0: -999, 2: -999}), city=FRAME["city"].replace({"Ulm": "?"}))
    _, notes = read(tmp_path, real, FRAME, names=("my dataset.csv", "other.csv"))
    file = tmp_path / "my dataset.csv"
    assert f"{file}: read as holes: '?' 20x (holes lists what is one)" in notes
    assert any(note.startswith(f"{file}: column 'age': 2 cells are -999") and "also_holes=" in note for note in notes)
    assert not any("dataset.also_holes" in note or "dataset.holes" in note for note in notes)
