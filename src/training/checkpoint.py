"""Checkpoints: written after every epoch, read without executing anything they contain."""

import pickle
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.callbacks import ModelCheckpoint

from src.errors import CheckpointError
from src.training.module import CHECKPOINT_KEY

LAST = "last.ckpt"


def last_epoch_checkpoint(folder: Path) -> ModelCheckpoint:
    """Callback that replaces ``last.ckpt`` in ``folder`` after every epoch, atomically."""
    return ModelCheckpoint(
        dirpath=folder,
        filename=Path(LAST).stem,
        save_top_k=1,
        every_n_epochs=1,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )


def read_checkpoint(file: Path) -> dict[str, Any]:
    """Read a checkpoint with ``weights_only``: tensors and plain values, no pickled code.

    Raises:
        CheckpointError: the file is damaged, holds code, or was not written by this program.
    """
    try:
        checkpoint: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise CheckpointError(f"{file} cannot be read: {error}; delete it or use force=true") from error
    if not isinstance(checkpoint, dict) or CHECKPOINT_KEY not in checkpoint:
        raise CheckpointError(f"{file} is not a checkpoint of this program")
    return checkpoint


def finished_epochs(checkpoint: dict[str, Any]) -> int:
    """Epochs a checkpoint has behind it."""
    return int(checkpoint["epoch"]) + 1
