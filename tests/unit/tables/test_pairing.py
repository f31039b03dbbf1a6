import numpy as np
import pandas as pd
import pytest

from src.errors import ConfigError, TableError
from src.tables.columns.kinds import ColumnChoices, close_name
from src.tables.reading.pairing import MANY_UNSEEN, admit_unseen, refuse_other_columns

TABLES = ("real", "other")


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
