r"""Self-paced learning: easy rows first (STaSy; Kim et al. 2023, https://arxiv.org/abs/2210.04018, section 3.2).

At optimiser step k of a curriculum of S steps, a share :math:`a_k` of the rows counts in full, and a share :math:`b_k`
counts at all (:func:`shares`):

.. math:: a_k = \min(1, a_0 + \log(1 + \tfrac{e - 1}{S} k (1 - a_0))), \qquad
    b_k = \min(1, b_0 + \log(1 + \tfrac{e - 1}{S} k (1 - b_0)))

with :math:`a_0 = 0.3`, :math:`b_0 = 0.95`. A row has weight 1 if its loss is at most the a-quantile of its batch, and
weight 0 if it is above the b-quantile; between the two, weights fall linearly from the smallest of these losses to the
largest (:func:`self_paced_weights`). With the published S = 10,000 all rows count in full from step 8,429 on.
"""

import math

import torch
from torch import Tensor

FIRST_FULL = 0.3
FIRST_ANY = 0.95
"""Shares at the first step, a_0 and b_0, as published."""


def shares(step: int, n_steps: int) -> tuple[float, float]:
    """Shares (a, b) at optimiser step ``step`` (from 0) of a curriculum of ``n_steps`` steps."""
    rate = (math.e - 1) / n_steps

    def share(first: float) -> float:
        return min(1.0, first + math.log(1 + rate * step * (1 - first)))

    return share(FIRST_FULL), share(FIRST_ANY)


def self_paced_weights(losses: Tensor, step: int, n_steps: int) -> Tensor:
    """Compute the weights in [0, 1] of the rows of a batch.

    Arguments:
        losses: (B,) loss of each row, on a scale on which rows can be compared; NaN for a row without observed
            coordinates, which does not count in the quantiles and has weight 1 (its loss is 0).
        step: optimiser step, from 0.
        n_steps: S.

    Returns:
        (B,) weights, without gradient.
    """
    losses = losses.detach()
    a, b = shares(step, n_steps)
    low, high = torch.nanquantile(losses, a), torch.nanquantile(losses, b)
    between = (losses > low) & (losses <= high)
    smallest = torch.where(between, losses, torch.inf).min()
    largest = torch.where(between, losses, -torch.inf).max()
    span = largest - smallest
    linear = torch.where(span > 0, (largest - losses) / span, 0.5)
    return torch.where(losses > high, 0.0, torch.where(between, linear, 1.0))
