"""Train a module and draw rows with it, by a Lightning trainer."""

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.utilities import rank_zero_only
from torch import Tensor

from src.errors import ConfigError, InterruptedRunError
from src.training import LAST
from src.training.callbacks import AveragedWeights, FiniteLoss, Progress, TrainingCurve
from src.training.checkpoint import (
    AtomicCheckpointIO,
    LastCheckpoint,
    finished_epochs,
    is_trained,
    newest_readable,
    read_checkpoint,
    sampling_weights,
)
from src.training.datamodule import TableDataModule
from src.training.fine_tuning import FineTuning
from src.training.held_out import BestWeights
from src.training.length import announce_length
from src.training.module import MissDiffModule
from src.training.recipe import TrainerSettings, TrainingRecipe


def is_rank_zero() -> bool:
    """Whether this process is the one that writes, scores and records."""
    return bool(getattr(rank_zero_only, "rank", 0) == 0)


def check_devices(settings: TrainerSettings) -> None:
    """Refuse an accelerator that this machine does not have.

    Raises:
        ConfigError: there is no GPU, or fewer than ``trainer.devices``.
    """
    n_gpus = torch.cuda.device_count()
    if _on_gpus(settings) and n_gpus < settings.devices:
        raise ConfigError(
            f"trainer.accelerator={settings.accelerator} with {settings.devices} devices, but torch sees {n_gpus} GPUs "
            f"on this machine; set trainer.devices={max(n_gpus, 1)} or trainer.accelerator=cpu"
        )


def _on_gpus(settings: TrainerSettings) -> bool:
    """Whether to train on CUDA devices. Those of Apple (MPS) have no float64, which diffusions need."""
    return settings.accelerator == "gpu" or (settings.accelerator == "auto" and torch.cuda.device_count() > 0)


def make_trainer(
    settings: TrainerSettings,
    recipe: TrainingRecipe,
    steps_per_epoch: int,
    run_dir: Path,
    on_epoch: Callable[[dict[str, float]], object] = lambda row: None,
    extra_callbacks: Sequence[Callback] = (),
) -> pl.Trainer:
    """Build a trainer that writes its training curve and checkpoints to ``run_dir`` and prints progress only.

    Arguments:
        settings: of the machine.
        recipe: of the training.
        steps_per_epoch: optimiser steps of a main epoch.
        run_dir: folder of the run.
        on_epoch: receives the line of the training curve after every epoch.
        extra_callbacks: run after those of the trainer.
    """
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    if settings.accelerator != "cpu":
        torch.set_float32_matmul_precision("high")  # TF32; nothing on a CPU
    callbacks: list[Callback] = [
        FiniteLoss(),
        *([FineTuning(recipe, steps_per_epoch)] if recipe.fine_tuning_epochs else []),
        *([BestWeights(recipe.stop_at_best)] if recipe.keeps_best else []),
        TrainingCurve(run_dir / "metrics.csv", on_epoch),
        Progress(),
        LastCheckpoint(run_dir / "checkpoints"),
    ]
    if recipe.ema_decay is not None:
        callbacks.append(AveragedWeights(recipe.ema_decay))
    callbacks += extra_callbacks
    return pl.Trainer(
        accelerator="cuda" if _on_gpus(settings) else "cpu",
        devices=settings.devices,
        num_nodes=settings.num_nodes,
        precision=cast(Any, settings.precision),
        strategy=settings.strategy,
        max_epochs=recipe.n_epochs(steps_per_epoch),
        callbacks=callbacks,
        plugins=[AtomicCheckpointIO(), *_environment()],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        limit_val_batches=0,
        reload_dataloaders_every_n_epochs=1 if recipe.fine_tuning_epochs else 0,
    )


def _environment() -> list[Any]:
    """Lightning's plugin for SLURM without its requeueing, which would write a second set of checkpoints."""
    return [SLURMEnvironment(auto_requeue=False)] if SLURMEnvironment.detect() else []


def fit(trainer: pl.Trainer, module: MissDiffModule, data: TableDataModule, run_dir: Path, anew: bool = False) -> None:
    """Train to the last epoch, from the newest checkpoint in ``checkpoints/`` if there is one.

    Afterwards the module has the weights to sample with.

    Arguments:
        trainer: of :func:`make_trainer`.
        module: to train.
        data: to train on.
        run_dir: folder of the run.
        anew: whether the caller deletes the checkpoints of an earlier run, on rank 0. Other ranks may arrive before
            that, and ignore these checkpoints.

    Raises:
        InterruptedRunError: Ctrl-C or a termination signal; finished epochs are on disk.
        TrainingDivergedError: a loss or a weight is not finite.
        CheckpointError: the checkpoint is damaged.
    """
    folder = run_dir / "checkpoints"
    epochs = int(trainer.max_epochs or 0)
    resumes = is_rank_zero() or not anew
    file, checkpoint = (newest_readable(folder) if resumes else None) or (None, None)
    if checkpoint is None and is_rank_zero():
        announce_length(module, data, trainer.strategy.root_device)
    if checkpoint is None or not is_trained(checkpoint, epochs):
        try:
            with _lightning_warnings_silenced():
                trainer.fit(module, datamodule=data, ckpt_path=file and str(file), weights_only=True)
        except SystemExit as stop:  # Lightning exits after a signal
            raise InterruptedRunError(_stopped(folder / LAST, epochs)) from stop
        checkpoint = read_checkpoint(folder / LAST)
    module.load_state_dict(sampling_weights(checkpoint))


def generate(trainer: pl.Trainer, module: MissDiffModule, data: TableDataModule) -> tuple[Tensor, float]:
    """Draw ``data.n_synthetic`` rows, in chunks divided among the processes; afterwards the process group is closed.

    Returns:
        (n, D) float32 on the CPU, the same rows on all ranks and for any number of processes; and the evaluations of
        the network for a row, on average.

    Raises:
        InterruptedRunError: Ctrl-C or a termination signal.
    """
    try:
        with _lightning_warnings_silenced():
            chunks = cast(list[tuple[int, Tensor, int]], trainer.predict(module, datamodule=data))
    except SystemExit as stop:  # Lightning exits after a signal
        raise InterruptedRunError("stopped while sampling; the training is kept, the same command draws anew") from stop
    if trainer.world_size > 1:
        gathered: list[list[tuple[int, Tensor, int]]] = [[] for _ in range(trainer.world_size)]
        torch.distributed.all_gather_object(gathered, chunks)
        chunks = [chunk for shard in gathered for chunk in shard]
        torch.distributed.destroy_process_group()  # a process that ends with gloo's threads alive may be aborted
    x = torch.cat([rows for _, rows, _ in sorted(chunks, key=lambda chunk: chunk[0])])
    return x, sum(n_evaluations * len(rows) for _, rows, n_evaluations in chunks) / len(x)


@contextmanager
def _lightning_warnings_silenced() -> Iterator[None]:
    """Silence two warnings of Lightning that say nothing about the run."""
    with warnings.catch_warnings():
        # Lightning calls a class of torch that is deprecated; the user cannot change that.
        warnings.filterwarnings("ignore", message=".*LeafSpec")
        # A run that resumes writes to the folder of its checkpoints.
        warnings.filterwarnings("ignore", message=".*exists and is not empty")
        yield


def _stopped(last: Path, epochs: int) -> str:
    """Message that the training was interrupted."""
    done = finished_epochs(read_checkpoint(last)) if last.exists() else 0
    return f"stopped after {done} of {epochs} epochs, which are kept; the same command again goes on from there"
