"""Milliseconds of a training step, in every way and precision, beside a bare loop and the arithmetic floor."""

import time
from functools import partial
from typing import Any

import torch

from benchmarks.common import product_rate
from benchmarks.gpu.settings import WAYS, Settings, attempt, peak_memory, precision, start_memory
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


def measure_training(settings: Settings) -> list[dict[str, Any]]:
    """One line for each recipe, precision and way."""
    found, until = [], time.perf_counter() + MOST_SECONDS
    for recipe, overrides in CASES.items():
        overrides = [*overrides, *settings.table(), f"trainer={settings.trainer}"]
        case = Case(overrides, settings.device)
        n_operations = case.n_operations()
        for name in settings.precisions:
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
                    attempt(line, partial(_bare, case, way, settings), until)
                    found.append(line)
                    print(_said(line), flush=True)
        for line in found:
            more = settings.programs.get((line["precision"], line["way"]))
            if line["recipe"] == recipe and more is not None and "bare_ms" in line:
                attempt(line, partial(_program, [*overrides, *more], line["bare_ms"], settings), until)
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


def _program(overrides: list[str], ms: float, settings: Settings) -> dict[str, Any]:
    """The program's milliseconds a step, of as many steps."""
    n_steps = _steps(ms, settings)
    return {"lightning_ms": 1e3 * Case(overrides, settings.device).lightning(n_steps) / n_steps}


def _steps(ms: float, settings: Settings) -> int:
    return max(int(1e3 * settings.seconds(SECONDS) / ms), STRETCH)


def _said(line: dict[str, Any]) -> str:
    name = f"training, {line['recipe']}, {line['precision']}, {line['way']}"
    if "bare_ms" not in line:
        return f"{name}: {line.get('left_out') or line['failed']}"
    parts = [f"bare loop {line['bare_ms']:.2f} ms a step", f"floor {line['floor_ms']:.3f}"]
    if "lightning_ms" in line:
        parts.append(f"the program {line['lightning_ms']:.2f}")
    return f"{name}: " + ", ".join(parts)
