"""The stand-in end to end, and what a request for the credentialed table says without its files."""

import json

import pandas as pd
import pytest

from src.tables.datasets.mimic4ed_schema import COLUMNS
from tests.cli.command import only_run, train

TINY_STANDIN = [
    "dataset=mimic4ed_standin",
    "dataset.n_train=200",
    "dataset.n_test=100",
    "training.n_steps=50",
    "network.channels=16",
    "evaluation.detection_rows=100",
    "evaluation.references=false",
]


@pytest.mark.slow
def test_the_standin_end_to_end(tmp_path):
    done = train(*TINY_STANDIN, f"outputs_dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    run = only_run(tmp_path)
    assert run.relative_to(tmp_path).parts[:2] == ("mimic4ed_standin", "row-0.2")
    report = json.loads((run / "report.json").read_text())
    assert report["realised_ratio"]["overall"] == 14 / 73
    assert report["n_evaluations"] == len(COLUMNS), "a column a step"
    assert {"utility/xgboost/rmse", "utility/xgboost/r2"} <= set(report["metrics"])
    assert report["metrics"]["utility/xgboost/rmse"] > 0
    assert list(pd.read_parquet(run / "synthetic.parquet").columns) == list(COLUMNS)


@pytest.mark.slow
def test_without_the_files_nothing_starts_not_even_a_sweep(tmp_path):
    for arguments in (["dataset=mimic4ed"], ["experiment=paper_table3_4", f"dataset.path={tmp_path}"]):
        done = train(*arguments, f"outputs_dir={tmp_path / 'out'}")
        assert done.returncode == 2
        assert done.stderr.count("error:") == 1
        assert "https://physionet.org/content/mimic-iv-ed/1.0/" in done.stderr
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "out").exists()
