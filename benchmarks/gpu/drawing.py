"""Rows a second that the default recipe draws, in every way and precision."""

import time
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.common import product_rate, synchronize
from benchmarks.gpu.settings import WAYS, Settings, attempt, peak_memory, precision, start_memory
from benchmarks.sampling import model_of

CHUNKS = (2048, 16384)
"""Rows at a time; 2,048 are the program's."""
SECONDS = 2.0
MOST_SECONDS = 80.0


class Compiled(nn.Module):
    """A compiled network whose output is the caller's to keep: a CUDA graph writes into the same memory again."""

    def __init__(self, network: nn.Module, mode: str) -> None:
        super().__init__()
        self.network = torch.compile(network, dynamic=False, mode=mode)

    def forward(self, *inputs: Tensor) -> Tensor:
        out: Tensor = self.network(*inputs)
        return out.clone()


def measure_drawing(settings: Settings) -> list[dict[str, Any]]:
    """One line for each number of rows at a time, precision and way."""
    model = model_of(settings.table())
    module = model.module.to(settings.device)
    eager = module.denoiser.network
    found, until = [], time.perf_counter() + MOST_SECONDS
    for chunk in CHUNKS if settings.share == 1 else CHUNKS[:1]:
        with FlopCounterMode(display=False) as counter:
            module.draw_chunk(0, chunk, 0)
        for name in settings.precisions:
            with precision(name, settings.device):
                dtype = torch.bfloat16 if name == "bf16" else torch.float32
                floor = counter.get_total_flops() / product_rate(settings.seconds(0.5), settings.device, dtype)
                for way in settings.ways:
                    line = {"chunk": chunk, "precision": name, "way": way, "floor_rows_per_s": chunk / floor}
                    attempt(line, partial(_drawn, module, eager, way, chunk, settings), until)
                    found.append(line)
                    said = line.get("left_out") or line.get("failed") or f"{line['rows_per_s']:,.0f} rows a second"
                    print(f"sampling, {chunk:,} rows at a time, {name}, {way}: {said}", flush=True)
    return found


def _drawn(module: Any, network: nn.Module, way: str, chunk: int, settings: Settings) -> dict[str, Any]:
    mode = WAYS[way]
    module.denoiser.network = network if mode is None else Compiled(network, mode)
    start_memory(settings.device)
    return {"rows_per_s": _rate(module, chunk, settings), "peak_memory_mb": peak_memory(settings.device)}


def _rate(module: Any, chunk: int, settings: Settings) -> float:
    """Rows a second, the first two chunks (compilation, recording of a graph) apart."""
    for number in range(2):
        module.draw_chunk(number, chunk, 0)
    n_chunks, started = 0, time.perf_counter()
    while not n_chunks or time.perf_counter() - started < settings.seconds(SECONDS):
        module.draw_chunk(n_chunks, chunk, 0)
        synchronize(settings.device)
        n_chunks += 1
    return n_chunks * chunk / (time.perf_counter() - started)
