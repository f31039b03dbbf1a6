"""Columns of numbers that are a continuum: ranks, scores and densities by known answers."""

import math

import pytest
import torch
from torch.special import ndtr, ndtri

from src.diffusion import Coordinates, KnownCoordinates, Moments
from src.diffusion.absorbing.continuous import N_COMPONENTS, WIDTH, ContinuousColumns
from src.diffusion.absorbing.likelihood import any_order_log_likelihood
from src.diffusion.absorbing.model import drawing_tiers
from src.diffusion.absorbing.settings import AbsorbingSettings
from src.diffusion.networks import ResidualMLPSettings

LEVELS = ((10, 50, 20, 10), (False, True, True, False), (1,))
"""An interval of 10 cells, a value of 50 that is repeated, a value of 20 that is not, an interval of 10."""


def columns(levels=LEVELS):
    return ContinuousColumns({0: levels})


def mixture(weights, means, scales):
    """Outputs (1, WIDTH) of a network that say this mixture, in its first Gaussians."""
    numbers = columns()
    out = torch.zeros(3, N_COMPONENTS)
    out[0] = -1e4
    for k, (weight, mean, scale) in enumerate(zip(weights, means, scales, strict=True)):
        out[0, k] = math.log(weight)
        out[1, k] = mean - numbers.mean[k]
        out[2, k] = math.log(scale) - numbers.log_scale
    return out.reshape(1, WIDTH)


def test_a_number_has_the_share_of_smaller_cells_between_repeated_values_as_its_rank():
    numbers = columns()
    x = torch.tensor([[0.0], [0.5], [1.5], [2.2], [3.0], [3.9]])
    assert numbers.states(x)[:, 0].tolist() == [0, 0, 1, 0, 0, 0]
    rank = ndtr(numbers.scores(x))[:, 0]
    torch.testing.assert_close(rank, torch.tensor([0.0125, 0.125, 0.25, 0.5, 0.75, 0.975]))
    within = ndtr(numbers.scores(x, torch.full((6, 1), 0.1)))[:, 0]
    torch.testing.assert_close(within, torch.tensor([0.0125, 0.125, 0.25, 0.3, 0.75, 0.975]))
    state, score = numbers.of_column(0, x[:, 0])
    assert torch.equal(state, numbers.states(x)[:, 0])
    assert torch.equal(score, numbers.scores(x)[:, 0])


def test_scores_of_training_cells_are_standard_normal():
    generator = torch.Generator().manual_seed(0)
    cells = (*(8,) * 200, 300, *(12,) * 100)
    numbers = columns((cells, (*(False,) * 200, True, *(True,) * 100), (200,)))
    level = torch.repeat_interleave(torch.arange(len(cells)), torch.tensor(cells))
    x = (level + torch.rand(len(level), generator=generator).clamp(max=0.999))[:, None]
    z = numbers.scores(x, torch.rand(x.shape, generator=generator))[numbers.states(x) == 0]
    assert z.mean().item() == pytest.approx(0, abs=0.01)
    assert z.std().item() == pytest.approx(1, abs=0.02)


def test_the_score_is_the_largest_feature_and_a_fast_sine_a_small_one():
    numbers = columns()
    z = torch.linspace(-3, 3, 601)
    features = numbers.features(z)
    assert features.shape == (601, WIDTH)
    assert torch.equal(features[:, 0], 3 * z)
    slope = features.diff(dim=0).abs().amax(dim=0) / 0.01
    is_sine = slice(WIDTH - 16, None)
    assert float(slope[is_sine].max()) <= math.pi * 0.5 * 1.01  # all sines are about as steep as the slowest one
    assert float(features[:, 1:].abs().max()) <= 1


def test_models_of_earlier_versions_read_the_features_that_they_have_learned():
    numbers, earlier = columns(), columns()
    state = {name: value for name, value in numbers.state_dict().items() if name != "scale"}
    earlier.load_state_dict(state)
    z = torch.tensor([[0.3]])
    assert earlier.features(z)[0, 0, 0] == pytest.approx(0.3)
    assert float(earlier.features(torch.linspace(-3, 3, 999)).abs()[:, -16:].max()) == pytest.approx(1, abs=0.01)
    again = columns()
    again.load_state_dict(numbers.state_dict())
    assert torch.equal(again.features(z), numbers.features(z))


def test_the_density_is_that_of_the_mixture():
    numbers = columns()
    z = torch.linspace(-3, 3, 7)[:, None]
    normal = numbers.nats(mixture([1], [0], [1]).expand(7, -1), z)
    torch.testing.assert_close(normal, torch.zeros(7, 1), atol=1e-5, rtol=0)
    two = numbers.nats(mixture([0.3, 0.7], [-1, 2], [0.5, 0.1]).expand(7, -1), z)[:, 0]
    normals = [torch.distributions.Normal(-1.0, 0.5), torch.distributions.Normal(2.0, 0.1)]
    p = 0.3 * normals[0].log_prob(z[:, 0]).exp() + 0.7 * normals[1].log_prob(z[:, 0]).exp()
    expected = torch.distributions.Normal(0.0, 1.0).log_prob(z[:, 0]) - p.log()
    torch.testing.assert_close(two, expected, atol=1e-4, rtol=1e-5)


def test_probabilities_of_levels_add_up_to_one_and_are_those_of_draws():
    numbers = columns()
    output = mixture([0.6, 0.4], [-0.5, 1.5], [0.4, 0.8])
    x = torch.tensor([[0.5], [2.5], [3.5]])
    p = (-numbers.level_nats(output.expand(3, -1), *numbers.score_bounds(x))).exp()[:, 0]
    assert p.sum().item() == pytest.approx(1)
    n = 200_000
    generator = torch.Generator().manual_seed(0)
    u, noise = torch.rand(n, 1, generator=generator), torch.randn(n, 1, generator=generator)
    drawn = numbers.draw(output.expand(n, -1), 0, u, noise)
    shares = torch.bincount(drawn.long(), minlength=4) / n
    torch.testing.assert_close(shares[[0, 2, 3]].double(), p, atol=0.004, rtol=0)
    assert shares[1] == 0, "a repeated value is a state, not drawn from the density"


def test_a_level_far_out_in_the_tail_of_a_mixture_has_a_finite_probability():
    numbers = columns(((1,) * 1000, (False,) * 1000, ()))
    x = torch.tensor([[0.5], [999.5], [500.5]])
    for mean in (-5.0, 5.0):
        nats = numbers.level_nats(mixture([1], [mean], [0.01]).expand(3, -1), *numbers.score_bounds(x))
        assert torch.isfinite(nats).all()
    upper = numbers.level_nats(mixture([1], [0], [1]).expand(3, -1), *numbers.score_bounds(x))
    torch.testing.assert_close(upper.exp(), torch.full((3, 1), 1000.0).double(), rtol=1e-6, atol=0)


def made(levels, n_columns, channels=64, target=None):
    torch.manual_seed(0)
    groups = ((1,) * len(levels[0]),) * n_columns
    layout = Coordinates(
        n_columns,
        torch.arange(n_columns),
        target,
        groups,
        (True,) * n_columns,
        dict.fromkeys(range(n_columns), levels),
    )
    ones = torch.ones(n_columns)
    return AbsorbingSettings().build(ResidualMLPSettings(channels, 2), layout, Moments(ones, ones, ones, 1.0))


def test_before_training_every_training_cell_is_about_as_likely():
    denoiser = made(((10,) * 20, (False,) * 20, ()), 2)
    x = torch.rand(20_000, 2, generator=torch.Generator().manual_seed(0)) * 20
    nats = denoiser.random_losses(x, torch.ones_like(x), torch.Generator().manual_seed(0)).loss
    assert abs(nats.mean().item()) < 0.15
    levels = (denoiser.draw(AbsorbingSettings().sampler, 20_000, torch.Generator().manual_seed(1)).x).long()
    shares = torch.bincount(levels[:, 0], minlength=20) / len(levels)
    torch.testing.assert_close(shares, torch.full((20,), 0.05), atol=0.03, rtol=0)


def test_what_stands_in_a_hole_changes_no_loss():
    denoiser = made(LEVELS, 3)
    denoiser.network.output.weight.data.normal_(std=0.1)
    x = torch.rand(50, 3, generator=torch.Generator().manual_seed(0)) * 4
    mask = torch.rand(50, 3, generator=torch.Generator().manual_seed(1)) > 0.4
    losses = [
        denoiser.random_losses(torch.where(mask, x, filler), mask, torch.Generator().manual_seed(2)).loss
        for filler in (torch.zeros(3), torch.tensor([3.5, 1.0, 2.0]))
    ]
    assert torch.equal(*losses)


def tiers(is_complete, share_complete, target=1):
    """Tiers from 0 of a continuous column, the target, and columns of 30 and of 2 states."""
    tier = drawing_tiers([math.inf, 2, 30, 2], target, is_complete, share_complete)
    return (tier - tier.min()).tolist()


def test_columns_are_drawn_fewest_states_first_and_the_target_last_where_rows_are_complete():
    assert tiers([True] * 4, 1.0) == [2, 3, 1, 0]
    assert tiers([True] * 4, 1.0, target=None) == [3, 0, 2, 1]
    assert tiers([False] * 4, 0.5) == [2, 3, 1, 0]
    assert tiers([False, True, True, False], 0.9) == [3, 1, 0, 2]


def test_where_rows_have_holes_the_order_is_random_after_the_columns_without_a_hole():
    assert tiers([False] * 4, 0.4) == [0, 1, 0, 0]
    assert tiers([False] * 4, 0.4, target=None) == [0, 0, 0, 0]
    assert tiers([True, False, False, True], 0.0) == [1, 3, 2, 0]
    assert drawing_tiers([2] * 4, None, [True, True, False, False], 0.0).tolist() == [-2, -1, 0, 0]


def test_tiers_are_drawn_one_after_another():
    denoiser = made(LEVELS, 4, target=1)
    ranks = denoiser.draw_ranks(3, torch.Generator().manual_seed(0))
    assert ranks.tolist() == [[0, 3, 1, 2]] * 3
    denoiser.tier = torch.tensor([1.0, 0.0, 1.0, 0.0])
    ranks = denoiser.draw_ranks(200, torch.Generator().manual_seed(0))
    assert {tuple(row) for row in ranks.tolist()} == {(2, 0, 3, 1), (3, 0, 2, 1), (2, 1, 3, 0), (3, 1, 2, 0)}


@pytest.fixture(scope="module")
def gaussian():
    """A model of three jointly normal numbers of correlation .9, trained on rows with holes, and its levels' edges."""
    n, n_levels = 40_000, 400
    covariance = torch.full((3, 3), 0.9).fill_diagonal_(1)
    normal = torch.distributions.MultivariateNormal(torch.zeros(3), covariance)
    torch.manual_seed(1)
    z = normal.sample((n,))
    x = (ndtr(z) * n_levels).clamp(max=n_levels - 0.01)
    mask = torch.rand(n, 3) > 0.2
    denoiser = made(((n // n_levels,) * n_levels, (False,) * n_levels, ()), 3)
    optimizer = torch.optim.Adam(denoiser.parameters(), lr=3e-3)
    n_steps = 600
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    generator = torch.Generator().manual_seed(2)
    for _ in range(n_steps):
        rows = torch.randint(0, n, (256,), generator=generator)
        loss = denoiser.random_losses(x[rows], mask[rows], generator).loss.mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return denoiser.eval(), normal, n_levels


def scores(x, n_levels):
    return ndtri((x.double() / n_levels).clamp(1e-5, 1 - 1e-5))


@pytest.mark.integration
def test_draws_have_the_correlation_of_the_table(gaussian):
    denoiser, normal, n_levels = gaussian
    drawn = denoiser.draw(AbsorbingSettings().sampler, 40_000, torch.Generator().manual_seed(3)).x
    found = torch.corrcoef(scores(drawn, n_levels).t())
    torch.testing.assert_close(found, normal.covariance_matrix.double(), atol=0.015, rtol=0)


@pytest.mark.integration
def test_draws_given_other_cells_follow_the_conditional_density(gaussian):
    """Given z2 = 1 alone, and z0 = 1, z2 = .5: in no order of the columns."""
    denoiser, _, n_levels = gaussian
    for given, mean, variance in (({2: 1.0}, 0.9, 0.19), ({0: 1.0, 2: 0.5}, 0.9 / 1.9 * 1.5, 1 - 2 * 0.81 / 1.9)):
        x, mask = torch.zeros(3), torch.zeros(3, dtype=torch.bool)
        for column, z in given.items():
            x[column], mask[column] = ndtr(torch.tensor(z)) * n_levels, True
        known = KnownCoordinates(x, mask, 1)
        drawn = denoiser.draw(AbsorbingSettings().sampler, 20_000, torch.Generator().manual_seed(4), known).x
        z = scores(drawn[:, 1], n_levels)
        assert z.mean().item() == pytest.approx(mean, abs=0.06)
        assert z.std().item() == pytest.approx(variance**0.5, abs=0.06)


@pytest.mark.integration
def test_the_likelihood_is_that_of_the_normal_distribution(gaussian):
    denoiser, normal, n_levels = gaussian
    torch.manual_seed(5)
    z = normal.sample((5_000,))
    x = (ndtr(z) * n_levels).clamp(max=n_levels - 0.01)
    found = any_order_log_likelihood(denoiser, x, torch.ones(5_000, 3).bool(), 1, torch.Generator().manual_seed(0))
    independent = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(dim=1)
    expected = (normal.log_prob(z) - independent).mean().item() - 3 * math.log(n_levels)
    assert found.nats.mean().item() == pytest.approx(expected, abs=0.06)
