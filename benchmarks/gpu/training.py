"""Milliseconds of a training step, in every way and precision, beside a bare loop and the arithmetic floor."""

import time
from typing import Any

import torch

from benchmarks.common import product_rate
from benchmarks.gpu.settings import PRECISIONS, WAYS, Settings, peak_memory, precision, start_memory
from benchmarks.training_step import Case
from src.training.batches import STRETCH

CASES = {
    "default": ["diffusion=absorbing", "network=residual_mlp", "training=fast"],
    "paper": ["experiment=paper_recipe"],
}
SECONDS = 3.0
"""Of each measurement of one side."""
MOST_SECONDS = 200.0
"""Of the section: what does not begin in time is left out, and said to be."""
OF_PROGRAM = {("tf32", "eager"): [], ("tf32", "graphs"): ["trainer.compile=true"]}
OF_PROGRAM |= {("bf16", way): ["trainer.precision=bf16-mixed", *more] for (_, way), more in list(OF_PROGRAM.items())}
"""The combinations that ``trainer=gpu`` trains in, and their overrides."""


def measure_training(settings: Settings) -> list[dict[str, Any]]:
    """One line for each recipe, precision and way."""
    found, until = [], time.perf_counter() + MOST_SECONDS
    for recipe, overrides in CASES.items():
        overrides = [*overrides, *settings.table(), f"trainer={settings.trainer}"]
        case = Case(overrides, settings.device)
        n_operations = case.n_operations()
        for name in PRECISIONS:
            with precision(name, settings.device):
                dtype = torch.bfloat16 if name == "bf16" else torch.float32
                floor = n_operations / product_rate(settings.seconds(0.5), settings.device, dtype)
                for way in settings.ways:
                    line = {
                        "recipe": recipe,
                        "precision": name,
                        "way": way,
                        "batch_size": case.config.training.batch_size,
                    }
                    line |= {"n_operations": n_operations, "floor_ms": 1e3 * floor}
                    if time.perf_counter() > until:
                        line["left_out"] = f"the section's {MOST_SECONDS:.0f} s were over"
                    else:
                        line |= _bare(case, way, settings)
                    found.append(line)
                    print(_said(line), flush=True)
        for line in found:
            more = OF_PROGRAM.get((line["precision"], line["way"]))
            if line["recipe"] == recipe and more is not None and "bare_ms" in line:
                n_steps = _steps(line["bare_ms"], settings)
                line["lightning_ms"] = 1e3 * Case([*overrides, *more], settings.device).lightning(n_steps) / n_steps
                print(_said(line), flush=True)
    return found


def _bare(case: Case, way: str, settings: Settings) -> dict[str, Any]:
    """A bare loop's milliseconds a step, seconds of compilation, and memory."""
    start_memory(settings.device)
    compile_s, sides = None, (None, None)
    mode = WAYS[way]
    if mode is not None:
        compile_s = case.compile(mode)
        sides = case.compiled_module, case.compiled
    case.bare(2, *sides)
    n_steps = _steps(1e3 * case.bare(STRETCH, *sides) / STRETCH, settings)
    ms = 1e3 * case.bare(n_steps, *sides) / n_steps
    return {"bare_ms": ms, "n_steps": n_steps, "compile_s": compile_s, "peak_memory_mb": peak_memory(settings.device)}


def _steps(ms: float, settings: Settings) -> int:
    return max(int(1e3 * settings.seconds(SECONDS) / ms), STRETCH)


def _said(line: dict[str, Any]) -> str:
    name = f"training, {line['recipe']}, {line['precision']}, {line['way']}"
    if "left_out" in line:
        return f"{name}: left out, {line['left_out']}"
    parts = [f"bare loop {line['bare_ms']:.2f} ms a step", f"floor {line['floor_ms']:.3f}"]
    if "lightning_ms" in line:
        parts.append(f"the program {line['lightning_ms']:.2f}")
    return f"{name}: " + ", ".join(parts)
