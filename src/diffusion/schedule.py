r"""Noise schedules: the scales of :math:`x_t = \alpha_t x + \sigma_t \epsilon` on a grid of times.

Time is a whole number t in 0..T; t = 0 is the data (:math:`\alpha_0 = 1, \sigma_0 = 0`).

* variance preserving (VP, the paper's): :math:`\alpha_t = \sqrt{\bar\alpha_t}`,
  :math:`\sigma_t = \sqrt{1 - \bar\alpha_t}`, :math:`\bar\alpha_t = \prod_{s \le t} (1 - \beta_s)`,
  :math:`\sqrt{\beta_t}` linear in t ("quadratic" schedule; CSDI, Tashiro et al. 2021).
* variance exploding (VE; Song et al. 2021): :math:`\alpha_t = 1`, :math:`\sigma_t` geometric.

References: Ho et al. 2020, https://arxiv.org/abs/2006.11239; Song et al. 2021,
https://arxiv.org/abs/2011.13456
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from src.errors import ConfigError


@dataclass(frozen=True)
class Schedule:
    """Scales at t = 0..T, each (T + 1,) float64.

    Attributes:
        alpha: signal scales.
        sigma: noise scales, increasing, ``sigma[0] == 0``.
    """

    alpha: Tensor
    sigma: Tensor

    @property
    def n_steps(self) -> int:
        """T."""
        return len(self.sigma) - 1

    @property
    def prior_scale(self) -> float:
        """Standard deviation of x_T that sampling starts from (zero-mean data of small scale)."""
        return float((self.alpha[-1] ** 2 + self.sigma[-1] ** 2).sqrt())

    def step(self, t: int) -> tuple[float, float]:
        r"""Scales of the transition x_{t-1} -> x_t: signal a and noise variance b.

        :math:`a = \alpha_t / \alpha_{t-1}`, :math:`b = \sigma_t^2 - a^2 \sigma_{t-1}^2`; for VP,
        :math:`a = \sqrt{1 - \beta_t}` and :math:`b = \beta_t`.
        """
        a = self.alpha[t] / self.alpha[t - 1]
        return float(a), float(self.sigma[t] ** 2 - a**2 * self.sigma[t - 1] ** 2)


class Process(Protocol):
    """A forward process: parameters that fix a schedule."""

    def schedule(self) -> Schedule:
        """Scales on the grid 0..T."""
        ...


@dataclass(frozen=True)
class VariancePreserving:
    """VP: T steps, beta from ``beta_min`` to ``beta_max``, square roots evenly spaced."""

    n_steps: int
    beta_min: float
    beta_max: float

    def __post_init__(self) -> None:
        if self.n_steps < 1:
            raise ConfigError(f"diffusion.process.n_steps is at least 1, got {self.n_steps}")
        if not 0 < self.beta_min <= self.beta_max < 1:
            raise ConfigError(f"0 < beta_min <= beta_max < 1 must hold, got {self.beta_min} and {self.beta_max}")

    def schedule(self) -> Schedule:
        """Scales on the grid 0..T."""
        root = torch.linspace(self.beta_min**0.5, self.beta_max**0.5, self.n_steps, dtype=torch.float64)
        alpha_bar = torch.cat([torch.ones(1, dtype=torch.float64), (1 - root**2).cumprod(0)])
        return Schedule(alpha_bar.sqrt(), (1 - alpha_bar).sqrt())


@dataclass(frozen=True)
class VarianceExploding:
    """VE: sigma geometric from ``sigma_min`` (t = 1) to ``sigma_max`` (t = T)."""

    n_steps: int
    sigma_min: float
    sigma_max: float

    def __post_init__(self) -> None:
        if self.n_steps < 2:
            raise ConfigError(f"diffusion.process.n_steps is at least 2, got {self.n_steps}")
        if not 0 < self.sigma_min < self.sigma_max:
            raise ConfigError(f"0 < sigma_min < sigma_max must hold, got {self.sigma_min} and {self.sigma_max}")

    def schedule(self) -> Schedule:
        """Scales on the grid 0..T."""
        exponent = torch.linspace(0, 1, self.n_steps, dtype=torch.float64)
        sigma = self.sigma_min * (self.sigma_max / self.sigma_min) ** exponent
        return Schedule(torch.ones(self.n_steps + 1, dtype=torch.float64), torch.cat([torch.zeros(1), sigma]))
