"""What breaks around a run: disks, files, helpers. The run says so in a line, and the same command mends it."""

import json
import subprocess

import pandas as pd
import pytest

from tests.cli.command import TINY, command, only_run, train

SHORT = [*TINY, "evaluation.references=false"]


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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_refused_before_any_work(small_disk):
    remount(small_disk, "ro")
    for module, arguments in (("src.train", SHORT), ("src.impute", ["imputer=hot_deck", "missing=row"])):
        for where in (f"outputs_dir={small_disk / 'new'}", f"run_dir={small_disk / 'run'}"):
            done = command(module, *arguments, where)
            assert done.returncode == 2
            assert f"{where.split('=')[0]}=" in done.stderr
            assert "cannot be written" in done.stderr


@pytest.mark.slow
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
