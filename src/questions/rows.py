"""Log-probabilities of rows."""

from collections.abc import Callable

import numpy as np
import torch

from src.diffusion.absorbing.likelihood import any_order_log_likelihood
from src.encoding import log_slopes
from src.questions.model import of_states
from src.seeding import derive
from src.tables import Table
from src.training.callbacks import shares_as_rows
from src.training.module import MissDiffModule

N_ORDERS = 8
"""Random orders of the cells that the probability of a row is averaged over, where rows are drawn in random orders."""
CHUNK_ROWS = 4096


def log_probabilities(
    module: MissDiffModule,
    table: Table,
    seed: int,
    n_orders: int = N_ORDERS,
    on_rows: Callable[[float], object] = lambda n_rows: None,
) -> np.ndarray:
    r"""Compute :math:`\log_2 p` of the observed cells of rows, in bits, (N,) float64.

    A category has a probability, and so has a number that many cells share or that lies on a grid; another number has
    a density by its unit. A number beyond the training cells counts as the nearest one. A row with a category that no
    training row has is impossible: -inf.

    Arguments:
        module: the model.
        table: (N, d) rows, with or without holes.
        seed: of the random orders; each chunk of rows has a stream of its own.
        n_orders: orders to average over; where the model has one order, one.
        on_rows: receives increments of progress in rows, also fractions.

    Raises:
        ConfigError: the model is none of states.
    """
    denoiser, encoder = of_states(module)
    x, observed = encoder.forward(table, table.observed)
    is_unseen = (table.observed & ~observed.numpy()).any(axis=1)
    slopes = log_slopes(encoder, table, x, observed.numpy() & (x.numpy() >= 0)).sum(axis=1)
    if denoiser.has_one_order:
        n_orders = 1
    nats = np.empty(len(x))
    for number, start in enumerate(range(0, len(x), CHUNK_ROWS)):
        rows = slice(start, start + CHUNK_ROWS)
        chunk, mask = x[rows].to(module.device), observed[rows].to(module.device)
        generator = torch.Generator(module.device).manual_seed(derive(seed, "log_prob", number))
        on_progress = shares_as_rows(len(chunk), on_rows)
        found = any_order_log_likelihood(denoiser, chunk, mask, n_orders, generator, on_progress, by_density=True)
        nats[rows] = found.nats.double().cpu().numpy()
    return np.where(is_unseen, -np.inf, (nats + slopes) / np.log(2))
