r"""Log-likelihoods of an absorbing-state model: cell after cell, in any order.

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

from src.diffusion.base import LogLikelihood, OnProgress

if TYPE_CHECKING:  # model.py computes likelihoods with this module
    from src.diffusion.absorbing.model import AbsorbingDiffusion

N_ORDERS = 4
"""Random orders of a row's cells, K. Each costs d evaluations of the network, and more of them raise the bound."""


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
