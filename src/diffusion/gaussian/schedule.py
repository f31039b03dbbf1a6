r"""Noise schedules: the scales of :math:`x_t = \alpha_t x + \sigma_t \epsilon`.

Everything follows from the noise-to-signal ratio :math:`s_t = \sigma_t / \alpha_t` and from how the
scales share it; :math:`u = \log s` is the time in which samplers and likelihoods integrate, because
there the probability-flow ODE is the same for every process.

* variance preserving (VP, the paper's): :math:`\alpha_t^2 + \sigma_t^2 = 1` with
  :math:`\alpha_t^2 = \bar\alpha_t = \prod_{s \le t} (1 - \beta_s)`, :math:`\sqrt{\beta_t}` linear in
  t ("quadratic" schedule; CSDI, Tashiro et al. 2021). Training draws whole times 1..T.
* variance exploding (VE; Song et al. 2021): :math:`\alpha_t = 1`,
  :math:`\sigma_t = \sigma_{min} (\sigma_{max} / \sigma_{min})^t`, t continuous in (0, 1].

References: Ho et al. 2020, https://arxiv.org/abs/2006.11239; Song et al. 2021,
https://arxiv.org/abs/2011.13456
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from src.errors import ConfigError

FIRST_TIME = 1e-5
"""First time of VE, STaSy's; Song et al. 2021 begin there for numerical stability."""
VE_POSITIONS = 100
"""VE's times in (0, 1] are embedded as 0..100: sinusoids that resolve whole steps do not resolve smaller numbers."""


class Schedule(nn.Module):
    r"""Scales of signal and noise at times between ``first`` and ``last``.

    :math:`u_t = \log(\sigma_t / \alpha_t)` is linear between evenly spaced knots. A discrete process
    has a knot at each of its whole times; geometric VE is linear in all of time and needs two.

    Arguments:
        first: earliest time, at which the rows count as clean.
        last: latest time, where sampling starts.
        log_ratio: (K,) float64, increasing, u at the knots.
        rates: (K,) float64, :math:`g(t)^2 / \sigma_t^2` at the knots (beta_t / sigma_t^2 if discrete).
        preserving: whether alpha^2 + sigma^2 = 1; otherwise alpha = 1.
        discrete: whether training draws whole times only.
    """

    log_ratio: Tensor
    rates: Tensor

    def __init__(
        self, first: float, last: float, log_ratio: Tensor, rates: Tensor, preserving: bool, discrete: bool
    ) -> None:
        super().__init__()
        self.first, self.last = first, last
        self.preserving = preserving
        self.discrete = discrete
        self.register_buffer("log_ratio", log_ratio, persistent=False)
        self.register_buffer("rates", rates, persistent=False)

    @property
    def log_ratio_range(self) -> tuple[float, float]:
        """Log-ratio u at the first and at the last time."""
        return float(self.log_ratio[0]), float(self.log_ratio[-1])

    @property
    def prior_scale(self) -> float:
        """Standard deviation of the noise x_T that sampling starts from: 1 for VP, sigma_max for VE."""
        return 1.0 if self.preserving else float(self.log_ratio[-1].exp())

    def ratio(self, t: Tensor) -> Tensor:
        """Log-ratio u at times t, float64, of the shape of t."""
        position = self._knot_position(t)
        below = position.floor().long().clamp(0, len(self.log_ratio) - 1)
        above = (below + 1).clamp(max=len(self.log_ratio) - 1)
        return torch.lerp(self.log_ratio[below], self.log_ratio[above], position - below)

    def time(self, log_ratio: Tensor) -> Tensor:
        """Inverse of :meth:`ratio`: times, float64, at which u has these values."""
        if len(self.log_ratio) == 1:
            return torch.full_like(log_ratio, self.first, dtype=torch.float64)
        u = log_ratio.double()
        above = torch.searchsorted(self.log_ratio, u).clamp(1, len(self.log_ratio) - 1)
        low, high = self.log_ratio[above - 1], self.log_ratio[above]
        position = above - 1 + ((u - low) / (high - low)).clamp(0, 1)
        return self.first + position * (self.last - self.first) / (len(self.log_ratio) - 1)

    def scales(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """Alpha and sigma at times t, float64, of the shape of t."""
        return self.scales_at(self.ratio(t))

    def scales_at(self, log_ratio: Tensor) -> tuple[Tensor, Tensor]:
        """Alpha and sigma where u has these values, of their shape."""
        s = log_ratio.exp()
        alpha = (1 + s**2).rsqrt() if self.preserving else torch.ones_like(s)
        return alpha, s * alpha

    def rate(self, t: Tensor) -> Tensor:
        r""":math:`g(t)^2 / \sigma_t^2` at times t (of a discrete process: at the nearest whole time)."""
        return self.rates[self._knot_position(t).round().long().clamp(0, len(self.rates) - 1)]

    def embedded(self, t: Tensor) -> Tensor:
        """Times on the scale of sinusoidal embeddings: 1..T, or 0..100 in continuous time."""
        return t if self.discrete else VE_POSITIONS * t

    def draw_times(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw (n,) times of training, uniform between first and last; whole ones of a discrete process."""
        device = generator.device
        if self.discrete:
            return torch.randint(int(self.first), int(self.last) + 1, (n,), generator=generator, device=device)
        return self.first + (self.last - self.first) * torch.rand(n, generator=generator, device=device)

    def grid(self, n_steps: int | None) -> Tensor:
        """Decreasing times from last to first, float64.

        Arguments:
            n_steps: number of times; a discrete process rounds them to whole ones, each once. None = all whole ones.
        """
        if n_steps is None:
            assert self.discrete, "a continuous process has no whole times"
            return torch.arange(int(self.last), int(self.first) - 1, -1, dtype=torch.float64)
        times = torch.linspace(self.last, self.first, n_steps, dtype=torch.float64)
        return times.round().unique().flip(0) if self.discrete else times

    def _knot_position(self, t: Tensor) -> Tensor:
        """Times as fractional indices of knots, float64."""
        if self.last == self.first:
            return torch.zeros_like(t, dtype=torch.float64)
        return (t.double() - self.first) * ((len(self.log_ratio) - 1) / (self.last - self.first))


class Process(Protocol):
    """Parameters of a forward process, which fix a schedule."""

    def schedule(self) -> Schedule:
        """Build the schedule of the process."""
        ...


@dataclass(frozen=True)
class VariancePreserving:
    """VP: T steps with beta from ``beta_min`` to ``beta_max``, their square roots evenly spaced.

    Attributes:
        n_steps: T, the steps of the process.
        beta_min: smallest variance that a step adds, in (0, 1).
        beta_max: largest one.
    """

    n_steps: int = 100
    beta_min: float = 0.0001
    beta_max: float = 0.5

    def __post_init__(self) -> None:
        if self.n_steps < 1:
            raise ConfigError(f"diffusion.process.n_steps is at least 1, got {self.n_steps}")
        if not 0 < self.beta_min <= self.beta_max < 1:
            raise ConfigError(f"0 < beta_min <= beta_max < 1 must hold, got {self.beta_min} and {self.beta_max}")

    def schedule(self) -> Schedule:
        """Build the schedule, of whole times 1..T."""
        beta = torch.linspace(self.beta_min**0.5, self.beta_max**0.5, self.n_steps, dtype=torch.float64) ** 2
        alpha_bar = (1 - beta).cumprod(0)
        log_ratio = 0.5 * ((1 - alpha_bar).log() - alpha_bar.log())
        return Schedule(1, self.n_steps, log_ratio, beta / (1 - alpha_bar), preserving=True, discrete=True)


@dataclass(frozen=True)
class VarianceExploding:
    """VE: sigma geometric from ``sigma_min`` (t = 0) to ``sigma_max`` (t = 1), in continuous time.

    Attributes:
        sigma_min: smallest standard deviation of the noise, above 0.
        sigma_max: largest one.
    """

    sigma_min: float = 0.01
    sigma_max: float = 10.0

    def __post_init__(self) -> None:
        if not 0 < self.sigma_min < self.sigma_max:
            raise ConfigError(f"0 < sigma_min < sigma_max must hold, got {self.sigma_min} and {self.sigma_max}")

    def schedule(self) -> Schedule:
        """Build the schedule, of times from :data:`FIRST_TIME` to 1."""
        low, high = torch.tensor([self.sigma_min, self.sigma_max], dtype=torch.float64).log()
        log_ratio = torch.stack([low + FIRST_TIME * (high - low), high])
        rates = 2 * (high - low).expand(2).clone()
        return Schedule(FIRST_TIME, 1.0, log_ratio, rates, preserving=False, discrete=False)
