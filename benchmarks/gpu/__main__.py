"""Measure a GPU in one command, without a network: python -m benchmarks.gpu

Sections, in this order; each prints a line a measurement and goes into the JSON file:

losses    losses and gradients of four recipes against the CPU's, in float32: relative difference at most 1e-4
resume    a training that crashes and goes on, beside one that does not
training  ms a step of the default and of the paper's recipe: eager, compiled, CUDA graphs; fp32, tf32, bf16; beside a
          bare loop and the arithmetic floor (the step's operations over the rate of a large matrix product)
sampling  rows a second of the default recipe, likewise
paper     the paper's recipe to the letter with its attention network on Census, ratio .2 (62,500 steps): three
          mechanisms x missdiff and diff_mean side by side, in the time that is left; the same command goes on

A section that fails is named in the file and in the exit code, and the others are run. What it needs beside torch
is in benchmarks/gpu/requirements.txt. Rehearse it without a GPU: --device cpu --share 0.01
"""

import argparse
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.common import write_result
from benchmarks.gpu.agreement import compare_losses, compare_resumed
from benchmarks.gpu.drawing import measure_drawing
from benchmarks.gpu.paper import RUNS, run_paper
from benchmarks.gpu.settings import WAYS, Settings
from benchmarks.gpu.training import measure_training

SECTIONS = ("losses", "resume", "training", "sampling", "paper")
SPARE_S = 15.0
"""Of the whole time, for ending and writing."""


def main() -> None:
    given = _arguments()
    settings = Settings(torch.device(given.device), given.share, tuple(given.ways))
    result: dict[str, Any] = {"share": given.share, "minutes": given.minutes, "seconds": {}, "errors": {}}

    def paper() -> dict[str, Any]:
        left = 60 * given.minutes - settings.elapsed() - SPARE_S
        return run_paper(settings, given.folder, given.runs, _graphs_pay(result.get("training", [])), max(left, 0.0))

    run: dict[str, Callable[[], Any]] = {
        "losses": lambda: compare_losses(settings),
        "resume": lambda: compare_resumed(settings),
        "training": lambda: measure_training(settings),
        "sampling": lambda: measure_drawing(settings),
        "paper": paper,
    }
    for name in SECTIONS:
        if name not in given.sections:
            continue
        started = time.perf_counter()
        try:
            result[name] = run[name]()
        except Exception as error:  # a borrowed GPU is not asked twice: the other sections are measured all the same
            traceback.print_exc()
            result["errors"][name] = f"{type(error).__name__}: {error}"
        result["seconds"][name] = time.perf_counter() - started
        if name in ("training", "sampling"):
            failed = [f"{_name(line)}: {line['failed']}" for line in result.get(name, []) if "failed" in line]
            result["errors"] |= {name: "; ".join(failed)} if failed else {}
    differing = [line["recipe"] for line in result.get("losses", []) if not line["agrees"]]
    if differing:
        result["errors"]["losses"] = f"differ from the CPU's: {', '.join(differing)}"
    print(f"{settings.elapsed():.0f} s in all")
    write_result("gpu", result, given.out, settings.device)
    if result["errors"]:
        raise SystemExit("\n".join(f"{name}: {message}" for name, message in result["errors"].items()))


def _name(line: dict[str, Any]) -> str:
    return f"{line.get('recipe') or line['chunk']}, {line['precision']}, {line['way']}"


def _graphs_pay(lines: list[dict[str, Any]]) -> bool:
    """Whether the program's step of the paper's recipe is faster as a CUDA graph, as far as was measured."""
    times = {
        line["way"]: line["lightning_ms"]
        for line in lines
        if line["recipe"] == "paper" and line["precision"] == "tf32" and "lightning_ms" in line
    }
    return "graphs" in times and times["graphs"] < times["eager"]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument(
        "--share", type=float, default=1.0, help="of rows, epochs, the sampler's steps and seconds (default: 1)"
    )
    parser.add_argument("--minutes", type=float, default=8.0, help="the most that it takes (default: 8)")
    parser.add_argument("--runs", type=int, default=len(RUNS), help=f"of the paper's recipe (default: {len(RUNS)})")
    parser.add_argument("--sections", nargs="+", default=list(SECTIONS), choices=SECTIONS)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), help="default: all that the device has")
    parser.add_argument("--folder", type=Path, default=Path("outputs/gpu"), help="of the runs (default: outputs/gpu)")
    parser.add_argument("--out", type=Path, help="JSON file (default: outputs/benchmarks/gpu.json)")
    given = parser.parse_args()
    if not 0 < given.share <= 1:
        parser.error(f"--share is above 0 and at most 1, got {given.share}")
    if not 1 <= given.runs <= len(RUNS):
        parser.error(f"--runs is 1..{len(RUNS)}, got {given.runs}")
    if given.device == "cuda" and not torch.cuda.is_available():
        parser.error("torch sees no GPU on this machine; --device cpu --share 0.01 rehearses without one")
    ways = [way for way in WAYS if given.device == "cuda" or way != "graphs"]
    given.ways = given.ways or ways
    if not set(given.ways) <= set(ways):
        parser.error("CUDA graphs need a GPU: leave graphs out of --ways")
    return given


if __name__ == "__main__":
    main()
