"""Fidelity is SDMetrics' own score: the library is the reference, on tables made to be awkward."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from src.metrics.base.metric import SDMETRICS
from src.metrics.base.scores import Scores
from src.metrics.quality import fidelity
from src.metrics.quality.fidelity import add_fidelity
from src.metrics.quality.sdmetrics_report import SHAPES, TRENDS, quality_report
from src.tables import Column, Schema, Table, make_table
from tests.conftest import SCHEMA, random_frame, random_table
from tests.unit.metrics.awkward import awkward_tables


def fidelity_of(real: Table, synthetic: Table, seed: int = 0) -> Scores:
    scores = Scores()
    add_fidelity(scores, real, synthetic, seed)
    return scores


def assert_equals_sdmetrics(real: Table, synthetic: Table, seed: int = 0) -> None:
    scores = fidelity_of(real, synthetic, seed)
    every, default = (
        quality_report(real.frame, synthetic.frame, real.schema, seed, every_pair=every) for every in (True, False)
    )
    shapes = every.get_details(SHAPES, table_name="table").set_index("Column")["Score"]
    assert_same(scores.per_column, shapes)
    pairs, counted = (report.get_details(TRENDS, table_name="table") for report in (every, default))
    names = pairs["Column 1"] + " | " + pairs["Column 2"]
    assert_same(scores.per_pair, pairs.set_index(names)["Score"])
    counts = counted["Meets Threshold?"].fillna(False) & counted["Score"].notna()
    assert scores.dependent_pairs == list(names[counts])
    for suffix, report in (("", every), ("_default", default)):
        parts = report.get_properties().set_index("Property")["Score"]
        trends = scores.values[f"fidelity/column_pair_trends{suffix}"]
        if np.isnan(parts[TRENDS]):
            assert trends is None
        else:
            assert trends == pytest.approx(parts[TRENDS], abs=1e-9)
            assert scores.values[f"fidelity/overall{suffix}"] == pytest.approx(report.get_score(), abs=1e-9)
    assert scores.values["fidelity/column_shapes"] == pytest.approx(shapes.mean(), abs=1e-9)


def assert_same(ours: dict[str, float | None], theirs: pd.Series) -> None:
    assert list(ours) == list(theirs.index)
    for name, value in theirs.items():
        if np.isnan(value):
            assert ours[name] is None, name
        else:
            assert ours[name] == pytest.approx(value, abs=1e-9), name


def test_the_version_named_is_the_locked_one_that_the_values_are_compared_with():
    lock = Path(__file__).resolve().parents[3] / "requirements.lock"
    assert f"\nsdmetrics=={SDMETRICS}." in lock.read_text()


@pytest.mark.slow
@settings(max_examples=80, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(2, 5).flatmap(awkward_tables))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_number_equals_sdmetrics(tables):
    assert_equals_sdmetrics(*tables)


@pytest.mark.integration
def test_two_rows_that_nearly_tie_and_a_correlation_of_exactly_zero_equal_sdmetrics():
    schema = Schema((Column("x", "numerical", "float64"), Column("y", "numerical", "float64")))
    frames = [
        pd.DataFrame({"x": [1e17, 1e17 + 16], "y": [-0.5, -2.0]}),
        pd.DataFrame({"x": [3.0, -1.0], "y": [6.0, -1.0]}),
        pd.DataFrame({"x": [-1.0, 1.0, 0.0, 0.0], "y": [0.0, 0.0, -1.0, 1.0]}),
    ]
    tables = [make_table(frame, schema) for frame in frames]
    for real in tables:
        for synthetic in tables:
            assert_equals_sdmetrics(real, synthetic)
    assert fidelity_of(tables[2], tables[0]).per_pair == {"x | y": None}


def test_dependent_columns_equal_sdmetrics_and_the_counted_pairs_are_named():
    rng = np.random.default_rng(0)
    x = rng.normal(size=700)
    colour = np.where(x > 0, "red", "green")
    frame = pd.DataFrame(
        {"age": x, "height": 2 * x + rng.normal(size=700), "colour": colour, "label": rng.integers(0, 2, 700)}
    )
    real = make_table(frame, SCHEMA)
    assert_equals_sdmetrics(real, random_table(300, 2))
    assert fidelity_of(real, random_table(300, 2)).dependent_pairs == [
        "age | height",
        "age | colour",
        "height | colour",
    ]


def test_large_tables_are_sampled_as_sdmetrics_samples_them(monkeypatch):
    import sdmetrics.reports.single_table._properties.base as library

    monkeypatch.setattr(library, "DEFAULT_NUM_ROWS_SUBSAMPLE", 150)
    monkeypatch.setattr(fidelity, "MAX_ROWS", 150)
    assert_equals_sdmetrics(random_table(400, 1), random_table(90, 2), seed=5)
    assert_equals_sdmetrics(random_table(100, 1), random_table(300, 2), seed=6)
    one, other = (fidelity_of(random_table(400, 1), random_table(90, 2), seed).per_pair for seed in (5, 6))
    assert one["colour | label"] != other["colour | label"]


def test_many_categories_are_counted_sparsely_with_the_same_result(monkeypatch):
    real, synthetic = random_table(300, 1), random_table(200, 2)
    dense = fidelity_of(real, synthetic)
    monkeypatch.setattr("src.metrics.quality.counting.MAX_CELLS", 2)
    sparse = fidelity_of(real, synthetic)
    assert sparse.per_pair == pytest.approx(dense.per_pair, abs=1e-12)
    assert sparse.dependent_pairs == dense.dependent_pairs


def test_shapes_and_pairs_by_hand():
    schema = Schema((Column("x", "numerical", "float64"), Column("c", "categorical", "object", categories=("a", "b"))))
    real = make_table(pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0], "c": ["a", "a", "b", "b"]}), schema)
    synthetic = make_table(pd.DataFrame({"x": [0.0, 1.0, 3.0, 3.0], "c": ["a", "b", "b", "b"]}), schema)
    scores = fidelity_of(real, synthetic)
    assert scores.per_column == pytest.approx({"x": 0.75, "c": 0.75})
    assert scores.per_pair == pytest.approx({"x | c": 0.5})


def test_the_table_itself_scores_one_and_shuffled_columns_lose_the_trends():
    table = random_table(1000)
    same = fidelity_of(table, table)
    assert {name for name, value in same.values.items() if value == pytest.approx(1)} >= {
        "fidelity/overall",
        "fidelity/column_shapes",
        "fidelity/column_pair_trends",
    }
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.permutation(table.frame[name]) for name in table.frame})
    shuffled = fidelity_of(table, make_table(frame, SCHEMA))
    assert shuffled.values["fidelity/column_shapes"] == pytest.approx(1)
    assert shuffled.values["fidelity/column_pair_trends"] < 0.97


def test_a_synthetic_table_with_holes_is_scored_on_what_is_observed():
    real, synthetic = random_table(300, 1), random_table(300, 2)
    mask = np.ones((300, 4), dtype=bool)
    mask[np.arange(300), np.arange(300) % 4] = False
    scores = fidelity_of(real, synthetic.with_holes(mask))
    assert all(value is not None for name, value in scores.values.items() if "default" not in name)
    assert "300 of 300 synthetic rows have holes" in scores.reasons["fidelity/overall"]
    complete = synthetic.take(mask[:, 2])
    assert scores.per_column["colour"] == pytest.approx(fidelity_of(real, complete).per_column["colour"])
    pair = Schema((SCHEMA.columns[2], SCHEMA.columns[3]))
    both = mask[:, 2] & mask[:, 3]
    tables = (make_table(t.frame[["colour", "label"]], pair) for t in (real, synthetic.take(both)))
    assert scores.per_pair["colour | label"] == pytest.approx(fidelity_of(*tables).per_pair["colour | label"])


def test_a_holed_table_scores_one_against_itself_and_columns_nobody_observed_are_named(table):
    holed = table.with_holes(np.random.default_rng(0).random((200, 4)) > 0.3)
    scores = fidelity_of(holed, holed)
    assert scores.values["fidelity/overall"] == pytest.approx(1)
    assert "200 synthetic rows have holes" in scores.reasons["fidelity/overall"]
    unseen = fidelity_of(table, table.with_holes(np.arange(4) != np.zeros((200, 1))))
    assert unseen.per_column["age"] is None
    assert unseen.values["fidelity/column_shapes"] == pytest.approx(1)
    assert "without an observed cell in one table are left out: age" in unseen.reasons["fidelity/column_shapes"]
    nothing = fidelity_of(table, table.with_holes(np.zeros((200, 4), dtype=bool)))
    assert set(nothing.values.values()) == {None}
    assert "no column has an observed cell in both tables" in nothing.reasons["fidelity/overall"]


def test_a_real_table_without_a_complete_row_is_scored_on_what_each_pair_has_observed():
    real = random_table(300, 1)
    mask = np.ones((300, 4), dtype=bool)
    mask[np.arange(300), np.arange(300) % 4] = False
    scores = fidelity_of(real.with_holes(mask), random_table(300, 2))
    assert all(value is not None for name, value in scores.values.items() if "default" not in name)
    assert "300 of 300 real rows have holes" in scores.reasons["fidelity/overall"]
    assert "at least 225" in scores.reasons["fidelity/column_shapes"]
    only = fidelity_of(real.take(mask[:, 2]), random_table(300, 2))
    assert scores.per_column["colour"] == pytest.approx(only.per_column["colour"])
    pair = Schema((SCHEMA.columns[2], SCHEMA.columns[3]))
    both = mask[:, 2] & mask[:, 3]
    tables = (make_table(t.frame[["colour", "label"]], pair) for t in (real.take(both), random_table(300, 2)))
    assert scores.per_pair["colour | label"] == pytest.approx(fidelity_of(*tables).per_pair["colour | label"])


def test_a_pair_that_cannot_be_scored_is_none_and_named():
    constant = make_table(random_frame(200, 2).assign(age=40), SCHEMA)
    scores = fidelity_of(random_table(200, 1), constant)
    assert scores.per_pair["age | height"] is None
    assert "age | height" in scores.reasons["fidelity/column_pair_trends"]
    assert scores.values["fidelity/overall"] is not None
    json.dumps(scores.per_pair, allow_nan=False)


def test_pairs_whose_names_read_alike_all_count():
    names = ("a", "b | c", "a | b", "c")
    schema = Schema(tuple(Column(name, "numerical", "float64") for name in names))
    real, synthetic = (
        make_table(pd.DataFrame(np.random.default_rng(seed).normal(size=(50, 4)), columns=names), schema)
        for seed in (0, 1)
    )
    scores = fidelity_of(real, synthetic)
    assert len(scores.per_pair) == 6
    assert scores.values["fidelity/column_pair_trends"] == pytest.approx(np.mean(list(scores.per_pair.values())))


def test_constant_columns_alone_have_no_trends_and_say_so():
    frame = pd.DataFrame({"a": [1.5] * 9, "b": [2.5] * 9})
    schema = Schema(tuple(Column(name, "numerical", "float64") for name in frame))
    table = make_table(frame, schema)
    assert "no pair of columns" in fidelity_of(table, table).reasons["fidelity/overall"]


def test_one_column_has_shapes_and_no_trends():
    schema = Schema((SCHEMA.columns[1],))
    tables = (make_table(random_frame(50, seed)[["height"]], schema) for seed in (1, 2))
    scores = fidelity_of(*tables)
    assert scores.values["fidelity/column_shapes"] > 0.5
    assert scores.reasons["fidelity/overall"] == "one column has no pairs"
