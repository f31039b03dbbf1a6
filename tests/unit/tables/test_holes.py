"""Markers of holes that may be values: what is read, what is said, what is filled."""

import re
import shlex

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

from src.config.compose import compose
from src.errors import ConfigError
from src.system.quoting import quoted_path
from src.tables.columns.choice import ColumnChoice
from src.tables.columns.sidecar import sidecar_of, sidecar_text
from src.tables.datasets.census import BUNDLED
from src.tables.files.filling import open_holed
from src.tables.imputations import Imputations
from src.tables.reading.doubts import notes_left, remedies_of, rows_left
from src.tables.reading.frame_types import FrameTypes
from src.tables.reading.frames import as_tables, doubts_of, understood, with_filled
from src.tables.reading.holes import mark_holes
from src.tables.reading.understanding import Rules
from tests.unit.tables.own import RNG, own, written

N = 300
CODES = ("DE", "FR", "BW", "ZA", "NA")


def frame_of(**columns):
    return pd.DataFrame({name: np.asarray(values, dtype=object) for name, values in columns.items()})


def drawn(rng, values, share="", at=0.0):
    return np.where(rng.random(N) < at, share, rng.choice(values, N)).astype(object)


def numbers(rng, marker="", at=0.0):
    return np.where(rng.random(N) < at, marker, rng.normal(size=N).round(2).astype(str)).astype(object)


def understand(tmp_path, frame, **more):
    return own(written(tmp_path, frame.to_csv(index=False, na_rep="")), **more).understand()


def said(columns, word="are read as"):
    return [note for note in columns.notes if word in note]


def setting_in(note):
    """The dataset of the printed setting, as a command reads it."""
    printed = re.search(r"(?:[:;]|or) ('dataset\..*?'|dataset\.\S+?)( fills| in all|$)", note)
    return compose(["dataset=table", *(quoted_path(word) for word in shlex.split(printed[1]))]).dataset


def test_a_code_that_looks_like_a_marker_is_a_value_where_empty_cells_are_the_holes(tmp_path):
    rng = np.random.default_rng(0)
    frame = frame_of(country=drawn(rng, CODES, "", 0.1), x=numbers(rng, "", 0.1))
    columns = understand(tmp_path, frame)
    n = int((frame["country"] == "NA").sum())
    assert columns.frame["country"].isna().sum() == (frame["country"] == "").sum()
    assert "NA" in columns.layout["country"].values
    (note,) = said(columns)
    assert f"cells 'NA' ({n} in column 'country') are read as values" in note
    assert rows_left(columns.doubts) == {}
    asked = understand(tmp_path, frame, also_holes=list(setting_in(note).also_holes))
    assert asked.frame["country"].isna().sum() == (frame["country"] == "").sum() + n
    assert said(asked) == []


def test_a_code_that_no_other_column_has_is_a_value(tmp_path):
    rng = np.random.default_rng(1)
    columns = understand(tmp_path, frame_of(country=drawn(rng, CODES), x=numbers(rng)))
    assert not columns.frame["country"].isna().any()
    assert len(said(columns)) == 1


@pytest.mark.parametrize("dates", [False, True])
def test_a_code_is_a_hole_where_numbers_or_dates_use_it_for_theirs(tmp_path, dates):
    rng = np.random.default_rng(2)
    days = [f"2020-01-{1 + i % 28:02d}" for i in range(N)]
    measured = np.where(rng.random(N) < 0.1, "NA", days) if dates else numbers(rng, "NA", 0.1)
    frame = frame_of(country=drawn(rng, CODES), x=measured)
    columns = understand(tmp_path, frame)
    n = int((frame["country"] == "NA").sum())
    assert columns.frame["country"].isna().sum() == n
    (note,) = said(columns)
    assert f"cells 'NA' ({n} in column 'country') are read as holes" in note
    np.testing.assert_array_equal(rows_left(columns.doubts)["country"], np.flatnonzero(frame["country"] == "NA"))
    (left,) = notes_left(columns.doubts)
    assert list(setting_in(left).also_holes) == ["NA"]
    asked = understand(tmp_path, frame, also_holes=["NA"])
    assert asked.frame["country"].isna().sum() == n
    assert asked.doubts == ()
    assert list(setting_in(note).holes) == []


def test_a_marker_that_fills_most_of_a_column_of_texts_may_be_a_category(tmp_path):
    rng = np.random.default_rng(3)
    pools = drawn(rng, ("Good", "Fair", "Excellent", "Typical"), "NA", 0.6)
    columns = understand(
        tmp_path, frame_of(pool=pools, x=numbers(rng, "NA", 0.1), word=drawn(rng, ("a", "b"), "NA", 0.1))
    )
    (note,) = said(columns)
    n = int((pools == "NA").sum())
    assert f"'NA' ({n} in column 'pool') are read as holes" in note
    assert f"{n / N:.0%}" in note
    assert columns.frame["pool"].isna().sum() == n
    assert list(rows_left(columns.doubts)) == ["pool"]
    even = understand(tmp_path, frame_of(pool=pools, x=numbers(rng, "NA", 0.5)))
    assert said(even) == []


def test_none_among_texts_is_noted_where_numbers_use_it(tmp_path):
    rng = np.random.default_rng(4)
    walls = drawn(rng, ("brick", "stone"), "None", 0.2)
    columns = understand(tmp_path, frame_of(wall=walls, x=numbers(rng, "None", 0.1)))
    assert not columns.frame["wall"].isna().any()
    (note,) = said(columns)
    assert f"'None' ({int((walls == 'None').sum())} in column 'wall') are read as values" in note
    assert said(understand(tmp_path, frame_of(wall=walls, x=numbers(rng)))) == []


def test_none_among_dates_is_a_hole(tmp_path):
    days = [f"2020-01-{1 + i % 28:02d}" for i in range(N - 1)]
    columns = understand(tmp_path, frame_of(day=[*days, "None"], x=numbers(np.random.default_rng(5))))
    assert columns.layout["day"].kind == "date"
    assert columns.frame["day"].isna().sum() == 1


def test_a_sidecar_says_for_one_column_what_a_marker_is(tmp_path):
    rng = np.random.default_rng(6)
    frame = frame_of(
        country=drawn(rng, CODES), word=drawn(rng, ("long", "short"), "NA", 0.1), x=numbers(rng, "NA", 0.1)
    )
    file = written(tmp_path, frame.to_csv(index=False))
    columns = own(file).understand()
    text = sidecar_text(file.name, columns.layout.forms, columns.summaries, remedies_of(columns.doubts))
    assert '# values: ["NA"] if the' in text
    sidecar_of(file).write_text("columns:\n  country: {values: [NA]}\n")
    asked = own(file).understand()
    assert asked.frame.isna().sum()["country"] == 0
    assert asked.frame.isna().sum()["word"] > 0
    assert said(asked) == []
    assert own(file, categorical=["country"]).understand().frame["country"].isna().sum() == 0
    sidecar_of(file).write_text("columns:\n  country: {holes: [NA]}\n")
    asked = own(file).understand()
    assert asked.frame["country"].isna().sum() == (frame["country"] == "NA").sum()
    assert (said(asked), asked.doubts) == ([], ())


def test_a_text_is_a_hole_or_a_value():
    with pytest.raises(ConfigError, match="holes and values both name 'NA'"):
        ColumnChoice(holes=["NA"], values=["NA"]).check("column 'a'")


def test_a_further_file_is_read_as_the_model_learned_it(tmp_path):
    rng = np.random.default_rng(7)
    learned = understand(tmp_path, frame_of(country=drawn(rng, CODES, "", 0.1), x=numbers(rng)))
    exported = frame_of(country=drawn(rng, CODES), x=numbers(rng, "NA", 0.2))
    columns = own(written(tmp_path, exported.to_csv(index=False), "b.csv")).understand_as(learned.layout)
    assert not columns.frame["country"].isna().any()
    of_words = understand(tmp_path, frame_of(country=drawn(rng, CODES[:4], "", 0.1), x=numbers(rng)))
    new = frame_of(country=drawn(rng, CODES), x=numbers(rng))
    columns = own(written(tmp_path, new.to_csv(index=False), "b.csv")).understand_as(of_words.layout)
    assert columns.frame["country"].isna().sum() == (new["country"] == "NA").sum()
    assert list(rows_left(columns.doubts)) == ["country"]


def test_doubtful_holes_are_left_in_a_filled_file(tmp_path):
    rng = np.random.default_rng(8)
    frame = frame_of(country=drawn(rng, CODES, "", 0.1), x=numbers(rng, "NA", 0.1))
    file = written(tmp_path, frame.to_csv(index=False))
    columns = own(file).understand()
    holed = open_holed(file, columns.layout, columns.frame, rows_left(columns.doubts))
    np.testing.assert_array_equal(holed.holes["country"], np.flatnonzero(frame["country"] == ""))
    fills = {"country": np.array(["DE"] * len(holed.holes["country"])), "x": np.zeros(len(holed.holes["x"]))}
    holed.write(tmp_path / "out.csv", fills, RNG)
    filled = pd.read_csv(tmp_path / "out.csv", dtype=str, keep_default_na=False)
    assert filled["country"].tolist() == frame["country"].replace("", "DE").tolist()
    assert (filled["x"] != "NA").all()


def test_frames_follow_the_same_rules():
    rng = np.random.default_rng(9)
    frame = pd.DataFrame({"country": drawn(rng, CODES), "x": rng.normal(size=N)})
    frame.loc[:9, "x"] = np.nan
    columns = understood(frame, {}, Rules())
    assert not columns.frame["country"].isna().any()
    (note,) = said(columns)
    assert note.endswith("if it marks a hole: 'also_holes=[NA]' in all columns")
    table = as_tables({"given": frame.assign(x=0.0)}, columns.layout, Rules())["given"]
    assert table.observed.all()
    assert understood(frame, {}, Rules(also_holes=("NA",))).frame["country"].isna().any()


def test_doubtful_holes_are_left_in_a_filled_frame():
    rng = np.random.default_rng(11)
    frame = pd.DataFrame({"country": drawn(rng, CODES), "x": numbers(rng, "NA", 0.2)})
    frame.loc[3, "country"] = None
    layout = understood(frame, {}, Rules()).layout
    table = as_tables({"given": frame}, layout, Rules())["given"]
    counts = (~table.observed).sum(axis=0)
    imputations = Imputations(table, {"country": np.zeros((1, counts[0]), int), "x": np.zeros((1, counts[1]))})
    with pytest.warns(UserWarning, match=r"not filled: cells 'NA'"):
        doubts = doubts_of(frame, layout, Rules())
    filled = with_filled(frame, FrameTypes(), layout, imputations, 0, 0, doubts)
    assert filled["country"].tolist() == frame["country"].fillna("BW").tolist()
    assert "NA" not in set(filled["x"])


ORDINARY = {
    "states with empty cells": lambda rng: frame_of(
        state=drawn(rng, ("TX", "NY", "CA", "WA"), "", 0.1), x=numbers(rng, "", 0.1)
    ),
    "an export of R": lambda rng: frame_of(
        word=drawn(rng, ("red", "green"), "NA", 0.1), day=drawn(rng, ("2020-01-01", "2021-05-30"), "NA", 0.1),
        sex=drawn(rng, ("F", "M"), "NA", 0.1), yes=drawn(rng, ("TRUE", "FALSE"), "NA", 0.1), x=numbers(rng, "NA", 0.2),
    ),
    "texts with few markers": lambda rng: frame_of(
        word=drawn(rng, ("a long one", "short"), "NA", 0.05), x=numbers(rng)
    ),
    "question marks": lambda rng: frame_of(
        payer=drawn(rng, ("HM", "UN", "MC", "SP"), "?", 0.6), x=numbers(rng), y=drawn(rng, ("t", "f"), "?", 0.1)
    ),
    "answers": lambda rng: frame_of(answer=drawn(rng, ("Y", "N", "NA")), three=drawn(rng, ("DEU", "FRA", "NAM", "NA"))),
    "weekdays": lambda rng: frame_of(day=drawn(rng, ("Mon", "Tue", "Wed", "Thu"), "nan", 0.1), x=numbers(rng)),
    "notes": lambda rng: frame_of(
        note=np.where(rng.random(N) < 0.6, "NA", [f"text {i}" for i in range(N)]), x=numbers(rng)
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", ORDINARY)
def test_ordinary_tables_get_no_note(tmp_path, kind):
    columns = understand(tmp_path, ORDINARY[kind](np.random.default_rng(10)))
    assert said(columns) == []
    assert rows_left(columns.doubts) == {}


def test_the_census_and_tables_of_uci_get_no_note(tmp_path):
    census = pd.read_parquet(BUNDLED).head(2000).astype(object)
    census = census.where(census.notna(), "?")
    tables = [load().frame for load in (lambda: load_iris(as_frame=True), lambda: load_wine(as_frame=True))]
    tables += [load_breast_cancer(as_frame=True).frame, load_diabetes(as_frame=True, scaled=False).frame]
    for table in (census, *tables):
        columns = understand(tmp_path, table)
        assert said(columns) == []
        assert columns.doubts == ()


def test_numbers_that_are_named_as_markers_are_holes_in_any_dtype():
    frame = pd.DataFrame({"a": [1, -999, 3], "b": pd.array([1, -999, None], dtype="Int64"), "c": ["-999.0", "x", -999]})
    assert mark_holes(frame, {}, None, (-999,)).frame.isna().to_numpy().sum(axis=0).tolist() == [1, 2, 2]
