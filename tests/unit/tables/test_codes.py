"""Whole numbers that are codes, and those that are not."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine

from src.tables.columns.kinds import are_codes
from src.tables.datasets.census import BUNDLED
from src.tables.reading.frames import understood
from src.tables.reading.understanding import Rules
from tests.unit.tables.own import as_written, kinds, own, written

CODES = (
    *((1, 2, 3, 4, 9), (1, 2, 7, 9), (99, 199, 499), (3, 6, 7), (276, 250, 840, 392), (-1, 1, 2, 5, 8)),
    (100, 237, 374, 511, 648, 1999, 2500, 2600, 2601, 3000, 3777, 4001),
)
NUMBERS = (
    *((0, 10, 20, 30), (3, 4, 5, 6, 7, 8), (3, 4, 5, 6, 8), (0, 15, 30, 45, 60, 90), (4, 6, 8), (1990, 1991, 1992)),
    *(tuple(range(21)), (*range(13), 15, 20), (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 24, 30)),
)


def column(values, n=600, seed=0):
    return np.random.default_rng(seed).choice(values, n)


def counted(cells):
    values, counts = np.unique(cells, return_counts=True)
    return [int(value) for value in values], counts


@pytest.mark.parametrize("values", CODES, ids=str)
def test_few_numbers_with_gaps_are_codes(values):
    assert are_codes(*counted(column(values)))


@pytest.mark.parametrize("values", NUMBERS, ids=str)
def test_grids_grades_and_rounded_counts_are_numbers(values):
    assert not are_codes(*counted(column(values)))


@pytest.mark.parametrize("size", [2**62, int(1e300), int(1e308)])
def test_numbers_beyond_int64_are_told_from_codes_too(size):
    counts = np.full(5, 100)
    assert are_codes([size * value for value in (-1, 0, 1, 4, 9)], counts)
    assert are_codes([-size, -2, 0, 1, size], counts)
    assert not are_codes([size * value for value in range(5)], counts)


@pytest.mark.parametrize("seed", range(20))
def test_counts_with_a_rare_end_are_numbers(seed):
    rng = np.random.default_rng(seed)
    for cells in (
        rng.poisson(2, 2000),
        rng.geometric(0.4, 300),
        [*rng.integers(0, 9, 500), 10, 10],
        rng.integers(0, 100, 30),
    ):
        assert not are_codes(*counted(cells))


def table(tmp_path, seed=0):
    rng = np.random.default_rng(seed)
    edu = pd.Series(column((1, 2, 3, 4, 9), seed=seed)).astype(object).mask(rng.random(600) < 0.2)
    frame = pd.DataFrame({"edu": edu, "x": rng.normal(size=600)})
    return written(tmp_path, frame.to_csv(index=False)), frame


def test_codes_are_learned_as_categories_with_a_note(tmp_path):
    file, frame = table(tmp_path)
    columns = own(file).understand()
    assert kinds(columns)["edu"] == "category"
    assert columns.layout["edu"].values == (1, 2, 3, 4, 9)
    (note,) = columns.notes
    assert "column 'edu' holds 5 whole numbers with gaps (1, 2, 3, 4, 9)" in note
    assert "'dataset.numerical=[edu]'" in note
    assert as_written(columns)["edu"].tolist() == frame["edu"].fillna("").astype(str).tolist()
    assert kinds(own(file, numerical=["edu"]).understand())["edu"] == "integer"
    assert own(file, numerical=["edu"]).understand().notes == ()


def test_a_target_of_codes_is_predicted_as_classes(tmp_path):
    file, _ = table(tmp_path)
    columns = own(file, target="edu").understand()
    assert columns.layout.schema("edu")["edu"].kind == "categorical"
    assert any("the target 'edu' is predicted as classes" in note for note in columns.notes)
    assert not any("target" in note for note in own(file, target="edu", categorical=["edu"]).understand().notes)


def test_codes_of_a_frame_keep_their_dtype():
    frame = pd.DataFrame({"edu": column((1, 2, 3, 4, 9)), "x": np.arange(600) / 7})
    columns = understood(frame, {}, Rules())
    assert kinds(columns)["edu"] == "category"
    assert as_written(columns, for_text_file=False)["edu"].dtype == frame["edu"].dtype


def test_ordinary_tables_have_no_codes():
    frames = [load(as_frame=True).frame for load in (load_iris, load_wine, load_breast_cancer, load_digits)]
    frames += [load_diabetes(as_frame=True, scaled=False).frame, pd.read_parquet(BUNDLED)]
    for frame in frames:
        assert not [note for note in understood(frame, {}, Rules()).notes if "codes" in note]
