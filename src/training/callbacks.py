"""Callbacks of a training: the training curve on disk, the average of the weights, progress with an ETA."""

import csv
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import WeightAveraging
from torch import Tensor
from tqdm import tqdm

from src.system.files import atomic_file
from src.training.batches import STRETCH

FIELDS = ("epoch", "step", "train/loss", "held_out/loss", "learning_rate", "seconds")


def progress_bar(total: int, description: str, unit: str, initial: int = 0, passing: bool = False) -> tqdm:
    """Show progress with an ETA on standard error: live on a terminal, a line every 10 s elsewhere.

    Arguments:
        total: units of work.
        description: label of the bar.
        unit: name of a unit.
        initial: units that are done already.
        passing: whether the bar appears only after 5 s, and disappears at the end.
    """
    return tqdm(
        total=total,
        initial=initial,
        desc=description,
        unit=unit,
        mininterval=0.2 if sys.stderr.isatty() else 10.0,
        dynamic_ncols=True,
        delay=5.0 if passing else 0.0,
        leave=not passing,
    )


def row_counter(bar: tqdm) -> Callable[[float], None]:
    """Return a function that advances a bar by fractions of rows; the bar shows whole rows."""
    total = 0.0

    def count(n_rows: float) -> None:
        nonlocal total
        total += n_rows
        bar.update(round(total) - bar.n)

    return count


class FiniteLoss(pl.Callback):
    """Checks the losses of the epoch before other callbacks run: nothing is logged or saved after a NaN."""

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        pl_module.close_epoch()


class AveragedWeights(WeightAveraging):
    """Keeps the exponential moving average of the weights, which samples are drawn with.

    Lightning's callback, updating the average after every stretch of steps (an update costs as much as a twelfth of a
    step). Its decay warms up as (1 + n) / (10 + n) over the n stretches so far, so that the weights at the start of a
    short training do not stay in the average.

    Arguments:
        decay: of the average, for an optimiser step.
    """

    def __init__(self, decay: float) -> None:
        super().__init__(use_buffers=False, multi_avg_fn=self._average)
        self._decay = decay**STRETCH
        self._now = 0.0

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        """Whether to update: after every stretch."""
        if step_idx is None:
            return False
        n_stretches = step_idx // STRETCH + 1
        self._now = min(self._decay, (1 + n_stretches) / (10 + n_stretches))
        return True

    def _average(self, averaged: list[Tensor], current: list[Tensor], n_averaged: Tensor | int) -> None:
        torch._foreach_lerp_(averaged, current, 1 - self._now)

    def swap(self, pl_module: pl.LightningModule) -> None:
        """Exchange the weights of the module with their average."""
        self._swap_models(pl_module)


@contextmanager
def averaged_weights(trainer: pl.Trainer, module: pl.LightningModule) -> Iterator[None]:
    """Give the module the averaged weights, if the trainer keeps an average, and its own back afterwards."""
    averages = [callback for callback in trainer.callbacks if isinstance(callback, AveragedWeights)]  # type: ignore[attr-defined]
    for average in averages:
        average.swap(module)
    try:
        yield
    finally:
        for average in averages:
            average.swap(module)


class TrainingCurve(pl.Callback):
    """Appends one line per epoch to ``metrics.csv`` and reports its values (rank 0 only).

    When a run resumes, the lines of epochs that are trained again are deleted first.

    Arguments:
        file: path of the csv.
        on_epoch: receives ``{field: value}`` after every epoch.
    """

    def __init__(self, file: Path, on_epoch: Callable[[dict[str, float]], object]) -> None:
        self.file = file
        self.on_epoch = on_epoch
        self._started = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.is_global_zero:
            earlier_lines = [row for row in _lines(self.file) if float(row["epoch"]) < trainer.current_epoch]
            with atomic_file(self.file) as partial, partial.open("w", newline="") as stream:
                writer = csv.DictWriter(stream, FIELDS)
                writer.writeheader()
                writer.writerows(earlier_lines)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._started = time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Append the line of the epoch."""
        if not trainer.is_global_zero:
            return
        row = {
            "epoch": trainer.current_epoch,
            "step": trainer.global_step,
            "train/loss": pl_module.epoch_loss,
            **({} if math.isnan(pl_module.held_out_loss) else {"held_out/loss": pl_module.held_out_loss}),
            "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
            "seconds": time.perf_counter() - self._started,
        }
        with self.file.open("a", newline="") as stream:
            csv.DictWriter(stream, FIELDS).writerow(row)
        self.on_epoch(row)


def read_curve(file: Path) -> list[dict[str, float]]:
    """Read the lines of a ``metrics.csv`` as numbers, without an incomplete last one; empty if there is no file.

    A line lacks what was not computed after its epoch.
    """
    return [{name: float(value) for name, value in row.items() if value} for row in _lines(file)]


def _lines(file: Path) -> list[dict[str, str]]:
    if not file.exists():
        return []
    with file.open(newline="") as stream:
        return list(csv.DictReader(line for line in stream if line.endswith("\n")))


class Progress(pl.Callback):
    """Shows one bar over all epochs of training and one over all rows of sampling."""

    def __init__(self) -> None:
        self._bar: tqdm | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.is_global_zero:
            self._bar = progress_bar(int(trainer.max_epochs or 0), "training", "epoch", trainer.current_epoch)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        if self._bar is not None:
            self._bar.set_postfix(loss=f"{pl_module.epoch_loss:.4f}", refresh=False)
            self._bar.update()

    def on_predict_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        if trainer.is_global_zero:
            chunks: Any = trainer.predict_dataloaders
            self._bar = progress_bar(sum(chunk.n_rows for chunk in chunks), "sampling", "row")
            pl_module.on_drawing = row_counter(self._bar)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._close()

    def on_predict_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._close()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def shares_as_rows(n_rows: int, on_rows: Callable[[float], object]) -> Callable[[float], None]:
    """Convert the progress of drawing ``n_rows`` rows together, a growing share, into increments in rows."""
    done = 0.0

    def on_progress(share: float) -> None:
        nonlocal done
        if done < share <= 1:
            on_rows((share - done) * n_rows)
            done = share

    return on_progress
