"""The command as the tests call it, in a process of its own, on a tiny table."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TINY = [
    "dataset=bayesian_network",
    "dataset.n_train=300",
    "dataset.n_test=400",
    "training.epochs=3",
    "network.channels=16",
    "evaluation.detection_rows=200",
]


def train(*arguments, cwd=ROOT, **more):
    return command("src.train", *arguments, cwd=cwd, **more)


def command(module, *arguments, cwd=ROOT, **more):
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1", "WANDB_MODE": "offline", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        **more,
    )


def only_run(root: Path) -> Path:
    (done,) = root.rglob("DONE")
    return done.parent


def n_epochs(root: Path) -> int:
    return sum(len(file.read_text().splitlines()) - 1 for file in root.rglob("metrics.csv"))


def without_measurements(report: dict) -> dict:
    return {key: value for key, value in report.items() if key not in ("time", "peak_memory_mb")}
