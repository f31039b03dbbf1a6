import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from src.metrics.base.scores import Scores
from src.metrics.base.settings import QuickEvaluation
from src.metrics.catalogue import describe
from src.metrics.downstream.detection import add_detection
from src.metrics.downstream.prediction import (
    MAX_CLASSES,
    Standardised,
    add_classification,
    add_utility,
    class_probabilities,
    utility_names,
)
from src.metrics.evaluate import metric_names, reference_tables, score, score_references
from src.tables import Column, Schema, Split, infer_schema, make_table
from src.tables.datasets.bayesian_network import BayesianNetwork
from tests.conftest import SCHEMA, random_frame, random_table
from tests.unit.metrics.awkward import awkward_tables

QUICK = QuickEvaluation(detection_rows=500, references=True)


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


def test_classes_the_test_table_lacks_count_where_they_are_predicted():
    y, right, wrong = np.array([0, 0, 2, 2]), np.eye(3)[[0, 0, 2, 2]], np.eye(3)[[0, 1, 2, 2]]
    for probability in (right, wrong):
        scores = Scores()
        add_classification(scores, "m", y, probability)
        macro = f1_score(y, probability.argmax(axis=1), average="macro", zero_division=0)
        assert scores.values["m/macro_f1"] == pytest.approx(macro)
        weighted = 1 if probability is right else (0.5 * 2 / 3 + 0.5) / 2
        assert scores.values["m/weighted_f1"] == pytest.approx(weighted)


def test_f1_of_a_class_without_test_rows_is_undefined():
    scores = Scores()
    add_classification(scores, "m", np.zeros(4, dtype=int), np.eye(2)[[0, 0, 0, 1]])
    assert "second class" in scores.reasons["m/f1"]
    assert "one class only" in scores.reasons["m/weighted_f1"]
    assert scores.values["m/f1"] is None
    assert scores.values["m/weighted_f1"] is None


def test_trees_see_small_differences_of_large_numbers():
    rng = np.random.default_rng(0)
    offset = 1_700_000_000
    second, other = rng.integers(0, 20, 400), rng.integers(20, 40, 400)
    columns = (Column("s", "numerical", "int64", integer=True), Column("t", "categorical", "int64", categories=(0, 1)))
    schema = Schema(columns, "t")
    real, far = (
        make_table(pd.DataFrame({"s": offset + s, "t": (s % 20 > 9).astype(int)}), schema) for s in (second, other)
    )
    scores = Scores()
    add_detection(scores, real, far, 400, 0, 1)
    assert scores.values["detection/xgboost"] < 0.05
    add_utility(scores, real, real, 0, 1)
    assert scores.values["utility/xgboost/accuracy"] == 1


@pytest.mark.parametrize(("scale", "offset"), [(1, 0), (1e-6, 0), (1e30, 0), (1, 1e9), (1e307, 0)])
def test_regression_does_not_depend_on_the_scale_of_the_target(scale, offset):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 300))
    schema = Schema(tuple(Column(name, "numerical", "float64") for name in "aby"), "y")
    table = make_table(pd.DataFrame({"a": a, "b": b, "y": scale * (2 * a + b) + offset}), schema)
    scores = Scores()
    add_utility(scores, table, table, 0, 1)
    if scale < 1e100:
        assert scores.values["utility/xgboost/r2"] > 0.99
    else:
        assert "came to" in scores.reasons["utility/xgboost/r2"]


@settings(max_examples=50, derandomize=True, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
def test_standardised_numbers_come_back(values):
    y = np.array(values)
    standardised = Standardised.of(y)
    z = standardised.forward(y)
    assert np.isfinite(z).all()
    np.testing.assert_allclose(standardised.backward(z), y, rtol=1e-9, atol=1e-9 * np.abs(y).max())


def test_values_of_the_target_that_only_the_synthetic_table_has_are_no_classes():
    columns = [*SCHEMA.columns[:3], Column("label", "categorical", "object", categories=(0, 1, "Yes "), n_foreign=1)]
    schema, table = Schema(tuple(columns), "label"), random_table(200, 0)
    odd = table.frame.astype({"label": object})
    odd.loc[:20, "label"] = "Yes "
    found = []
    for frame in (odd, odd.iloc[21:]):
        scores = Scores()
        add_utility(scores, make_table(random_frame(200, 1), schema), make_table(frame, schema), 0, 1)
        found.append(scores.values)
    assert schema.task == "binary"
    assert found[0] == found[1]


def test_a_target_of_hundreds_of_classes_is_refused_with_the_reason():
    names = tuple(range(MAX_CLASSES + 1))
    schema = Schema((SCHEMA.columns[0], Column("k", "categorical", "int64", categories=names)), "k")
    table = make_table(pd.DataFrame({"age": names, "k": names}), schema)
    scores = Scores()
    add_utility(scores, table, table, 0, 1)
    assert scores.reasons["utility/xgboost/accuracy"] == "the target has 201 classes, more than 200"


def test_utility_of_a_regression_target_and_of_no_target():
    for target, expected in (("height", {"rmse", "r2"}), (None, set())):
        schema = Schema(SCHEMA.columns, target)
        train, test = (make_table(random_frame(400, seed), schema) for seed in (0, 1))
        scores = Scores()
        add_utility(scores, test, train, 0, 1)
        assert {name.rsplit("/")[-1] for name in scores.values} == expected
    assert utility_names(Schema(SCHEMA.columns, None)) == []


def test_scores_never_hold_a_nan():
    scores = Scores()
    scores.add("m", float("nan"))
    assert scores.values == {"m": None}
    assert "nan" in scores.reasons["m"]


def correlated(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    return pd.DataFrame({"x": x, "y": x + 0.1 * rng.normal(size=n), "label": np.where(x > 0, "yes", "no")})


@pytest.mark.integration
@pytest.mark.parametrize("n_fresh", [30, 300, 400])
def test_a_ceiling_of_few_rows_has_a_floor_of_as_many(n_fresh):
    schema = infer_schema(correlated(300, 0), "label", ["label"])
    split = Split(make_table(correlated(300, 0), schema), make_table(correlated(n_fresh, 1), schema))
    tables = reference_tables(split, np.ones((300, 3), dtype=bool), 0)
    assert ("marginals_small" in tables) == (n_fresh < 300)
    if n_fresh < 300:
        small, floor = tables["marginals_small"](), tables["marginals"]()
        assert small.n_rows == tables["real_holdout"]().n_rows == n_fresh
        assert small.frame.equals(floor.frame.head(n_fresh))
        scores = score_references(split, np.ones((300, 3), dtype=bool), QUICK, 0, 1, None, lambda: None)
        ceiling, floor = (scores[name].values["fidelity/overall"] for name in ("real_holdout", "marginals_small"))
        assert ceiling > floor


@pytest.mark.slow
def test_references_are_reproducible_and_carry_reasons(split):
    mask = np.random.default_rng(0).random((300, 4)) > 0.3
    assert set(reference_tables(split, mask, 0)) == {
        "real_holdout",
        "hot_deck",
        "marginals",
        "marginals_small",
        "mean_mode",
        "complete_rows",
        "holed_table",
    }
    first, second = (score_references(split, mask, QUICK, 0, 1, None, lambda: None) for _ in range(2))
    assert first == second
    names = set(score(split, split.test, QUICK, 0, 1).values)
    assert all(set(scores.values) == names for scores in first.values())
    holed = first["holed_table"].values
    assert holed["utility/xgboost/accuracy"] is not None
    assert holed["fidelity/column_shapes"] > 0.95, "its observed cells are those of the training table"
    assert holed["detection/xgboost"] < 0.5, "its holes give it away"
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


@pytest.mark.integration
def test_every_metric_is_named_and_described(split):
    for target in (None, "label", "height", "colour"):
        schema = Schema(SCHEMA.columns, target)
        one = Split(make_table(split.train.frame, schema), make_table(split.test.frame, schema))
        names = metric_names(one, QUICK)
        assert sorted(score(one, one.test, QUICK, 0, 1).values) == sorted(names)
        assert [describe(name).name for name in names] == names


def test_the_network_s_known_quantities_are_described():
    network = BayesianNetwork("paper", 50, 20)
    truth = network.truth(network.load(0).train.frame)
    assert all(describe(f"truth/{name}").bounds[0] == 0 for name in truth)


@pytest.mark.integration
def test_fresh_real_rows_are_held_against_other_fresh_rows(split):
    mask = np.random.default_rng(0).random((300, 4)) > 0.3
    rows = score_references(split, mask, QUICK, 0, 1, None, lambda: None)
    fresh, copies = rows["real_holdout"], rows["complete_rows"]
    assert 0.3 < fresh.values["privacy/dcr_share"] < 0.7
    assert "one half of the test rows" in fresh.reasons["privacy/dcr_share"]
    assert fresh.values["privacy/copies"] == 0
    assert copies.values["privacy/copies"] == 1
    assert copies.values["privacy/dcr_share"] == 1


@pytest.mark.integration
@settings(max_examples=12, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(1, 4).flatmap(awkward_tables), st.floats(0, 0.9), st.sampled_from([0, 0.5, 0.95]))
def test_any_table_is_scored_within_bounds_or_says_why_not(tables, holes, synthetic_holes):
    real, synthetic = tables
    mask = np.random.default_rng(0).random(real.observed.shape) >= holes
    own = np.random.default_rng(1).random(synthetic.observed.shape) >= synthetic_holes
    scores = score(Split(real.with_holes(mask), real), synthetic.with_holes(own), QUICK, 0, 1)
    for name, value in scores.values.items():
        low, high = describe(name).bounds
        if value is None:
            assert scores.reasons[name]
        else:
            assert value >= (-np.inf if low is None else low) - 1e-9, name
            assert value <= (np.inf if high is None else high) + 1e-9, name
