"""The command as the tests call it, in a process of its own, on a tiny table."""

import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from tests.cli.server import SECONDS

ROOT = Path(__file__).resolve().parents[2]
TINY = [
    "dataset=bayesian_network",
    "dataset.n_train=300",
    "dataset.n_test=400",
    "training.epochs=3",
    "network.channels=16",
    "evaluation.detection_rows=200",
]


def train(*arguments, cwd=ROOT):
    return command("src.train", *arguments, cwd=cwd)


def command(module, *arguments, cwd=ROOT, killed_after=None):
    """What ``python -m module arguments`` does, by :mod:`tests.cli.server`; killed after some seconds where asked."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        asked = {
            "module": module,
            "arguments": [str(argument) for argument in arguments],
            "cwd": str(cwd),
            "env": environment(),
            "stdout": str(out),
            "stderr": str(err),
            "killed_after": killed_after,
        }
        process = server()
        print(json.dumps(asked), file=process.stdin, flush=True)
        told = json.loads(process.stdout.readline())
        said = [file.read_bytes().decode() if file.exists() else "" for file in (out, err)]
    done = subprocess.CompletedProcess(asked["arguments"], told["returncode"], *said)
    assert done.returncode is not None, f"not finished in {SECONDS} s: {done}"
    done.seconds = told.get("seconds")
    return done


def environment():
    return {**os.environ, "OMP_NUM_THREADS": "1", "WANDB_MODE": "offline", "PYTHONPATH": str(ROOT)}


@cache
def server():
    """The process that runs the commands of this one; it ends with it."""
    pipe = subprocess.PIPE
    code = [sys.executable, "-m", "tests.cli.server"]
    return subprocess.Popen(code, cwd=ROOT, env=environment(), stdin=pipe, stdout=pipe, text=True)


def only_run(root: Path) -> Path:
    (done,) = root.rglob("DONE")
    return done.parent


def n_epochs(root: Path) -> int:
    return sum(len(file.read_text().splitlines()) - 1 for file in root.rglob("metrics.csv"))


def without_measurements(report: dict) -> dict:
    return {key: value for key, value in report.items() if key not in ("time", "peak_memory_mb")}
