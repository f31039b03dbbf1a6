"""What a number can be traced to: commit, versions, device, memory."""

import platform
import resource
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

PACKAGES = (
    "torch",
    "pytorch-lightning",
    "numpy",
    "pandas",
    "scikit-learn",
    "sdmetrics",
    "hydra-core",
)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on."""
    import xgboost

    named = {name: version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **named, "xgboost": xgboost.__version__}


def commit() -> str | None:
    """Commit of the checkout this code runs from, ``+changes`` if it differs; None outside git."""
    root = Path(__file__).resolve().parents[2]
    try:
        head = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{head}+changes" if changed else head


def device_name(accelerator: str) -> str:
    """Name of the device a trainer's accelerator runs on."""
    if accelerator == "cuda":
        import torch

        return str(torch.cuda.get_device_name())
    return f"cpu ({platform.machine()}, {_threads()} threads)"


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far, MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _threads() -> int:
    import torch

    return torch.get_num_threads()


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()
