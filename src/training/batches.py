"""Batches of tensors that lie on the device of the training already: no workers, no copies, no collation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import torch
from torch import Tensor

from src.seeding import derive

STRETCH = 8
"""Batches of a Lightning step. Lightning's hooks around a step cost about as much as a step of a small network; eight
batches make that cost small (``docs/decisions/0004-steps-stretches-and-average.md``)."""


class Batch(NamedTuple):
    """The rows of a global batch that one process trains on.

    Attributes:
        x: (B, D) coordinates.
        mask: (B, D) bool on coordinates, True = observed.
        n_rows: the first ``n_rows`` rows count in the loss. Where the global batch cannot be divided evenly, a process
            has one row less than another, and its last row pads the batch to the same shape.
        n_global: rows of the global batch.
    """

    x: Tensor
    mask: Tensor
    n_rows: int
    n_global: int


@dataclass(frozen=True)
class Batches:
    """Iterates over the rows in a random order of the epoch, in stretches of batches.

    All ranks draw the same permutation of the rows. A global batch of ``batch_size * world_size`` rows is a slice of
    it, smaller at the end, and a rank trains on its :func:`shard` of the slice. So an epoch has each row once, and a
    global batch has the same rows for any number of processes.

    A stretch is a list of up to :data:`STRETCH` batches, with one optimiser step each.

    Attributes:
        x: (N, D) coordinates on the device.
        mask: (N, D) bool on coordinates, on the device; True = observed.
        batch_size: rows of a batch on one device.
        seed: of the run; the order is drawn from a stream of seed and epoch.
        epoch: returns the current epoch.
        rank: of this process, 0..world_size-1.
        world_size: number of processes.
        rows: returns the positions of the rows to train on, which may change from epoch to epoch; None = all.
        most_rows: rows of an epoch: of more, it has a random part; None = no limit.
    """

    x: Tensor
    mask: Tensor
    batch_size: int
    seed: int
    epoch: Callable[[], int]
    rank: int = 0
    world_size: int = 1
    rows: Callable[[], Tensor] | None = None
    most_rows: int | None = None

    @property
    def n_batches(self) -> int:
        """Batches, and so optimiser steps, of an epoch."""
        return count_batches(len(self._positions()[: self.most_rows]), self.batch_size, self.world_size)

    def _positions(self) -> Tensor:
        return torch.arange(len(self.x)) if self.rows is None else self.rows()

    def __len__(self) -> int:
        return -(-self.n_batches // STRETCH)

    def __iter__(self) -> Iterator[list[Batch]]:
        batches = self._batches()
        while stretch := list(islice(batches, STRETCH)):
            yield stretch

    def _batches(self) -> Iterator[Batch]:
        generator = torch.Generator().manual_seed(derive(self.seed, "order", self.epoch()))
        rows = self._positions()
        order = rows[torch.randperm(len(rows), generator=generator)][: self.most_rows].to(self.x.device)
        size = self.batch_size * self.world_size
        for start in range(0, self.n_batches * size, size):
            global_rows = order[start : start + size]
            rows = shard(global_rows, self.rank, self.world_size)
            n_rows = len(range(self.rank, len(global_rows), self.world_size))
            yield Batch(self.x.index_select(0, rows), self.mask.index_select(0, rows), n_rows, len(global_rows))


def count_batches(n_rows: int, batch_size: int, world_size: int) -> int:
    """Number of optimiser steps of an epoch over ``n_rows`` rows."""
    return -(-n_rows // (batch_size * world_size))


def shard(rows: Tensor, rank: int, world_size: int) -> Tensor:
    """Rows ``rank``, ``rank + world_size``, ... of rows (N, ...), the same number on all ranks.

    Where N is not a multiple of ``world_size``, the shards that are one row short are padded with the first row.
    """
    local_rows = rows[rank::world_size]
    return local_rows if len(local_rows) == -(-len(rows) // world_size) else torch.cat([local_rows, rows[:1]])


class Chunk(NamedTuple):
    """Rows of a synthetic table that are drawn together.

    The last chunk is drawn in full too, so that a row does not depend on how many follow it.

    Attributes:
        number: position of the chunk in the table.
        n_rows: the first ``n_rows`` rows are part of the table.
        size: rows that are drawn.
    """

    number: int
    n_rows: int
    size: int


@dataclass(frozen=True)
class Chunks:
    """The chunks of a table of ``n_rows`` rows that one rank draws: ``rank``, ``rank + world_size``, ...

    A rank without chunks gets an empty one, since Lightning needs a batch on all ranks.
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
