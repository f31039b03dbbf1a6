r"""Ancestral sampling (Algorithm 2) for any schedule.

One step from t to t - 1, with the transition :math:`x_t = a x_{t-1} + \sqrt{b} z`:

.. math:: x_{t-1} = \frac{1}{a} \Big( x_t - \frac{b}{\sigma_t} \hat\epsilon \Big) + s_t z

with :math:`s_t^2 = b\,\sigma_{t-1}^2 / \sigma_t^2` (``posterior``: the variance of
:math:`x_{t-1} | x_t, x_0`) or :math:`s_t^2 = b` (``beta``: the paper's Algorithm 2). All T steps are
taken and the last adds no noise: the printed loop stops at t = 1, which would return a noisy row.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from src.diffusion.schedule import Schedule

NOISES = ("posterior", "beta")
PredictNoise = Callable[[Tensor, Tensor], Tensor]


@torch.no_grad()
def ancestral_sample(
    predict_noise: PredictNoise,
    schedule: Schedule,
    shape: tuple[int, int],
    generator: torch.Generator,
    noise: str = "posterior",
    on_step: Callable[[], object] = lambda: None,
) -> Tensor:
    """Draw rows by running the reverse process over all T steps.

    Arguments:
        predict_noise: maps x_t (n, D) and whole times (n,) to the predicted noise (n, D).
        schedule: scales on the grid of times.
        shape: (n, D).
        generator: random stream; its device is where the rows are drawn.
        noise: ``posterior`` or ``beta``, the standard deviation of the added noise.
        on_step: called after every step (progress).

    Returns:
        x_0, (n, D).
    """
    device = generator.device
    x = schedule.prior_scale * torch.randn(shape, generator=generator, device=device)
    for t in range(schedule.n_steps, 0, -1):
        a, b = schedule.step(t)
        sigma_t, sigma_s = float(schedule.sigma[t]), float(schedule.sigma[t - 1])
        times = torch.full((1,), t, device=device)
        x = (x - (b / sigma_t) * predict_noise(x, times)) / a
        if t > 1:
            spread = b**0.5 * (sigma_s / sigma_t if noise == "posterior" else 1.0)
            x = x + spread * torch.randn(shape, generator=generator, device=device)
        on_step()
    return x
