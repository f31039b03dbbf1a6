"""Where and how much is measured, and the precisions of matrix products."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

PRECISIONS = ("fp32", "tf32", "bf16")
WAYS = {"eager": None, "compiled": "default", "graphs": "reduce-overhead"}
"""How a step is run, and the mode of ``torch.compile``; ``graphs`` are CUDA graphs."""
LEAST_ROWS = 200


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
