"""The paper's recipe to the letter on Census, several runs side by side on one device."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu.settings import Settings
from src.system.cores import usable_cores
from src.training.callbacks import read_curve

RUNS = [(mechanism, method) for method in ("missdiff", "diff_mean") for mechanism in ("row", "column", "independent")]
METRICS = ("fidelity/overall", "fidelity/overall_default", "utility/xgboost/auroc", "detection/xgboost")
SAMPLER_STEPS = 100
"""Of the paper's recipe."""
POLL_S = 1.0


def run_paper(settings: Settings, folder: Path, n_runs: int, compiles: bool, seconds: float) -> dict[str, Any]:
    """Start the runs together; at the end of the time those that are not done are stopped, and go on when asked again.

    Arguments:
        settings: of the device.
        folder: of the run folders and of what the runs print.
        n_runs: how many of :data:`RUNS`.
        compiles: whether their steps are CUDA graphs.
        seconds: that they may take.
    """
    folder.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"OMP_NUM_THREADS": str(max(usable_cores() // n_runs, 1))}
    started, processes = time.perf_counter(), {}
    for mechanism, method in RUNS[:n_runs]:
        name = f"{mechanism}-{method}"
        with (folder / f"{name}.txt").open("w") as log:
            processes[name] = subprocess.Popen(
                _command(settings, mechanism, method, compiles, folder / name),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
    ended: dict[str, float] = {}
    peak = 0.0
    try:
        while len(ended) < n_runs and time.perf_counter() - started < seconds:
            time.sleep(POLL_S)
            peak = max(peak, _used_mb(settings.device))
            ended |= {
                name: time.perf_counter() - started
                for name, process in processes.items()
                if name not in ended and process.poll() is not None
            }
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.wait()
    runs = [
        _found(name, folder / name, process.returncode if name in ended else None, ended.get(name, seconds))
        for name, process in processes.items()
    ]
    for run in runs:
        print(
            f"paper's recipe, {run['run']}: {run['status']}, {run['steps']:,} steps, "
            f"{run['ms_a_step'] or float('nan'):.2f} ms a step beside {n_runs - 1} others",
            flush=True,
        )
    steps = sum(run["steps"] for run in runs)
    return {
        "compiled": compiles,
        "side_by_side": n_runs,
        "seconds": max([*ended.values()] if len(ended) == n_runs else [seconds]),
        "steps": steps,
        "peak_memory_mb": peak or None,
        "runs": runs,
    }


def _command(settings: Settings, mechanism: str, method: str, compiles: bool, run_dir: Path) -> list[str]:
    overrides = ["experiment=paper_recipe", "dataset=census", "ratio=0.2", f"missing={mechanism}", f"method={method}"]
    overrides += [f"trainer={settings.trainer}", f"trainer.compile={str(compiles).lower()}", f"run_dir={run_dir}"]
    if settings.share < 1:
        steps = max(round(SAMPLER_STEPS * settings.share), 2)
        overrides += [*settings.table(), f"budget.share={settings.share}", f"diffusion.sampler.n_steps={steps}"]
    return [sys.executable, "-m", "src.train", *overrides]


def _found(name: str, run_dir: Path, returncode: int | None, seconds: float) -> dict[str, Any]:
    curve = read_curve(run_dir / "metrics.csv")
    steps = int(curve[-1]["step"]) if curve else 0
    found: dict[str, Any] = {"run": name, "steps": steps, "seconds": seconds, "metrics": None}
    # the first epoch holds the compilation
    later = curve[1:]
    later_steps = steps - int(curve[0]["step"]) if curve else 0
    found["ms_a_step"] = 1e3 * sum(row["seconds"] for row in later) / later_steps if later_steps else None
    if returncode is None:
        found["status"] = "stopped when the time was over"
    elif returncode:
        log = run_dir.with_name(f"{name}.txt").read_text().splitlines()
        found["status"] = f"failed with exit code {returncode}: {' | '.join(log[-3:])}"
    else:
        found["status"] = "done"
        metrics = json.loads((run_dir / "report.json").read_text())["metrics"]
        found["metrics"] = {metric: metrics.get(metric) for metric in METRICS}
    return found


def _used_mb(device: torch.device) -> float:
    """MiB of the GPU that all processes together hold; 0 of a CPU."""
    if device.type != "cuda":
        return 0.0
    free, total = torch.cuda.mem_get_info(device)
    return (total - free) / 2**20
