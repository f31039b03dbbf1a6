r"""Probabilities by an absorbing-state model: of rows, cell after cell in any order; and of numbers of a cell.

In one order :math:`\sigma` of a row's observed cells, :math:`\log p_\sigma(x) = \sum_k \log p(x_{\sigma_k} \mid
x_{\sigma_1}, \dots, x_{\sigma_{k-1}})` (Hoogeboom et al. 2022, https://arxiv.org/abs/2110.02037, section 3). Where all
rows are drawn in one order, that is exact. Where they are drawn in random orders, their probability is the mean over
orders,

.. math:: \log p(x) = \log \frac{1}{K} \sum_{k=1}^{K} p_{\sigma_k}(x)

with K orders drawn: unbiased for p, and a lower bound of log p on average that grows with K. Missing cells stay
hidden, so it is the probability of the observed ones under the model that draws complete rows. The probability of a
cell is that of its state: a category, or the level of a number.
"""

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.special import ndtr, ndtri

from src.diffusion.base import LogLikelihood, OnProgress

if TYPE_CHECKING:  # model.py computes likelihoods with this module
    from src.diffusion.absorbing.model import AbsorbingDiffusion

N_ORDERS = 4
"""Random orders of a row's cells, K. Each costs d evaluations of the network, and more of them raise the bound."""

HIDDEN_SHARE = 0.3
"""Share of the observed cells that are hidden, and compared with their distributions."""
N_HIDINGS = 4
LEVELS = (0.5, 0.7, 0.8, 0.9, 0.95)
"""Levels of central intervals by which the spread is measured."""
DOUBT_CELLS = 200
"""Cells by which the measured spread counts half: its standard error is then that of a first guess of 1 +- 0.05."""


@torch.no_grad()
def any_order_log_likelihood(
    denoiser: "AbsorbingDiffusion",
    x: Tensor,
    mask: Tensor,
    n_orders: int,
    generator: torch.Generator,
    on_progress: OnProgress = lambda share: None,
    by_density: bool = False,
) -> LogLikelihood:
    """Estimate the log-probability of the observed cells of rows.

    Arguments:
        denoiser: the model.
        x: (B, d) encoded rows.
        mask: (B, d) bool, True = observed.
        n_orders: K.
        generator: random stream of the orders; its device is that of the rows.
        on_progress: receives the share of the evaluations that are done, 0..1.
        by_density: whether a number in an interval of values counts by the density of its rank, not by the
            probability of its level.
    """
    nats_of = denoiser.density_nats if by_density else denoiser.probability_nats
    n_rows, n_columns = x.shape
    cells = denoiser.cells(x)
    log_p = x.new_zeros(n_orders, n_rows, dtype=torch.float64)
    for k in range(n_orders):
        rank = denoiser.draw_ranks(n_rows, generator)
        for step in range(n_columns):
            output = denoiser.read(cells, mask & (rank < step))
            nats_of_step = nats_of(output, x, cells) * (mask & (rank == step))
            log_p[k] -= nats_of_step.sum(dim=1)
            on_progress((k * n_columns + step + 1) / (n_orders * n_columns))
    nats = torch.logsumexp(log_p, dim=0) - math.log(n_orders)
    return LogLikelihood(nats.to(x.dtype), mask.sum(dim=1), n_orders * n_columns)


def run_probabilities(denoiser: "AbsorbingDiffusion", output: Tensor, column: int, first: Tensor) -> Tensor:
    """Probabilities (B, P), double, of runs of levels of a column of numbers, without those of each level.

    Arguments:
        denoiser: the model.
        output: (B, W') of its network.
        column: the column.
        first: (P,) increasing, the first level of each run; a repeated value is a run of its own.
    """
    if denoiser.numbers is not None and column in denoiser.numbers.columns:
        return denoiser.numbers.run_probabilities(*denoiser.of_continuous(output, column), first)
    of_level = denoiser.state_probabilities(output, column)
    run = torch.searchsorted(first, torch.arange(of_level.shape[1], device=first.device), right=True) - 1
    return of_level.new_zeros(len(output), len(first)).index_add_(1, run, of_level)


def number_ranks(denoiser: "AbsorbingDiffusion", output: Tensor, x: Tensor, column: int) -> tuple[Tensor, Tensor]:
    """Probabilities (B,), double, of less than the numbers of a column, and of at most them.

    Arguments:
        denoiser: the model.
        output: (B, W') of its network.
        x: (B, d) encoded rows.
        column: a column of numbers.
    """
    if denoiser.numbers is not None and column in denoiser.numbers.columns:
        return denoiser.numbers.ranks(*denoiser.of_continuous(output, column), x[:, column].clamp(min=0))
    of_level = denoiser.state_probabilities(output, column)
    level = x[:, column, None].long().clamp(0, of_level.shape[1] - 1)
    last = of_level.cumsum(dim=1).gather(1, level)[:, 0]
    return last - of_level.gather(1, level)[:, 0], last


@torch.no_grad()
def measured_spread(denoiser: "AbsorbingDiffusion", x: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor:
    """Measure how much wider distributions of numbers should be, on rows that were not trained on.

    Some observed cells are hidden, and the normal scores of their ranks in their distributions compared with standard
    normal ones: the factors (5,) of the scores at which the central intervals of :data:`LEVELS` cover what they should,
    shrunk to 1 where few numbers are held out. Ties are broken at random.

    Arguments:
        denoiser: the model.
        x: (B, d) encoded rows.
        mask: (B, d) bool, True = observed.
        generator: random stream on the device of the rows.
    """
    cells, scores = denoiser.cells(x), []
    columns = [i for i, is_ordered in enumerate(denoiser.states.is_ordered) if is_ordered]
    columns += denoiser.numbers.columns if denoiser.numbers is not None else []
    for _ in range(N_HIDINGS):
        hidden = mask & (torch.rand(x.shape, generator=generator, device=x.device) < HIDDEN_SHARE)
        hidden &= x >= 0  # a structural hole is no number
        output = denoiser.read(cells, mask & ~hidden)
        for column in columns:
            here = hidden[:, column].nonzero()[:, 0]
            if len(here):
                first, last = number_ranks(denoiser, output[here], x[here], column)
                u = torch.rand(len(here), generator=generator, device=x.device)
                scores.append(ndtri((first + (last - first) * u).clamp(1e-6, 1 - 1e-6)).abs())
    if not scores:
        return torch.ones(len(LEVELS))
    found = torch.cat(scores).double().cpu()
    levels = found.new_tensor(LEVELS)
    spread: Tensor = found.quantile(levels) / ndtri((1 + levels) / 2)
    spread = 1 + (spread - 1) * len(found) / (len(found) + DOUBT_CELLS)
    return spread.float()


def spread_out(probability: Tensor, spread: Tensor) -> Tensor:
    """Probabilities (Q,) at which to read quantiles so that they are calibrated; increasing where those given are.

    Arguments:
        probability: (Q,) of the quantiles that are wanted, double, in [0, 1].
        spread: (5,) of :func:`measured_spread`.
    """
    score = ndtri(probability)
    at = ndtri((1 + torch.tensor(LEVELS, dtype=torch.float64)) / 2)
    reach = torch.cat([at.new_zeros(1), (at * spread.double().cpu()).cummax(dim=0).values])
    at = torch.cat([at.new_zeros(1), at])
    k = (torch.searchsorted(at, score.abs()) - 1).clamp(0, len(at) - 2)  # beyond the last level as before it
    slope = (reach[k + 1] - reach[k]) / (at[k + 1] - at[k])
    out = (reach[k] + slope * (score.abs() - at[k])) * score.sign()
    return torch.where(score.isinf(), probability, ndtr(out))
