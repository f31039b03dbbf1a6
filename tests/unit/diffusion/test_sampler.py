"""Every sampler on every process against a Gaussian whose score is known in closed form."""

import pytest
import torch
from torch import nn

from src.diffusion.gaussian.model import GaussianDiffusion
from src.diffusion.gaussian.sampler import Sampler, draw
from src.diffusion.gaussian.schedule import VarianceExploding, VariancePreserving
from src.errors import ConfigError, SolverError
from tests.unit.diffusion.gaussian import COVARIANCE, MEAN, gaussian_denoiser

N_ROWS = 20_000
VP = VariancePreserving(100, 1e-4, 0.5)
VE = VarianceExploding(0.01, 10.0)
CASES = [
    (VP, Sampler("ancestral", None, "beta", 1e-5), 0.04),
    (VP, Sampler("ancestral", None, "posterior", 1e-5), 0.04),
    (VariancePreserving(200, 1e-4, 0.3), Sampler("ancestral", None, "beta", 1e-5), 0.04),
    (VP, Sampler("predictor_corrector", None, "beta", 1e-5), 0.03),
    (VP, Sampler("ode", None, "beta", 1e-5), 0.005),
    (VP, Sampler("dpm", 30, "beta", 1e-5), 0.04),
    (VE, Sampler("ancestral", 200, "beta", 1e-5), 0.04),
    (VE, Sampler("ancestral", 200, "posterior", 1e-5), 0.06),
    (VE, Sampler("predictor_corrector", 200, "beta", 1e-5), 0.03),
    (VE, Sampler("ode", None, "beta", 1e-5), 0.01),
    (VE, Sampler("dpm", 30, "beta", 1e-5), 0.02),
]


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.slow
@pytest.mark.parametrize(("process", "sampler", "discretisation"), CASES, ids=str)
def test_moments_of_a_known_gaussian(process, sampler, discretisation):
    x = draw(gaussian_denoiser(process), sampler, N_ROWS, 3, stream()).x
    spread = COVARIANCE.diagonal().sqrt()
    prior_mean = 0.02 if process is VE else 0.0  # N(0, sigma_max^2) stands for N(mean, sigma_max^2 + ...)
    assert ((x.mean(0) - MEAN).abs() < 4 * spread / N_ROWS**0.5 + discretisation * spread + prior_mean).all()
    standard_error = 4 * (2 / N_ROWS) ** 0.5
    scale = spread[:, None] * spread
    assert ((x.T.cov() - COVARIANCE).abs() < (standard_error + 2 * discretisation) * scale).all()


class Known(nn.Module):
    """A network that is a function of (x, t, sigma)."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x, t, sigma):
        return self.function(x, t, sigma)


def denoiser(process, function, width):
    return GaussianDiffusion(
        Known(function), process.schedule(), "noise", "noise", torch.zeros(width), torch.ones(width)
    )


@pytest.mark.integration
@pytest.mark.parametrize(("process", "sampler"), [(p, s) for p, s, _ in CASES], ids=str)
def test_the_last_step_adds_no_noise(process, sampler):
    """With a perfect prediction of a point mass, the point comes out exactly, whatever the noise on the way."""
    point = torch.tensor([[0.3, -0.7]])
    schedule = process.schedule()

    def predict(x, t, sigma):
        times = t.double() if schedule.discrete else t.double() / 100
        alpha, sigma = (scale.float()[:, None] for scale in schedule.scales(times))
        return (x * (alpha**2 + sigma**2).sqrt() - alpha * point) / sigma

    x = draw(denoiser(process, predict, 2), sampler, 5, 2, stream()).x
    torch.testing.assert_close(x, point.expand(5, 2), atol=1e-4, rtol=0)


def test_paper_step_is_algorithm_2():
    """x_{t-1} = (x_t - (1 - alpha_t) / sqrt(1 - abar_t) eps) / sqrt(alpha_t) + sqrt(beta_t) z."""
    beta, abar = [0.1, 0.4], [0.9, 0.9 * 0.6]
    generator = stream(3)
    x = torch.randn(4, 2, generator=generator)
    z = torch.randn(4, 2, generator=generator)
    for t in (2, 1):
        x = (x - beta[t - 1] / (1 - abar[t - 1]) ** 0.5 * (0.3 * x)) / (1 - beta[t - 1]) ** 0.5
        x = x + beta[1] ** 0.5 * z if t == 2 else x
    model = denoiser(VariancePreserving(2, 0.1, 0.4), lambda x, t, sigma: 0.3 * x, 2)
    torch.testing.assert_close(draw(model, Sampler("ancestral", None, "beta", 1e-5), 4, 2, stream(3)).x, x)


@pytest.mark.integration
@pytest.mark.parametrize(("process", "sampler"), [(p, s) for p, s, _ in CASES], ids=str)
def test_evaluations_are_counted_and_progress_ends_at_one(process, sampler):
    calls, shares = [], []

    def predict(x, t, sigma):
        calls.append(1)
        return 0.5 * x

    drawn = draw(denoiser(process, predict, 2), sampler, 3, 2, stream(), shares.append)
    assert drawn.n_evaluations == len(calls)
    assert shares[-1] == 1
    assert all(share <= 1 for share in shares)
    if sampler.name in ("ancestral", "dpm"):
        assert len(calls) == (sampler.n_steps or process.n_steps)


def test_a_model_that_explodes_is_said_to():
    model = denoiser(VP, lambda x, t, sigma: x * float("inf"), 2)
    with pytest.raises(SolverError, match=r"the ODE solver cannot go on .*diffusion\.sampler\.name=dpm"):
        draw(model, Sampler("ode", None, "beta", 1e-5), 3, 2, stream())


@pytest.mark.parametrize(
    "settings", [("euler", 10, "beta", 1e-5), ("dpm", 0, "beta", 1e-5), ("ode", None, "b", 1e-5), ("ode", 1, "beta", 0)]
)
def test_impossible_samplers_are_refused(settings):
    with pytest.raises(ConfigError, match=r"diffusion\.sampler\."):
        Sampler(*settings)
