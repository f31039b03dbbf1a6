"""Likelihoods and the bound of Theorem 2.3 where the density is known."""

import math

import pytest
import torch

from src.diffusion.gaussian.likelihood import log_likelihood, noised, quick_log_likelihood, theorem_2_3
from src.diffusion.gaussian.schedule import VarianceExploding, VariancePreserving
from tests.unit.diffusion.gaussian import (
    COVARIANCE,
    FACTOR,
    MEAN,
    density_at_first_time,
    gaussian_denoiser,
    gaussian_rows,
)

VP = VariancePreserving(100, 1e-4, 0.5)
VE = VarianceExploding(0.01, 1000.0)
N_ROWS = 500


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def rows(denoiser, n=N_ROWS):
    generator = stream()
    x = gaussian_rows(n, generator)
    everything = torch.ones(n, 3, dtype=torch.bool)
    return noised(denoiser, x, everything, generator), everything


@pytest.mark.integration
@pytest.mark.parametrize(("process", "error"), [(VP, 1e-3), (VE, 5e-3)], ids=["vp", "ve"])
def test_exact_trace_gives_the_closed_form_density(process, error):
    """For VE the prior N(0, sigma_max^2) stands for N(mean, sigma_max^2 + C): hence a large one."""
    model = gaussian_denoiser(process)
    x, mask = rows(model)
    found = log_likelihood(model, x, mask, 1e-5)
    expected = density_at_first_time(model).log_prob(x)
    torch.testing.assert_close(found.nats, expected, atol=error, rtol=0)
    torch.testing.assert_close(found.bits, -expected / (3 * math.log(2)), atol=error, rtol=0)
    assert found.n_evaluations > 20


def test_hutchinson_is_unbiased():
    model = gaussian_denoiser(VP)
    x, mask = rows(model)
    exact = log_likelihood(model, x, mask, 1e-4).nats
    errors = log_likelihood(model, x, mask, 1e-4, n_probes=1, generator=stream(1)).nats - exact
    assert errors.std() > 0.01
    assert abs(float(errors.mean())) < 4 * float(errors.std()) / N_ROWS**0.5


@pytest.mark.integration
@pytest.mark.parametrize("process", [VP, VE], ids=["vp", "ve"])
def test_the_quick_estimate_comes_to_the_closed_form_density(process):
    """Its error falls as 1 / n, of Euler's steps and of the mean of as many probes."""
    model = gaussian_denoiser(process)
    x, mask = rows(model)
    expected = density_at_first_time(model).log_prob(x)
    errors = {}
    for n_steps in (16, 64, 256):
        found = quick_log_likelihood(model, x, mask, n_steps, stream(1))
        assert found.n_evaluations == n_steps
        errors[n_steps] = found.nats - expected
    assert float(errors[256].square().mean().sqrt()) < 0.15
    assert float(errors[64].square().mean()) < float(errors[16].square().mean()) / 4
    assert float(errors[256].square().mean()) < float(errors[64].square().mean()) / 3


def test_the_quick_estimate_finds_the_rows_that_a_change_of_the_model_makes_less_likely():
    """The probes are the same for two models, so that their difference is surer than either."""
    before, after = gaussian_denoiser(VE), gaussian_denoiser(VE, MEAN + 0.03)
    x, mask = rows(before)
    change = density_at_first_time(after, MEAN + 0.03).log_prob(x) - density_at_first_time(before).log_prob(x)
    found = [quick_log_likelihood(model, x, mask, 16, stream(1)).nats for model in (before, after)]
    assert change.std() > 0.1
    assert float(torch.corrcoef(torch.stack([found[1] - found[0], change]))[0, 1]) > 0.98


def test_the_quick_estimate_of_a_row_with_holes_reads_its_observed_coordinates_alone():
    model = gaussian_denoiser(VP)
    x, mask = rows(model, 20)
    mask[:, 1] = False
    mask[0] = False
    first = quick_log_likelihood(model, x * mask, mask, 16, stream(1))
    torch.testing.assert_close(quick_log_likelihood(model, x, mask, 16, stream(1)).nats, first.nats)
    assert first.nats[0] == 0


@pytest.mark.integration
@pytest.mark.parametrize("process", [VP, VE], ids=["vp", "ve"])
def test_a_row_with_holes_has_the_density_of_its_observed_coordinates(process):
    """With independent coordinates of mean 0 the zero fill tells nothing: the density is the marginal."""
    covariance = torch.diag(torch.tensor([0.3, 0.2, 0.1]))
    model = gaussian_denoiser(process, torch.zeros(3), covariance)
    x, _ = rows(model)
    mask = torch.rand(x.shape, generator=stream(2)) > 0.4
    mask[0] = False
    found = log_likelihood(model, x * mask, mask, 1e-5)
    alpha, sigma = (float(scale) for scale in model.schedule.scales(torch.tensor(model.schedule.first)))
    spread = (alpha**2 * covariance.diagonal() + sigma**2).sqrt()
    expected = (torch.distributions.Normal(0.0, spread).log_prob(x) * mask).sum(dim=1)
    torch.testing.assert_close(found.nats, expected, atol=2e-2, rtol=0)
    assert found.nats[0] == 0
    assert found.n_coordinates.tolist() == mask.sum(dim=1).tolist()


def test_what_stands_in_a_missing_coordinate_of_the_output_never_matters():
    model = gaussian_denoiser(VP)
    x, mask = rows(model, 20)
    mask[:, 1] = False
    first = log_likelihood(model, x * mask, mask, 1e-4).nats
    torch.testing.assert_close(log_likelihood(model, x, mask, 1e-4).nats, first)


@pytest.mark.parametrize("process", [VP, VE], ids=["vp", "ve"])
def test_the_bound_is_tight_for_the_exact_score_of_complete_rows(process):
    model = gaussian_denoiser(process)
    x = gaussian_rows(4000, stream())
    everything = torch.ones_like(x, dtype=torch.bool)
    bound = theorem_2_3(model, x, everything, x, 50, stream(1))
    entropy = float(density_at_first_time(model).entropy())
    assert bound.factor == 1
    assert bound.nats == pytest.approx(entropy, abs=0.1)


@pytest.mark.integration
@pytest.mark.parametrize("process", [VP, VE], ids=["vp", "ve"])
@pytest.mark.parametrize("ratio", [0.0, 0.2, 0.6])
def test_the_bound_of_theorem_2_3_holds_for_a_wrong_model(process, ratio):
    """The model is another Gaussian q; -E log q is known, and the right side must not fall below it.

    Coordinates of both are independent with mean 0, where the network's output at a zero-filled row
    is that at the complete one, as the theorem's proof has it.
    """
    p, q = torch.diag(torch.tensor([0.3, 0.2, 0.1])), torch.diag(torch.tensor([0.2, 0.3, 0.15]))
    model = gaussian_denoiser(process, torch.zeros(3), q)
    x = gaussian_rows(4000, stream(), torch.zeros(3), p.sqrt())
    mask = torch.rand(x.shape, generator=stream(2)) >= ratio
    bound = theorem_2_3(model, x * mask, mask, x, 30, stream(1))
    everything = torch.ones_like(mask)
    cross_entropy = -density_at_first_time(model, torch.zeros(3), q).log_prob(noised(model, x, everything, stream(3)))
    assert bound.factor == pytest.approx(1 / (1 - ratio), rel=0.05)
    assert bound.nats >= float(cross_entropy.mean()) - 0.05
    if ratio == 0:
        assert bound.nats <= float(cross_entropy.mean()) + 1


def test_the_bound_integrates_what_training_sums():
    """lambda = beta_t gives the noise form the weight beta_t / sigma_t^2 = 2 du/dt, in the limit of many steps."""
    schedule = VariancePreserving(5000, 1e-6, 5e-3).schedule()
    first, last = schedule.log_ratio_range
    assert float(schedule.rate(torch.arange(2, 5001)).sum()) / 2 == pytest.approx(last - first, rel=0.05)


def test_the_gaussian_of_the_tests_is_what_it_says():
    x = gaussian_rows(100_000, stream())
    torch.testing.assert_close(x.T.cov(), COVARIANCE, atol=0.01, rtol=0)
    torch.testing.assert_close(x.mean(0), MEAN, atol=0.01, rtol=0)
    torch.testing.assert_close(FACTOR @ FACTOR.T, COVARIANCE)
