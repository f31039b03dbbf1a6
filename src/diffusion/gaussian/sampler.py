r"""Samplers: four ways to draw rows from noise, for any process.

* ``ancestral`` (Algorithm 2 of the MissDiff paper). One step from t to an earlier t', with the transition
  :math:`x_t = a x_{t'} + \sqrt{b} z`:

  .. math:: x_{t'} = \frac{1}{a} \Big( x_t - \frac{b}{\sigma_t} \hat\epsilon \Big) + s_t z

  with :math:`s_t^2 = b\,\sigma_{t'}^2 / \sigma_t^2` (``posterior``: the variance of
  :math:`x_{t'} | x_t, x_0`) or :math:`s_t^2 = b` (``beta``: as printed in Algorithm 2).
* ``predictor_corrector`` (Song et al. 2021, Algorithms 2 and 4): the same step with ``beta``'s
  noise, and before it one step of Langevin dynamics at signal-to-noise ratio 0.16.
* ``ode``: the probability-flow ODE by an adaptive solver (STaSy's sampler; :mod:`src.diffusion.gaussian.flow`).
* ``dpm``: the same ODE in a fixed number of steps, DPM-Solver++(2M) (Lu et al. 2022,
  https://arxiv.org/abs/2211.01095) with even steps in :math:`\log s`: with
  :math:`\hat x = (x_t - \sigma_t \hat\epsilon) / \alpha_t`, :math:`z = x_t / \alpha_t` and
  :math:`s = \sigma_t / \alpha_t`, :math:`z' = \frac{s'}{s} z + (1 - \frac{s'}{s}) \frac{3 \hat x - \hat x_{last}}{2}`.

Every sampler ends with a step that adds no noise, :math:`\hat x` at the first time. Algorithm 2 as
printed stops before it and would return a noisy row.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from src.diffusion.base import Drawn, OnProgress
from src.diffusion.gaussian.flow import Flow, integrate
from src.diffusion.gaussian.predictor import NoisePredictor
from src.diffusion.gaussian.schedule import Schedule
from src.errors import ConfigError

SAMPLERS = ("ancestral", "predictor_corrector", "ode", "dpm")
NOISES = ("posterior", "beta")
LANGEVIN_SNR = 0.16
"""Signal-to-noise ratio of a corrector step: the value of Song et al. 2021 for VE."""


@dataclass(frozen=True)
class Sampler:
    """How rows are drawn.

    Attributes:
        name: ``ancestral`` (Algorithm 2), ``dpm`` (ODE, fixed steps), ``ode`` (adaptive steps) or
            ``predictor_corrector``.
        n_steps: steps from noise to data; None = every whole time of the process. ``ode`` takes no number.
        noise: standard deviation of a step of ``ancestral``: ``beta``, the paper's sqrt(beta_t), or ``posterior``.
        tolerance: tolerance of ``ode``, relative and absolute.
    """

    name: str = "ancestral"
    n_steps: int | None = None
    noise: str = "beta"
    tolerance: float = 1e-5

    def __post_init__(self) -> None:
        for key, value, allowed in (("name", self.name, SAMPLERS), ("noise", self.noise, NOISES)):
            if value not in allowed:
                raise ConfigError(f"diffusion.sampler.{key} is one of {list(allowed)}, got {value!r}")
        if self.n_steps is not None and self.n_steps < 1:
            raise ConfigError(f"diffusion.sampler.n_steps is at least 1, or null, got {self.n_steps}")
        if not 0 < self.tolerance < 1:
            raise ConfigError(f"diffusion.sampler.tolerance is between 0 and 1, got {self.tolerance}")


@dataclass(frozen=True)
class Transition:
    """Transition from an earlier time t' to t: x_t = a x_t' + sqrt(b) z; ``shrinkage`` is sigma_t' / sigma_t."""

    a: float
    b: float
    shrinkage: float

    def spread(self, noise: str) -> float:
        """Standard deviation of the noise that a step from t to t' adds; ``noise`` is one of :data:`NOISES`."""
        return float(self.b**0.5 * (self.shrinkage if noise == "posterior" else 1.0))


def transition(scales: tuple[float, float], earlier: tuple[float, float]) -> Transition:
    """The transition between the times of two pairs (alpha, sigma)."""
    a = scales[0] / earlier[0]
    return Transition(a, scales[1] ** 2 - a**2 * earlier[1] ** 2, earlier[1] / scales[1])


@torch.no_grad()
def draw(
    denoiser: NoisePredictor,
    sampler: Sampler,
    n_rows: int,
    width: int,
    generator: torch.Generator,
    on_progress: OnProgress = lambda share: None,
) -> Drawn:
    """Draw rows from the denoiser's model.

    Arguments:
        denoiser: predicts noise.
        sampler: how rows are drawn.
        n_rows: rows to draw.
        width: D.
        generator: random stream; its device is where the rows are drawn.
        on_progress: receives the share of the path from noise to data that is done, 0..1, now and then.

    Raises:
        SolverError: ``ode`` cannot go on.
    """
    x = denoiser.schedule.prior_scale * torch.randn(n_rows, width, generator=generator, device=generator.device)
    if sampler.name == "ode":
        return _ode(denoiser, sampler, x, on_progress)
    if sampler.name == "dpm":
        return _dpm(denoiser, sampler, x, on_progress)
    return _ancestral(denoiser, sampler, x, generator, on_progress)


def _ancestral(
    denoiser: NoisePredictor, sampler: Sampler, x: Tensor, generator: torch.Generator, on_progress: OnProgress
) -> Drawn:
    """Ancestral steps, after a Langevin step each where the sampler is ``predictor_corrector``."""
    corrected = sampler.name == "predictor_corrector"
    noise = "beta" if corrected else sampler.noise
    schedule = denoiser.schedule
    times = schedule.grid(sampler.n_steps)
    scales = [(float(alpha), float(sigma)) for alpha, sigma in zip(*_on_cpu(schedule, times), strict=True)]
    n_evaluations = 0
    for i, (alpha, sigma) in enumerate(scales):
        t = torch.full((1,), float(times[i]), dtype=torch.float64, device=x.device)
        earlier = scales[i + 1] if i + 1 < len(scales) else (1.0, 0.0)
        if corrected:
            x = _langevin(denoiser, x, t, alpha, sigma, generator)
            n_evaluations += 1
        step = transition((alpha, sigma), earlier)
        x = (x - (step.b / sigma) * denoiser(x, t)) / step.a
        n_evaluations += 1
        if earlier[1] > 0:
            x = x + step.spread(noise) * torch.randn(x.shape, generator=generator, device=x.device)
        on_progress((i + 1) / len(scales))
    return Drawn(x, n_evaluations)


def _langevin(
    denoiser: NoisePredictor, x: Tensor, t: Tensor, alpha: float, sigma: float, generator: torch.Generator
) -> Tensor:
    """One step of Langevin dynamics (Song et al. 2021, Algorithms 4 and 5): it corrects x (n, D) at a fixed time."""
    z = torch.randn(x.shape, generator=generator, device=x.device)
    score = -denoiser(x, t) / sigma
    size = 2 * alpha * (LANGEVIN_SNR * z.norm(dim=1).mean() / score.norm(dim=1).mean()) ** 2
    corrected: Tensor = x + size * score + (2 * size).sqrt() * z
    return corrected


def _ode(denoiser: NoisePredictor, sampler: Sampler, x: Tensor, on_progress: OnProgress) -> Drawn:
    """Integrate the probability-flow ODE from the last time to the first, then remove the noise that is left."""
    first, last = denoiser.schedule.log_ratio_range
    flow = Flow(denoiser, lambda u: on_progress((last - u) / (last - first) if last > first else 1.0))
    ends = torch.tensor([first, last], dtype=torch.float64, device=x.device)
    alpha, sigma = (scale.to(x.dtype) for scale in denoiser.schedule.scales_at(ends))
    radius = (alpha**2 + sigma**2).sqrt()
    y = integrate(flow, x / radius[1], last, first, sampler.tolerance)
    x = (y * radius[0] - sigma[0] * flow.noise(ends[0], y)) / alpha[0]
    on_progress(1.0)
    return Drawn(x, flow.n_evaluations)


def _dpm(denoiser: NoisePredictor, sampler: Sampler, x: Tensor, on_progress: OnProgress) -> Drawn:
    """DPM-Solver++(2M); the first step, which has no predecessor, and the last one are of first order."""
    schedule = denoiser.schedule
    first, last = schedule.log_ratio_range
    n_steps = sampler.n_steps or len(schedule.grid(None))
    ratios = torch.linspace(last, first, n_steps, dtype=torch.float64, device=x.device)
    alpha, sigma = (scale.to(x.dtype) for scale in schedule.scales_at(ratios))
    times, s = schedule.time(ratios), [*ratios.exp().tolist(), 0.0]
    z = x / alpha[0]
    previous_clean = torch.zeros_like(x)
    for i in range(n_steps):
        eps_hat = denoiser.predict(z * alpha[i], times[i : i + 1], alpha[i : i + 1], sigma[i : i + 1])
        clean = z - s[i] * eps_hat
        target = 1.5 * clean - 0.5 * previous_clean if 0 < i < n_steps - 1 else clean
        shrink = s[i + 1] / s[i]
        z = shrink * z + (1 - shrink) * target
        previous_clean = clean
        on_progress((i + 1) / n_steps)
    return Drawn(z, n_steps)


def _on_cpu(schedule: Schedule, times: Tensor) -> tuple[Tensor, Tensor]:
    """Alpha and sigma at times, on the CPU: then the loop over steps does not wait for the device at each of them."""
    alpha, sigma = schedule.scales(times.to(schedule.log_ratio.device))
    return alpha.cpu(), sigma.cpu()
