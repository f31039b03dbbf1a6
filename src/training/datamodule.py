"""LightningDataModule: applies mechanism, completion and encoding to the training table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from src.completion import Completion
from src.diffusion import Moments
from src.encoding import Encoder, Encoding
from src.encoding.memory import refuse_too_wide
from src.errors import TableError
from src.missing import Mechanism
from src.seeding import derive, numpy_stream
from src.tables import Split
from src.training.batches import Batches, Chunks, count_batches

CHUNK_ROWS = 2048
"""Rows that are drawn together: smaller chunks are slower, larger ones no faster. A chunk has one random stream, so
that another size gives other rows."""


@dataclass(frozen=True)
class TrainingData:
    """The training table after mechanism, completion and encoding.

    Attributes:
        mask: (N, d) bool on cells of the table before completion, True = observed.
        n_used: rows after completion.
        encoder: fitted on the observed cells of those rows.
        x: (n_used, D) encoded rows, zero where missing.
        coordinate_mask: (n_used, D) bool, True = observed.
    """

    mask: np.ndarray
    n_used: int
    encoder: Encoder
    x: Tensor
    coordinate_mask: Tensor

    @property
    def share_observed(self) -> float:
        """Share of the cells that are observed, after completion."""
        first = [block.start for block in self.encoder.blocks]
        return self.coordinate_mask[:, first].float().mean().item()

    def moments(self) -> Moments:
        """Compute the moments of the coordinates over their observed entries."""
        n_observed = self.coordinate_mask.sum(dim=0)
        mean = (self.x * self.coordinate_mask).sum(dim=0) / n_observed
        deviation = (self.x - mean) * self.coordinate_mask
        std = (deviation.square().sum(dim=0) / n_observed).sqrt()
        share_complete = self.coordinate_mask.all(dim=1).float().mean().item()
        return Moments(mean, std, n_observed / len(self.x), share_complete)


def prepare(split: Split, mechanism: Mechanism, completion: Completion, encoding: Encoding, seed: int) -> TrainingData:
    """Turn the training table into coordinates: remove cells, complete the table, encode it.

    The mask depends on the mechanism, the table and the seed alone, so that all methods are trained on the same holes.

    Arguments:
        split: training and test table.
        mechanism: removes cells of the training table.
        completion: deletes or fills holes.
        encoding: maps columns to coordinates.
        seed: of the run.

    Raises:
        MechanismError: the ratio cannot be reached.
        NotApplicableError: the completion leaves no row.
        TableError: a column has no observed cell, fewer than 2 rows are left, or memory is too small.
    """
    train = split.train
    mask = mechanism.sample_mask(train, numpy_stream(seed, "mask")) & train.observed
    table, completed_mask = completion(train, mask, numpy_stream(seed, "completion"))
    if table.n_rows < 2:
        raise TableError(f"training needs at least 2 rows, {table.n_rows} of {train.n_rows} is left")
    encoder = encoding.fit(table, completed_mask)
    refuse_too_wide(encoder, table.n_rows)
    x, coordinate_mask = encoder.forward(table, completed_mask)
    return TrainingData(mask, table.n_rows, encoder, x, coordinate_mask)


class TableDataModule(pl.LightningDataModule):
    """Serves batches of the encoded training table and chunks of rows to draw.

    Arguments:
        split: training and test table.
        mechanism: removes cells of the training table.
        completion: deletes or fills holes.
        encoding: maps columns to coordinates.
        batch_size: rows of a batch on one device.
        n_synthetic: rows to draw in prediction.
        seed: of the run.
        n_held_out: number of rows to hold out of the training, by the number of all.

    Attributes:
        rows: positions in the encoded table of the rows that the next epochs train on; None = all that are not held
            out. Checkpoints store them.
    """

    def __init__(
        self,
        split: Split,
        mechanism: Mechanism,
        completion: Completion,
        encoding: Encoding,
        batch_size: int,
        n_synthetic: int,
        seed: int,
        n_held_out: Callable[[int], int] = lambda n_rows: 0,
    ) -> None:
        super().__init__()
        self.split = split
        self.mechanism = mechanism
        self.completion = completion
        self.encoding = encoding
        self.batch_size = batch_size
        self.n_synthetic = n_synthetic
        self.seed = seed
        self._count_held_out = n_held_out
        self.rows: Tensor | None = None
        self._data: TrainingData | None = None

    @property
    def data(self) -> TrainingData:
        """The training data, prepared by :func:`prepare` at first use."""
        if self._data is None:
            self._data = prepare(self.split, self.mechanism, self.completion, self.encoding, self.seed)
        return self._data

    @property
    def training_rows(self) -> Tensor:
        """Positions of the rows that are not held out, in increasing order."""
        return self._order()[self._n_held_out :].sort().values

    @property
    def held_out_rows(self) -> Tensor:
        """Positions of the rows that are held out, in increasing order."""
        return self._order()[: self._n_held_out].sort().values

    @property
    def _n_held_out(self) -> int:
        return self._count_held_out(self.data.n_used)

    def _order(self) -> Tensor:
        """Random order of the rows, of which the first are held out."""
        generator = torch.Generator().manual_seed(derive(self.seed, "validation"))
        return torch.randperm(self.data.n_used, generator=generator)

    def steps_per_epoch(self, world_size: int) -> int:
        """Optimiser steps of an epoch over all training rows."""
        return count_batches(self.data.n_used - self._n_held_out, self.batch_size, world_size)

    def setup(self, stage: str) -> None:
        """Prepare the data; all ranks do it, with the same result."""
        self.data  # noqa: B018  (the property prepares it)

    def train_dataloader(self) -> Batches:
        """Batches of this rank, on its device."""
        trainer = self._attached()
        device = trainer.strategy.root_device
        training_rows = self.training_rows

        def rows() -> Tensor:
            return training_rows if self.rows is None else self.rows

        return Batches(
            self.data.x.to(device),
            self.data.coordinate_mask.to(device),
            self.batch_size,
            self.seed,
            lambda: trainer.current_epoch,
            trainer.global_rank,
            trainer.world_size,
            rows,
            most_rows=len(training_rows),
        )

    def state_dict(self) -> dict[str, Any]:
        """The rows of the next epochs."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Inverse of :meth:`state_dict`."""
        self.rows = state_dict["rows"]

    def predict_dataloader(self) -> Chunks:
        """Chunks of this rank."""
        trainer = self._attached()
        return Chunks(self.n_synthetic, CHUNK_ROWS, trainer.global_rank, trainer.world_size)

    def _attached(self) -> pl.Trainer:
        assert self.trainer is not None, "Lightning attaches the trainer before it asks for data"
        return self.trainer
