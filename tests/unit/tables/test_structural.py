"""Columns that are missing where they do not apply: found, said, kept."""

import numpy as np
import pandas as pd
import pytest

from src.errors import ConfigError, TableError
from src.tables.columns.sidecar import read_sidecar, sidecar_of
from src.tables.columns.structural import LEAST_ROWS, skip_rules
from src.tables.files.layout import Layout
from src.tables.reading.frames import understood
from src.tables.reading.understanding import Rules
from tests.unit.tables.own import own, written

N = 400


def survey():
    rng = np.random.default_rng(0)
    smokes, sex = rng.choice(["no", "yes"], N), rng.choice(["f", "m", "x"], N)
    age = rng.integers(10, 80, N).astype(float)
    brand = np.where(smokes == "yes", rng.choice(["a", "b"], N), None)
    return pd.DataFrame(
        {
            "smokes": smokes,
            "sex": sex,
            "age": age,
            "brand": brand,
            "packs": np.where(pd.isna(brand), np.nan, rng.integers(1, 5, N)),
            "since": np.where((smokes == "yes") & (rng.random(N) < 0.8), rng.normal(20, 3, N), np.nan),
            "births": np.where(sex == "f", rng.integers(0, 4, N), np.nan),
            "wage": np.where(age >= 16, rng.normal(3000, 900, N), np.nan),
        }
    )


def rules_of(frame):
    columns = understood(frame, {}, Rules())
    return {rule.column: rule.condition for rule in skip_rules(columns.frame, columns.layout.forms)}


def test_the_column_that_tells_the_holes_of_another_one_is_found():
    assert rules_of(survey()) == {
        "brand": "'smokes' is 'no'",
        "packs": "'smokes' is 'no'",
        "births": "'sex' is one of 'm', 'x'",
        "wage": "'age' is at most 15.0",
    }


def test_holes_of_another_column_may_tell_them_and_one_row_breaks_a_rule():
    frame = survey().drop(columns="smokes")
    frame.loc[0, ["brand", "packs"]] = [None, 2.0]
    found = rules_of(frame)
    assert "brand" not in found
    assert "packs" not in found
    nested = survey().drop(columns=["smokes", "packs"])
    nested["years"] = np.where(nested.brand == "a", 3.0 + nested.age, np.nan)
    assert rules_of(nested)["years"] == "'brand' is 'b' or is missing"


def test_few_rows_are_no_rule():
    frame = survey()[["sex", "births"]].head(LEAST_ROWS + 10)
    assert frame.births.notna().sum() < LEAST_ROWS
    assert rules_of(frame) == {}


def file_of(tmp_path, frame=None):
    return written(tmp_path, (survey() if frame is None else frame).to_csv(index=False))


def test_a_note_says_so_and_its_key_makes_the_column_structural(tmp_path):
    file = file_of(tmp_path, survey()[["smokes", "brand", "since"]])
    (note,) = own(file).understand().notes
    assert "'brand' is missing exactly where 'smokes' is 'no'" in note
    assert "'dataset.structural=[brand]'" in note
    columns = own(file, structural=["brand"]).understand()
    assert columns.notes == ()
    assert [form.structural for form in columns.layout.forms] == [False, True, False]
    assert [column.structural for column in columns.layout.schema(None).columns] == [False, True, False]
    assert Layout.from_dict(columns.layout.to_dict()) == columns.layout


def test_the_sidecar_says_so_too(tmp_path):
    file = file_of(tmp_path)
    sidecar_of(file).write_text("columns:\n  brand: {structural: true}\n  packs: {structural: false}\n")
    layout = own(file).understand().layout
    assert layout["brand"].structural
    assert not layout["packs"].structural
    sidecar_of(file).write_text("columns:\n  brand: {structural: maybe}\n")
    with pytest.raises(ConfigError, match="structural is true or false, got 'maybe'"):
        read_sidecar(sidecar_of(file))


def test_a_column_that_is_not_learned_cannot_be_structural(tmp_path):
    frame = survey()
    frame["empty"] = np.nan
    with pytest.raises(TableError, match="'empty' is of kind empty; structural is for columns that are learned"):
        own(file_of(tmp_path, frame), structural=["empty"]).understand()
    with pytest.raises(ConfigError, match="structural"):
        own(file_of(tmp_path), structural=["brnd"]).understand()
