"""Batches of tensors that are on the training's device already: no worker, no copy, no collation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import torch
from torch import Tensor

from src.seeding import derive

STRETCH = 8


class Batch(NamedTuple):
    """What one process sees of a global batch of ``n_global`` rows.

    Attributes:
        x: (B, D) coordinates.
        mask: (B, D) bool on coordinates.
        n_rows: of its rows, how many count: the first ones. Where the last batch does not come out even, a process
            has one row less than another and its last one is there for the shape alone.
        n_global: rows of the global batch that count.
    """

    x: Tensor
    mask: Tensor
    n_rows: int
    n_global: int


@dataclass(frozen=True)
class Batches:
    """Iterable over the rows in an order of the epoch's own, in stretches of batches.

    All ranks draw the same permutation of the rows; a global batch of ``batch_size * world_size``
    rows is a slice of it, smaller at the end, and each rank takes its :func:`share` of the slice. So every row
    is seen once an epoch, in the global batch it has for any number of processes.

    A stretch is a list of up to :data:`STRETCH` batches, one optimiser step each: what a training
    loop does around a step (hooks, callbacks) costs as much as a step of a small network, and is
    paid once a stretch.

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

    @property
    def n_batches(self) -> int:
        """Batches, that is optimiser steps, of an epoch."""
        return count_batches(len(self.x), self.batch_size, self.world_size)

    def __len__(self) -> int:
        return -(-self.n_batches // STRETCH)

    def __iter__(self) -> Iterator[list[Batch]]:
        batches = self._batches()
        while stretch := list(islice(batches, STRETCH)):
            yield stretch

    def _batches(self) -> Iterator[Batch]:
        generator = torch.Generator().manual_seed(derive(self.seed, "order", self.epoch()))
        order = torch.randperm(len(self.x), generator=generator).to(self.x.device)
        size = self.batch_size * self.world_size
        for start in range(0, self.n_batches * size, size):
            global_rows = order[start : start + size]
            rows = share(global_rows, self.rank, self.world_size)
            n_rows = len(range(self.rank, len(global_rows), self.world_size))
            yield Batch(self.x.index_select(0, rows), self.mask.index_select(0, rows), n_rows, len(global_rows))


def count_batches(n_rows: int, batch_size: int, world_size: int) -> int:
    """Optimiser steps of an epoch over ``n_rows`` rows."""
    return -(-n_rows // (batch_size * world_size))


def share(rows: Tensor, rank: int, world_size: int) -> Tensor:
    """Every ``world_size``-th of the rows (N, ...) from ``rank`` on; as many on every rank.

    Where they do not come out even, the first row stands at the end of the ranks that have one less.
    """
    local_rows = rows[rank::world_size]
    return local_rows if len(local_rows) == -(-len(rows) // world_size) else torch.cat([local_rows, rows[:1]])


class Chunk(NamedTuple):
    """A stretch of rows to draw: number ``number`` of the table, the first ``n_rows`` of ``size`` rows drawn.

    The last chunk is drawn in full too, so that a row does not depend on how many follow it.
    """

    number: int
    n_rows: int
    size: int


@dataclass(frozen=True)
class Chunks:
    """The chunks of ``n_rows`` synthetic rows that one rank draws: every ``world_size``-th.

    A rank that none is left for gets one chunk of no row: Lightning wants a batch on every rank.
    """

    n_rows: int
    chunk_rows: int
    rank: int = 0
    world_size: int = 1

    def __len__(self) -> int:
        return max(len(range(self.rank, -(-self.n_rows // self.chunk_rows), self.world_size)), 1)

    def __iter__(self) -> Iterator[Chunk]:
        n_chunks = -(-self.n_rows // self.chunk_rows)
        if self.rank >= n_chunks:
            yield Chunk(self.rank, 0, 0)
        for number in range(self.rank, n_chunks, self.world_size):
            yield Chunk(number, min(self.chunk_rows, self.n_rows - number * self.chunk_rows), self.chunk_rows)
