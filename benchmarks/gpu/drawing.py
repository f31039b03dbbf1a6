"""Rows a second that the default recipe draws, in every way and precision."""

import time
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.common import product_rate, synchronize
from benchmarks.gpu.settings import PRECISIONS, WAYS, Settings, peak_memory, precision, start_memory
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
        for name in PRECISIONS:
            with precision(name, settings.device):
                dtype = torch.bfloat16 if name == "bf16" else torch.float32
                floor = counter.get_total_flops() / product_rate(settings.seconds(0.5), settings.device, dtype)
                for way in settings.ways:
                    line = {"chunk": chunk, "precision": name, "way": way, "floor_rows_per_s": chunk / floor}
                    if time.perf_counter() > until:
                        line["left_out"] = f"the section's {MOST_SECONDS:.0f} s were over"
                    else:
                        mode = WAYS[way]
                        module.denoiser.network = eager if mode is None else Compiled(eager, mode)
                        start_memory(settings.device)
                        line["rows_per_s"] = _rate(module, chunk, settings)
                        line["peak_memory_mb"] = peak_memory(settings.device)
                    found.append(line)
                    said = line.get("left_out") or f"{line['rows_per_s']:,.0f} rows a second"
                    print(f"sampling, {chunk:,} rows at a time, {name}, {way}: {said}", flush=True)
    return found


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
