"""Checkpoints: written during the training, read without executing code that they contain."""

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.plugins.io import TorchCheckpointIO
from torch import Tensor

from src.errors import CheckpointError
from src.system.files import atomic_file
from src.training import LAST, PREVIOUS
from src.training.module import CHECKPOINT_KEY

LEAST_WORK = 50
"""Smallest ratio of the time between two checkpoints to the time that writing one takes: writing costs at most 2 %."""


class LastCheckpoint(Checkpoint):
    """Replaces ``last.ckpt`` in ``folder`` atomically, after the first epoch, the last one and some in between.

    The checkpoint before it becomes ``previous.ckpt``. Several short epochs share a checkpoint (:data:`LEAST_WORK`): a
    run that is killed loses one epoch, or 50 times the duration of writing a checkpoint.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._next = 0.0

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        started = time.perf_counter()
        is_last = trainer.should_stop or trainer.current_epoch + 1 == trainer.max_epochs
        if trainer.strategy.broadcast(is_last or started >= self._next):  # the clock of rank 0 decides
            trainer.save_checkpoint(self.folder / LAST, weights_only=False)
            ended = time.perf_counter()
            self._next = ended + LEAST_WORK * (ended - started)


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint completely or not at all, and renames the file that it replaces to ``previous.ckpt``."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """See :class:`TorchCheckpointIO`; called on rank 0 alone."""
        file = Path(path)
        with atomic_file(file) as partial:
            _save(checkpoint, partial)
            if file.exists():
                os.replace(file, file.with_name(PREVIOUS))


def newest_readable(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """Read the last checkpoint of a training or, with a warning, the one before it if the last one is damaged.

    Returns:
        Its file and its content; None if there is no checkpoint.

    Raises:
        CheckpointError: there are checkpoints, and none can be read.
    """
    last, previous = folder / LAST, folder / PREVIOUS
    try:
        if last.exists() or not previous.exists():
            return (last, read_checkpoint(last)) if last.exists() else None
    except CheckpointError as error:
        if not previous.exists():
            raise
        print(f"warning: {error}", file=sys.stderr)
    checkpoint = read_checkpoint(previous)
    print(
        f"warning: {last} is lost; going on from the checkpoint before it, after epoch {finished_epochs(checkpoint)}",
        file=sys.stderr,
    )
    return previous, checkpoint


def read_checkpoint(file: Path) -> dict[str, Any]:
    """Read a checkpoint with ``weights_only``: tensors and plain values, no pickled code.

    Raises:
        CheckpointError: the file is damaged, holds code, or was not written by this program.
    """
    try:
        checkpoint: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # of arbitrary bytes torch's reader may raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(
            f"{file} cannot be read: no checkpoint of this program, or damaged ({reason[:90]}); force=true trains anew"
        ) from error
    if not isinstance(checkpoint, dict) or CHECKPOINT_KEY not in checkpoint:
        raise CheckpointError(f"{file} is not a checkpoint of this program")
    return checkpoint


def write_checkpoint(checkpoint: dict[str, Any], file: Path) -> None:
    """Write tensors and plain values, completely or not at all."""
    with atomic_file(file) as partial:
        _save(checkpoint, partial)


def _save(checkpoint: dict[str, Any], file: Path) -> None:
    with file.open("wb") as stream:  # the error of a stream names the fault of the disk; torch's own does not
        torch.save(checkpoint, stream)


def sampling_weights(checkpoint: dict[str, Any]) -> dict[str, Tensor]:
    """The state dict to sample with: the best weights where the training has chosen by them, else the last average."""
    stopped = _best_weights(checkpoint).get("stopped", False)
    best: dict[str, Tensor] = (_best_weights if stopped else _fine_tuning)(checkpoint).get("best", {})
    return best or checkpoint["state_dict"]


def answering_weights(checkpoint: dict[str, Any]) -> dict[str, Tensor]:
    """The state dict to fill and answer with: that at which held-out rows were most likely, if rows were held out."""
    best: dict[str, Tensor] = _best_weights(checkpoint).get("best", {})
    return best or sampling_weights(checkpoint)


def best_epoch(checkpoint: dict[str, Any]) -> int | None:
    """Number of epochs after which held-out rows were most likely; None if no rows were held out."""
    epoch: int | None = _best_weights(checkpoint).get("epoch")
    return epoch


def without_training(checkpoint: dict[str, Any], stored: dict[str, Any]) -> dict[str, Any]:
    """What a model needs of a checkpoint, and nothing that a training would go on from.

    Arguments:
        checkpoint: of a finished training.
        stored: what the program keeps beside the weights.
    """
    best = _best_weights(checkpoint)
    return {
        "state_dict": sampling_weights(checkpoint),
        "epoch": checkpoint["epoch"],
        "callbacks": {"BestWeights": best} if best else {},
        CHECKPOINT_KEY: stored,
    }


def fine_tuning_bits(checkpoint: dict[str, Any]) -> list[float]:
    """Validation bits per coordinate before fine-tuning and after each of its epochs; empty without it."""
    return list(_fine_tuning(checkpoint).get("bits", []))


def is_trained(checkpoint: dict[str, Any], n_epochs: int) -> bool:
    """Whether the training is finished: all epochs are done, or it has ended early."""
    ended = any(state(checkpoint).get("stopped", False) for state in (_fine_tuning, _best_weights))
    return finished_epochs(checkpoint) >= n_epochs or ended


def _fine_tuning(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """State of the callback of fine-tuning; empty without it."""
    state: dict[str, Any] = checkpoint.get("callbacks", {}).get("FineTuning", {})
    return state


def _best_weights(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """State of the callback that keeps the best weights; empty without it."""
    state: dict[str, Any] = checkpoint.get("callbacks", {}).get("BestWeights", {})
    return state


def finished_epochs(checkpoint: dict[str, Any]) -> int:
    """Number of epochs that were trained before a checkpoint."""
    return int(checkpoint["epoch"]) + 1
