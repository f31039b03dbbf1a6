"""Provenance of a number: commit, versions, device, memory."""

import hashlib
import platform
import resource
import subprocess
import sys
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

STATUS = Path("/proc/self/status")
"""Read by hand: psutil has the memory of now, not the largest so far."""
SOURCE = Path(__file__).resolve().parents[2]
SCORING = ("metrics/**/*.py", "completion/**/*.py", "tables/**/*.py", "seeding.py")
CLEAR_REFS = Path("/proc/self/clear_refs")
PACKAGES = (
    "torch",
    "pytorch-lightning",
    "torchdiffeq",
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "scikit-learn",
    "lightgbm",
    "hydra-core",
)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on."""
    import xgboost

    named = {name: version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **named, "xgboost": xgboost.__version__}


def commit() -> str | None:
    """Commit of the checkout this code runs from, ``+changes`` if it differs; None outside git."""
    root = Path(__file__).resolve().parents[3]
    try:
        head = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{head}+changes" if changed else head


@cache
def scoring_code() -> str:
    """Digest of the code that decides a reference's scores: metrics, completions, tables and random streams."""
    digest = hashlib.sha256()
    for part in SCORING:
        for file in sorted(SOURCE.glob(part)):
            digest.update(f"{file.relative_to(SOURCE)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def device_name(accelerator: str) -> str:
    """Name of the device a trainer's accelerator runs on."""
    if accelerator == "cuda":
        import torch

        return str(torch.cuda.get_device_name())
    return f"cpu ({platform.machine()}, {_threads()} threads)"


def reset_peak_memory() -> None:
    """Start :func:`peak_memory_mb` anew, so that each run of a sweep has its own, where the system lets us."""
    with suppress(OSError):  # not Linux, or not allowed in this container: the peak is the process's, then
        CLEAR_REFS.write_text("5")


def peak_memory_mb() -> float:
    """Largest resident memory of this process, MiB, since :func:`reset_peak_memory` (Linux) or since its start."""
    if STATUS.exists():
        (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _threads() -> int:
    import torch

    return torch.get_num_threads()


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()
