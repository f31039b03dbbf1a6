r"""Draw unknown coordinates given known ones from a model of complete rows, by replacement with resampling.

At every step from t to an earlier t' the known coordinates are replaced by a noisy version of their values,

.. math:: x_{t'}^{known} = \alpha_{t'} x + \sigma_{t'} z

and the unknown ones follow the ancestral step (Song et al. 2021, https://arxiv.org/abs/2011.13456, section 5; the
MissDiff paper's code imputes in this way). One such step does not make the two parts agree: the unknown part was drawn
before the known one of t'. So each step is repeated: the row is noised again from t' to t,
:math:`x_t = a x_{t'} + \sqrt{b} z`, and denoised, ``n_repeats`` times in all (RePaint, Lugmayr et al. 2022,
https://arxiv.org/abs/2201.09865, Algorithm 1 with jump length 1).

The denoising steps add the noise of ``beta``: with the smaller one of ``posterior`` every repetition shrinks the
spread, to three quarters of the variance of a Gaussian after ten; with ``beta`` the mean is within 7 % of a standard
deviation, and the variance within 5 %.
"""

import torch
from torch import Tensor

from src.diffusion.base import Drawn, KnownCoordinates, OnProgress
from src.diffusion.gaussian.predictor import NoisePredictor
from src.diffusion.gaussian.sampler import Sampler, transition

DEFAULT_STEPS = 100
"""Steps of a process in continuous time whose sampler has no fixed number; as many as ``diffusion=vp`` has."""


@torch.no_grad()
def draw_by_replacement(
    denoiser: NoisePredictor,
    sampler: Sampler,
    known: KnownCoordinates,
    n_rows: int,
    generator: torch.Generator,
    on_progress: OnProgress = lambda share: None,
) -> Drawn:
    """Draw rows with known coordinates, by ancestral steps whatever the sampler's name.

    Arguments:
        denoiser: predicts noise.
        sampler: its number of steps counts alone.
        known: known coordinates, and the repetitions of a step.
        n_rows: rows to draw, n.
        generator: random stream; its device is where the rows are drawn.
        on_progress: receives the share of the steps that are done, 0..1.
    """
    device, schedule = generator.device, denoiser.schedule
    n_steps = sampler.n_steps if sampler.n_steps or schedule.discrete else DEFAULT_STEPS
    times = schedule.grid(n_steps)
    alphas, sigmas = schedule.scales(times.to(schedule.log_ratio.device))
    scales = list(zip(alphas.tolist(), sigmas.tolist(), strict=True))
    clean, mask = known.x.to(device).expand(n_rows, -1), known.mask.to(device)

    def noise() -> Tensor:
        return torch.randn(clean.shape, generator=generator, device=device)

    def replace_known(x: Tensor, alpha: float, sigma: float) -> Tensor:
        return torch.where(mask, alpha * clean + sigma * noise() if sigma > 0 else alpha * clean, x)

    alpha, sigma = scales[0]
    x = replace_known(schedule.prior_scale * noise(), alpha, sigma)
    n_evaluations = 0
    for i, (alpha, sigma) in enumerate(scales):
        t = torch.full((1,), float(times[i]), dtype=torch.float64, device=device)
        earlier = scales[i + 1] if i + 1 < len(scales) else (1.0, 0.0)
        step = transition((alpha, sigma), earlier)
        n_repeats = known.n_repeats if earlier[1] > 0 else 1  # the last step adds no noise: it cannot be repeated
        for repeat in range(n_repeats):
            x = (x - (step.b / sigma) * denoiser(x, t)) / step.a
            n_evaluations += 1
            if earlier[1] > 0:
                x = x + step.spread("beta") * noise()
            x = replace_known(x, *earlier)
            if repeat + 1 < n_repeats:
                x = step.a * x + step.b**0.5 * noise()
        on_progress((i + 1) / len(scales))
    return Drawn(x, n_evaluations)
