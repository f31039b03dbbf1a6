"""Batches of tensors that already live where the training runs: no worker, no copy, no collation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from src.seeding import derive


@dataclass(frozen=True)
class Batches:
    """Iterable over the rows in an order of the epoch's own.

    All ranks draw the same permutation of the rows; a global batch of ``batch_size * world_size``
    rows is a slice of it, and each rank takes every ``world_size``-th row of the slice. The last
    batch is smaller; of it, at most ``world_size - 1`` rows are left out so that ranks stay equal.

    Attributes:
        x: (N, D) coordinates on the device.
        mask: (N, D) bool on coordinates, on the device.
        batch_size: rows of a batch on one device.
        seed: of the run; the order is a stream of it and of the epoch.
        epoch: tells the current epoch.
        rank: of this process, 0..world_size-1.
        world_size: number of processes.
    """

    x: Tensor
    mask: Tensor
    batch_size: int
    seed: int
    epoch: Callable[[], int]
    rank: int = 0
    world_size: int = 1

    def __len__(self) -> int:
        full, rest = divmod(len(self.x), self.batch_size * self.world_size)
        return full + (rest >= self.world_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        generator = torch.Generator().manual_seed(derive(self.seed, "order", self.epoch()))
        order = torch.randperm(len(self.x), generator=generator).to(self.x.device)
        size = self.batch_size * self.world_size
        for start in range(0, len(self) * size, size):
            rows = order[start : start + size]
            rows = rows[: len(rows) // self.world_size * self.world_size]
            rows = rows[self.rank :: self.world_size]
            yield self.x.index_select(0, rows), self.mask.index_select(0, rows)


class Chunk(NamedTuple):
    """A stretch of rows to draw: number ``number`` of the table, ``n_rows`` long."""

    number: int
    n_rows: int


@dataclass(frozen=True)
class Chunks:
    """The chunks of ``n_rows`` synthetic rows that one rank draws: every ``world_size``-th."""

    n_rows: int
    chunk_rows: int
    rank: int = 0
    world_size: int = 1

    def __len__(self) -> int:
        return len(range(self.rank, -(-self.n_rows // self.chunk_rows), self.world_size))

    def __iter__(self) -> Iterator[Chunk]:
        n_chunks = -(-self.n_rows // self.chunk_rows)
        for number in range(self.rank, n_chunks, self.world_size):
            yield Chunk(number, min(self.chunk_rows, self.n_rows - number * self.chunk_rows))
