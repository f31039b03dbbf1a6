"""What takes longer of several processes and of faults."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.cli.command import ROOT, TINY, command, environment, n_epochs, only_run, train
from tests.cli.test_distributed import UNEVEN, all_end_with, difference, in_session, on
from tests.cli.test_faults import SHORT

LONG = [*SHORT, "training.epochs=300"]
CURRICULUM = ["diffusion=vp", "training.self_paced_steps=100"]


def started(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "src.train", *arguments],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_so_they_do_in_a_curriculum_of_another_process(tmp_path):
    for n_processes in (1, 2):
        done = train(*UNEVEN, *CURRICULUM, *on(n_processes), f"outputs_dir={tmp_path / str(n_processes)}")
        assert done.returncode == 0, done.stderr
    assert difference(tmp_path / "1", tmp_path / "2") <= 1e-6


def test_torchrun_starts_the_processes_as_well(tmp_path):
    """Under torchrun the processes are there before the program is, and the program must start none."""
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "src.train"]
    done = subprocess.run(
        [*run, *UNEVEN, *on(2), f"outputs_dir={tmp_path / 'torchrun'}"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    usual = train(*UNEVEN, *on(2), f"outputs_dir={tmp_path / 'usual'}")
    assert usual.returncode == 0, usual.stderr
    assert difference(tmp_path / "torchrun", tmp_path / "usual") == 0
    assert done.stdout.count("run folder:") == 1


def test_files_of_the_future_are_taken_as_they_are(tmp_path):
    """A clock that was set back makes all that was written before younger than now."""
    process = started(*LONG, f"outputs_dir={tmp_path}")
    wait_for(lambda: n_epochs(tmp_path) > 30)
    process.kill()
    process.communicate()
    for file in tmp_path.rglob("*"):
        os.utime(file, (2**32, 2**32))
    done = train(*LONG, f"outputs_dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert n_epochs(tmp_path) == 300


def test_all_processes_end_with_the_first(tmp_path):
    all_end_with(0, tmp_path)


def test_the_sampled_file_is_the_same_for_any_number_of_processes(tmp_path):
    trained = train(*UNEVEN, *on(1), f"outputs_dir={tmp_path / 'run'}")
    assert trained.returncode == 0, trained.stderr
    hashes = set()
    for devices in (1, 2, 3):
        file = tmp_path / f"{devices}.csv"
        done = command(
            "src.sample",
            f"run={only_run(tmp_path / 'run')}",
            f"out={file}",
            "n_rows=6000",
            f"devices={devices}",
            "accelerator=cpu",
        )
        assert done.returncode == 0, done.stderr
        hashes.add(hashlib.sha256(file.read_bytes()).hexdigest())
    print(hashes)
    assert len(hashes) == 1


def test_all_runs_of_a_sweep_side_by_side_equal_those_one_after_another(tmp_path):
    for name, launcher in (("one", []), ("two", ["hydra/launcher=joblib"])):
        done = train("--multirun", *TINY, f"outputs_dir={tmp_path / name}", "seed=0,1", *launcher)
        assert done.returncode == 0, done.stderr
    for report in (tmp_path / "one").rglob("report.json"):
        other = tmp_path / "two" / report.relative_to(tmp_path / "one")
        first, second = (json.loads(file.read_text()) for file in (report, other))
        assert first["metrics"] == second["metrics"]
        assert first["references"] == second["references"]


def helpers_of(pid):
    """Processes of W&B that serve a process; they are in a session of their own."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            arguments = file.read_bytes().split(b"\0")
            if any(argument.endswith(b"wandb-core") for argument in arguments) and str(pid).encode() in arguments:
                found.append(int(file.parent.name))
    return found


def test_a_mirror_that_dies_does_not_take_the_run_with_it(tmp_path):
    process = started(*LONG, "logger=wandb", f"outputs_dir={tmp_path}")
    try:
        wait_for(lambda: n_epochs(tmp_path) > 5)
        helpers = helpers_of(process.pid)
        assert helpers
        for pid in helpers:
            os.kill(pid, signal.SIGKILL)
        _, errors = process.communicate(timeout=200)
    finally:
        for pid in in_session(process.pid):
            os.kill(pid, signal.SIGKILL)
    assert process.returncode == 0, errors
    assert "W&B" in errors
    assert json.loads((only_run(tmp_path) / "report.json").read_text())["status"] == "done"


def test_a_signal_while_scores_are_taken_ends_cleanly(tmp_path):
    arguments = [*TINY, "dataset.n_train=20000", "n_synthetic=20000", "training.epochs=1", f"outputs_dir={tmp_path}"]
    process = started(*arguments)
    wait_for(lambda: list(tmp_path.rglob("synthetic.parquet")))
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "the same command goes on" in errors
    assert "Traceback" not in errors
    done = train(*arguments)
    assert done.returncode == 0, done.stderr
