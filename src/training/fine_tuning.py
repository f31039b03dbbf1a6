"""Fine-tuning on rows of low log-likelihood (STaSy; Kim et al. 2023, https://arxiv.org/abs/2210.04018, section 3.3).

``fine_tuning_epochs`` epochs follow the main epochs, at a small learning rate and without the curriculum. The
log-likelihoods of all rows are computed ("judged") before the first of these epochs, after every fifth and after the
last. The first epochs train on the rows whose log-likelihood is at most the median; after a later judgement epochs
train on those whose log-likelihood fell by more than 0.1 nats since fine-tuning began. Fine-tuning ends early if there
are none. It keeps the weights of the judgement (the one before fine-tuning included) at which the validation rows are
most likely, a part of the *training* table that no epoch trains on; the published code chooses on the test set.

The log-likelihood of a row is that of its observed coordinates, by a fixed number of steps
(:func:`src.diffusion.gaussian.likelihood.quick_log_likelihood`).
"""

import math
from typing import Any

import pytorch_lightning as pl
from torch import Tensor

from src.diffusion import Accuracy
from src.training.callbacks import averaged_weights, progress_bar, row_counter
from src.training.datamodule import TableDataModule
from src.training.likelihood import row_log_likelihoods
from src.training.module import MissDiffModule
from src.training.recipe import TrainingRecipe

FALL = 0.1
"""Nats, as published."""
JUDGING_ACCURACY = Accuracy(n_steps=16)
"""Accuracy of the log-likelihoods: 16 steps rank rows almost as the exact trace does, in a hundredth of the time
(``docs/decisions/0009-stasy.md``)."""
JUDGING_INTERVAL = 5
"""Epochs between judgements: judging all rows costs as much as several epochs of training them."""


def n_judgements(n_epochs: int) -> int:
    """Number of judgements in ``n_epochs`` epochs of fine-tuning."""
    return 1 + -(-n_epochs // JUDGING_INTERVAL)


class FineTuning(pl.Callback):
    """Chooses the rows of each fine-tuning epoch and remembers the best weights.

    Arguments:
        recipe: numbers of epochs.
        steps_per_epoch: optimiser steps of a main epoch.

    Attributes:
        first: number of the first epoch of fine-tuning.
        n_epochs: epochs of fine-tuning.
        before: (N,) log-likelihoods of the training rows before fine-tuning, nats.
        bits: validation bits per coordinate, one value for each judgement.
        best: state dict of the module with the least of them.
        stopped: whether fine-tuning has ended early.
    """

    def __init__(self, recipe: TrainingRecipe, steps_per_epoch: int) -> None:
        self.first = recipe.main_epochs(steps_per_epoch)
        self.n_epochs = recipe.fine_tuning_epochs
        self.before: Tensor | None = None
        self.bits: list[float] = []
        self.best: dict[str, Tensor] = {}
        self.stopped = False

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Judge after the epochs where that is due, choose the rows of the next epochs, stop if there are none."""
        epoch = trainer.current_epoch + 1 - self.first
        if epoch < 0 or (epoch % JUDGING_INTERVAL and epoch != self.n_epochs):
            return
        assert isinstance(pl_module, MissDiffModule)
        data: Any = getattr(trainer, "datamodule", None)
        assert isinstance(data, TableDataModule)
        with averaged_weights(trainer, pl_module):
            held_out = self._nats(trainer, pl_module, data, data.held_out_rows, "validation")
            n_coordinates = int(data.data.coordinate_mask[data.held_out_rows].sum())
            self.bits.append(-float(held_out.sum()) / (math.log(2) * max(n_coordinates, 1)))
            if self.bits[-1] <= min(self.bits):
                self.best = {name: value.cpu().clone() for name, value in pl_module.state_dict().items()}
            if epoch == self.n_epochs:
                return
            nats = self._nats(trainer, pl_module, data, data.training_rows, "training")
        if self.before is None:
            self.before = nats
            chosen = nats <= nats.median()
        else:
            chosen = nats < self.before - FALL
        data.rows = data.training_rows[chosen]
        if not chosen.any():
            self.stopped = trainer.should_stop = True

    def _nats(
        self, trainer: pl.Trainer, module: MissDiffModule, data: TableDataModule, rows: Tensor, stream: str
    ) -> Tensor:
        """Log-likelihoods of rows at positions ``rows``, nats."""
        x, mask = data.data.x[rows], data.data.coordinate_mask[rows]
        ranks = trainer.global_rank, trainer.world_size
        with progress_bar(len(rows) // ranks[1], f"likelihood of {stream} rows", "row", passing=True) as bar:
            counter = row_counter(bar) if trainer.is_global_zero else lambda n_rows: None
            return row_log_likelihoods(module, x, mask, JUDGING_ACCURACY, stream, *ranks, on_rows=counter)[0]

    def state_dict(self) -> dict[str, Any]:
        """State of a resumed run; ``best`` holds the weights to sample with."""
        return {"before": self.before, "bits": self.bits, "best": self.best, "stopped": self.stopped}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Inverse of :meth:`state_dict`."""
        self.before, self.bits = state_dict["before"], state_dict["bits"]
        self.best, self.stopped = state_dict["best"], state_dict["stopped"]
