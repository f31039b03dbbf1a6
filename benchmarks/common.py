"""What the benchmarks share: facts of the machine, the rate of a large matrix product, results as JSON."""

import json
import platform
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch

from src.cores import usable_cores
from src.results.provenance import commit, versions

FOLDER = Path("outputs/benchmarks")
PRODUCT = 1024
"""Size of the square matrices whose product is the yardstick: large enough to be limited by arithmetic alone."""


def machine() -> dict[str, Any]:
    """Processor, cores this process may use, threads of torch, commit and versions."""
    return {
        "processor": _processor(),
        "cores": usable_cores(),
        "threads": torch.get_num_threads(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "platform": platform.platform(),
        "commit": commit(),
        "versions": versions(),
    }


def write_result(name: str, result: dict[str, Any], out: Path | None = None) -> Path:
    """Write ``result`` and the facts of the machine as JSON, to ``outputs/benchmarks/NAME.json`` by default."""
    file = out or FOLDER / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"machine": machine(), **result}, indent=2) + "\n")
    print(f"written to {file}")
    return file


def product_rate(seconds: float = 0.5) -> float:
    """Floating-point operations a second of a large float32 matrix product: the most that the cores give."""
    a, b = torch.randn(2, PRODUCT, PRODUCT)
    out = torch.empty(PRODUCT, PRODUCT)
    torch.mm(a, b, out=out)
    times = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        started = time.perf_counter()
        torch.mm(a, b, out=out)
        times.append(time.perf_counter() - started)
    return 2 * PRODUCT**3 / median(times)


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
