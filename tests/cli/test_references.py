"""What a run is compared with is of its own table, target and rows."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.cli.command import TINY, only_run, train

FAST = [setting for setting in TINY if not setting.startswith("dataset")]


@pytest.fixture
def file(tmp_path):
    """A target that the other columns decide, and a coin."""
    rng = np.random.default_rng(0)
    size = rng.normal(size=400)
    frame = pd.DataFrame({"size": size, "weight": 2 * size + rng.normal(size=400)})
    frame["decided"] = np.where(size > 0, "large", "small")
    frame["coin"] = rng.choice(["heads", "tails"], 400)
    frame.to_csv(tmp_path / "table.csv", index=False)
    return tmp_path / "table.csv"


def accuracy_of_real_rows(file, folder, *more):
    done = train(
        "dataset=table", f"dataset.path={file}", *FAST, f"outputs_dir={file.parent}", f"run_dir={folder}", *more
    )
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "report.json").read_text())["references"]["real_holdout"]["utility/xgboost/accuracy"]


@pytest.mark.slow
def test_each_target_has_its_own_ceiling_in_one_outputs_folder(file, tmp_path):
    decided = accuracy_of_real_rows(file, tmp_path / "a", "dataset.target=decided")
    coin = accuracy_of_real_rows(file, tmp_path / "b", "dataset.target=coin")
    assert decided > 0.9
    assert coin < 0.75
    assert accuracy_of_real_rows(file, tmp_path / "c", "dataset.target=decided", "seed=0", "force=true") == decided


@pytest.mark.slow
def test_a_column_of_another_kind_has_its_own_references(file, tmp_path):
    frame = pd.read_csv(file)
    frame["code"] = np.random.default_rng(1).integers(1, 4, len(frame))
    frame.to_csv(file, index=False)
    found = {}
    for kind in ("numerical", "categorical"):
        accuracy_of_real_rows(file, tmp_path / kind, "dataset.target=decided", f"dataset.{kind}=[code]")
        report = json.loads((tmp_path / kind / "report.json").read_text())
        found[kind] = report["references"]["marginals"]
    assert found["numerical"] != found["categorical"]


@pytest.mark.slow
def test_census_of_uci_is_trained_with_its_own_holes(tmp_path):
    bundled = pd.read_parquet("src/tables/data/adult.parquet")
    rows = pd.concat([bundled[(bundled == "?").any(axis=1)].head(60), bundled.head(400)])
    (tmp_path / "adult.data").write_text("\n".join(rows.astype(str).agg(", ".join, axis=1)) + "\n")
    uci = ["dataset=census", "dataset.source=uci", f"dataset.path={tmp_path}"]
    done = train(*uci, "dataset.n_train=350", "dataset.n_test=100", *FAST, f"outputs_dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    run = only_run(tmp_path)
    report = json.loads((run / "report.json").read_text())
    assert (report["status"], report["n_train"]) == ("done", 350)
    assert report["realised_ratio"]["overall"] > 0.2, "a fifth goes missing, beside what is missing in the file"
    drawn = pd.read_parquet(run / "synthetic.parquet")
    assert not (drawn == "?").any().any()
    assert not drawn.isna().any().any()

    refused = train(*uci, f"outputs_dir={tmp_path / 'other'}")
    assert refused.returncode == 2
    assert "dataset.n_train=16000 and dataset.n_test=4000 ask for 20000 rows, the table has 460" in refused.stderr
