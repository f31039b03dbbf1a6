"""Announce the duration of a training: time a few steps on a copy of the model before it begins."""

import copy
import sys
import time
from collections.abc import Callable

import torch

from src.diffusion import Accuracy
from src.training.datamodule import CHUNK_ROWS, TableDataModule
from src.training.fine_tuning import JUDGING_ACCURACY, n_judgements
from src.training.module import MissDiffModule
from src.training.recipe import TrainingRecipe

LONG_S = 600.0
"""Seconds; a longer training is announced."""
N_TIMED_RUNS = 3


def announce_length(module: MissDiffModule, data: TableDataModule, device: torch.device) -> None:
    """Print on standard error how long the training will take, if over 10 minutes, and the key that shortens it.

    Module, data and random streams do not change.

    Arguments:
        module: to be trained.
        data: to train on.
        device: to train on.
    """
    recipe, per_epoch = module.training_recipe, module.steps_per_epoch
    with torch.random.fork_rng([device] if device.type == "cuda" else []):  # dropout draws from the global stream
        step_s, row_s = _seconds(module, data, device)
    main = recipe.main_epochs(per_epoch) * per_epoch * step_s
    judged = n_judgements(recipe.fine_tuning_epochs) * data.data.n_used * row_s if recipe.fine_tuning_epochs else 0.0
    tuning = recipe.fine_tuning_epochs * per_epoch * step_s / 2 + judged  # on half of the rows or fewer
    if main + tuning > LONG_S:
        print(f"note: {length_note(recipe, per_epoch, main, tuning)}", file=sys.stderr)


def length_note(recipe: TrainingRecipe, steps_per_epoch: int, main_s: float, tuning_s: float) -> str:
    """Text of the announcement.

    Arguments:
        recipe: of the training.
        steps_per_epoch: optimiser steps of a main epoch.
        main_s: seconds of the main epochs.
        tuning_s: seconds of fine-tuning.
    """
    epochs = recipe.main_epochs(steps_per_epoch)
    note = f"training takes about {_duration(main_s + tuning_s)} on this machine ({epochs * steps_per_epoch:,} steps"
    note += f", then {_duration(tuning_s)} of fine-tuning); " if tuning_s else "); "
    share = min(LONG_S / main_s, 1.0)
    note += f"training.epochs={max(int(epochs * share), 1)}"
    if tuning_s:
        note += " training.fine_tuning_epochs=0"
    return f"{note} takes about {_duration(main_s * share)}; budget=small trains less of the recipe"


def _duration(seconds: float) -> str:
    minutes = max(round(seconds / 60), 1)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"


def _seconds(module: MissDiffModule, data: TableDataModule, device: torch.device) -> tuple[float, float]:
    """Measure the seconds of an optimiser step, and of judging the likelihood of a row (0 without fine-tuning)."""
    denoiser = copy.deepcopy(module.denoiser).to(device)
    optimizer = torch.optim.Adam(denoiser.parameters(), 1e-9, fused=True)
    generator = torch.Generator(device).manual_seed(0)
    x, mask = data.data.x, data.data.coordinate_mask
    n_rows = module.training_recipe.batch_size
    batch, batch_mask = x[:n_rows].to(device), mask[:n_rows].to(device)

    def step() -> None:
        optimizer.zero_grad()
        denoiser.random_losses(batch, batch_mask, generator).loss.mean().backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    step_s = _timed(step, device)
    if not module.training_recipe.fine_tuning_epochs:
        return step_s, 0.0
    n_rows = min(len(x), CHUNK_ROWS)
    rows, row_mask = x[:n_rows].to(device), mask[:n_rows].to(device)
    denoiser.eval()

    def judge() -> None:
        denoiser.log_likelihood(rows, row_mask, generator, Accuracy(n_steps=1))

    return step_s, (JUDGING_ACCURACY.n_steps or 1) * _timed(judge, device) / n_rows


def _timed(run: Callable[[], object], device: torch.device) -> float:
    """Seconds of the fastest of a few runs, not counting the first one, which loads kernels and fills caches."""
    times = []
    for _ in range(1 + N_TIMED_RUNS):
        started = time.perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - started)
    return min(times[1:])
