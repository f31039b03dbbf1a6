"""Which coverage is best: the level of the run, whatever it is."""

import pytest

from src.metrics.base.metric import Best
from src.results.page.card import model_card
from src.results.page.tables import setting_tables
from src.results.record.report import Report
from src.results.sweep.runs import best_columns, read_runs
from tests.unit.results.sweep_factory import write_run

COVERAGE = "imputation/coverage"


def coverage_table(root, levels):
    """A row of two imputers, one of coverage .80, one of .90; the runs of each have a level."""
    for method, value, level in zip(("impute_a", "impute_b"), (0.8, 0.9), levels, strict=True):
        write_run(root, method=method, metrics={COVERAGE: value}, references={}, evaluation={"level": level})
    (table,) = setting_tables(read_runs(root))
    return table


@pytest.mark.parametrize(
    ("levels", "best", "words"),
    [
        ((0.9, 0.9), {1}, "0.9 is good"),
        ((0.8, 0.8), {0}, "0.8 is good"),
        ((0.8, 0.9), {0, 1}, "the level of its run is good"),
        ((0.9, 0.8), {0, 1}, "the level of its run is good"),
        ((0.8, 0.95), {0}, "the level of its run is good"),
    ],
)
def test_the_best_coverage_is_nearest_to_the_level_of_its_run(tmp_path, levels, best, words):
    table = coverage_table(tmp_path, levels)
    (row,) = table.rows
    assert best_columns(table, row[1]) == best
    assert table.good == words


def test_without_a_level_no_coverage_is_best(tmp_path):
    write_run(tmp_path, metrics={COVERAGE: 0.9}, references={})
    (table,) = setting_tables(read_runs(tmp_path))
    assert best_columns(table, table.rows[0][1]) == set()


def test_the_distance_to_the_best_value():
    assert Best.HIGH.distance(0.9) < Best.HIGH.distance(0.8)
    assert Best.LOW.distance(0.8) < Best.LOW.distance(0.9)
    assert Best.HALF.distance(0.4) == pytest.approx(Best.HALF.distance(0.6))
    assert Best.LEVEL.distance(0.7, 0.8) < Best.LEVEL.distance(0.9, 0.7)
    assert Best.LEVEL.words([0.5]) == "0.5 is good"


def test_the_report_and_its_card_name_the_level():
    config = {
        "dataset": {"name": "census"},
        "missing": {"name": "row"},
        "method": {"name": "impute_missdiff", "completion": "keep"},
        **{group: {"name": "any"} for group in ("diffusion", "network", "training")},
        "evaluation": {"name": "imputation", "level": 0.8},
        "ratio": 0.2,
    }
    report = Report("done", None, config, 0, None, {}, 3, time=dict.fromkeys(("train_s", "sample_s", "evaluate_s"), 0))
    report.metrics = {COVERAGE: 0.81, "imputation/rmse": 0.1}
    written = report.to_dict()
    assert written["metric_notes"][COVERAGE]["level"] == 0.8
    assert "level" not in written["metric_notes"]["imputation/rmse"]
    assert f"| `{COVERAGE}` | 0.8100 | 0.8 |" in model_card(written)
