r"""The noise predictor: a schedule and a network, and the masked objective that trains it.

What the output of the network f stands for:

* ``noise``: :math:`\hat\epsilon = f(x_t / \sqrt{\alpha_t^2 + \sigma_t^2}, t)`, as in Algorithm 1 (for VP the
  root is 1).
* ``residual``: with the mean :math:`\mu_i` and the standard deviation :math:`s_i` of coordinate i over its
  observed entries, and :math:`v_i = \alpha_t^2 s_i^2 + \sigma_t^2` the variance of its noisy value,

  .. math:: u_i = (x_{t,i} - \alpha_t \mu_i) / \sqrt{v_i}, \qquad
      \hat\epsilon_i = (\sigma_t u_i + \alpha_t s_i f_i(u, t)) / \sqrt{v_i}.

  The first part is the best prediction of the noise from :math:`x_{t,i}` alone that is linear, so f only
  learns what is left, at unit scale, and its errors are never divided by a vanishing
  :math:`\alpha_t` when :math:`\hat x = (x_t - \sigma_t \hat\epsilon) / \alpha_t` is formed. For mean 0
  and variance 1, f is the velocity of Salimans and Ho (2022, https://arxiv.org/abs/2202.00512),
  and :math:`\hat x` always is Karras et al.'s preconditioned denoiser (2022,
  https://arxiv.org/abs/2206.00364), coordinate by coordinate.

* ``score``: :math:`\hat\epsilon = -\sigma_t f(x_t, t)`, the network gives the score itself, at the
  scale of the noisy row (STaSy; Kim et al. 2023, https://arxiv.org/abs/2210.04018).

Whichever, the module predicts noise; the score is :math:`-\hat\epsilon / \sigma_t`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch
from torch import Tensor, nn

from src.diffusion.gaussian.schedule import Schedule
from src.diffusion.networks.pieces import InPieces

Network = Callable[[Tensor, Tensor, Tensor], Tensor]

PREDICTIONS = ("noise", "residual", "score")
SMALLEST_SPREAD = 0.02
WEIGHTS = ("noise", "likelihood", "velocity")


@dataclass(frozen=True)
class RowLosses:
    """Of a batch: ``loss`` (B,), whose mean is the objective, and ``noise_level`` (B,), how noisy its rows are."""

    loss: Tensor
    noise_level: Tensor


class NoisePredictor(Protocol):
    """What samplers draw with."""

    @property
    def schedule(self) -> Schedule:
        """Scales at every time."""
        ...

    def __call__(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Predicted noise of noisy rows; see :meth:`Denoiser.forward`."""
        ...

    def predict(self, x_t: Tensor, t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """The same, the scales given."""
        ...


class Denoiser(nn.Module):
    """Noise predictor on a schedule.

    Arguments:
        network: maps (B, D) rows, (B,) or (1,) float times and sigmas to (B, D).
        schedule: scales at every time.
        prediction: what the network's output stands for, one of :data:`PREDICTIONS`.
        weight: lambda(t) of Eq. 3, see :func:`noise_weight`.
        mean: (D,) mean of each coordinate over its observed entries.
        std: (D,) their standard deviation; at least :data:`SMALLEST_SPREAD` is used.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: nn.Module,
        schedule: Schedule,
        prediction: str,
        weight: str,
        mean: Tensor,
        std: Tensor,
    ) -> None:
        super().__init__()
        self.network = network
        self.schedule = schedule
        self.prediction = prediction
        self.weight = weight
        self.in_pieces = InPieces()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std.clamp(min=SMALLEST_SPREAD))

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Predicted noise of noisy rows.

        Arguments:
            x_t: (B, D).
            t: (B,) or (1,) times, whole or float, between the schedule's first and last.

        Returns:
            (B, D).
        """
        alpha, sigma = (scale.to(x_t.dtype) for scale in self.schedule.scales(t))
        return self.predict(x_t, t, alpha, sigma)

    def predict(self, x_t: Tensor, t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """As :meth:`forward`, with the scales (B,) or (1,) of the times given."""
        if torch.is_grad_enabled():
            return self.noise(self.network, x_t, t, alpha, sigma)
        return self.in_pieces(partial(self.noise, self.network), x_t, t, alpha, sigma)

    def noise(self, network: Network, x_t: Tensor, t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Predicted noise by a network that reads rows at its scale, times and sigmas."""
        time = self.schedule.embedded(t).to(x_t.dtype)
        a, s = alpha[:, None], sigma[:, None]
        if self.prediction == "score":
            return -s * network(x_t, time, sigma)
        if self.prediction == "noise":
            return network(x_t * (a**2 + s**2).rsqrt(), time, sigma)
        signal = a * self.std
        scale = (signal**2 + s**2).rsqrt()
        u = (x_t - a * self.mean) * scale
        return (s * u + signal * network(u, time, sigma)) * scale

    def losses(self, x: Tensor, mask: Tensor, generator: torch.Generator) -> RowLosses:
        """Masked denoising score matching of each row at one random time (Algorithm 1).

        Arguments:
            x: (B, D) clean rows, finite, zero where missing.
            mask: (B, D) on coordinates, 1 = observed.
            generator: random stream of times and noise.
        """
        return self.losses_of(x, mask, *self.draw_noise(x, generator))

    def draw_noise(self, x: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        """What is random in the objective of rows x (B, D): times (B,), and noise (B, D)."""
        t = self.schedule.draw_times(len(x), generator)
        return t, torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)

    def losses_of(self, x: Tensor, mask: Tensor, *noise: Tensor) -> RowLosses:
        """:meth:`losses` given what :meth:`draw_noise` drew; no operation waits for a value."""
        return self.masked_losses(self.network, x, mask, *noise)

    def masked_losses(self, network: Network, x: Tensor, mask: Tensor, t: Tensor, eps: Tensor) -> RowLosses:
        """:meth:`losses_of` of a network that reads rows at its scale, times and sigmas."""
        log_ratio = self.schedule.ratio(t)
        alpha, sigma = (scale.to(x.dtype) for scale in self.schedule.scales_at(log_ratio))
        x_t = alpha[:, None] * x + sigma[:, None] * eps
        weight = noise_weight(self.schedule, self.weight, t, log_ratio).to(x.dtype)
        return RowLosses(masked_dsm(self.noise(network, x_t, t, alpha, sigma), eps, mask, weight), sigma)


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
