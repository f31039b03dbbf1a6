import json

import numpy as np
import pandas as pd
import pytest
from sdmetrics.reports import QualityReport

from src.metrics.detection import add_detection, detection_score
from src.metrics.evaluate import reference_tables, score, score_references
from src.metrics.fidelity import add_fidelity
from src.metrics.scores import Scores
from src.metrics.settings import QuickEvaluation
from src.metrics.utility import add_classification, add_utility, class_probabilities, utility_names
from src.tables import Schema, Split, make_table
from tests.conftest import SCHEMA, random_frame, random_table

QUICK = QuickEvaluation(detection_rows=500, references=True)


def test_fidelity_is_one_for_the_table_itself_and_lower_for_shuffled_columns():
    table = random_table(1000)
    same, shuffled = Scores(), Scores()
    add_fidelity(same, table, table, 0)
    assert {name for name, value in same.values.items() if value == pytest.approx(1)} >= {
        "fidelity/overall",
        "fidelity/column_shapes",
        "fidelity/column_pair_trends",
    }
    rng = np.random.default_rng(0)
    columns = {name: rng.permutation(table.frame[name]) for name in table.frame}
    add_fidelity(shuffled, table, make_table(pd.DataFrame(columns), SCHEMA), 0)
    assert shuffled.values["fidelity/column_shapes"] == pytest.approx(1)
    assert shuffled.values["fidelity/column_pair_trends"] < 0.97


def test_fidelity_equals_sdmetrics_called_directly():
    real, synthetic = random_table(500, 1), random_table(400, 2)
    scores = Scores()
    add_fidelity(scores, real, synthetic, 0)
    report = QualityReport()
    columns = {c.name: {"sdtype": c.kind} for c in SCHEMA.columns}
    report.real_correlation_threshold = report.real_association_threshold = 0
    tables = {"t": real.frame}, {"t": synthetic.frame}
    report.generate(*tables, {"tables": {"t": {"columns": columns}}}, verbose=False)
    assert scores.values["fidelity/overall"] == pytest.approx(report.get_score(), abs=1e-12)
    assert set(scores.per_column) == set(SCHEMA.names)
    assert len(scores.per_pair) == 6


def test_fidelity_of_a_holed_table_is_undefined_with_the_reason(table):
    scores = Scores()
    add_fidelity(scores, table, table.with_holes(np.random.default_rng(0).random((200, 4)) > 0.1), 0)
    assert set(scores.values.values()) == {None}
    assert "has holes" in scores.reasons["fidelity/overall"]


def test_classification_metrics_by_hand():
    y = np.array([0, 0, 0, 1])
    probability = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])
    scores = Scores()
    add_classification(scores, "m", y, probability)
    f1 = {0: 2 * 1 * (2 / 3) / (1 + 2 / 3), 1: 2 * 0.5 * 1 / 1.5}
    assert scores.values["m/accuracy"] == pytest.approx(0.75)
    assert scores.values["m/auroc"] == pytest.approx(2 / 3)
    assert scores.values["m/f1"] == pytest.approx(f1[1])
    assert scores.values["m/weighted_f1"] == pytest.approx(0.25 * f1[0] + 0.75 * f1[1])


def test_weighted_f1_of_three_classes_by_hand():
    y = np.array([0, 0, 1, 2])
    probability = np.eye(3)[[0, 1, 1, 2]] * 0.8 + 0.1
    scores = Scores()
    add_classification(scores, "m", y, probability)
    assert scores.values["m/macro_f1"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert scores.values["m/weighted_f1"] == pytest.approx((0.5 * 2 / 3 + 0.75 * 2 / 3 + 0.75) / 2)


def test_one_class_in_the_synthetic_target_and_a_missing_class():
    x = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    constant = class_probabilities(x, np.full(40, 2), x, 3, 0, 1)
    np.testing.assert_array_equal(constant, np.tile([0, 0, 1], (40, 1)))
    missing = class_probabilities(x, np.arange(40) % 2 * 2, x, 3, 0, 1)
    assert (missing[:, 1] == 0).all()
    np.testing.assert_allclose(missing.sum(axis=1), 1, atol=1e-6)


def test_one_class_in_the_test_table_has_no_auroc():
    scores = Scores()
    add_classification(scores, "m", np.zeros(4, dtype=int), np.tile([0.7, 0.3], (4, 1)))
    assert scores.values["m/auroc"] is None
    assert "one class" in scores.reasons["m/auroc"]


def test_utility_of_a_regression_target_and_of_no_target():
    for target, expected in (("height", {"rmse", "r2"}), (None, set())):
        schema = Schema(SCHEMA.columns, target)
        train, test = (make_table(random_frame(400, seed), schema) for seed in (0, 1))
        scores = Scores()
        add_utility(scores, test, train, 0, 1)
        assert {name.rsplit("/")[-1] for name in scores.values} == expected
    assert utility_names(Schema(SCHEMA.columns, None)) == []


def test_detection_formula():
    assert [detection_score(auc) for auc in (0.3, 0.5, 0.75, 1.0)] == [1.0, 1.0, 0.5, 0.0]


def test_detection_sees_a_shift_and_not_a_fresh_sample():
    real, fresh = random_table(600, 1), random_table(600, 2)
    moved = make_table(random_frame(600, 3).assign(age=lambda f: f["age"] + 200), SCHEMA)
    results = []
    for table in (fresh, moved):
        scores = Scores()
        add_detection(scores, real, table, 500, 0, 1)
        results.append(scores.values["detection/xgboost"])
    assert results[0] > 0.8
    assert results[1] == 0


def test_scores_never_hold_a_nan():
    scores = Scores()
    scores.add("m", float("nan"))
    assert scores.values == {"m": None}
    assert "nan" in scores.reasons["m"]


def test_references_are_six_reproducible_and_carry_reasons(split):
    mask = np.random.default_rng(0).random((300, 4)) > 0.3
    assert set(reference_tables(split, mask, 0)) == {
        "real_holdout",
        "hot_deck",
        "marginals",
        "mean_mode",
        "complete_rows",
        "holed_table",
    }
    first, second = (score_references(split, mask, QUICK, 0, 1, None, lambda: None) for _ in range(2))
    assert first == second
    names = set(score(split, split.test, QUICK, 0, 1).values)
    assert all(set(scores.values) == names for scores in first.values())
    assert first["holed_table"].values["utility/xgboost/accuracy"] is not None
    mask[:, 0] = False
    mask[0, 0] = True
    mask[0, 1] = False
    none_left = score_references(split, mask, QUICK, 0, 1, None, lambda: None)["complete_rows"]
    assert "none of the 300 training rows is complete" in none_left.reasons["fidelity/overall"]


def test_real_rows_with_native_holes_are_scored_where_complete(split):
    frame = split.train.frame.copy()
    frame.loc[::5, "height"] = np.nan
    frame.loc[1::9, "label"] = np.nan
    holed = Split(make_table(frame, SCHEMA), make_table(frame.iloc[:150], SCHEMA))
    scores = score(holed, random_table(300, 7), QUICK, 0, 1)
    assert all(value is not None for name, value in scores.values.items() if "default" not in name)


def test_a_pair_that_cannot_be_scored_is_none_and_named():
    real = random_table(200, 1)
    constant = make_table(random_frame(200, 2).assign(age=40), SCHEMA)
    scores = Scores()
    add_fidelity(scores, real, constant, 0)
    assert scores.per_pair["age | height"] is None
    assert "age | height" in scores.reasons["fidelity/column_pair_trends"]
    assert scores.values["fidelity/overall"] is not None
    json.dumps(scores.per_pair, allow_nan=False)
