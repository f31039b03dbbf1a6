"""What breaks around a run: disks, files, helpers. The run says so in a line, and the same command mends it."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.command import ROOT, TINY, command, environment, n_epochs, only_run, train
from tests.cli.test_distributed import in_session

SHORT = [*TINY, "evaluation.references=false"]
LONG = [*SHORT, "training.epochs=300"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, one megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("a file system can be mounted by the administrator alone")
    yield disk
    subprocess.run(["umount", disk], check=True)


def remount(disk, options):
    subprocess.run(["mount", "-o", f"remount,{options}", disk], check=True)


def test_a_full_disk_ends_the_run_and_room_lets_it_go_on(small_disk, tmp_path):
    usual = train(*SHORT, f"outputs_dir={tmp_path / 'usual'}")
    assert usual.returncode == 0, usual.stderr
    remount(small_disk, "size=100k")
    full = train(*SHORT, f"outputs_dir={small_disk}")
    assert full.returncode == 1
    assert "no space left" in full.stderr
    assert "Traceback" not in full.stderr
    assert not list(small_disk.rglob("DONE"))
    remount(small_disk, "size=50m")
    done = train(*SHORT, f"outputs_dir={small_disk}")
    assert done.returncode == 0, done.stderr
    tables = [pd.read_parquet(only_run(root) / "synthetic.parquet") for root in (small_disk, tmp_path / "usual")]
    pd.testing.assert_frame_equal(*tables)
    assert not list(small_disk.rglob("*.partial"))


def test_a_folder_that_cannot_be_written_is_refused_before_any_work(small_disk):
    remount(small_disk, "ro")
    for module, arguments in (("src.train", SHORT), ("src.impute", ["imputer=hot_deck", "missing=row"])):
        for where in (f"outputs_dir={small_disk / 'new'}", f"run_dir={small_disk / 'run'}"):
            done = command(module, *arguments, where)
            assert done.returncode == 2
            assert f"{where.split('=')[0]}=" in done.stderr
            assert "cannot be written" in done.stderr


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


def test_a_damaged_report_of_a_finished_run_is_named(tmp_path):
    assert train(*SHORT, f"outputs_dir={tmp_path}").returncode == 0
    report = only_run(tmp_path) / "report.json"
    report.write_text(report.read_text()[:100])
    for done in (train(*SHORT, f"outputs_dir={tmp_path}"), command("src.report", f"sweep={tmp_path}")):
        assert done.returncode == 2
        assert str(report) in done.stderr
        assert "Traceback" not in done.stderr
    mended = train(*SHORT, f"outputs_dir={tmp_path}", "force=true")
    assert mended.returncode == 0
    assert json.loads(report.read_text())["status"] == "done"


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
