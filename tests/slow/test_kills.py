"""Commands that are killed at any moment, and started again: nothing is lost, and the result is the undisturbed one."""

import hashlib
import json
import random
import shutil

import pytest
import torch

from src.training import LAST
from src.training.checkpoint import read_checkpoint
from tests.cli.command import TINY, command, only_run, train, without_measurements

TRAIN = [*TINY, "training.epochs=150", "evaluation.references=false"]
IN_A_ROW = 5
"""Kills of the same training before it may end."""


def moments(seconds, n, seed):
    """Random moments, from the start of a command to its end."""
    chance = random.Random(seed)
    return [chance.uniform(0.02, seconds) for _ in range(n)]


def killed(module, *arguments, after):
    done = command(module, *arguments, killed_after=after)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode < 0


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    root = tmp_path_factory.mktemp("undisturbed")
    done = train(*TRAIN, f"outputs_dir={root}")
    assert done.returncode == 0, done.stderr
    return root, done.seconds


def result(root):
    run = only_run(root)
    report = json.loads((run / "report.json").read_text())
    weights = read_checkpoint(run / "checkpoints" / LAST)["state_dict"]
    curve = [line.split(",")[:4] for line in (run / "metrics.csv").read_text().splitlines()]
    return without_measurements(report), (run / "synthetic.parquet").read_bytes(), curve, weights


@pytest.mark.parametrize("turn", range(4))
def test_training(turn, undisturbed, tmp_path):
    root, seconds = undisturbed
    n_killed = n_folders = 0
    for after in moments(seconds, 10 * IN_A_ROW, turn):
        if killed("src.train", *TRAIN, f"outputs_dir={tmp_path / str(n_folders)}", after=after):
            n_killed += 1
        else:  # it came to its end before its time
            n_folders += 1
        if n_killed == IN_A_ROW:
            break
    assert n_killed == IN_A_ROW
    print(f"\na run of {seconds:.1f} s killed {n_killed} times in {n_folders + 1} folders")
    for folder in tmp_path.iterdir():
        done = train(*TRAIN, f"outputs_dir={folder}")
        assert done.returncode == 0, done.stderr
        (*found, weights), (*expected, others) = result(folder), result(root)
        assert found == expected
        assert all(torch.equal(weights[name], others[name]) for name in others)
        assert not list(folder.rglob("*.partial"))


def bytes_of(folder):
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_sampling(undisturbed, tmp_path):
    run = only_run(undisturbed[0])

    def arguments(name):
        return "src.sample", f"run={run}", f"out={tmp_path / name / 'rows.csv'}", "n_rows=60000"

    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    whole = command(*arguments("whole"))
    assert whole.returncode == 0, whole.stderr
    expected = bytes_of(tmp_path / "whole")
    for after in moments(whole.seconds, 15, 10):
        killed(*arguments("killed"), after=after)
        left = {name: digest for name, digest in bytes_of(tmp_path / "killed").items() if not name.endswith(".partial")}
        assert left in ({}, expected)
        (tmp_path / "killed" / "rows.csv").unlink(missing_ok=True)
    assert command(*arguments("killed")).returncode == 0
    assert bytes_of(tmp_path / "killed") == expected


def test_evaluation(undisturbed, tmp_path):
    synthetic = tmp_path / "synthetic.parquet"
    shutil.copy(only_run(undisturbed[0]) / "synthetic.parquet", synthetic)
    arguments = ["src.evaluate", f"real={only_run(undisturbed[0]) / 'synthetic.parquet'}", f"synthetic={synthetic}"]
    arguments += ["evaluation.detection_rows=200"]
    record = tmp_path / "synthetic.evaluation.json"

    def scores():
        found = json.loads(record.read_text())
        return {key: value for key, value in found.items() if key not in ("time_s", "peak_memory_mb")}

    whole = command(*arguments)
    assert whole.returncode == 0, whole.stderr
    expected = scores()
    record.unlink()
    for after in moments(whole.seconds, 15, 11):
        killed(*arguments, after=after)
        if record.exists():
            assert scores() == expected
            record.unlink()
    assert command(*arguments).returncode == 0
    assert scores() == expected
    assert not list(tmp_path.rglob("*.partial"))


def test_report(undisturbed, tmp_path):
    arguments = ["src.report", f"sweep={undisturbed[0]}", f"out={tmp_path / 'report'}"]
    whole = command(*arguments)
    assert whole.returncode == 0, whole.stderr
    expected = bytes_of(tmp_path / "report")
    for after in moments(whole.seconds, 10, 12):
        killed(*arguments, after=after)
    assert command(*arguments).returncode == 0
    assert bytes_of(tmp_path / "report") == expected
