"""What takes longer of several processes and of faults."""

import os
import subprocess
import sys

from tests.cli.command import ROOT, environment, n_epochs, train
from tests.cli.test_distributed import UNEVEN, difference, on
from tests.cli.test_faults import LONG, started, wait_for

CURRICULUM = ["diffusion=ddpm", "training.self_paced_steps=100"]


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
