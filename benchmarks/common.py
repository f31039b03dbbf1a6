"""What the benchmarks share: facts of the machine, the rate of a large matrix product, results as JSON."""

import json
import platform
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch

from src.results.record.provenance import commit, versions
from src.system.cores import usable_cores

FOLDER = Path("outputs/benchmarks")
CPU = torch.device("cpu")
PRODUCT = {"cpu": 1024, "cuda": 8192}
"""Size of the square matrices whose product is the yardstick: large enough to be limited by arithmetic alone."""


def machine(device: torch.device = CPU) -> dict[str, Any]:
    """Processor, cores this process may use, threads of torch, commit and versions; of a GPU its name too."""
    found = _host()
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        found["gpu"] = {
            "name": properties.name,
            "memory_mb": properties.total_memory / 2**20,
            "multiprocessors": properties.multi_processor_count,
            "capability": f"{properties.major}.{properties.minor}",
            "cuda": torch.version.cuda,
        }
    return found


def _host() -> dict[str, Any]:
    return {
        "processor": _processor(),
        "cores": usable_cores(),
        "threads": torch.get_num_threads(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "platform": platform.platform(),
        "commit": commit(),
        "versions": versions(),
    }


def write_result(name: str, result: dict[str, Any], out: Path | None = None, device: torch.device = CPU) -> Path:
    """Write ``result`` and the facts of the machine as JSON, to ``outputs/benchmarks/NAME.json`` by default."""
    file = out or FOLDER / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"machine": machine(device), **result}, indent=2) + "\n")
    print(f"written to {file}")
    return file


def synchronize(device: torch.device) -> None:
    """Wait for what a GPU was asked to do; a CPU has done it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def product_rate(seconds: float = 0.5, device: torch.device = CPU, dtype: torch.dtype = torch.float32) -> float:
    """Floating-point operations a second of a large matrix product: the most that the cores, or the GPU, give."""
    n = PRODUCT[device.type]
    a, b = torch.randn(2, n, n, device=device, dtype=dtype)
    out = torch.empty_like(a)
    torch.mm(a, b, out=out)
    times = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        synchronize(device)
        started = time.perf_counter()
        torch.mm(a, b, out=out)
        synchronize(device)
        times.append(time.perf_counter() - started)
    return 2 * n**3 / median(times)


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
