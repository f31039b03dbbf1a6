"""A run that is stopped in the middle and started again ends as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from tests.cli.command import ROOT, TINY, n_epochs, only_run, train, without_measurements

LONG = [*TINY, "training.epochs=150", "evaluation.references=false"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    root = tmp_path_factory.mktemp("whole")
    done = train(*LONG, f"outputs_dir={root}")
    assert done.returncode == 0, done.stderr
    return root


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_run_resumes_to_the_same_table(tmp_path, how, undisturbed):
    root = tmp_path / "stopped"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "src.train", *LONG, f"outputs_dir={root}"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job ignores it
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and n_epochs(root) < 20:
        time.sleep(0.02)
    process.send_signal(how)
    _, errors = process.communicate(timeout=60)
    assert not list(root.rglob("DONE"))
    if how == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 1
        assert "the same command again goes on from there" in errors
        assert "Traceback" not in errors
    resumed = train(*LONG, f"outputs_dir={root}")
    assert resumed.returncode == 0, resumed.stderr
    tables = [pd.read_parquet(only_run(path) / "synthetic.parquet") for path in (root, undisturbed)]
    pd.testing.assert_frame_equal(*tables)
    reports = [json.loads((only_run(path) / "report.json").read_text()) for path in (root, undisturbed)]
    assert without_measurements(reports[0]) == without_measurements(reports[1])
