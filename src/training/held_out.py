"""The objective on held-out rows, with the weights that rows would be drawn with."""

from collections.abc import Callable

import pytorch_lightning as pl
import torch

from src.seeding import derive
from src.training.callbacks import averaged_weights
from src.training.datamodule import CHUNK_ROWS, TableDataModule
from src.training.module import MissDiffModule

N_DRAWS = 8
"""Noise draws for each row. All models of the same data get the same noise, so that their losses can be compared."""


@torch.no_grad()
def held_out_loss(module: MissDiffModule, data: TableDataModule) -> float:
    """Compute the mean objective over the validation rows with the current weights of the module."""
    device, rows = module.device, data.validation_rows
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
        data: with validation rows.
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
        n_epochs, done = int(trainer.max_epochs or 1), trainer.current_epoch + 1
        number = done * self.n_checks // n_epochs
        if number > (done - 1) * self.n_checks // n_epochs:
            with averaged_weights(trainer, pl_module):
                loss = held_out_loss(pl_module, self.data)
            self.on_check(number, loss)
