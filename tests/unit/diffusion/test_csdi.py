"""Conditional diffusion, against a Gaussian whose conditional distribution is known in closed form."""

import pytest
import torch
from torch import nn

from src.diffusion import Moments, Targets
from src.diffusion.gaussian.csdi import N_CHANNELS, Condition, ConditionalDiffusion, draw_conditional
from src.diffusion.gaussian.sampler import Sampler
from src.diffusion.gaussian.schedule import VariancePreserving
from src.diffusion.networks import ConcatSquashSettings, ResidualAttentionSettings, ResidualMLPSettings
from src.errors import ConfigError

RHO = 0.8
PROCESS = VariancePreserving(100, 1e-4, 0.5)
COLUMNS = torch.tensor([0, 1])


class Exact(nn.Module):
    """Noise of the second coordinate of a standard Gaussian of correlation RHO, the first one given or not."""

    def forward(self, channels, t, sigma):
        known, noisy, is_known = channels.unbind(1)
        mean = RHO * known[:, :1] * is_known[:, :1]
        variance = 1 - RHO**2 * is_known[:, :1]
        alpha, s = (1 - sigma**2).sqrt()[:, None], sigma[:, None]
        hidden = s * (noisy[:, 1:] - alpha * mean) / (alpha**2 * variance + s**2)
        return torch.cat([torch.zeros_like(hidden), hidden], dim=1)


class Constant(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.value = value
        self.seen = None

    def forward(self, channels, t, sigma):
        self.seen = channels
        return torch.full_like(channels[:, 0], self.value)


def conditional(network, columns=COLUMNS, share=0.5):
    width = len(columns)
    moments = Moments(torch.zeros(width), torch.ones(width), torch.ones(width), 1.0)
    schedule, targets = PROCESS.schedule(), Targets(share, share)
    return ConditionalDiffusion(network, schedule, "noise", "noise", moments, columns, targets)


@pytest.mark.integration
@pytest.mark.parametrize("sampler", ["dpm", "ancestral"])
@pytest.mark.parametrize("is_known", [True, False])
def test_the_conditional_of_a_known_gaussian(sampler, is_known):
    n = 20_000
    condition = Condition(torch.tensor([[1.5, 0.0]]).expand(n, 2), torch.tensor([[is_known, False]]).expand(n, 2))
    how = Sampler(sampler, 100 if sampler == "ancestral" else 40, "beta", 1e-5)
    drawn = draw_conditional(conditional(Exact()), how, condition, torch.Generator().manual_seed(0))
    if is_known:
        assert (drawn.x[:, 0] == 1.5).all()
    mean, variance = (RHO * 1.5, 1 - RHO**2) if is_known else (0.0, 1.0)
    assert abs(float(drawn.x[:, 1].mean()) - mean) < 0.03
    assert abs(float(drawn.x[:, 1].var()) / variance - 1) < 0.08


def test_what_stands_where_nothing_is_known_is_never_read():
    mask = torch.tensor([[True, False]]).expand(50, 2)
    draws = [
        draw_conditional(
            conditional(Exact()),
            Sampler("dpm", 10, "beta", 1e-5),
            Condition(torch.where(mask, 1.0, under), mask),
            torch.Generator().manual_seed(1),
        ).x
        for under in (0.0, torch.nan)
    ]
    assert torch.equal(*draws)


def test_only_hidden_observed_cells_count_and_the_network_sees_no_target_clean():
    network = Constant(0.0)
    denoiser = conditional(network, torch.tensor([0, 1, 1, 2]), share=0.4)
    x = torch.full((4000, 4), 3.0)
    mask = torch.tensor([[1, 1, 1, 0]]).expand(4000, 4)
    losses = denoiser.random_losses(x, mask, torch.Generator().manual_seed(0)).loss
    known, noisy, is_known = network.seen.unbind(1)
    assert ((is_known[:, 1] == is_known[:, 2]) & (is_known[:, 3] == 0)).all()  # columns as a whole, never a hole
    assert torch.equal(known, 3.0 * is_known)
    assert (noisy[is_known.bool()] == 0).all()
    assert abs(float(is_known[:, :3].mean()) - 0.6) < 0.03
    assert (
        abs(float(losses.mean()) - 0.4 * 3 / 4) < 0.03
    )  # squared noise of the hidden share of three in four coordinates


def test_a_share_of_its_own_for_every_row():
    hidden = Targets(0.0, 1.0).draw(5000, 40, torch.Generator().manual_seed(0)).float().mean(dim=1)
    assert abs(float(hidden.mean()) - 0.5) < 0.02
    assert abs(float(hidden.std()) - (1 / 12) ** 0.5) < 0.02


@pytest.mark.parametrize("ends", [(0.0, 0.0), (0.5, 0.4), (-0.1, 0.5), (0.5, 1.1)])
def test_a_share_that_is_none_is_refused(ends):
    with pytest.raises(ConfigError, match="a share between 0 and 1"):
        Targets(*ends)


@pytest.mark.parametrize(
    "recipe",
    [ResidualMLPSettings(16, 1, 8), ResidualAttentionSettings(8, 1, 2, 8), ConcatSquashSettings([16], "fourier")],
    ids=lambda recipe: type(recipe).__name__,
)
def test_every_network_reads_every_channel(recipe):
    torch.manual_seed(0)
    network = recipe.build(5, N_CHANNELS).eval()
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.3)
    x = torch.randn(3, N_CHANNELS, 5, requires_grad=True)
    out = network(x, torch.tensor([3.0]), torch.tensor([0.5]))
    assert out.shape == (3, 5)
    out.sum().backward()
    assert (x.grad.abs().sum(dim=(0, 2)) > 0).all()
