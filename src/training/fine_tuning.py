"""Fine-tuning driven by log-likelihood (STaSy; Kim et al. 2023, section 3.3), on rows with holes too.

After the main epochs come ``fine_tuning_epochs`` more, at a small learning rate and without the
curriculum. All rows are judged before the first of them, after every fifth and after the last. First come
the rows whose log-likelihood is at most the median; after a later judgement those whose log-likelihood
fell by more than 0.1 nats since fine-tuning began. It ends early when there are none. The weights kept
are those of the judgement (the one before fine-tuning included) at which the validation rows, a part of
the *training* table that no epoch trains on, are most likely: the published code chooses on the test
set instead.

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
QUICKLY = Accuracy(n_steps=16)
"""Of a row's likelihood."""
JUDGED_EVERY = 5
"""Epochs. Judging all rows costs as much as several epochs of training them."""


def n_judgements(n_epochs: int) -> int:
    """How often all rows are judged in ``n_epochs`` epochs of fine-tuning."""
    return 1 + -(-n_epochs // JUDGED_EVERY)


class FineTuning(pl.Callback):
    """Chooses the rows of each fine-tuning epoch and remembers the best weights.

    Arguments:
        recipe: its epochs.
        steps_per_epoch: optimiser steps of a main epoch.
    """

    def __init__(self, recipe: TrainingRecipe, steps_per_epoch: int) -> None:
        self.first = recipe.main_epochs(steps_per_epoch)
        self.n_epochs = recipe.fine_tuning_epochs
        self.before: Tensor | None = None
        self.bits: list[float] = []
        self.best: dict[str, Tensor] = {}
        self.stopped = False

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Judge where that is due, choose the rows of the next epochs, end where none is left."""
        epoch = trainer.current_epoch + 1 - self.first
        if epoch < 0 or (epoch % JUDGED_EVERY and epoch != self.n_epochs):
            return
        assert isinstance(pl_module, MissDiffModule)
        data: Any = getattr(trainer, "datamodule", None)
        assert isinstance(data, TableDataModule)
        with averaged_weights(trainer, pl_module):
            held_out = self._nats(trainer, pl_module, data, data.validation_rows, "validation")
            n_coordinates = int(data.data.coordinate_mask[data.validation_rows].sum())
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
        x, mask = data.data.x[rows], data.data.coordinate_mask[rows]
        ranks = trainer.global_rank, trainer.world_size
        with progress_bar(len(rows) // ranks[1], f"likelihood of {stream} rows", "row", passing=True) as bar:
            counter = row_counter(bar) if trainer.is_global_zero else lambda n_rows: None
            return row_log_likelihoods(module, x, mask, QUICKLY, stream, *ranks, on_rows=counter)[0]

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs, and the weights to sample with under ``best``."""
        return {"before": self.before, "bits": self.bits, "best": self.best, "stopped": self.stopped}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Inverse of :meth:`state_dict`."""
        self.before, self.bits = state_dict["before"], state_dict["bits"]
        self.best, self.stopped = state_dict["best"], state_dict["stopped"]
