r"""Self-paced learning: easy rows first (STaSy; Kim et al. 2023, section 3.2).

At optimiser step k of a curriculum of S steps the shares of rows that count in full and at all are

.. math:: a_k = \min(1, a_0 + \log(1 + \tfrac{e - 1}{S} k (1 - a_0))), \qquad
    b_k = \min(1, b_0 + \log(1 + \tfrac{e - 1}{S} k (1 - b_0)))

with :math:`a_0 = 0.3`, :math:`b_0 = 0.95`. A row whose loss is at most the a-quantile of its batch has
weight 1, one above the b-quantile 0, and those between fall linearly from the smallest to the
largest of their losses. With the published S = 10,000 all rows count in full from step 8,429 on.
"""

import math

import torch
from torch import Tensor

FIRST_FULL = 0.3
FIRST_ANY = 0.95


def shares(step: int, n_steps: int) -> tuple[float, float]:
    """(a, b) at optimiser step ``step`` (from 0) of a curriculum of ``n_steps``."""
    rate = (math.e - 1) / n_steps

    def share(first: float) -> float:
        return min(1.0, first + math.log(1 + rate * step * (1 - first)))

    return share(FIRST_FULL), share(FIRST_ANY)


def self_paced_weights(losses: Tensor, step: int, n_steps: int) -> Tensor:
    """Weights in [0, 1] of the rows of a batch.

    Arguments:
        losses: (B,) loss of each row on the scale rows are compared on; NaN for a row without
            observed coordinates, which has no say in the thresholds and weight 1 (its loss is 0).
        step: optimiser step, from 0.
        n_steps: S.

    Returns:
        (B,), without gradient.
    """
    losses = losses.detach()
    a, b = shares(step, n_steps)
    low, high = torch.nanquantile(losses, a), torch.nanquantile(losses, b)
    between = (losses > low) & (losses <= high)
    smallest = torch.where(between, losses, torch.inf).min()
    largest = torch.where(between, losses, -torch.inf).max()
    span = largest - smallest
    fall = torch.where(span > 0, (largest - losses) / span, 0.5)
    return torch.where(losses > high, 0.0, torch.where(between, fall, 1.0))
