"""The objective on held-out rows, and the weights at which it is least.

A network that draws rows well has learned much of the table by heart: rows of the table become more likely than new
ones, and its conditional distributions too narrow. What is said of *another* row, a filled cell or a probability, is
therefore said with the weights at which rows that it was not trained on are most likely
(``docs/decisions/0031-weights-that-answer.md``).
"""

import math
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from src.seeding import derive
from src.training.callbacks import averaged_weights
from src.training.datamodule import CHUNK_ROWS, TableDataModule
from src.training.module import MissDiffModule

N_DRAWS = 8
"""Noise draws for each row. All models of the same data get the same noise, so that their losses can be compared."""
N_CHECKS = 20
PATIENCE = 5
"""Checks without a lower loss after which the best weights are taken to be found."""


@torch.no_grad()
def held_out_loss(module: MissDiffModule, data: TableDataModule) -> float:
    """Compute the mean objective over the held-out rows with the current weights of the module."""
    device, rows = module.device, data.held_out_rows
    was_training = module.training
    module.eval()
    generator = torch.Generator(device).manual_seed(derive(data.seed, "held out"))
    total = torch.zeros((), device=device, dtype=torch.float64)
    for _ in range(N_DRAWS):
        for chunk in rows.split(CHUNK_ROWS):
            x, mask = data.data.x[chunk].to(device), data.data.coordinate_mask[chunk].to(device)
            total += module.denoiser.random_losses(x, mask, generator).loss.sum()
    module.train(was_training)
    return float(total) / (N_DRAWS * len(rows))


class HeldOut(pl.Callback):
    """Computes the held-out loss ``n_checks`` times, at even intervals, the last time at the end of the training.

    Arguments:
        data: with held-out rows.
        n_checks: number of checks.
        on_check: receives the number of the check, from 1, and the loss; may raise to end the training.
    """

    def __init__(self, data: TableDataModule, n_checks: int, on_check: Callable[[int, float], object]) -> None:
        self.data = data
        self.n_checks = n_checks
        self.on_check = on_check

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Check after the epochs where a check is due."""
        assert isinstance(pl_module, MissDiffModule)
        number = check_due(trainer, self.n_checks)
        if number is not None:
            with averaged_weights(trainer, pl_module):
                loss = held_out_loss(pl_module, self.data)
            self.on_check(number, loss)


def check_due(trainer: pl.Trainer, n_checks: int) -> int | None:
    """Number of the check, from 1, that is due after the current epoch; None if none is."""
    n_epochs, done = int(trainer.max_epochs or 1), trainer.current_epoch + 1
    number = done * n_checks // n_epochs
    return number if number > (done - 1) * n_checks // n_epochs else None


class BestWeights(pl.Callback):
    """Remembers the averaged weights at which the held-out rows are most likely, until they are found.

    They are found after :data:`PATIENCE` checks without a lower loss. Then the held-out rows join the training, for the
    weights that rows are drawn with, or the training ends.

    Arguments:
        stops: whether the training ends.

    Attributes:
        best: state dict of the module at the least loss.
        epoch: number of epochs before it; None before the first check.
        losses: of the checks so far.
        found: whether the best weights are found.
    """

    def __init__(self, stops: bool) -> None:
        self.stops = stops
        self.best: dict[str, Tensor] = {}
        self.epoch: int | None = None
        self.losses: list[float] = []
        self.found = False

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Check after the epochs where a check is due, until the best weights are found."""
        assert isinstance(pl_module, MissDiffModule)
        data: Any = getattr(trainer, "datamodule", None)
        assert isinstance(data, TableDataModule)
        pl_module.held_out_loss = math.nan
        if self.found or not len(data.held_out_rows) or check_due(trainer, N_CHECKS) is None:
            return
        with averaged_weights(trainer, pl_module):
            loss = held_out_loss(pl_module, data)
            self.losses.append(trainer.strategy.broadcast(loss))  # one process decides for all
            if self.losses[-1] <= min(self.losses):
                self.epoch = trainer.current_epoch + 1
                _calibrate(pl_module, data)
                self.best = {name: value.cpu().clone() for name, value in pl_module.state_dict().items()}
        pl_module.held_out_loss = self.losses[-1]
        if len(self.losses) - self.losses.index(min(self.losses)) > PATIENCE:
            self.found = True
            if self.stops:
                trainer.should_stop = True
            else:
                data.rows = torch.arange(data.data.n_used)

    def state_dict(self) -> dict[str, Any]:
        """State of a resumed run; ``best`` holds the weights to fill and answer with."""
        stopped = self.found and self.stops
        return {"best": self.best, "epoch": self.epoch, "losses": self.losses, "found": self.found, "stopped": stopped}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Inverse of :meth:`state_dict`."""
        self.best, self.epoch = state_dict["best"], state_dict["epoch"]
        self.losses, self.found = state_dict["losses"], state_dict["found"]


def _calibrate(module: MissDiffModule, data: TableDataModule) -> None:
    """Calibrate the model on the held-out rows."""
    rows, device = data.held_out_rows, module.device
    was_training = module.training
    module.eval()
    generator = torch.Generator(device).manual_seed(derive(data.seed, "calibration"))
    module.denoiser.calibrate(data.data.x[rows].to(device), data.data.coordinate_mask[rows].to(device), generator)
    module.train(was_training)
