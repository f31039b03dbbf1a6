import math

import pytest
import torch
from torch import nn

from src.diffusion.gaussian.model import PREDICTIONS, GaussianDiffusion
from src.diffusion.gaussian.objective import WEIGHTS, masked_dsm, noise_weight
from src.diffusion.gaussian.schedule import VarianceExploding, VariancePreserving
from src.diffusion.networks import ConcatSquashSettings, ResidualAttentionSettings, ResidualMLPSettings

SCHEDULES = [VariancePreserving(20, 1e-4, 0.5).schedule(), VarianceExploding(0.01, 10.0).schedule()]
NETWORKS = [
    ResidualMLPSettings(16, 2, 8),
    ResidualAttentionSettings(8, 2, 2, 8),
    ConcatSquashSettings([8, 16, 16, 8], "fourier"),
    ConcatSquashSettings([8, 16, 16, 8], "sigma"),
]


class Linear(nn.Module):
    """Maps (x, t) to W x: enough to have a gradient everywhere."""

    def __init__(self, width):
        super().__init__()
        self.layer = nn.Linear(width, width)

    def forward(self, x, t, sigma):
        return self.layer(x)


MEAN = torch.tensor([0.3, -0.9, 0.0])
STD = torch.tensor([0.5, 0.1, 1.0])


def denoiser(network, width, schedule, prediction, weight):
    return GaussianDiffusion(network, schedule, prediction, weight, torch.zeros(width), torch.ones(width))


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
    losses = model.random_losses(torch.zeros(4, 3), torch.zeros(4, 3, dtype=torch.bool), stream()).loss
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
    model.random_losses(torch.randn(32, 4, generator=stream()) * mask, mask, stream(1)).loss.mean().backward()
    assert (network.layer.weight.grad[2] == 0).all()
    assert (network.layer.weight.grad[[0, 1, 3]] != 0).all()


@pytest.mark.parametrize("schedule", SCHEDULES, ids=["vp", "ve"])
def test_a_silent_network_is_optimal_for_independent_gaussian_coordinates(schedule):
    """For x_i ~ N(mu_i, s_i^2), E[eps | x_t] = sigma (x_t - alpha mu) / (alpha^2 s^2 + sigma^2): f = 0 gives it."""

    class Silent(nn.Module):
        def forward(self, x, t, sigma):
            return torch.zeros_like(x)

    model = GaussianDiffusion(Silent(), schedule, "residual", "noise", MEAN, STD)
    x_t = torch.randn(5, 3, generator=stream())
    for t in torch.linspace(schedule.first, schedule.last, 3, dtype=torch.float64):
        alpha, sigma = (scale.float() for scale in schedule.scales(t))
        expected = sigma * (x_t - alpha * MEAN) / (alpha**2 * STD**2 + sigma**2)
        torch.testing.assert_close(model(x_t, t.expand(5)), expected)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=["vp", "ve"])
def test_at_unit_scale_the_residual_is_the_velocity(schedule):
    """eps_hat = (sigma u + alpha f) / r with u = x_t / r and r^2 = alpha^2 + sigma^2."""
    network = Linear(3)
    x_t = torch.randn(5, 3, generator=stream())
    t = torch.full((5,), (schedule.first + schedule.last) / 2)
    alpha, sigma = (scale[0].float() for scale in schedule.scales(t))
    r = (alpha**2 + sigma**2).sqrt()
    expected = (sigma * x_t / r + alpha * network(x_t / r, t, sigma)) / r
    torch.testing.assert_close(denoiser(network, 3, schedule, "residual", "noise")(x_t, t), expected)


def test_the_score_prediction_is_the_noise_over_minus_sigma():
    network, schedule = Linear(3), SCHEDULES[1]
    x_t, t = torch.randn(5, 3, generator=stream()), torch.full((5,), 0.4)
    sigma = schedule.scales(t)[1].float()
    expected = -sigma[:, None] * network(x_t, t, sigma)
    torch.testing.assert_close(denoiser(network, 3, schedule, "score", "noise")(x_t, t), expected)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=["vp", "ve"])
def test_weights_are_lambda_over_variance(schedule):
    t = schedule.draw_times(50, stream())
    alpha, sigma = schedule.scales(t)
    lambdas = {name: noise_weight(schedule, name, t, schedule.ratio(t)) * sigma**2 for name in WEIGHTS}
    torch.testing.assert_close(lambdas["noise"], sigma**2)
    if schedule.discrete:
        roots = torch.linspace(1e-4**0.5, 0.5**0.5, 20, dtype=torch.float64)
        torch.testing.assert_close(lambdas["likelihood"], (roots**2)[t - 1])
    else:  # g^2 = d sigma^2 / dt
        h = 1e-4
        slope = (schedule.scales(t + h)[1] ** 2 - schedule.scales(t - h)[1] ** 2) / (2 * h)
        torch.testing.assert_close(lambdas["likelihood"], slope, rtol=1e-3, atol=0)
    torch.testing.assert_close(lambdas["velocity"], sigma**2 / alpha**2 * (alpha**2 + sigma**2))


@pytest.mark.parametrize("recipe", NETWORKS, ids=repr)
def test_networks_have_shape_and_finite_gradients_everywhere(recipe):
    torch.manual_seed(0)
    network = recipe.build(11)
    model = denoiser(network, 11, SCHEDULES[0], "noise", "noise")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):  # zero-initialised outputs open up after a step
        optimizer.zero_grad()
        x = torch.randn(6, 11, generator=stream())
        model.random_losses(x, torch.ones(6, 11, dtype=torch.bool), stream()).loss.mean().backward()
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
    one, many = (torch.tensor([7.0]), torch.tensor([0.3])), (torch.full((4,), 7.0), torch.full((4,), 0.3))
    torch.testing.assert_close(network(x, *one), network(x, *many))


def test_the_networks_do_know_the_time():
    for recipe in NETWORKS:
        torch.manual_seed(0)
        network = recipe.build(5).eval()
        for parameter in network.parameters():
            nn.init.normal_(parameter, std=0.3)
        x = torch.randn(4, 5, generator=stream())
        early, late = (torch.tensor([1.0]), torch.tensor([0.01])), (torch.tensor([20.0]), torch.tensor([10.0]))
        assert not torch.allclose(network(x, *early), network(x, *late))


def test_concat_squash_by_hand():
    """One layer of width 1 on one coordinate: elu([v x sigmoid(g sigma) + s sigma; x]) and a linear layer."""
    network = ConcatSquashSettings([1], "sigma").build(1)
    values = {
        "layers.0.value.weight": [[2.0]],
        "layers.0.value.bias": [0.5],
        "layers.0.gate.weight": [[1.0]],
        "layers.0.gate.bias": [-1.0],
        "layers.0.shift.weight": [[3.0]],
        "output.weight": [[1.0, 10.0]],
        "output.bias": [0.25],
    }
    network.load_state_dict({name: torch.tensor(value) for name, value in values.items()})
    x, sigma = 0.7, 0.4
    inner = (2 * x + 0.5) / (1 + math.exp(1 - sigma)) + 3 * sigma
    found = network(torch.tensor([[x]]), torch.tensor([0.0]), torch.tensor([sigma]))
    assert found.item() == pytest.approx(inner + 10 * x + 0.25, rel=1e-5)


def test_the_published_network_has_the_published_size():
    network = ConcatSquashSettings([256, 512, 1024, 1024, 512, 256], "sigma").build(105)
    assert network.output.in_features == 3689
    dropped = 128 * 256 + 256 + 256 * 256 + 256  # the embedding that the published code computes in vain
    assert sum(p.numel() for p in network.parameters()) + dropped == pytest.approx(5.92e6, rel=1e-3)
