r"""Masked denoising score matching, the objective of the MissDiff paper (Eq. 3), and its weights.

.. math:: E\, \lambda(t) \lVert (s_\theta(x_t, t) - \nabla_{x_t} \log p(x_t \mid x_0)) \odot m \rVert^2

with x_t the noisy row, m its mask (1 = observed), and t, x_0 and x_t random. The score of the noise is
:math:`\nabla \log p(x_t \mid x_0) = -\epsilon / \sigma_t`, and the network predicts noise,
:math:`s_\theta = -\hat\epsilon / \sigma_t`: the norm is that of :math:`(\hat\epsilon - \epsilon) \odot m`, over
:math:`\sigma_t`. :func:`masked_dsm` computes it, :func:`noise_weight` gives :math:`\lambda(t) / \sigma_t^2`, and
:meth:`src.diffusion.gaussian.model.GaussianDiffusion.losses` draws the two together.
"""

import torch
from torch import Tensor

from src.diffusion.gaussian.schedule import Schedule

WEIGHTS = ("noise", "likelihood", "velocity")
"""Choices of lambda(t); see :func:`noise_weight`."""


def masked_dsm(eps_hat: Tensor, eps: Tensor, mask: Tensor, weight: Tensor) -> Tensor:
    r"""Masked denoising score matching of each row in noise-prediction form (Eq. 3, Algorithm 1).

    .. math:: \ell_b = \frac{w_b}{D} \sum_i m_{bi} (\hat\epsilon_{bi} - \epsilon_{bi})^2,
        \qquad w = \lambda(t) / \sigma_t^2

    The denominator is the constant D, not the number of observed coordinates, so that the mean of the gradients of
    several processes is the gradient of the global batch.

    Arguments:
        eps_hat: (B, D) predicted noise, finite.
        eps: (B, D) noise that the rows carry.
        mask: (B, D) on coordinates, 1 = observed.
        weight: (B,) weight w of each row.

    Returns:
        (B,) losses; the objective is their mean.
    """
    error = (eps_hat - eps) * mask
    return weight * error.square().mean(dim=1)


def noise_weight(schedule: Schedule, weight: str, t: Tensor, log_ratio: Tensor) -> Tensor:
    r"""Weight :math:`w(t) = \lambda(t) / \sigma_t^2` of the noise-prediction form.

    Arguments:
        schedule: of the process.
        weight: ``noise``: :math:`\lambda = \sigma_t^2`, Algorithm 1. ``likelihood``: :math:`\lambda = g(t)^2`
            (:math:`\beta_t` for VP), the choice of Theorem 2.3. ``velocity``:
            :math:`\lambda = \sigma_t^2 (\alpha_t^2 + \sigma_t^2) / \alpha_t^2`, under which errors of the velocity
            count the same at all times.
        t: times, of any shape.
        log_ratio: :math:`\log(\sigma_t / \alpha_t)`, of the shape of t.

    Returns:
        float64, of the shape of t.
    """
    if weight == "noise":
        return torch.ones(t.shape, dtype=torch.float64, device=t.device)
    if weight == "velocity":
        return 1 + (2 * log_ratio).exp()
    return schedule.rate(t)
