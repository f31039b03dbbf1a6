"""The contract of every method under every mechanism: complete typed rows, resumable, deterministic."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from src.config.compose import compose
from src.config.run import build_config
from src.metrics.base.settings import of_synthetic_rows
from src.runs.train import run
from src.seeding import numpy_stream
from tests.cli.command import TINY, train

METHODS = {
    "missdiff": [],
    "diff_delete": [],
    "diff_mean": [],
    "complete": [],
    "marginals": [],
    "stasy_delete": ["network.hidden=[8,8]"],
    "stasy_mean": ["network.hidden=[8,8]"],
    "stasy_missdiff": ["network.hidden=[8,8]"],
}
MECHANISMS = ["row", "column", "independent", "mar", "nmar"]
SMALL = [
    "dataset=bayesian_network",
    "dataset.n_train=200",
    "dataset.n_test=100",
    "training.epochs=2",
    "evaluation.detection_rows=100",
    "evaluation.references=false",
]


def small(method, mechanism):
    diffusion = [] if method.startswith("stasy") else ["network.channels=8"]
    tuned = ["training.fine_tuning_epochs=1"] if method.startswith("stasy") else []
    return [*SMALL, *diffusion, *tuned, *METHODS[method], f"method={method}", f"missing={mechanism}"]


def run_small(method, mechanism, folder):
    config = build_config(compose(small(method, mechanism)))
    run(config.experiment, of_synthetic_rows(config.evaluation), config.record(folder), config.logger)
    return json.loads((folder / "report.json").read_text())


@pytest.mark.slow
def test_every_method_is_in_the_contract():
    from tests.cli.command import ROOT

    methods = {file.stem for file in (ROOT / "conf" / "method").glob("*.yaml")}
    assert {name.removesuffix("_long") for name in methods} == set(METHODS)  # _long: the same, for longer


@pytest.mark.slow
@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("method", METHODS)
def test_contract(method, mechanism, tmp_path, capsys):
    report = run_small(method, mechanism, tmp_path / "a")
    if method.endswith("delete") and mechanism == "row":
        assert report["status"] == "not_applicable"
        assert "none of the 200 training rows is complete" in report["reason"]
        assert (tmp_path / "a" / "DONE").exists()
        assert not (tmp_path / "a" / "synthetic.parquet").exists()
        assert "not applicable: none of the 200" in capsys.readouterr().out
        return
    assert report["status"] == "done"
    frame = pd.read_parquet(tmp_path / "a" / "synthetic.parquet")
    assert frame.shape == (200, 5)
    assert [str(dtype) for dtype in frame.dtypes] == ["float64", "float64", "int64", "int64", "int64"]
    assert not frame.isna().any().any()
    if not method.endswith("delete"):
        assert report["n_used"] == 200
    assert np.isfinite(report["metrics"]["fidelity/overall"])


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_resumed_from_its_weights_and_run_anew_give_the_same(method, tmp_path):
    first = run_small(method, "independent", tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    for name in ("DONE", "report.json", "synthetic.parquet"):
        (tmp_path / "b" / name).unlink()
    frame = pd.read_parquet(tmp_path / "a" / "synthetic.parquet")
    for other in ("b", "c"):
        assert run_small(method, "independent", tmp_path / other)["metrics"] == first["metrics"]
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / other / "synthetic.parquet"), frame)


def test_all_methods_of_a_cell_train_on_the_same_holes():
    masks = []
    for method in METHODS:
        data = build_config(compose(small(method, "column"))).experiment.data()
        masks.append(data.mechanism.sample_mask(data.split.train, numpy_stream(0, "mask")))
    assert all((mask == masks[0]).all() for mask in masks)


def test_few_rows_are_trained_on_with_a_warning_that_counts_them(tmp_path, capsys):
    report = run_small("diff_delete", "independent", tmp_path)
    assert report["n_used"] < 100
    warning = f"only {report['n_used']} of 200 training rows are left to train on"
    assert warning in report["warnings"][0]
    assert f"warning: {warning}" in capsys.readouterr().err


@pytest.mark.slow
def test_complete_does_not_depend_on_the_mechanism(tmp_path):
    tables = []
    for mechanism in ("row", "mar"):
        run_small("complete", mechanism, tmp_path / mechanism)
        tables.append(pd.read_parquet(tmp_path / mechanism / "synthetic.parquet"))
    pd.testing.assert_frame_equal(*tables)


@pytest.mark.slow
def test_not_applicable_ends_well_and_the_sweep_goes_on(tmp_path):
    overrides = [*TINY, f"outputs_dir={tmp_path}", "evaluation.references=false"]
    done = train("--multirun", *overrides, "method=diff_delete,diff_mean")
    assert done.returncode == 0, done.stderr
    found = {path.parts[-3].split("-")[0]: json.loads(path.read_text()) for path in tmp_path.rglob("report.json")}
    assert {name: report["status"] for name, report in found.items()} == {
        "diff_delete": "not_applicable",
        "diff_mean": "done",
    }
    again = train(*overrides, "method=diff_delete")
    assert again.returncode == 0
    assert "not_applicable: none of the 300 training rows" in again.stdout
