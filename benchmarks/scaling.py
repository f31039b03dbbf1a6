"""Time and memory against rows, columns, categories, batch and devices: python -m benchmarks.scaling [--only rows ...]

Every point is a process of its own, that loads a CSV file made for it, takes cells away, encodes, trains a few
steps, draws and decodes as many rows as it has (of more than 20,000 a part, the seconds in proportion). The exponent
is the slope of log seconds over log size, fitted over the upper half of the sizes: 1 = linear. Devices: two gloo
processes on the CPU beside one, the same global batch.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.common import write_result

AXES: dict[str, list[int]] = {
    "rows": [1_000, 10_000, 100_000, 1_000_000],
    "columns": [5, 20, 100, 500],
    "categories": [2, 20, 200, 2_000],
    "batch": [64, 256, 1024, 4096],
}
USUAL = {"rows": 10_000, "columns": 10, "categories": 8, "batch": 256}
STEPS = ("loading", "amputation", "encoding", "a training step", "sampling", "decoding")
MOST_DRAWN = 20_000
WARM_UP, MEASURED = 5, 50


def table(rows: int, columns: int, categories: int) -> pd.DataFrame:
    """Numbers and categories in turn, all of which follow one factor."""
    rng = np.random.default_rng(0)
    factor = rng.standard_normal(rows)
    made: dict[str, Any] = {}
    for i in range(columns):
        values = 0.6 * factor + 0.8 * rng.standard_normal(rows)
        level = np.floor(categories / (1 + np.exp(-1.5 * values))).astype(int)
        made[f"column{i}"] = values.round(4) if i % 2 else np.char.add("c", level.astype(str))
    return pd.DataFrame(made)


def point(file: Path, batch: int) -> dict[str, float]:
    """Seconds of each step on one table, and peak memory in MiB."""
    import torch

    from src.config.compose import compose
    from src.config.run import build_config
    from src.results.record.provenance import peak_memory_mb
    from src.seeding import numpy_stream

    overrides = [
        "dataset=table",
        f"dataset.path={file}",
        "missing=independent",
        "ratio=0.2",
        f"training.batch_size={batch}",
    ]
    config = build_config(compose([*overrides, "dataset.max_categories=5000", "dataset.test_fraction=0.1"]))
    seconds, clock = {}, time.perf_counter
    started = clock()
    data = config.experiment.data()
    seconds["loading"], started = clock() - started, clock()
    train = data.split.train
    config.missing.sample_mask(train, numpy_stream(0, "mask"))
    seconds["amputation"], started = clock() - started, clock()
    data.setup("fit")
    seconds["encoding"] = clock() - started - seconds["amputation"]
    module = config.recipe.module(data)
    seconds["a training step"] = seconds_of_a_step(module, data)
    n_drawn = min(train.n_rows, MOST_DRAWN)
    started = clock()
    x = torch.cat([module.draw_chunk(i, 2048, 0).x for i in range(-(-n_drawn // 2048))])[:n_drawn]
    seconds["sampling"], started = (clock() - started) * train.n_rows / n_drawn, clock()
    module.encoder.backward(x)
    seconds["decoding"] = (clock() - started) * train.n_rows / n_drawn
    return {**seconds, "width": module.denoiser.states.width, "peak_memory_mb": peak_memory_mb()}


def seconds_of_a_step(module: Any, data: Any) -> float:
    """Median seconds of an optimiser step."""
    import torch

    from src.training.batches import Batches

    optimizer, generator = module.configure_optimizers(), torch.Generator().manual_seed(0)
    times: list[float] = []
    while len(times) < WARM_UP + MEASURED:
        for x, mask, *_ in Batches(data.data.x, data.data.coordinate_mask, data.batch_size, 0, lambda: 0)._batches():
            started = time.perf_counter()
            loss = module.denoiser.random_losses(x, mask, generator).loss.mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            times.append(time.perf_counter() - started)
            if len(times) == WARM_UP + MEASURED:
                break
    return median(times[WARM_UP:])


def axis_points(axis: str, folder: Path) -> list[dict[str, float]]:
    """Every size of an axis, the others as usual."""
    points = []
    for size in AXES[axis]:
        sizes = USUAL | {axis: size}
        file = folder / f"{axis}{size}.csv"
        table(sizes["rows"], sizes["columns"], sizes["categories"]).to_csv(file, index=False)
        command = [sys.executable, "-m", "benchmarks.scaling", "--point", str(file), "--batch", str(sizes["batch"])]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        points.append({axis: size, **found})
        file.unlink()
        shown = ", ".join(f"{step} {found[step]:.3g}" for step in STEPS)
        print(f"{axis} {size:,}: {shown} s; {found['peak_memory_mb']:,.0f} MiB", flush=True)
    return points


def exponent(sizes: list[float], values: list[float]) -> float:
    """Slope of log value over log size, over the upper half of the sizes (at least two)."""
    n = max((len(sizes) + 1) // 2, 2)
    x, y = (np.log(np.maximum(each[-n:], 1e-9)) for each in (sizes, values))
    return float(np.polyfit(x, y, 1)[0])


def devices(folder: Path) -> list[dict[str, float]]:
    """Seconds of an epoch by one process and by two, of one thread each, at the same global batch."""
    points = []
    for n in (1, 2):
        ddp = ["trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2"] if n > 1 else []
        run = folder / f"devices{n}"
        sizes = [
            "training.epochs=4",
            f"training.batch_size={512 // n}",
            "n_synthetic=100",
            "evaluation.references=false",
        ]
        command = [sys.executable, "-m", "src.train", *ddp, *sizes, f"run_dir={run}"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run(command, check=True, capture_output=True, env=environment)
        epochs = pd.read_csv(run / "metrics.csv")["seconds"]
        points.append({"devices": n, "an epoch": float(epochs[1:].median())})
        print(f"devices {n}: an epoch {points[-1]['an epoch']:.2f} s", flush=True)
    return points


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[*AXES, "devices"], choices=[*AXES, "devices"])
    parser.add_argument("--point", type=Path, help="measure one file, print JSON")
    parser.add_argument("--batch", type=int, default=256)
    given = parser.parse_args()
    if given.point:
        print(json.dumps(point(given.point, given.batch)))
        return
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for axis in given.only:
            if axis == "devices":
                result[axis] = {"points": devices(Path(folder))}
                continue
            points = axis_points(axis, Path(folder))
            sizes = [p[axis] for p in points]
            measured = (*STEPS, "peak_memory_mb")
            exponents = {step: exponent(sizes, [p[step] for p in points]) for step in measured}
            result[axis] = {"points": points, "exponents": exponents}
            print(f"{axis}: exponents " + ", ".join(f"{step} {e:.2f}" for step, e in exponents.items()), flush=True)
    assert all(math.isfinite(e) for axis in result.values() for e in axis.get("exponents", {}).values())
    write_result("scaling", result)


if __name__ == "__main__":
    main()
