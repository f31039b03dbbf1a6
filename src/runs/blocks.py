"""Draw blocks of rows from a trained module, in this process or in several: the blocks are the same."""

import os
import queue as queues
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.multiprocessing as multiprocessing
from torch import Tensor

from src.diffusion import KnownCoordinates
from src.errors import ConfigError, MissDiffError
from src.system.cores import usable_cores
from src.tables.rules.keeper import Keeper
from src.training.datamodule import CHUNK_ROWS
from src.training.module import MissDiffModule

Blocks = Iterator[Tensor]
WAITING_BLOCKS = 2
FIXED_ROWS = 256
"""Rows of a block where coordinates are given: each takes many more evaluations."""


def block_rows(given: KnownCoordinates | None) -> int:
    """Rows of a block."""
    return CHUNK_ROWS if given is None else FIXED_ROWS


def n_blocks(n_rows: int, given: KnownCoordinates | None) -> int:
    """Blocks that ``n_rows`` rows take."""
    return -(-n_rows // block_rows(given))


def drawn_blocks(
    module: MissDiffModule,
    numbers: range,
    seed: int,
    given: KnownCoordinates | None,
    with_holes: bool = False,
    keeper: Keeper | None = None,
) -> Blocks:
    """Coordinates of blocks, (:func:`block_rows`, D), on the CPU; rows keep the rules that ``keeper`` completes."""
    module.keeper = keeper
    for number in numbers:
        yield module.draw_chunk(number, block_rows(given), seed, given, with_holes=with_holes).x.cpu()


@dataclass(frozen=True)
class Work:
    """What a process that draws needs to know."""

    load: Callable[[], MissDiffModule]
    n_rows: int
    seed: int
    given: KnownCoordinates | None
    accelerator: str
    devices: int
    with_holes: bool = False
    keeper: Keeper | None = None


def blocks_of_devices(work: Work) -> Blocks:
    """Blocks in order, drawn by processes side by side, each on a device of its own, a few ahead at most.

    Raises:
        MissDiffError: a process died.
    """
    work = replace(work, devices=min(work.devices, n_blocks(work.n_rows, work.given)))
    context = multiprocessing.get_context("spawn")
    queues = [context.Queue(WAITING_BLOCKS) for _ in range(work.devices)]
    processes = [
        context.Process(target=_draw, args=(work, rank, queue), daemon=True) for rank, queue in enumerate(queues)
    ]
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # of the children for good: we end them
    for process in processes:
        process.start()
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        for number in range(n_blocks(work.n_rows, work.given)):
            rank = number % work.devices
            yield torch.from_numpy(_next(queues[rank], processes[rank]))
    finally:
        for process in processes:
            process.terminate()
            process.join()


def device_of(accelerator: str, rank: int, n_devices: int) -> torch.device:
    """The device number ``rank`` of ``n_devices``: with ``auto`` all are GPUs, or all the CPU.

    Raises:
        ConfigError: there is no such device.
    """
    n_gpus = torch.cuda.device_count()
    if accelerator == "gpu" and rank >= n_gpus:
        raise ConfigError(
            f"accelerator=gpu devices={rank + 1}, but torch sees {n_gpus} GPUs; lower devices or accelerator=cpu"
        )
    on_gpu = accelerator == "gpu" or (accelerator == "auto" and n_devices <= n_gpus)
    return torch.device("cuda", rank) if on_gpu else torch.device("cpu")


def _next(waiting: Any, process: Any) -> np.ndarray:
    while True:
        try:
            message = waiting.get(timeout=1.0)
        except queues.Empty:
            if not process.is_alive():
                raise MissDiffError(f"a process that draws rows died with exit code {process.exitcode}") from None
        else:
            if isinstance(message, str):
                raise MissDiffError(message)
            return np.asarray(message)


def _put(queue: Any, block: np.ndarray) -> None:
    """Wait for room in the queue, not longer than the parent lives."""
    while True:
        try:
            queue.put(block, timeout=5.0)
        except queues.Full:
            parent = multiprocessing.parent_process()
            if parent is None or not parent.is_alive():
                os._exit(1)
        else:
            return


def _draw(work: Work, rank: int, queue: Any) -> None:
    """Draw every ``devices``-th block; the work of one process."""
    torch.set_num_threads(max(usable_cores() // work.devices, 1))
    try:
        module = work.load().to(device_of(work.accelerator, rank, work.devices))
        numbers = range(rank, n_blocks(work.n_rows, work.given), work.devices)
        for x in drawn_blocks(module, numbers, work.seed, work.given, work.with_holes, work.keeper):
            _put(queue, x.numpy())
    except MissDiffError as error:
        queue.put(str(error))
    queue.close()
    queue.join_thread()
