"""Every sampler on every schedule against a Gaussian whose score is known in closed form."""

import pytest
import torch

from src.diffusion import VarianceExploding, VariancePreserving, ancestral_sample
from src.diffusion.sampler import NOISES

N_ROWS = 20_000
MEAN = torch.tensor([0.4, -0.6, 0.0])
FACTOR = torch.tensor([[0.5, 0.0, 0.0], [0.3, 0.4, 0.0], [-0.2, 0.1, 0.3]])
COVARIANCE = FACTOR @ FACTOR.T
SCHEDULES = [
    VariancePreserving(100, 1e-4, 0.5).schedule(),
    VariancePreserving(200, 1e-4, 0.3).schedule(),
    VarianceExploding(200, 0.01, 10.0).schedule(),
]


def gaussian_noise_predictor(schedule):
    """E[eps | x_t] = sigma (alpha^2 C + sigma^2 I)^-1 (x_t - alpha mu) for x ~ N(mu, C)."""

    def predict(x_t, t):
        alpha, sigma = schedule.alpha[t[0]].float(), schedule.sigma[t[0]].float()
        total = alpha**2 * COVARIANCE + sigma**2 * torch.eye(3)
        return sigma * torch.linalg.solve(total, (x_t - alpha * MEAN).T).T

    return predict


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("schedule", SCHEDULES, ids=["vp100", "vp200", "ve200"])
def test_moments_of_a_known_gaussian(schedule, noise):
    generator = torch.Generator().manual_seed(0)
    x = ancestral_sample(gaussian_noise_predictor(schedule), schedule, (N_ROWS, 3), generator, noise)
    spread = COVARIANCE.diagonal().sqrt()
    discretisation = 0.04
    assert ((x.mean(0) - MEAN).abs() < 4 * spread / N_ROWS**0.5 + discretisation * spread).all()
    standard_error = 4 * (2 / N_ROWS) ** 0.5
    scale = spread[:, None] * spread
    assert ((x.T.cov() - COVARIANCE).abs() < (standard_error + 2 * discretisation) * scale).all()


def test_the_last_step_adds_no_noise():
    """With one step and a perfect prediction of a point mass, the point comes out exactly."""
    schedule = VariancePreserving(1, 0.5, 0.5).schedule()
    point = torch.tensor([[0.3, -0.7]])

    def predict(x_t, t):
        return (x_t - schedule.alpha[1].float() * point) / schedule.sigma[1].float()

    x = ancestral_sample(predict, schedule, (5, 2), torch.Generator().manual_seed(0), "beta")
    torch.testing.assert_close(x, point.expand(5, 2))


def test_paper_step_is_algorithm_2():
    """x_{t-1} = (x_t - (1 - alpha_t) / sqrt(1 - abar_t) eps) / sqrt(alpha_t) + sqrt(beta_t) z."""
    schedule = VariancePreserving(2, 0.1, 0.4).schedule()
    beta, abar = [0.1, 0.4], [0.9, 0.9 * 0.6]
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(4, 2, generator=generator)
    z = torch.randn(4, 2, generator=generator)
    for t in (2, 1):
        x = (x - beta[t - 1] / (1 - abar[t - 1]) ** 0.5 * (0.3 * x)) / (1 - beta[t - 1]) ** 0.5
        x = x + beta[1] ** 0.5 * z if t == 2 else x
    sampled = ancestral_sample(lambda x, t: 0.3 * x, schedule, (4, 2), torch.Generator().manual_seed(3), "beta")
    torch.testing.assert_close(sampled, x)


def test_steps_are_reported():
    steps = []
    schedule = VariancePreserving(7, 0.1, 0.4).schedule()
    ancestral_sample(lambda x, t: x, schedule, (1, 1), torch.Generator(), on_step=lambda: steps.append(1))
    assert len(steps) == 7
