"""Several processes on one machine (gloo): what one process does, and one end for all of them."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from src.training import LAST
from src.training.checkpoint import read_checkpoint
from tests.cli.command import ROOT, TINY, n_epochs, only_run, train

GLOBAL_BATCH = 60
UNEVEN = [*TINY, "dataset.n_train=307", "training.epochs=2", "evaluation.references=false", "n_synthetic=5000"]
"""307 rows: the last of six batches has 7, which neither 2 nor 3 processes share evenly."""
LONG = [*TINY, "training.epochs=100000", "trainer=ddp", "trainer.devices=2"]


def on(n_processes):
    batch = f"training.batch_size={GLOBAL_BATCH // n_processes}"
    return [batch, "trainer=ddp", f"trainer.devices={n_processes}"] if n_processes > 1 else [batch]


def weights(root):
    return read_checkpoint(only_run(root) / "checkpoints" / LAST)["state_dict"]


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """Folders of the same run on 1, 2 and 3 processes."""
    found = {}
    for n_processes in (1, 2, 3):
        found[n_processes] = tmp_path_factory.mktemp(f"on{n_processes}")
        done = train(*UNEVEN, *on(n_processes), f"outputs_dir={found[n_processes]}")
        assert done.returncode == 0, done.stderr
    return found


def difference(one, other):
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    return max(float((first[name].float() - second[name].float()).abs().max()) for name in first)


@pytest.mark.slow
def test_processes_learn_what_one_learns_on_the_same_global_batches(roots):
    for n_processes in (2, 3):
        found = difference(roots[1], roots[n_processes])
        print(f"{n_processes} processes: parameters differ by {found:.1e} at most")
        assert found <= 1e-6


@pytest.mark.slow
def test_processes_draw_the_rows_of_one_and_report_its_loss(roots):
    tables = {n: pd.read_parquet(only_run(root) / "synthetic.parquet") for n, root in roots.items()}
    curves = {n: pd.read_csv(only_run(root) / "metrics.csv")["train/loss"] for n, root in roots.items()}
    for n_processes in (2, 3):
        pd.testing.assert_frame_equal(tables[1], tables[n_processes])
        pd.testing.assert_series_equal(curves[1], curves[n_processes], rtol=1e-5)


def outside(root, rank, port, *more):
    """One process of two that were started from outside, as torchrun does."""
    launch = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": 2, "RANK": rank, "LOCAL_RANK": rank}
    names = {"GROUP_RANK": 0, "LOCAL_WORLD_SIZE": 2, "TORCHELASTIC_RUN_ID": "test", "OMP_NUM_THREADS": 1}
    return subprocess.Popen(
        [sys.executable, "-m", "src.train", *UNEVEN, *on(2), f"outputs_dir={root}", *more],
        cwd=ROOT,
        env={**os.environ, **{name: str(value) for name, value in {**launch, **names}.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


@pytest.mark.slow
@pytest.mark.parametrize("first", [1, 0])
def test_processes_from_outside_run_a_finished_run_anew_whoever_comes_first(roots, first):
    root = roots[2]
    before = (only_run(root) / "synthetic.parquet").read_bytes()
    done_before = (only_run(root) / "DONE").stat().st_mtime_ns
    port, started = free_port(), {}
    try:
        for rank in (first, 1 - first):
            started[rank] = outside(root, rank, port, "force=true")
            time.sleep(8 if rank == first else 0)
        for process in started.values():
            _, said = process.communicate(timeout=120)
            assert process.returncode == 0, said
    finally:
        for process in started.values():
            process.kill()
    assert (only_run(root) / "synthetic.parquet").read_bytes() == before
    assert (only_run(root) / "DONE").stat().st_mtime_ns > done_before


@pytest.mark.slow
def test_all_processes_end_with_another(tmp_path):
    all_end_with(1, tmp_path)


def all_end_with(rank, tmp_path):
    """Kill one process of two, of rank 0 or 1: both end, and not well."""
    process = subprocess.Popen(
        [sys.executable, "-m", "src.train", *LONG, f"outputs_dir={tmp_path}"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 120
        while n_epochs(tmp_path) < 3 and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.05)
        other = [pid for pid in in_session(process.pid) if rank_of(pid) == "1"]
        assert len(other) == 1, process.communicate(timeout=5)
        os.kill(process.pid if rank == 0 else other[0], signal.SIGKILL)
        assert process.wait(timeout=60) != 0
        while in_session(process.pid) and time.monotonic() < deadline + 60:
            time.sleep(0.1)
        assert in_session(process.pid) == []
    finally:
        for pid in in_session(process.pid):
            os.kill(pid, signal.SIGKILL)
    assert n_epochs(tmp_path) >= 3
    assert not list(tmp_path.rglob("DONE"))


def in_session(session):
    """Processes that run in a session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, of = stat.read_text().rpartition(")")[2].split()[:4]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(of) == session and state != "Z":
            found.append(int(stat.parent.name))
    return found


def rank_of(pid):
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return dict(entry.partition("=")[::2] for entry in environment).get("LOCAL_RANK")
