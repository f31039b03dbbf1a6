"""python -m src.evaluate on a run that python -m src.train left, and on two files."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.cli.command import TINY, command, only_run, train
from tests.conftest import random_frame


def evaluate(*arguments):
    return command("src.evaluate", *arguments)


def trained(root, *more):
    done = train(*TINY, f"outputs_dir={root}", "evaluation.references=false", "missing=independent", *more)
    assert done.returncode == 0, done.stderr
    return only_run(root)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("evaluate"), "diffusion=vp", "diffusion.process.n_steps=10")


@pytest.mark.slow
def test_the_likelihood_of_states_is_a_probability(tmp_path):
    run_dir = trained(tmp_path)
    done = evaluate(f"run={run_dir}", "likelihood=true", "n_rows=50")
    assert done.returncode == 0, done.stderr
    assert "bits per cell" in done.stdout
    found = json.loads((run_dir / "likelihood.json").read_text())
    assert found["theorem_2_3"] is None
    assert 0 < found["test"]["bits"] < 6


@pytest.mark.slow
def test_likelihood_and_bound_are_printed_and_written(run_dir):
    assert "=" in run_dir.parent.name, "the folder's name must need quoting in Hydra's grammar"
    done = evaluate(f"run={run_dir}", "likelihood=true", "n_rows=100", "n_probes=null")
    assert done.returncode == 0, done.stderr
    assert "bits per coordinate" in done.stdout
    found = json.loads((run_dir / "likelihood.json").read_text())
    assert found["test"]["n_rows"] == 100
    assert found["test"]["bits"] <= found["theorem_2_3"]["bits"] + 3 * found["test"]["standard_error"] + 0.5
    theorem = found["theorem_2_3"]
    assert theorem["factor"] == pytest.approx(1 / (1 - theorem["rho_max"]))
    total = theorem["factor"] * theorem["objective_bits"] + theorem["constant_bits"]
    assert theorem["bits"] == pytest.approx(total)
    first = (run_dir / "likelihood.json").read_bytes()
    evaluate(f"run={run_dir}", "likelihood=true", "n_rows=100", "n_probes=null")
    assert (run_dir / "likelihood.json").read_bytes() == first


@pytest.mark.slow
def test_where_no_test_row_is_complete_the_likelihoods_are_kept_and_the_bound_has_a_reason(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(120, 4)).round(3), columns=list("abcd"))
    frame = frame.mask(np.arange(4) == rng.integers(0, 4, 120)[:, None])  # one hole in every row
    frame.to_csv(tmp_path / "holed.csv", index=False)
    done = train(
        *("dataset=table", f"dataset.path={tmp_path / 'holed.csv'}", "missing=native", "diffusion=vp"),
        *("diffusion.process.n_steps=10", "training.epochs=2", "network.channels=16", "evaluation.references=false"),
        f"outputs_dir={tmp_path / 'out'}",
    )
    assert done.returncode == 0, done.stderr
    run_dir = only_run(tmp_path / "out")
    done = evaluate(f"run={run_dir}", "likelihood=true", "n_rows=20")
    assert done.returncode == 0, done.stderr
    assert "no bound: it is about complete rows, and none of the 24 test rows is complete" in done.stdout
    found = json.loads((run_dir / "likelihood.json").read_text())
    assert found["theorem_2_3"]["bits"] is None
    assert "none of the 24 test rows is complete" in found["theorem_2_3"]["reason"]
    assert found["test"]["bits"] is not None
    assert found["train"]["bits"] is not None


@pytest.mark.slow
def test_without_a_wish_the_scores_are_shown(run_dir):
    done = evaluate(f"run={run_dir}")
    assert done.returncode == 0, done.stderr
    assert "missdiff" in done.stdout
    assert "bits per coordinate" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "run=DIR is missing"),
        (["run=nowhere"], "run=nowhere holds no finished run"),
        (["run=nowhere", "likelyhood=true"], "unknown setting likelyhood; did you mean likelihood?"),
        (["run=x", "tolerance=2"], "tolerance is between 0 and 1"),
    ],
)
def test_a_wrong_request_is_one_message(arguments, message):
    done = evaluate(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_method_without_a_model_says_so(tmp_path):
    train(*TINY, f"outputs_dir={tmp_path}", "evaluation.references=false", "method=marginals")
    done = evaluate(f"run={only_run(tmp_path)}", "likelihood=true")
    assert done.returncode == 2
    assert "method=marginals has no likelihood" in done.stderr


@pytest.mark.slow
def test_help_is_for_newcomers():
    done = evaluate("--help")
    assert done.returncode == 0
    assert "run=DIR likelihood=true" in done.stdout
    assert "real=adult.csv synthetic=drawn.csv" in done.stdout


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "a=1, b (é)"
    folder.mkdir()
    for i, name in enumerate(("real", "synthetic", "test")):
        random_frame(300, i).to_csv(folder / f"{name}.csv", index=False)
    return folder


def test_two_files_are_compared_and_recorded(files):
    done = evaluate(
        f"real={files}/real.csv",
        f"synthetic={files}/synthetic.csv",
        f"test={files}/test.csv",
        "target=label",
        f"out={files}/scores/first.json",
        "evaluation.detection_rows=100",
    )
    assert done.returncode == 0, done.stderr
    for words in ("fidelity/overall", "utility/xgboost/auroc", "floor", "ceiling", "worst pairs", "4 columns: 2 num"):
        assert words in done.stdout
    record = json.loads((files / "scores" / "first.json").read_text())
    assert done.stdout.rstrip().endswith(f"written to  {files}/scores/first.json")
    assert record["metrics"]["fidelity/overall"] > 0.8


@pytest.mark.slow
def test_files_that_do_not_agree_are_one_message(files):
    random_frame(50, 5).rename(columns={"age": "Age"}).to_csv(files / "synthetic.csv", index=False)
    done = evaluate(f"real={files}/real.csv", f"synthetic={files}/synthetic.csv")
    assert done.returncode == 2
    assert "perhaps 'Age' is 'age'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(files.glob("*.json"))
    done = evaluate(f"real={files}/real.csv", f"synthetic={files}/no.csv")
    assert done.returncode == 2
    assert "no.csv does not exist" in done.stderr
