"""Sweeps by python -m src.train: what is finished, what fails, what is retried, jobs side by side."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.command import ROOT, TINY, train


@pytest.mark.slow
def test_failed_runs_are_listed_and_retried_and_finished_ones_left_alone(tmp_path):
    sweep = ["--multirun", *TINY, f"outputs_dir={tmp_path}", "missing=mar,row", "seed=0,1"]
    sweep += ["evaluation.references=false", "method=marginals"]
    first = train(*sweep, "ratio=0.8")
    assert first.returncode == 2
    assert "sweep: 2 of 4 done, 2 failed" in first.stderr
    assert "missing=mar seed=1\n    MAR keeps 1 of 5 columns complete" in first.stderr
    assert "Traceback" not in first.stderr
    assert first.stdout == ""
    log = next(line.split("log: ")[1] for line in first.stderr.splitlines() if "log: " in line)
    assert "cannot be reached" in Path(log).read_text()
    assert sorted(path.parents[2].name for path in tmp_path.rglob("DONE")) == ["row-0.8", "row-0.8"]
    again = train(*sweep, "ratio=0.8")
    assert again.returncode == 2
    assert "sweep: 2 of 4 done (2 before), 2 failed" in again.stderr
    mended = train(*sweep, "ratio=0.8", "missing.p_inputs=0.1")
    assert mended.returncode == 2, "row has no p_inputs: refused before any work"
    assert "p_inputs" in mended.stderr


@pytest.mark.slow
def test_a_bug_in_one_run_does_not_stop_the_others(tmp_path):
    (tmp_path / "bayesian_network" / "row-0.2").mkdir(parents=True)
    sweep = [*TINY, f"outputs_dir={tmp_path}", "seed=0,1", "evaluation.references=false", "method=marginals"]
    assert train("--multirun", *sweep).returncode == 0
    for done in tmp_path.rglob("seed0/DONE"):
        done.unlink()
        (done.parent / "synthetic.parquet").write_text("not a table")
    again = train("--multirun", *sweep)
    assert again.returncode == 1
    assert "sweep: 1 of 2 done (1 before), 1 failed" in again.stderr
    assert "  seed=0\n    " in again.stderr
    (log,) = (line.split("log: ")[1] for line in again.stderr.splitlines() if "log: " in line)
    assert "Traceback" in Path(log).read_text()


KILLED = """
import os, signal, time
from pathlib import Path
from src.commands.cli.main import main
from src.sweeps.finished import FinishedRun

def job(cfg):
    attempts = Path(cfg.outputs_dir, f"seed{cfg.seed}")
    attempts.mkdir(exist_ok=True)
    (attempts / str(os.getpid())).touch()
    time.sleep(1.0 if cfg.seed == 0 else 0.2)
    if cfg.seed == 1 or (cfg.seed == 3 and len(list(attempts.iterdir())) == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    return FinishedRun(attempts)

main(job, lambda cfg, local_sweep: None)
"""


@pytest.mark.slow
def test_a_killed_process_does_not_stop_the_other_runs(tmp_path):
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    sweep = [
        "--multirun",
        f"outputs_dir={tmp_path}",
        "seed=0,1,2,3",
        "hydra/launcher=joblib",
        "hydra.launcher.n_jobs=2",
    ]
    done = subprocess.run(
        [sys.executable, script, *sweep],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 1
    assert "sweep: 3 of 4 done, 1 failed" in done.stderr
    assert "  seed=1\n    its process was killed twice" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(list((tmp_path / "seed1").iterdir())) == 2


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_finished(tmp_path):
    command = [sys.executable, "-m", "src.train", "--multirun", *TINY, f"outputs_dir={tmp_path}", "seed=0,1"]
    command += ["evaluation.references=false", "training.epochs=4000", "method=marginals,missdiff"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    wait = time.monotonic() + 120
    while not list(tmp_path.rglob("checkpoints/last.ckpt")) and time.monotonic() < wait:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=600)
    assert process.returncode == 1
    assert "sweep: 1 of 4 done" in said
    assert "the same command goes on" in said
    assert "Traceback" not in said
    assert {done.parent.parent.name.split("-")[0] for done in tmp_path.rglob("DONE")} == {"marginals"}


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["local", "ray_here"])
def test_launchers_of_clusters_run_on_this_machine_too(launcher, tmp_path):
    if launcher == "ray_here":
        pytest.importorskip("ray")
    sweep = [*TINY, "method=marginals", "evaluation.references=false", f"hydra/launcher={launcher}", "seed=0,1"]
    done = train("--multirun", *sweep, f"outputs_dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert "sweep: 2 of 2 done" in done.stderr
    assert len(list(tmp_path.rglob("DONE"))) == 2


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["basic", "joblib", "local"])
def test_several_processes_a_run_are_refused_where_each_would_walk_the_sweep(launcher, tmp_path):
    done = train("--multirun", *TINY, "trainer=ddp", f"hydra/launcher={launcher}", "seed=0,1", cwd=tmp_path)
    assert done.returncode == 2
    assert "hydra/launcher=slurm" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_launcher_that_is_not_installed_is_named(tmp_path):
    if importlib.util.find_spec("hydra_plugins.hydra_ray_launcher"):
        pytest.skip("Ray's launcher is installed")
    done = train("--multirun", *TINY, "hydra/launcher=ray_here", "seed=0,1", cwd=tmp_path)
    assert done.returncode == 2
    assert "pip install hydra-ray-launcher" in done.stderr
