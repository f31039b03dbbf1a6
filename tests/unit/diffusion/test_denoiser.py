import pytest
import torch
from torch import nn

from src.diffusion import Denoiser, VarianceExploding, VariancePreserving, masked_dsm
from src.diffusion.denoiser import PREDICTIONS, WEIGHTS, noise_weights
from src.diffusion.networks import ResidualAttentionRecipe, ResidualMLPRecipe

SCHEDULES = [VariancePreserving(20, 1e-4, 0.5).schedule(), VarianceExploding(20, 0.01, 10.0).schedule()]
NETWORKS = [ResidualMLPRecipe(16, 2, 8), ResidualAttentionRecipe(8, 2, 2, 8)]


class Linear(nn.Module):
    """Maps (x, t) to W x: enough to have a gradient everywhere."""

    def __init__(self, width):
        super().__init__()
        self.layer = nn.Linear(width, width)

    def forward(self, x, t):
        return self.layer(x)


MEAN = torch.tensor([0.3, -0.9, 0.0])
STD = torch.tensor([0.5, 0.1, 1.0])


def denoiser(network, width, schedule, prediction, weight):
    return Denoiser(network, schedule, prediction, weight, torch.zeros(width), torch.ones(width))


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def test_masked_dsm_by_hand():
    eps_hat = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    eps = torch.tensor([[0.0, 0.0], [1.0, 9.0]])
    mask = torch.tensor([[True, True], [True, False]])
    losses = masked_dsm(eps_hat, eps, mask, torch.tensor([1.0, 10.0]))
    torch.testing.assert_close(losses, torch.tensor([(1 + 4) / 2, 10 * 4 / 2]))


def test_all_ones_mask_is_plain_denoising_score_matching():
    eps_hat, eps = torch.randn(2, 50, 7, generator=stream()).unbind()
    losses = masked_dsm(eps_hat, eps, torch.ones(50, 7, dtype=torch.bool), torch.ones(50))
    torch.testing.assert_close(losses.mean(), nn.functional.mse_loss(eps_hat, eps))


def test_an_all_missing_row_costs_nothing_and_is_finite():
    model = denoiser(Linear(3), 3, SCHEDULES[0], "residual", "velocity")
    losses = model.losses(torch.zeros(4, 3), torch.zeros(4, 3, dtype=torch.bool), stream()).loss
    losses.mean().backward()
    assert (losses == 0).all()
    assert all(p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("schedule", SCHEDULES, ids=["vp", "ve"])
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_masked_entries_have_no_influence_on_the_objective_but_through_the_input(schedule, prediction):
    """The output at a missing coordinate gets no gradient."""
    network = Linear(4)
    mask = torch.tensor([[True, True, False, True]]).expand(32, 4)
    model = denoiser(network, 4, schedule, prediction, "noise")
    model.losses(torch.randn(32, 4, generator=stream()) * mask, mask, stream(1)).loss.mean().backward()
    assert (network.layer.weight.grad[2] == 0).all()
    assert (network.layer.weight.grad[[0, 1, 3]] != 0).all()


@pytest.mark.parametrize("schedule", SCHEDULES, ids=["vp", "ve"])
def test_a_silent_network_is_optimal_for_independent_gaussian_coordinates(schedule):
    """For x_i ~ N(mu_i, s_i^2), E[eps | x_t] = sigma (x_t - alpha mu) / (alpha^2 s^2 + sigma^2): f = 0 gives it."""

    class Silent(nn.Module):
        def forward(self, x, t):
            return torch.zeros_like(x)

    model = Denoiser(Silent(), schedule, "residual", "noise", MEAN, STD)
    x_t = torch.randn(5, 3, generator=stream())
    for t in (1, 10, 20):
        alpha, sigma = schedule.alpha[t].float(), schedule.sigma[t].float()
        expected = sigma * (x_t - alpha * MEAN) / (alpha**2 * STD**2 + sigma**2)
        torch.testing.assert_close(model(x_t, torch.full((5,), t)), expected)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=["vp", "ve"])
def test_at_unit_scale_the_residual_is_the_velocity(schedule):
    """eps_hat = (sigma u + alpha f) / r with u = x_t / r and r^2 = alpha^2 + sigma^2."""
    network = Linear(3)
    x_t = torch.randn(5, 3, generator=stream())
    t = torch.full((5,), 7)
    alpha, sigma = schedule.alpha[7].float(), schedule.sigma[7].float()
    r = (alpha**2 + sigma**2).sqrt()
    expected = (sigma * x_t / r + alpha * network(x_t / r, t)) / r
    torch.testing.assert_close(denoiser(network, 3, schedule, "residual", "noise")(x_t, t), expected)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=["vp", "ve"])
def test_weights_are_lambda_over_variance(schedule):
    sigma2 = schedule.sigma[1:] ** 2
    lambdas = {name: noise_weights(schedule, name)[1:] * sigma2 for name in WEIGHTS}
    torch.testing.assert_close(lambdas["noise"], sigma2)
    rates = torch.tensor([schedule.step(t)[1] for t in range(1, 21)], dtype=torch.float64)
    torch.testing.assert_close(lambdas["likelihood"], rates)
    alpha2 = schedule.alpha[1:] ** 2
    torch.testing.assert_close(lambdas["velocity"], sigma2 / alpha2 * (alpha2 + sigma2))


@pytest.mark.parametrize("recipe", NETWORKS, ids=repr)
def test_networks_have_shape_and_finite_gradients_everywhere(recipe):
    torch.manual_seed(0)
    network = recipe.build(11)
    model = denoiser(network, 11, SCHEDULES[0], "noise", "noise")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):  # zero-initialised outputs open up after a step
        optimizer.zero_grad()
        x = torch.randn(6, 11, generator=stream())
        model.losses(x, torch.ones(6, 11, dtype=torch.bool), stream()).loss.mean().backward()
        optimizer.step()
    for name, parameter in model.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert (parameter.grad != 0).any(), name


@pytest.mark.parametrize("recipe", NETWORKS, ids=repr)
def test_one_time_for_all_rows_equals_a_time_per_row(recipe):
    torch.manual_seed(0)
    network = recipe.build(5).eval()
    nn.init.normal_(network.output.weight)
    x = torch.randn(4, 5, generator=stream())
    torch.testing.assert_close(network(x, torch.tensor([7.0])), network(x, torch.full((4,), 7.0)))


def test_the_networks_do_know_the_time():
    for recipe in NETWORKS:
        torch.manual_seed(0)
        network = recipe.build(5).eval()
        for parameter in network.parameters():
            nn.init.normal_(parameter, std=0.3)
        x = torch.randn(4, 5, generator=stream())
        assert not torch.allclose(network(x, torch.tensor([1.0])), network(x, torch.tensor([20.0])))
