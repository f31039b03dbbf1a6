from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from src.errors import TableError
from src.tables import Column, Schema, infer_schema, make_table, split_rows
from tests.conftest import SCHEMA, random_frame


def test_schema_round_trip():
    assert Schema.from_dict(SCHEMA.to_dict()) == SCHEMA


def test_task_follows_the_target():
    number = Column("x", "numerical", "float64")
    two = Column("a", "categorical", "object", categories=("n", "y"))
    three = Column("b", "categorical", "object", categories=(1, 2, 3))
    columns = (number, two, three)
    assert [Schema(columns, target).task for target in ("x", "a", "b", None)] == [
        "regression",
        "binary",
        "multiclass",
        None,
    ]


@pytest.mark.parametrize(
    ("columns", "target", "message"),
    [
        ((), None, "at least one column"),
        ((Column("x", "numerical", "float64"),) * 2, None, r"repeat: \['x'\]"),
        ((Column("x", "numerical", "float64"),), "y", "target 'y' is not a column"),
    ],
)
def test_schema_refuses(columns, target, message):
    with pytest.raises(TableError, match=message):
        Schema(columns, target)


def test_make_table_is_canonical_and_restores(table):
    frame = random_frame(50, 3)
    made = make_table(frame, SCHEMA)
    assert [str(dtype) for dtype in made.frame.dtypes] == ["float64", "float64", "object", "object"]
    pd.testing.assert_frame_equal(SCHEMA.restore(made.frame), frame)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.assign(height=np.inf), "'height', row 0: infinite"),
        (lambda f: f.assign(age="old"), "'age', row 0: expected a number, got 'old'"),
        (lambda f: f.assign(colour="pink"), "'colour', row 0: 'pink' is none of its 3"),
        (lambda f: f.drop(columns="age"), r"absent \['age'\]"),
        (lambda f: f.assign(extra=1), r"not expected \['extra'\]"),
        (lambda f: f.iloc[:0], "no rows"),
        (lambda f: pd.concat([f, f["age"]], axis=1), r"repeat: \['age'\]"),
    ],
)
def test_make_table_refuses_and_names_the_place(change, message):
    with pytest.raises(TableError, match=message):
        make_table(change(random_frame(5, 0)), SCHEMA)


def test_plain_values_of_a_schema_are_those_that_checkpoints_hold():
    foreign = Schema((Column("c", "categorical", "object", categories=("x", "y"), n_foreign=1),))
    plain = Schema((replace(foreign.columns[0], n_foreign=0),))
    assert set(plain.to_dict()["columns"][0]) == {"name", "kind", "dtype", "integer", "categories"}
    for schema in (plain, foreign):
        assert Schema.from_dict(schema.to_dict()) == schema


def test_infer_schema_kinds_and_errors():
    frame = pd.DataFrame({"n": [1, 2, 3], "r": [0.5, np.nan, 1.0], "c": ["b", "a", None]})
    schema = infer_schema(frame, "c", ["c"])
    assert [c.integer for c in schema.columns] == [True, False, False]
    assert schema["c"].categories == ("a", "b")
    with pytest.raises(TableError, match="'r' is entirely missing"):
        infer_schema(frame.assign(r=np.nan), None, ["c"])
    with pytest.raises(TableError, match="row 0 holds 'x'"):
        infer_schema(frame.assign(n="x"), None, ["c"])


def test_split_is_disjoint_seeded_and_checked():
    frame = random_frame(100, 0).assign(age=np.arange(100))
    one, same, other = (split_rows(frame, SCHEMA, 60, 30, seed) for seed in (0, 0, 1))
    ages = set(one.train.frame["age"]), set(one.test.frame["age"])
    assert (len(ages[0]), len(ages[1]), len(ages[0] & ages[1])) == (60, 30, 0)
    pd.testing.assert_frame_equal(one.train.frame, same.train.frame)
    assert not one.train.frame.equals(other.train.frame)
    with pytest.raises(TableError, match="ask for 101 rows, the table has 100"):
        split_rows(frame, SCHEMA, 60, 41, 0)
    with pytest.raises(TableError, match="at least 2"):
        split_rows(frame, SCHEMA, 1, 1, 0)
