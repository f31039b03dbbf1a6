"""Where and how much is measured, and the precisions of matrix products."""

import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

PRECISIONS = {"cuda": ("fp32", "tf32", "bf16"), "cpu": ("fp32",)}
"""Of a device; a CPU without units for bfloat16 takes a hundred times as long in it."""
WAYS = {"eager": None, "compiled": "default", "graphs": "reduce-overhead"}
"""How a step is run, and the mode of ``torch.compile``; ``graphs`` are CUDA graphs."""
LEAST_ROWS = 128


@dataclass(frozen=True)
class Settings:
    """What every section is given.

    Attributes:
        device: the one that is measured.
        share: of the table's rows, of the epochs of every run and of the seconds of every measurement.
        ways: of :data:`WAYS`.
    """

    device: torch.device
    share: float
    ways: tuple[str, ...]
    started: float = field(default_factory=time.perf_counter)

    @property
    def trainer(self) -> str:
        """The option of ``trainer=``."""
        return "gpu" if self.device.type == "cuda" else "cpu"

    @property
    def precisions(self) -> tuple[str, ...]:
        """The device's :data:`PRECISIONS`."""
        return PRECISIONS[self.device.type]

    @property
    def programs(self) -> dict[tuple[str, str], list[str]]:
        """The precisions and ways that the program trains in on the device, and their overrides."""
        if self.device.type == "cpu":
            return {("fp32", "eager"): []}
        compiled, half = ["trainer.compile=true"], ["trainer.precision=bf16-mixed"]
        return {
            ("tf32", "eager"): [],
            ("tf32", "graphs"): compiled,
            ("bf16", "eager"): half,
            ("bf16", "graphs"): [*half, *compiled],
        }

    def table(self, n_train: int = 16_000, n_test: int = 4_000) -> list[str]:
        """Overrides of the share of Census."""
        sizes = {"n_train": n_train, "n_test": n_test}
        return [f"dataset.{name}={max(round(n * self.share), LEAST_ROWS)}" for name, n in sizes.items()]

    def seconds(self, seconds: float) -> float:
        """The share of the seconds of a measurement."""
        return seconds * self.share

    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.started


@contextmanager
def precision(name: str, device: torch.device) -> Iterator[None]:
    """Inside, float32 matrix products are exact (fp32) or TF32's, or all that may be is bfloat16's."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest" if name == "fp32" else "high")
    try:
        with torch.autocast(device.type, torch.bfloat16, enabled=name == "bf16"):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def start_memory(device: torch.device) -> None:
    """Forget the peak of a GPU's memory."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory(device: torch.device) -> float | None:
    """MiB of a GPU that this process has held at once since :func:`start_memory`."""
    return torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else None


def attempt(line: dict[str, Any], measure: Callable[[], dict[str, Any]], until: float) -> None:
    """Add to a line what is measured, or why it is not: the time is over, or it fails, which ends nothing else."""
    if time.perf_counter() > until:
        line["left_out"] = "the time of the section was over"
        return
    try:
        line |= measure()
    except Exception as error:  # a borrowed GPU is not asked twice
        traceback.print_exc()
        line["failed"] = f"{type(error).__name__}: {error}"
