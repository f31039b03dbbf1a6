import json

import pytest

from src.config.compose import compose
from src.config.run import build_config
from src.errors import MetricError
from src.metrics import catalogue, evaluate
from src.metrics.base.measure import Measure
from src.metrics.base.metric import Best, Metric
from src.metrics.base.settings import QuickEvaluation
from src.metrics.catalogue import CATALOGUE, MODELS, SUFFIXES, UTILITY, describe
from src.metrics.evaluate import metric_names
from src.results.page.terminal import COLUMNS
from src.tables import Schema, Split, make_table
from tests.conftest import SCHEMA

UTILITY_NAMES = [f"utility/{model}/{measure}" for model in MODELS for measure in UTILITY]


@pytest.mark.parametrize("name", [*CATALOGUE, *UTILITY_NAMES, *(f"{n}{s}" for n in UTILITY_NAMES for s in SUFFIXES)])
def test_every_metric_says_what_is_best_its_bounds_and_its_blind_spot(name):
    metric = describe(name)
    assert metric.name == name
    assert metric.best in ("high", "low", "half", "level")
    low, high = metric.bounds
    assert low is None or high is None or low < high
    assert all(text.strip() for text in (metric.heading, metric.meaning, metric.blind))
    assert json.loads(json.dumps(metric.note()))["bounds"] == [low, high]


def test_utility_headings_name_the_model_and_the_variant():
    assert describe("utility/xgboost/auroc").heading == "AUROC"
    assert describe("utility/mlp/rmse_log").heading == "mlp RMSE (log)"
    assert describe("utility/mean/accuracy_by_f1").heading == "mean accuracy (by F1)"


@pytest.mark.parametrize("name", ["fidelity", "utility/xgboost", "utility/svm/f1", "utility/mlp/f2", "f1", ""])
def test_an_unknown_metric_is_refused_by_name(name):
    with pytest.raises(MetricError, match=f"no metric is called '{name}'"):
        describe(name)


def test_the_terminal_shows_known_metrics_under_different_headings():
    headings = [describe(name).heading for name in COLUMNS if "sampling" not in name]
    assert len(set(headings)) == len(headings)


@pytest.mark.integration
@pytest.mark.parametrize("evaluation", ["quick", "paper", "paper_published"])
@pytest.mark.parametrize("target", ["label", "height", "colour"])
def test_every_metric_of_every_evaluation_and_task_is_described(evaluation, target, split):
    settings = build_config(compose([f"evaluation={evaluation}"])).evaluation
    schema = Schema(SCHEMA.columns, target)
    tables = Split(make_table(split.train.frame, schema), make_table(split.test.frame, schema))
    for name in metric_names(tables, settings):
        assert describe(name).name == name
    assert describe("utility/xgboost/rmse_log_by_own").heading == "RMSE (log) (by itself)"


class RowCount(Measure):
    """A whole metric: this class, and its entry in ``MEASURES``."""

    metrics = (Metric("toy/rows", "rows", Best.HIGH, (0.0, None), "How many rows were drawn.", "what is in them"),)

    def add(self, scores, comparison):
        scores.add("toy/rows", comparison.synthetic.n_rows)


def test_a_metric_is_one_class_and_one_entry(split, monkeypatch):
    measures = (*catalogue.MEASURES, RowCount())
    monkeypatch.setattr(catalogue, "MEASURES", measures)
    monkeypatch.setattr(evaluate, "MEASURES", measures)
    scores = evaluate.score(split, split.test, QuickEvaluation(detection_rows=20), seed=0, n_threads=1)
    assert scores.values["toy/rows"] == split.test.n_rows
    assert describe("toy/rows").heading == "rows"
    assert metric_names(split, QuickEvaluation())[-1] == "toy/rows"
