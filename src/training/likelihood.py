"""Log-likelihoods of many rows, in chunks divided among the processes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from src.diffusion import Accuracy
from src.diffusion.gaussian.likelihood import Bound, theorem_2_3
from src.errors import CheckpointError
from src.seeding import derive
from src.training.callbacks import shares_as_rows
from src.training.checkpoint import read_checkpoint, sampling_weights
from src.training.datamodule import CHUNK_ROWS
from src.training.module import CHECKPOINT_KEY, MissDiffModule


def row_log_likelihoods(
    module: MissDiffModule,
    x: Tensor,
    mask: Tensor,
    accuracy: Accuracy,
    stream: str,
    rank: int = 0,
    world_size: int = 1,
    on_rows: Callable[[float], object] = lambda n_rows: None,
) -> tuple[Tensor, float]:
    """Compute the log-likelihood of rows on their observed coordinates; of a Gaussian diffusion, at its first time.

    The noise of the first time and the probes of a row depend on the seed, ``stream`` and the position of the row
    alone, so that two models are compared on equal terms, and the result is the same for any number of processes.

    Arguments:
        module: the model, with the weights to judge.
        x: (N, D) encoded rows, 0 where missing.
        mask: (N, D) bool on coordinates, True = observed.
        accuracy: of a likelihood that is integrated.
        stream: name of the random stream.
        rank: of this process; it computes chunks ``rank``, ``rank + world_size``, ...
        world_size: number of processes.
        on_rows: receives increments of progress in rows, also fractions.

    Returns:
        (N,) nats, float32 on the CPU, the same on all ranks; and the network evaluations for a row, on average.

    Raises:
        ConfigError: the model is conditional.
        SolverError: the likelihood cannot be integrated.
    """
    device = module.device
    was_training = module.training
    module.eval()
    nats = torch.zeros(len(x) + 1, device=device)  # the last entry counts evaluations: one reduction serves both
    for number, start in enumerate(range(0, len(x), CHUNK_ROWS)):
        if number % world_size != rank:
            continue
        rows = slice(start, min(start + CHUNK_ROWS, len(x)))
        generator = torch.Generator(device).manual_seed(derive(module.seed, "likelihood", stream, number))
        chunk, observed = x[rows].to(device), mask[rows].to(device)
        on_progress = shares_as_rows(len(chunk), on_rows)
        likelihood = module.denoiser.log_likelihood(chunk, observed, generator, accuracy, on_progress)
        nats[rows] = likelihood.nats
        nats[-1] += likelihood.n_evaluations * len(chunk)
    module.train(was_training)
    if world_size > 1:
        torch.distributed.all_reduce(nats)
    return nats[:-1].cpu(), float(nats[-1]) / len(x)


def bound_of_theorem_2_3(module: MissDiffModule, x: Tensor, mask: Tensor, complete: Tensor, n_draws: int) -> Bound:
    """Evaluate :func:`src.diffusion.gaussian.likelihood.theorem_2_3` for a module, on a random stream of its own.

    Arguments:
        module: of a Gaussian diffusion, with the weights to judge.
        x: (N, D) encoded training rows, zero where missing.
        mask: (N, D) bool on coordinates, True = observed.
        complete: (M, D) complete rows, for the constant.
        n_draws: times drawn for each row.
    """
    denoiser: Any = module.denoiser
    generator = torch.Generator(module.device).manual_seed(derive(module.seed, "bound"))
    x, mask, complete = x.to(module.device), mask.to(module.device), complete.to(module.device)
    module.eval()
    return theorem_2_3(denoiser, x, mask, complete, n_draws, generator)


def load_trained(module: MissDiffModule, file: Path) -> None:
    """Load the weights to sample with from a checkpoint, and move the module to the GPU if there is one.

    Raises:
        CheckpointError: the checkpoint is damaged, or its encoder differs from the module's.
    """
    checkpoint = read_checkpoint(file)
    if checkpoint[CHECKPOINT_KEY]["encoder"] != module.encoder.to_dict():
        raise CheckpointError(f"{file} was trained on other data than the run's settings give now")
    module.load_state_dict(sampling_weights(checkpoint))
    module.to("cuda" if torch.cuda.is_available() else "cpu")
