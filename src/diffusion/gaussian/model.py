r"""Gaussian diffusion: a network that predicts the noise of rows on a schedule, and its masked objective.

The output of the network f is one of:

* ``noise``: :math:`\hat\epsilon = f(x_t / \sqrt{\alpha_t^2 + \sigma_t^2}, t)`, as in Algorithm 1 (for VP the
  root is 1).
* ``residual``: with the mean :math:`\mu_i` and the standard deviation :math:`s_i` of coordinate i over its
  observed entries, and :math:`v_i = \alpha_t^2 s_i^2 + \sigma_t^2` the variance of its noisy value,

  .. math:: u_i = (x_{t,i} - \alpha_t \mu_i) / \sqrt{v_i}, \qquad
      \hat\epsilon_i = (\sigma_t u_i + \alpha_t s_i f_i(u, t)) / \sqrt{v_i}.

  The first term is the best linear prediction of the noise from :math:`x_{t,i}` alone, so f only
  learns the residual, at unit scale, and its errors are never divided by a vanishing
  :math:`\alpha_t` when :math:`\hat x = (x_t - \sigma_t \hat\epsilon) / \alpha_t` is formed. For mean 0
  and variance 1, f is the velocity of Salimans and Ho (2022, https://arxiv.org/abs/2202.00512),
  and :math:`\hat x` always is Karras et al.'s preconditioned denoiser (2022,
  https://arxiv.org/abs/2206.00364), coordinate by coordinate.

* ``score``: :math:`\hat\epsilon = -\sigma_t f(x_t, t)`, the network gives the score itself, at the
  scale of the noisy row (STaSy; Kim et al. 2023, https://arxiv.org/abs/2210.04018).

In all three the module predicts noise (:meth:`GaussianDiffusion.noise`); the score is
:math:`-\hat\epsilon / \sigma_t`. The formula of the objective is in :mod:`src.diffusion.gaussian.objective`.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from src.diffusion.base import Accuracy, Diffusion, Drawn, KnownCoordinates, LogLikelihood, OnProgress, RowLosses
from src.diffusion.gaussian.conditional import draw_by_replacement
from src.diffusion.gaussian.likelihood import log_likelihood, noised, quick_log_likelihood
from src.diffusion.gaussian.objective import masked_dsm, noise_weight
from src.diffusion.gaussian.sampler import Sampler, draw
from src.diffusion.gaussian.schedule import Schedule

Network = Callable[[Tensor, Tensor, Tensor], Tensor]

PREDICTIONS = ("noise", "residual", "score")
SMALLEST_SPREAD = 0.02
"""Smallest standard deviation of a coordinate: where one is almost constant, a residual has a finite scale.

Encoded coordinates are of order 1 and the first noise level is 0.01 (``diffusion=vp``).
"""


class GaussianNoise(NamedTuple):
    """Random numbers of the objective: times ``t`` (B,), and standard normal ``eps`` (B, D)."""

    t: Tensor
    eps: Tensor


class Noisy(NamedTuple):
    """Noisy rows ``x_t`` (B, D), their times ``t`` (B,), and the scales ``alpha`` and ``sigma`` (B,) at these times."""

    x_t: Tensor
    t: Tensor
    alpha: Tensor
    sigma: Tensor


class GaussianDiffusion(Diffusion[GaussianNoise]):
    """Predicts the noise of rows on a schedule.

    Arguments:
        network: maps (B, D) rows, (B,) or (1,) float times and sigmas to (B, D).
        schedule: scales at every time.
        prediction: meaning of the network's output, one of :data:`PREDICTIONS`.
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
        super().__init__(network)
        self.schedule = schedule
        self.prediction = prediction
        self.weight = weight
        self.register_buffer("mean", mean)
        self.register_buffer("std", std.clamp(min=SMALLEST_SPREAD))

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Predict the noise of noisy rows.

        Arguments:
            x_t: (B, D).
            t: (B,) or (1,) times, whole or float, between the schedule's first and last.

        Returns:
            (B, D).
        """
        alpha, sigma = (scale.to(x_t.dtype) for scale in self.schedule.scales(t))
        return self.predict(x_t, t, alpha, sigma)

    def predict(self, x_t: Tensor, t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """As :meth:`forward`, where the scales alpha and sigma (B,) or (1,) of the times are known already."""
        if torch.is_grad_enabled():
            return self.noise(self.network, x_t, t, alpha, sigma)
        return self.in_pieces(partial(self.noise, self.network), x_t, t, alpha, sigma)

    def noise(self, network: Network, x_t: Tensor, t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Predict noise by a network of rows at its scale, times and sigmas; the formulas stand above.

        Arguments:
            network: maps (B, D) rows, (B,) or (1,) times and sigmas to (B, D).
            x_t: (B, D) noisy rows.
            t: (B,) or (1,) times.
            alpha: (B,) or (1,) scale of the signal at these times.
            sigma: (B,) or (1,) scale of the noise.

        Returns:
            (B, D).
        """
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

    def draw_noise(self, x: Tensor, generator: torch.Generator) -> GaussianNoise:
        """See :meth:`Diffusion.draw_noise`."""
        t = self.schedule.draw_times(len(x), generator)
        return GaussianNoise(t, torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype))

    def losses(self, x: Tensor, mask: Tensor, noise: GaussianNoise) -> RowLosses:
        """Masked denoising score matching of each row at one random time (Algorithm 1).

        Computes :func:`masked_dsm` of the predicted noise; arguments as for :meth:`Diffusion.losses`. The noise level
        is sigma.
        """
        noisy, weight = self.noisy(x, noise)
        eps_hat = self.noise(self.network, *noisy)
        return RowLosses(masked_dsm(eps_hat, noise.eps, mask, weight), noisy.sigma)

    def noisy(self, x: Tensor, noise: GaussianNoise) -> tuple[Noisy, Tensor]:
        """Noise rows x (B, D): x_t = alpha_t x + sigma_t eps; also returns the weight (B,) of their losses."""
        log_ratio = self.schedule.ratio(noise.t)
        alpha, sigma = (scale.to(x.dtype) for scale in self.schedule.scales_at(log_ratio))
        x_t = alpha[:, None] * x + sigma[:, None] * noise.eps
        weight = noise_weight(self.schedule, self.weight, noise.t, log_ratio).to(x.dtype)
        return Noisy(x_t, noise.t, alpha, sigma), weight

    def draw(
        self,
        sampler: Sampler,
        n_rows: int,
        generator: torch.Generator,
        known: KnownCoordinates | None = None,
        on_progress: OnProgress = lambda share: None,
    ) -> Drawn:
        """Draw rows; known coordinates replace the drawn ones at every step (:func:`draw_by_replacement`).

        Arguments as for :meth:`Diffusion.draw`.
        """
        if known is None:
            return draw(self, sampler, n_rows, len(self.mean), generator, on_progress)
        return draw_by_replacement(self, sampler, known, n_rows, generator, on_progress)

    def log_likelihood(
        self,
        x: Tensor,
        mask: Tensor,
        generator: torch.Generator,
        accuracy: Accuracy,
        on_progress: OnProgress = lambda share: None,
    ) -> LogLikelihood:
        """Log-density at the first time, at which rows carry a little noise (:func:`noised`).

        Arguments as for :meth:`Diffusion.log_likelihood`.
        """
        noisy = noised(self, x, mask, generator)
        if accuracy.n_steps is not None:
            return quick_log_likelihood(self, noisy, mask, accuracy.n_steps, generator, on_progress)
        return log_likelihood(self, noisy, mask, accuracy.tolerance, accuracy.n_probes, generator, on_progress)
