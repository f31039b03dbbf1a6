import math

import pytest

from src.results.page.sweep_figures import draw_sweep, heat_floor
from src.results.page.sweep_series import (
    COLORS,
    Point,
    curves,
    heat_maps,
    looks,
    metric,
    metric_names,
    shared_settings,
    table_columns,
)
from src.results.sweep.runs import read_runs
from src.results.sweep.selection import as_trained
from tests.unit.results.sweep_factory import write_run, write_sweep

FIDELITY = "fidelity/overall"


def point(curve):
    (only,) = curve.points
    return only


def test_a_curve_is_mean_and_deviation_over_seeds_at_each_ratio(tmp_path):
    for ratio, values in ((0.5, (0.6, 0.8)), (0.1, (0.9,))):
        for seed, value in enumerate(values):
            write_run(tmp_path, "row", ratio, seed=seed, metrics={FIDELITY: value}, references={})
    (curve,) = curves(read_runs(tmp_path), "census", FIDELITY)
    assert (curve.missing, curve.series, curve.reference) == ("row", "missdiff", False)
    assert curve.points[0] == Point(0.1, 0.9, 0.0, 1)
    second = curve.points[1]
    assert (second.ratio, second.n) == (0.5, 2)
    assert second.mean == pytest.approx(0.7)
    assert second.std == pytest.approx(0.2 / math.sqrt(2))


def test_runs_that_differ_in_their_downstream_models_alone_are_one_curve(tmp_path):
    mean = "utility/mean/accuracy"
    for models, value, setting in ((["mlp", "xgboost"], 0.7, []), (["xgboost"], 0.8, ["evaluation.models=[xgboost]"])):
        for seed in range(len(setting) + 1):
            evaluation, metrics = {"name": "paper", "models": models}, {FIDELITY: 0.9, mean: value}
            write_run(tmp_path, seed=seed, metrics=metrics, references={}, evaluation=evaluation, overrides=setting)
    runs = as_trained(read_runs(tmp_path))
    (fidelity,), (accuracy,) = (curves(runs, "census", name) for name in (FIDELITY, mean))
    assert [look.label for look in looks(runs).values()] == ["missdiff"]
    assert point(fidelity).n == 2
    assert (point(accuracy).n, point(accuracy).mean) == (1, 0.7)


def test_reference_rows_shared_by_methods_count_once_a_seed(tmp_path):
    for method in ("missdiff", "diff_mean"):
        for seed, value in enumerate((0.96, 0.98)):
            write_run(tmp_path, method=method, seed=seed, references={"real_holdout": {FIDELITY: value}})
    found = curves(read_runs(tmp_path), "census", FIDELITY)
    assert [(curve.series, curve.reference) for curve in found] == [
        ("missdiff", False),
        ("diff_mean", False),
        ("real_holdout", True),
    ]
    assert point(found[2]).n == 2
    assert point(found[2]).mean == pytest.approx(0.97)


def test_what_has_no_place_on_a_curve_is_left_out(tmp_path):
    write_run(tmp_path, "native", None)
    write_run(tmp_path, "row", 0.2, "diff_delete", reason="no complete row")
    write_run(tmp_path, "row", 0.2, "diff_mean", metrics={FIDELITY: None}, references={})
    runs = read_runs(tmp_path)
    assert curves(runs, "census", FIDELITY) == []
    assert curves(runs, "another", FIDELITY) == []


def test_mechanisms_come_in_the_order_of_the_paper(tmp_path):
    write_sweep(tmp_path, mechanisms=("nmar", "independent", "row"), methods=("missdiff",), seeds=(0,))
    found = curves(read_runs(tmp_path), "census", FIDELITY)
    assert list(dict.fromkeys(curve.missing for curve in found)) == ["row", "independent", "nmar"]


def test_heat_maps_are_means_over_seeds_in_the_order_of_the_columns(tmp_path):
    pairs = {"b | a": 0.5, "a | c | d": 0.25}
    write_run(tmp_path, seed=0, per_column={"a": 1.0, "b": 0.5, "c | d": 0.9}, per_pair=pairs)
    write_run(tmp_path, seed=1, per_column={"a": 0.8, "b": None, "c | d": 0.7}, per_pair={"b | a": 0.7})
    runs = read_runs(tmp_path)
    assert table_columns(runs, "census") == ["a", "b", "c | d"]
    (found,) = heat_maps(runs, "census")
    assert found.columns == pytest.approx((0.9, 0.5, 0.8))
    assert found.pairs == (pytest.approx(0.6), 0.25, None)
    assert heat_floor([found]) == 0.2


def test_a_method_keeps_its_colour_and_its_variants_differ_in_markers(tmp_path):
    write_run(tmp_path, method="diff_mean", overrides=["training.n_steps=9"])
    write_run(tmp_path, method="missdiff", overrides=["training.n_steps=9"])
    write_run(tmp_path, method="missdiff", overrides=["budget=small", "training.n_steps=9"])
    write_run(tmp_path, method="new_method", overrides=["training.n_steps=9"])
    runs = read_runs(tmp_path)
    assert shared_settings(runs) == ["training.n_steps=9"]
    found = looks(runs)
    assert [look.label for look in found.values()] == ["missdiff", "missdiff budget=small", "diff_mean", "new_method"]
    plain, small, mean, new = found.values()
    assert small.color == plain.color == COLORS["missdiff"]
    assert small.dash != plain.dash
    assert small.marker != plain.marker
    assert mean.color == COLORS["diff_mean"]
    assert new.color not in COLORS.values()


def test_metrics_without_any_number_are_left_out_and_unknown_ones_are_named(tmp_path):
    write_run(
        tmp_path, metrics={"detection/xgboost": None, "utility/xgboost/rmse": 3.0, "own/score": 1.0, FIDELITY: 0.9}
    )
    assert metric_names(read_runs(tmp_path)) == [FIDELITY, "utility/xgboost/rmse", "own/score"]
    assert metric("utility/xgboost/rmse").best == "low"
    assert metric("own/score").heading == "own/score"


@pytest.mark.slow
@pytest.mark.integration
def test_every_figure_of_a_sweep_is_a_png(tmp_path):
    write_sweep(tmp_path / "runs", seeds=(0, 1))
    write_run(tmp_path / "runs", "native", None, dataset="own & <odd>", per_column={"$x_$": 0.9}, per_pair={})
    files = draw_sweep(tmp_path / "out", read_runs(tmp_path / "runs"))
    assert sorted(file.name for file in files) == [
        "columns-census-independent.png",
        "columns-census-row.png",
        "columns-own----odd--native.png",
        "curve-census-detection-xgboost.png",
        "curve-census-fidelity-overall.png",
        "curve-census-utility-xgboost-accuracy.png",
        "pairs-census-independent-0.2.png",
        "pairs-census-independent-0.5.png",
        "pairs-census-row-0.2.png",
        "pairs-census-row-0.5.png",
        "seconds-census.png",
        "seconds-own----odd-.png",
    ]
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in files)
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == sorted(file.name for file in files)


@pytest.mark.integration
def test_one_ratio_and_one_seed_draw_as_well(tmp_path):
    write_run(tmp_path / "runs")
    files = draw_sweep(tmp_path / "out", read_runs(tmp_path / "runs"))
    assert "curve-census-fidelity-overall.png" in {file.name for file in files}


def test_a_sweep_in_which_nothing_applies_has_no_figure(tmp_path):
    write_run(tmp_path / "runs", method="diff_delete", reason="no complete row")
    assert draw_sweep(tmp_path / "out", read_runs(tmp_path / "runs")) == []
