r"""Masked denoising score matching, the paper's objective (Eq. 3), and its weights."""

import torch
from torch import Tensor

from src.diffusion.gaussian.schedule import Schedule

WEIGHTS = ("noise", "likelihood", "velocity")


def masked_dsm(eps_hat: Tensor, eps: Tensor, mask: Tensor, weight: Tensor) -> Tensor:
    r"""Masked denoising score matching in noise-prediction form (Eq. 3, Algorithm 1), row by row.

    .. math:: \ell_b = \frac{w_b}{D} \sum_i m_{bi} (\hat\epsilon_{bi} - \epsilon_{bi})^2,
        \qquad w = \lambda(t) / \sigma_t^2

    The denominator is the constant D, not the number of observed coordinates, so that the average
    of shards' gradients is the gradient of the whole batch.

    Arguments:
        eps_hat: (B, D) predicted noise, finite.
        eps: (B, D) noise.
        mask: (B, D) on coordinates, 1 = observed.
        weight: (B,) the weight w of each row.

    Returns:
        (B,); the objective is its mean.
    """
    residual = (eps_hat - eps) * mask
    return weight * residual.square().mean(dim=1)


def noise_weight(schedule: Schedule, weight: str, t: Tensor, log_ratio: Tensor) -> Tensor:
    r"""w(t) = lambda(t) / sigma_t^2 of the noise-prediction form.

    ``noise``: lambda = sigma_t^2, which is Algorithm 1. ``likelihood``: lambda = g(t)^2 (beta_t for
    VP), Theorem 2.3's choice. ``velocity``: lambda = sigma_t^2 (alpha_t^2 + sigma_t^2) / alpha_t^2,
    under which errors of the velocity count the same at all times. ``log_ratio`` is log(sigma_t / alpha_t).

    Returns:
        float64, of the shape of t.
    """
    if weight == "noise":
        return torch.ones(t.shape, dtype=torch.float64, device=t.device)
    if weight == "velocity":
        return 1 + (2 * log_ratio).exp()
    return schedule.rate(t)
