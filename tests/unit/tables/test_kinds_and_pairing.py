import numpy as np
import pandas as pd
import pytest

from src.errors import ConfigError, TableError
from src.tables.columns.kinds import ColumnChoices, choose_kinds, close_name
from src.tables.files.pairing import MANY_UNSEEN, admit_unseen, as_real, canonical, refuse_other_columns

N = 60
FRAME = pd.DataFrame(
    {
        "age": np.arange(N),
        "half": [0.5, 1.5] * (N // 2),
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
TABLES = ("real", "other")


def kinds_of(choices=None, frame=FRAME):
    said = []
    return choose_kinds(frame, choices or ColumnChoices(), said.append), said


def test_kinds_follow_what_the_columns_hold():
    kinds, said = kinds_of()
    numerical = [name for name, kind in kinds.items() if kind == "numerical"]
    assert numerical == ["age", "half", "born"]
    assert set(kinds) - set(numerical) == {"flag", "gaps", "constant", "bool", "city", "typed"}
    assert [sentence.split("'")[1] for sentence in said] == ["name", "empty", "typed"]
    assert "60 different texts in 60 rows" in said[0]
    assert "all but 1 of 60 cells are numbers (row 5 holds 'unknown')" in said[2]


def test_the_user_has_the_last_word():
    kinds, said = kinds_of(ColumnChoices("age", ["age", "name"], ["flag", "bool"], ["typed", "empty"]))
    assert kinds["age"] == kinds["name"] == "categorical"
    assert kinds["flag"] == kinds["bool"] == "numerical"
    assert not {"typed", "empty"} & set(kinds)
    assert said == []


@pytest.mark.parametrize(
    ("choices", "error", "message"),
    [
        ({"target": "Age"}, ConfigError, "target names 'Age', which is not a column; did you mean 'age'"),
        ({"exclude": ["citi"]}, ConfigError, "exclude names 'citi'.*did you mean 'city'"),
        ({"categorical": ["x9"]}, ConfigError, r"categorical names 'x9', which is not a column \(columns: age, "),
        ({"target": "name"}, TableError, "target 'name' cannot be predicted: 60 different texts"),
        ({"target": "empty"}, TableError, "holds no value"),
        ({"numerical": ["typed"]}, TableError, "numerical names 'typed', but its row 5 holds 'unknown'"),
        ({"exclude": list(FRAME.columns)}, TableError, "no column is left"),
    ],
)
def test_what_cannot_be_is_refused(choices, error, message):
    with pytest.raises(error, match=message):
        kinds_of(ColumnChoices(**choices))


def test_choices_that_contradict_each_other():
    with pytest.raises(ConfigError, match=r"categorical and numerical both name \['a'\]"):
        ColumnChoices(categorical=["a"], numerical=["a", "b"])
    with pytest.raises(ConfigError, match="exclude names the target 'a'"):
        ColumnChoices(target="a", exclude=["a"])


def test_names_that_may_be_meant():
    names = ["hours per week", "Income", "age"]
    found = [close_name(name, names) for name in ("Hours-Per-Week", " income ", "ages", "zip")]
    assert found == ["hours per week", "Income", "age", None]


def test_other_columns_are_listed_and_another_order_is_not_refused():
    real = pd.DataFrame({"age": [1], "city": ["x"], "income": [2]})
    refuse_other_columns(real, real[["income", "age", "city"]], TABLES)
    with pytest.raises(TableError) as error:
        refuse_other_columns(real, real.rename(columns={"age": "Age ", "city": "zip"}), TABLES)
    lines = [line.strip() for line in str(error.value).splitlines()]
    assert lines[1:4] == ["only in real: 'age', 'city'", "only in other: 'Age ', 'zip'", "perhaps 'Age ' is 'age'"]


def test_cells_of_another_type_are_shown():
    kinds, _ = kinds_of()
    text = FRAME["age"].astype(str).where(FRAME["age"] != 2, "old")
    other = FRAME.assign(age=text, born=3, city=[str(i) for i in range(N)], bool="yes")
    with pytest.raises(TableError) as error:
        as_real(FRAME, other, kinds, TABLES)
    message = str(error.value)
    assert message.startswith(f"4 of {len(kinds)} columns hold something else in other than in real")
    assert "'age': numbers in real (row 1: 0), texts in other (row 3: 'old')" in message
    assert "'born': dates in real (row 1: 1970-01-01 00:00:00), numbers in other (row 1: 3)" in message
    assert "'city': texts in real (row 1: 'Bonn'), numbers in other (row 1: '0')" in message
    assert "'bool': truth values in real (row 1: True), texts in other (row 1: 'yes')" in message


def test_the_same_values_in_other_types_are_the_same_table():
    kinds, _ = kinds_of()
    other = FRAME.assign(age=FRAME["age"].astype(float), bool=FRAME["bool"].astype(int), flag=FRAME["flag"] == 1)
    other["constant"] = np.where(np.arange(N) == 0, np.nan, 7.0)
    real = canonical(FRAME, kinds)
    found = canonical(as_real(FRAME, other, kinds, TABLES), kinds)
    found.loc[0, "constant"] = 7
    pd.testing.assert_frame_equal(found, real, check_exact=True)
    assert [type(cell) for cell in found["gaps"][:3]] == [int, float, int]
    assert real["born"].tolist() == list(range(N))
    assert list(real) == list(kinds)


def test_numbers_written_as_text_and_dates_that_are_all_absent_are_taken():
    real = pd.DataFrame({"n": [1.0, 2.0], "d": pd.to_datetime(["2020-01-01", "2020-01-02"])})
    other = pd.DataFrame({"n": ["1", "3"], "d": pd.to_datetime([None, None])})
    found = as_real(real, other, {"n": "numerical", "d": "numerical"}, ("real", "other"))
    assert found["n"].tolist() == [1, 3]
    assert found["d"].isna().all()


def test_text_that_only_holds_numbers_by_chance_is_text():
    kinds = {"code": "categorical"}
    real, other = pd.DataFrame({"code": ["1", "A"]}), pd.DataFrame({"code": ["1", "1"]})
    assert as_real(real, other, kinds, TABLES)["code"].tolist() == ["1", "1"]


def test_unseen_values_are_admitted_and_counted():
    said = []
    frame = pd.DataFrame({"c": ["a", "x", "y", "y", np.nan], "n": [0, 1, 0, 1, 1]})
    found, categories = admit_unseen(frame, {"c": ("a", "b"), "n": (0, 1)}, said.append)
    pd.testing.assert_frame_equal(found, frame)
    assert categories == {"c": ("a", "b", "y", "x"), "n": (0, 1)}
    assert len(said) == 1
    assert "3 of 5 cells hold values the real table never has ('y' 2x, 'x' 1x)" in said[0]


def test_many_unseen_values_do_not_make_as_many_categories():
    frame = pd.DataFrame({"c": [0, *range(1000, 1000 + 3 * MANY_UNSEEN), 1000]})
    found, categories = admit_unseen(frame, {"c": (0, 1)}, [].append)
    assert len(categories["c"]) == 2 + MANY_UNSEEN
    assert set(found["c"]) <= set(categories["c"])
    assert (found["c"] == 1000).sum() == 2 + 2 * MANY_UNSEEN
    assert found["c"][0] == 0
