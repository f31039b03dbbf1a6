"""A search that is stopped goes on, and its best settings are those of a run."""

import json

import pytest
import yaml

from tests.cli.command import TINY, only_run, train


@pytest.mark.slow
def test_a_search_goes_on_and_what_it_finds_can_be_loaded(tmp_path):
    short = [each for each in TINY if not each.startswith(("training", "network"))]
    search = [*short, "experiment=tune", "training.epochs=8", "tune.n_checks=2", f"outputs_dir={tmp_path}"]
    search += ["tune.space.network.channels=[16,32]", "tune.space.network.n_blocks.high=3"]
    first = train(*search, "tune.n_trials=2")
    assert first.returncode == 0, first.stderr
    assert "0 of 2 trials are done" in first.stdout
    again = train(*search, "tune.n_trials=3")
    assert again.returncode == 0, again.stderr
    assert "2 of 3 trials are done" in again.stdout
    assert again.stdout.count("\ntrial ") == 1
    (best,) = tmp_path.rglob("best.yaml")
    found = yaml.safe_load(best.read_text())
    assert set(found) == {"training", "network"}
    assert not list(best.parent.glob("trials/*"))

    done = train(*short, f"experiment={best}", "training.epochs=2", f"outputs_dir={tmp_path / 'runs'}")
    assert done.returncode == 0, done.stderr
    config = json.loads((only_run(tmp_path / "runs") / "report.json").read_text())["config"]
    assert config["training"]["learning_rate"] == found["training"]["learning_rate"]
    assert config["network"]["n_blocks"] == found["network"]["n_blocks"]
    assert config["training"]["epochs"] == 2


@pytest.mark.slow
def test_trials_that_diverge_end_alone(tmp_path):
    wild = ["training.learning_rate=1.0e30", "tune.space.training.learning_rate={low:1.0e30,high:1.0e32,log:true}"]
    fast = [each for each in TINY if not each.startswith(("training", "network"))]
    search = [*fast, "experiment=tune", "training.epochs=4", "tune.n_trials=2", f"outputs_dir={tmp_path}"]
    done = train(*search, *wild)
    assert done.returncode == 1
    assert done.stdout.count(": pruned;") == 2
    assert "none of the 2 trials came to its end" in done.stderr
    assert "Traceback" not in done.stderr
