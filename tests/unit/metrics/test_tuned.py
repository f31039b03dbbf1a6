"""Utility by tuned models: hand-made tables and validation scores, on grids of a few cheap points."""

import json
from dataclasses import asdict, replace

import joblib
import numpy as np
import pytest
from sklearn.metrics import accuracy_score
from sklearn.tree import DecisionTreeClassifier

from src.config.compose import compose
from src.config.run import build_config
from src.errors import ConfigError
from src.metrics.base.features import category_codes, scaled_features
from src.metrics.base.measure import Downstream
from src.metrics.base.scores import Scores
from src.metrics.base.settings import DOWNSTREAM_MODELS, PaperEvaluation
from src.metrics.downstream import grids
from src.metrics.downstream.choice import Point, add_chosen, add_mean, names_of
from src.metrics.downstream.sets import reference_rows, synthetic_rows
from src.metrics.downstream.tuned import add_both_scales, add_tuned_utility, log_of, n_fits, tuned_names
from src.metrics.evaluate import metric_names, n_steps, reference_tables, score, score_references
from src.results.record.report import Report
from src.seeding import derive_int32
from src.tables import Column, Schema, Split, Table, make_table
from tests.conftest import SCHEMA, random_frame, random_table
from tests.unit.metrics.side_by_side import tuned_values

EVERY_MODEL = sorted({name for names in DOWNSTREAM_MODELS.values() for name in names})
PAPER = PaperEvaluation(100, True, 1, EVERY_MODEL, "own", False, False, 50_000)
PUBLISHED = replace(PAPER, choose_by="f1", log_target=True, raw_validation_target=True)
SMALL_GRIDS = {
    "decision_tree": {"max_depth": [1, 4]},
    "adaboost": {"n_estimators": [1, 3]},
    "logistic_regression": {"max_iter": [5], "C": [0.1, 1]},
    "linear_regression": {},
    "mlp": {"hidden_layer_sizes": [(4,)], "max_iter": [2, 4]},
    "random_forest": {"max_depth": [2, None], "n_estimators": [5]},
    "xgboost": {"n_estimators": [2, 5], "max_depth": [2]},
}


@pytest.fixture(autouse=True)
def small_grids(monkeypatch):
    monkeypatch.setattr(grids, "GRIDS", SMALL_GRIDS)


def three(target: str | None = "label", n_rows: int = 60) -> list[Table]:
    """A synthetic, a training and a test table."""
    return [Table(random_table(n_rows, seed).frame, Schema(SCHEMA.columns, target)) for seed in (1, 2, 3)]


def tuned(fitted, validation, test, evaluation=PAPER, n_threads=1, on_fit=lambda: None) -> Scores:
    scores = Scores()
    rows = Downstream(fitted, validation, test, validation)
    add_tuned_utility(scores, rows, evaluation, 0, n_threads, on_fit)
    assert set(scores.values) == set(tuned_names(fitted.schema, evaluation))
    assert all(scores.reasons[name] for name, value in scores.values.items() if value is None)
    assert scores == Scores(**json.loads(json.dumps(asdict(scores), allow_nan=False)))
    return scores


def changed(table: Table, **columns) -> Table:
    return make_table(table.frame.assign(**columns), table.schema)


def point(name: str, validation: dict, test: dict) -> Point:
    sides = [Scores({f"utility/mlp/{k}": v for k, v in side.items()}) for side in (validation, test)]
    return Point({"alpha": name}, *sides)


def binary(accuracy, auroc, f1, weighted_f1) -> dict:
    return {"accuracy": accuracy, "auroc": auroc, "f1": f1, "weighted_f1": weighted_f1}


POINTS = [
    point("accurate", binary(0.9, 0.5, 0.1, 0.2), binary(0.80, 0.51, 0.12, 0.22)),
    point("ranking", binary(0.7, 0.9, 0.3, 0.2), binary(0.71, 0.92, 0.33, 0.24)),
    point("balanced", binary(0.6, 0.6, 0.8, 0.7), binary(0.61, 0.62, 0.83, 0.74)),
    point("late tie", binary(0.9, 0.9, 0.8, 0.7), binary(0.01, 0.02, 0.03, 0.04)),
]


def test_every_metric_is_read_where_it_is_best_itself_and_ties_go_to_the_first_point():
    scores = Scores()
    add_chosen(scores, "mlp", POINTS, "binary", PAPER)
    assert scores.values == {
        "utility/mlp/accuracy": 0.80,
        "utility/mlp/auroc": 0.92,
        "utility/mlp/f1": 0.83,
        "utility/mlp/weighted_f1": 0.74,
        "utility/mlp/accuracy_by_f1": 0.61,
        "utility/mlp/auroc_by_f1": 0.62,
        "utility/mlp/weighted_f1_by_f1": 0.74,
    }
    assert scores.details["utility/mlp/auroc"] == {
        "params": {"alpha": "ranking"},
        "chosen_by": "auroc",
        "validation": 0.9,
    }


def test_the_published_choice_reads_every_metric_at_the_best_f1_and_keeps_the_other_reading():
    scores = Scores()
    add_chosen(scores, "mlp", POINTS, "binary", replace(PAPER, choose_by="f1"))
    assert {name.removeprefix("utility/mlp/"): value for name, value in scores.values.items()} == {
        **binary(0.61, 0.62, 0.83, 0.74),
        "accuracy_by_own": 0.80,
        "auroc_by_own": 0.92,
        "weighted_f1_by_own": 0.74,
    }


def test_no_validation_value_means_no_choice_with_the_reason():
    blind = [point("x", binary(0.5, None, 0.5, 0.5), binary(0.5, 0.6, 0.5, 0.5))]
    blind[0].validation.reasons["utility/mlp/auroc"] = "one class only"
    scores = Scores()
    add_chosen(scores, "mlp", blind, "binary", PAPER)
    assert scores.values["utility/mlp/auroc"] is None
    assert scores.reasons["utility/mlp/auroc"] == "no choice: one class only"
    assert scores.values["utility/mlp/auroc_by_f1"] == 0.6


def regression_point(name: str, rmse: float, rmse_log: float, raw_target: float, test: float) -> Point:
    validation = {"rmse": rmse, "rmse_log": rmse_log, "rmse_raw_target": raw_target}
    return point(name, validation, dict.fromkeys(["rmse", "r2", "rmse_log", "r2_log"], test))


@pytest.mark.parametrize(
    ("log_target", "raw", "chosen", "other"),
    [(False, False, 1.0, None), (True, False, 2.0, ("raw_target", 3.0)), (True, True, 3.0, ("own", 2.0))],
)
def test_regression_is_chosen_by_the_least_error_on_the_fitted_scale_or_by_the_slip(log_target, raw, chosen, other):
    points = [
        regression_point("raw", 0.1, 0.3, 0.3, 1.0),
        regression_point("log", 0.2, 0.1, 0.2, 2.0),
        regression_point("slip", 0.3, 0.2, 0.1, 3.0),
    ]
    evaluation = replace(PAPER, log_target=log_target, raw_validation_target=raw)
    scores = Scores()
    add_chosen(scores, "mlp", points, "regression", evaluation)
    metrics = ("rmse", "r2", "rmse_log", "r2_log")
    expected = {f"utility/mlp/{name}": chosen for name in metrics}
    if other is not None:
        expected |= {f"utility/mlp/{name}_by_{other[0]}": other[1] for name in metrics}
    assert scores.values == expected


def test_the_mean_is_over_all_models_or_undefined():
    scores = Scores({"utility/a/auroc": 0.5, "utility/b/auroc": 0.7, "utility/a/f1": 0.5, "utility/b/f1": None})
    add_mean(scores, ["a", "b"], ["auroc", "f1"])
    assert scores.values["utility/mean/auroc"] == pytest.approx(0.6)
    assert scores.values["utility/mean/f1"] is None
    assert scores.reasons["utility/mean/f1"] == "undefined for b"


def test_logged_targets_by_hand():
    y = np.array([0.5, np.e, 1e9])
    np.testing.assert_allclose(log_of(y), [0, 1, np.log(20_000)])
    scores = Scores()
    add_both_scales(scores, "m", np.array([1.0, np.e]), np.array([0.0, 3.0]), logged=True)
    assert scores.values["m/rmse"] == pytest.approx(np.sqrt((np.e**3 - np.e) ** 2 / 2))
    assert scores.values["m/rmse_log"] == pytest.approx(np.sqrt(2))
    assert scores.values["m/r2_log"] == pytest.approx(1 - 4 / 0.5)
    assert scores.values["m/rmse_raw_target"] == pytest.approx(np.sqrt((1 + (np.e - 3) ** 2) / 2))
    scores = Scores()
    add_both_scales(scores, "m", np.array([1.0, np.e]), np.array([-5.0, np.e]), logged=False)
    assert scores.values["m/rmse"] == pytest.approx(np.sqrt(18))
    assert scores.values["m/rmse_log"] == 0
    assert "m/rmse_raw_target" not in scores.values


def test_the_flow_equals_scikit_learn_called_directly():
    synthetic, train, test = three()
    scores = tuned(synthetic, train, test, replace(PAPER, models=["decision_tree"]))
    names = ["age", "height", "colour"]
    frames = [table.frame for table in (synthetic, train, test)]
    x, *real = scaled_features(frames[0], frames, train.frame, SCHEMA, names)
    y, *labels = (category_codes(frame["label"], (0, 1)).astype(int) for frame in frames)
    accuracy = {}
    for depth in (1, 4):
        model = DecisionTreeClassifier(max_depth=depth, random_state=derive_int32(0, "model", "decision_tree")).fit(
            x, y
        )
        accuracy[depth] = [accuracy_score(k, model.predict(f)) for k, f in zip(labels, real, strict=True)]
    best = max((1, 4), key=lambda depth: accuracy[depth][0])
    assert scores.values["utility/decision_tree/accuracy"] == pytest.approx(accuracy[best][1])
    assert scores.details["utility/decision_tree/accuracy"]["params"] == {"max_depth": best}
    assert scores.values["utility/mean/accuracy"] == scores.values["utility/decision_tree/accuracy"]


@pytest.mark.integration
@pytest.mark.parametrize("target", ["label", "colour", "height"])
@pytest.mark.parametrize("evaluation", [PAPER, PUBLISHED], ids=["sound", "published"])
def test_every_task_has_all_its_metrics_and_takes_the_announced_fits(target, evaluation):
    synthetic, train, test = three(target)
    fits = []
    scores = tuned(synthetic, train, test, evaluation, on_fit=lambda: fits.append(1))
    assert None not in [value for name, value in scores.values.items() if not name.endswith(("r2_log", "raw_target"))]
    models = DOWNSTREAM_MODELS[synthetic.schema.task]
    assert {name.split("/")[1] for name in scores.values} == {*models, "mean"}
    assert len(fits) == n_fits(synthetic.schema, evaluation) == n_steps(synthetic.schema, evaluation) - 1


def test_a_regression_of_logs_is_scored_on_both_scales():
    synthetic, train, test = (changed(t, height=lambda f: np.exp(f["age"] / 20)) for t in three("height", 200))
    raw = tuned(synthetic, train, test, replace(PAPER, models=["linear_regression"]))
    log = tuned(synthetic, train, test, replace(PUBLISHED, models=["linear_regression"]))
    # ln(height) is linear in age: only the model of logs can be exact, on either scale
    assert log.values["utility/linear_regression/rmse_log"] == pytest.approx(0, abs=1e-9)
    assert log.values["utility/linear_regression/r2"] == pytest.approx(1)
    assert raw.values["utility/linear_regression/r2"] < 0.95


@pytest.mark.integration
@pytest.mark.parametrize("target", ["label", "height"])
def test_the_result_does_not_depend_on_the_number_of_workers(target):
    tables = three(target)
    assert tuned(*tables, n_threads=1) == tuned(*tables, n_threads=2) == tuned(*tables, n_threads=5)


@pytest.mark.slow
@pytest.mark.integration
def test_jobs_of_a_sweep_side_by_side_score_as_one_alone():
    synthetic, train, test = three()
    job = Downstream(synthetic, train, test, train), replace(PAPER, models=["mlp", "xgboost"]), SMALL_GRIDS
    results = joblib.Parallel(n_jobs=2)(joblib.delayed(tuned_values)(*job) for _ in range(2))
    assert results == [tuned(synthetic, train, test, job[1]).values] * 2


def test_a_logarithm_that_is_cut_off_everywhere_scores_nothing():
    scores = Scores()
    add_both_scales(scores, "m", np.array([0.2, 0.7]), np.array([0.6, 0.1]), logged=False)
    assert scores.values["m/rmse_log"] is None
    assert "all real targets lie outside 1..20,000" in scores.reasons["m/r2_log"]
    assert scores.values["m/rmse"] > 0


@pytest.mark.integration
def test_an_outlier_of_any_size_is_scored():
    synthetic, train, test = three()
    for cell in (1e60, -1e300):
        odd = synthetic.frame.copy()
        odd.loc[0, "height"] = cell
        scores = tuned(make_table(odd, synthetic.schema), train, test)
        assert all(scores.values[f"utility/{model}/accuracy"] is not None for model in DOWNSTREAM_MODELS["binary"])


def test_a_single_synthetic_class_is_predicted_always():
    synthetic, train, test = three()
    scores = tuned(changed(synthetic, label=1), train, test)
    share = float((test.frame["label"] == 1).mean())
    for model in [*DOWNSTREAM_MODELS["binary"], "mean"]:
        assert scores.values[f"utility/{model}/accuracy"] == pytest.approx(share)
        assert scores.values[f"utility/{model}/auroc"] == 0.5
        assert scores.values[f"utility/{model}/f1"] == pytest.approx(2 * share / (1 + share))


def test_a_class_the_synthetic_table_lacks_is_never_predicted():
    synthetic, train, test = three("colour")
    green = changed(test, colour="green")
    assert tuned(synthetic, train, green).values["utility/mean/accuracy"] > 0
    lacking = tuned(changed(synthetic, colour=lambda f: f["colour"].replace("green", "red")), train, green)
    assert lacking.values["utility/mean/accuracy"] == 0


def test_a_class_the_test_table_lacks_counts_in_macro_f1_and_not_in_auroc():
    synthetic, train, test = three("colour")
    scores = tuned(synthetic, train, changed(test, colour=lambda f: f["colour"].replace("green", "red")))
    assert 0 < scores.values["utility/mean/macro_f1"] < 2 / 3 + 1e-9
    assert scores.values["utility/mean/auroc"] is not None


def test_one_class_in_the_test_table_leaves_auroc_undefined():
    synthetic, train, test = three()
    scores = tuned(synthetic, train, changed(test, label=0))
    assert "one class only" in scores.reasons["utility/xgboost/auroc"]
    assert "undefined for decision_tree, adaboost" in scores.reasons["utility/mean/auroc"]
    assert scores.values["utility/xgboost/accuracy"] is not None


def test_a_category_the_synthetic_table_lacks_does_no_harm():
    synthetic, train, test = three()
    scores = tuned(changed(synthetic, colour="blue"), train, test)
    assert None not in scores.values.values()


def test_one_feature_no_feature_and_no_target():
    columns = {column.name: column for column in SCHEMA.columns}
    one = Schema((columns["colour"], columns["label"]), "label")
    scores = tuned(*(make_table(random_frame(40, seed)[one.names], one) for seed in (1, 2, 3)))
    assert None not in scores.values.values()
    none = Schema((columns["label"],), "label")
    scores = tuned(*(make_table(random_frame(40, seed)[["label"]], none) for seed in (1, 2, 3)))
    assert set(scores.reasons.values()) == {"the target is the only column"}
    assert tuned(*three(None)) == Scores()
    assert n_fits(Schema(SCHEMA.columns), PAPER) == 0


def test_a_target_of_one_category_is_undefined():
    label = Column("label", "categorical", "int64", categories=(0,))
    schema = Schema((*SCHEMA.columns[:3], label), "label")
    tables = [make_table(random_frame(30, seed).assign(label=0), schema) for seed in (1, 2, 3)]
    assert set(tuned(*tables).reasons.values()) == {"the target has one category only"}


def test_a_constant_regression_target_has_an_error_and_no_r2():
    scores = tuned(*(changed(table, height=3.0) for table in three("height")))
    assert scores.values["utility/linear_regression/rmse"] == pytest.approx(0, abs=1e-9)
    assert scores.values["utility/mlp/rmse"] is not None
    assert scores.values["utility/xgboost/r2"] is None
    assert "constant" in scores.reasons["utility/xgboost/r2"]


@pytest.mark.integration
@pytest.mark.parametrize("target", ["label", "colour", "height"])
@pytest.mark.parametrize("n_rows", [2, 10])
def test_tiny_tables_are_scored(target, n_rows):
    tuned(*three(target, n_rows))


def test_models_of_another_task_only_leave_a_reason():
    scores = tuned(*three("height"), replace(PAPER, models=["adaboost"]))
    assert set(scores.reasons.values()) == {"none of the models asked for (adaboost) does regression"}
    assert set(scores.values) == {
        "utility/mean/rmse",
        "utility/mean/r2",
        "utility/mean/rmse_log",
        "utility/mean/r2_log",
    }


def test_a_table_with_holes_is_for_xgboost_alone():
    synthetic, train, test = three()
    scores = tuned(changed(synthetic, age=lambda f: f["age"].where(f.index % 4 > 0)), train, test)
    assert scores.values["utility/xgboost/auroc"] is not None
    assert "only XGBoost takes" in scores.reasons["utility/mlp/auroc"]
    assert scores.values["utility/mean/auroc"] is None


def test_rows_without_a_target_are_left_out():
    synthetic, train, test = three()
    holed = [changed(table, label=lambda f: f["label"].where(f.index % 3 > 0)) for table in (synthetic, train, test)]
    kept = [table.take(np.arange(60) % 3 > 0) for table in (synthetic, train, test)]
    rows = Downstream(*holed, train)
    expected, found = Scores(), Scores()
    add_tuned_utility(found, rows, PAPER, 0, 1)
    add_tuned_utility(expected, Downstream(*kept, train), PAPER, 0, 1)
    assert found == expected


def test_real_rows_with_native_holes_are_left_out_and_counted():
    synthetic, train, test = three()
    holed = changed(train, height=lambda f: f["height"].where(f.index >= 6))
    scores = tuned(synthetic, holed, changed(test, age=lambda f: f["age"].where(f.index > 0)))
    assert scores.values["utility/mlp/accuracy"] is not None
    reason = "6 of 60 validation rows and 1 of 60 test rows have holes and are left out"
    assert scores.reasons["utility/mlp/accuracy"] == reason
    nothing = tuned(synthetic, changed(train, height=np.nan), test)
    assert set(nothing.reasons.values()) == {"too few usable rows: 60 to fit, 0 to validate, 60 to test"}


def test_large_tables_are_cut_to_the_cap_by_the_seed():
    tables = three("height", 100)
    capped = replace(PAPER, max_rows=20, models=["linear_regression"])
    first, again = tuned(*tables, capped), tuned(*tables, capped)
    assert first == again
    assert first != tuned(*tables, replace(capped, max_rows=50))


def test_names_hold_both_readings():
    assert names_of("multiclass", PAPER)[4:] == ["accuracy_by_f1", "auroc_by_f1", "weighted_f1_by_f1"]
    assert names_of("regression", PAPER) == ["rmse", "r2", "rmse_log", "r2_log"]
    assert names_of("regression", PUBLISHED)[4:] == ["rmse_by_own", "r2_by_own", "rmse_log_by_own", "r2_log_by_own"]


def test_references_never_choose_on_rows_they_were_fitted_to(split):
    mask = np.random.default_rng(0).random((300, 4)) > 0.1
    numbered = Split(changed(split.train, age=np.arange(300)), split.test)
    for name, build in reference_tables(numbered, mask, 0).items():
        table = numbered.train if name == "real_holdout" else build()
        rows = reference_rows(numbered, name, table, mask, 0)
        if name in ("marginals", "marginals_small"):
            assert rows == synthetic_rows(numbered, table)
            continue
        validation = set(rows.validation.frame["age"])
        assert len(validation) == 60
        if name in ("real_holdout", "complete_rows"):
            assert not validation & set(rows.fitted.frame["age"])
        else:
            kept = numbered.train.frame["age"].isin(validation).to_numpy()
            assert rows.fitted.frame.equals(table.take(~kept).frame)


@pytest.mark.slow
@pytest.mark.integration
def test_references_are_scored_by_the_same_protocol(split):
    mask = np.random.default_rng(0).random((300, 4)) > 0.3
    evaluation = replace(PAPER, models=["decision_tree", "xgboost"])
    tables, fits = [], []
    results = score_references(
        split, mask, evaluation, 0, 2, None, lambda: tables.append(1), on_fit=lambda: fits.append(1)
    )
    names = set(metric_names(split, evaluation))
    assert all(set(scores.values) == names for scores in results.values())
    assert results["real_holdout"].values["utility/mean/auroc"] > results["marginals"].values["utility/mean/auroc"]
    assert results["holed_table"].values["utility/xgboost/auroc"] is not None
    assert results["holed_table"].values["utility/decision_tree/auroc"] is None
    assert len(tables) == len(results) == 7
    assert len(fits) == 6 * 3 + 1
    assert set(score(split, split.test, evaluation, 0, 1).values) == names


def test_the_record_holds_the_chosen_points():
    scores = tuned(*three(), replace(PAPER, models=["decision_tree"]))
    report = Report("done", None, {}, 0, None, {}, 60)
    report.add_scores(scores)
    report.add_references({"marginals": scores, "holed_table": Scores()})
    chosen = report.to_dict()["details"]["utility/decision_tree/f1"]
    assert chosen["params"]["max_depth"] in (1, 4)
    assert report.to_dict()["reference_details"] == {"marginals": scores.details}


def test_the_options_compose():
    config = build_config(compose(["evaluation=paper"]))
    assert config.evaluation == PaperEvaluation(4000, True, 1, config.evaluation.models, "own", False, False, 50_000)
    assert sorted(config.evaluation.models) == EVERY_MODEL
    published = build_config(compose(["evaluation=paper_published"])).evaluation
    assert published == replace(config.evaluation, choose_by="f1", log_target=True, raw_validation_target=True)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["evaluation.models=[xgbost]"], "evaluation.models are one or more of .*'xgboost'.* got .*xgbost"),
        (["evaluation.models=[]"], "one or more of"),
        (["evaluation.models=[mlp,mlp]"], "each once"),
        (["evaluation.choose_by=auroc"], r"evaluation.choose_by is one of \['f1', 'own'\], got 'auroc'"),
        (["evaluation.raw_validation_target=true"], "needs evaluation.log_target=true"),
        (["evaluation.max_rows=3"], "evaluation.max_rows is at least 10"),
        (["evaluation.detection_rows=3"], "evaluation.detection_rows is at least 10"),
    ],
)
def test_settings_are_checked(overrides, message):
    with pytest.raises(ConfigError, match=message):
        build_config(compose(["evaluation=paper", *overrides]))
