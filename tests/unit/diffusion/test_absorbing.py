"""Absorbing-state diffusion against joint distributions that are known."""

import math

import pytest
import torch
from torch import nn

from src.diffusion import KnownCoordinates
from src.diffusion.absorbing.drawing import CellByCell, draw_absorbing
from src.diffusion.absorbing.likelihood import any_order_log_likelihood
from src.diffusion.absorbing.model import SHARE_KNOWN, AbsorbingDiffusion, AbsorbingNoise
from src.diffusion.absorbing.states import States
from src.diffusion.networks import ConcatSquashSettings, ResidualAttentionSettings, ResidualMLPSettings
from src.errors import ConfigError

GROUPS = ((1, 1), (1, 1, 1), (2, 3, 1))
"""Two categories, three categories, and a number with six levels in three groups."""
ORDERED = (False, False, True)


def made(groups=GROUPS, share=None, channels=32):
    torch.manual_seed(0)
    states = States(groups, [len(column) != 2 or column[0] > 1 for column in groups])
    network = ResidualMLPSettings(channels, 2, 8).build(states.width)
    return AbsorbingDiffusion(network, states, torch.tensor(share or [0.5] * len(groups)) == 1)


def trained(x, mask, groups, share=None, n_steps=600, batch=512, **more):
    denoiser = made(groups, share, **more)
    optimizer = torch.optim.Adam(denoiser.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    generator = torch.Generator().manual_seed(1)
    for _ in range(n_steps):
        rows = torch.randint(0, len(x), (batch,), generator=generator)
        loss = denoiser.random_losses(x[rows], mask[rows], generator).loss.mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return denoiser.eval()


def draws(denoiser, n=40_000, **more):
    return draw_absorbing(denoiser, CellByCell(more.pop("n_steps", None)), n, torch.Generator().manual_seed(3), **more)


def table_of(x, columns, sizes):
    """Share of rows in each combination of the states of two columns."""
    counts = torch.zeros(*sizes)
    code = x[:, columns].long()
    counts.index_put_((code[:, 0], code[:, 1]), torch.ones(len(x)), accumulate=True)
    return counts / len(x)


def linked(n, seed=0):
    """X (n, 3): a coin, a die of three faces that follows it, and a number that follows both."""
    generator = torch.Generator().manual_seed(seed)

    def pick(weights):
        return torch.multinomial(weights, 1, generator=generator)[:, 0]

    coin = pick(torch.tensor([0.3, 0.7]).expand(n, -1))
    die = pick(torch.tensor([[0.8, 0.1, 0.1], [0.1, 0.3, 0.6]])[coin])
    weights = torch.tensor([0.05, 0.05, 0.3, 0.2, 0.1, 0.3]).roll(1).expand(6, -1).clone()
    weights[5] = torch.tensor([0.7, 0.1, 0.05, 0.05, 0.05, 0.05])
    weights[0] = torch.tensor([0.01, 0.01, 0.01, 0.01, 0.06, 0.9])
    return torch.stack([coin, die, pick(weights[3 * coin + die])], dim=1).float()


def test_states_are_split_into_groups_and_levels():
    states = States(GROUPS, ORDERED)
    x = torch.tensor([[0.2, 1.0, 0.0], [1.9, 2.0, 1.5], [0, 0, 2.0], [0, 0, 4.9], [0, 0, 5.2]])
    group, level = states.group_and_level(x)
    assert group.tolist() == [[0, 1, 0], [1, 2, 0], [0, 0, 1], [0, 0, 1], [0, 0, 2]]
    assert level.tolist() == [[0, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 2], [0, 0, 0]]
    assert (states.n_groups, states.width) == (8, 8 + 3)
    visible = torch.tensor([[True, True, True]] * 2 + [[False, True, True]] * 2 + [[False, True, False]])
    codes = states.network_input(group, level, visible)
    on = [row.nonzero()[:, 0].tolist() for row in codes]
    assert on == [[0, 3, 5, 8], [1, 4, 5, 9], [2, 5, 6, 8], [2, 5, 6, 10], [2]]
    one = (3 * 11 / 3) ** 0.5
    threshold = one / 3**0.5
    expected = torch.tensor([one] * 5 + [threshold + one] * 2 + [one] * 3)
    torch.testing.assert_close(codes.amax(dim=0)[[0, 1, 2, 3, 4, 5, 6, 8, 9, 10]], expected)
    assert codes[2, 5].item() == pytest.approx(threshold)  # of the second group: above the first one's threshold
    of_thresholds = States(GROUPS, ORDERED, reads_values=False).network_input(group, level, visible)
    torch.testing.assert_close(of_thresholds.amax(dim=0)[5:7], torch.tensor([threshold] * 2))


def test_rows_are_read_as_the_example_of_states_draws_them():
    states = States(((1, 1, 1), (2, 3)), (False, True))
    group, level = states.group_and_level(torch.tensor([[1.0, 4.0], [0.0, 1.0], [2.0, 0.0]]))
    visible = torch.tensor([[True, True], [True, True], [True, False]])
    ones = (states.network_input(group, level, visible) > 0).int()
    assert ones.tolist() == [[0, 1, 0, 1, 1, 0, 0, 1], [1, 0, 0, 1, 0, 0, 1, 0], [0, 0, 1, 0, 0, 0, 0, 0]]


@pytest.mark.integration
def test_before_training_every_state_is_as_likely():
    denoiser = made()
    x = torch.tensor([[1.0, 2.0, 3.0]])
    cells = denoiser.cells(x)
    out = denoiser.read(cells, torch.zeros(1, 3, dtype=torch.bool))
    expected = [math.log(2), math.log(3), math.log(3) + math.log(3)]
    torch.testing.assert_close(denoiser.nats(out, cells)[0], torch.tensor(expected))
    uniform = 0.5 * torch.tensor([1 / 3] * 3)
    drawn = draws(denoiser, 90_000).x
    torch.testing.assert_close(table_of(drawn, [0, 1], (2, 3)), uniform.expand(2, -1), atol=0.006, rtol=0)
    shares = torch.bincount(drawn[:, 2].long(), minlength=6) / len(drawn)
    torch.testing.assert_close(shares, torch.tensor([1 / 6] * 2 + [1 / 9] * 3 + [1 / 3]), atol=0.006, rtol=0)


def test_the_loss_is_the_mean_over_hidden_cells_of_observed_targets():
    """Untrained, every cell costs the log of its number of states, whatever is visible."""
    denoiser = made(((1, 1), (1, 1), (1, 1), (1, 1)))
    x = torch.zeros(20_000, 4)
    full = denoiser.random_losses(x, torch.ones_like(x), torch.Generator().manual_seed(0))
    torch.testing.assert_close(full.loss, torch.full((20_000,), math.log(2)))
    mask = torch.tensor([1.0, 1.0, 1.0, 0.0]).expand(20_000, -1)
    holed = denoiser.random_losses(x, mask, torch.Generator().manual_seed(0)).loss.mean()
    assert holed.item() == pytest.approx(0.75 * math.log(2), abs=0.01)
    assert set((full.noise_level * 4).tolist()) == {1.0, 2.0, 3.0, 4.0}


def test_half_of_the_loss_is_on_the_cells_that_may_be_drawn_next():
    """Untrained, with columns of 2, 2 and 8 states, of which the last one is drawn after the others."""
    denoiser = made(((1, 1), (1, 1), (1,) * 8))
    denoiser.tier = torch.tensor([0.0, 0.0, 1.0])
    key = torch.tensor([[0.1, 0.2, 0.0]] * 4)  # of one known cell it is that of the third column
    n_visible, n_known = torch.tensor([[0], [1], [2], [1]]), torch.tensor([[0], [0], [0], [1]])
    noise = AbsorbingNoise(key, n_visible, n_known, key, torch.zeros(4, 1, dtype=torch.bool))
    loss = denoiser.losses(torch.zeros(4, 3), torch.ones(4, 3), noise).loss / math.log(2)
    torch.testing.assert_close(loss, torch.tensor([5 / 3 / 2 + 1 / 2, 4 / 2 / 2 + 1 / 2, 3, 1]))


def test_known_cells_come_before_the_order_of_drawing():
    denoiser = made(((1, 1), (1, 1), (1, 1), (1, 1)))
    denoiser.tier = torch.arange(4.0)
    x = torch.zeros(20_000, 4)
    noise = denoiser.draw_noise(x, torch.Generator().manual_seed(0))
    assert (noise.n_known <= noise.n_visible).all()
    hidden, _ = denoiser._hide(torch.ones(20_000, 4, dtype=torch.bool), noise)
    assert torch.equal((~hidden).sum(dim=1), noise.n_visible[:, 0])
    in_order = torch.arange(4).expand(20_000, -1) >= noise.n_visible
    has_known = noise.n_known[:, 0] > 0
    assert torch.equal(hidden[~has_known], in_order[~has_known])
    assert has_known.float().mean().item() == pytest.approx(SHARE_KNOWN * 3 / 4, abs=0.02)
    alone = ~hidden[(noise.n_visible[:, 0] == 1) & has_known]
    torch.testing.assert_close(alone.float().mean(dim=0), torch.full((4,), 0.25), atol=0.04, rtol=0)
    of_two = ~hidden[(noise.n_visible[:, 0] == 2) & (noise.n_known[:, 0] == 1)]
    torch.testing.assert_close(of_two.float().mean(dim=0), torch.tensor([1, 0.5, 0.25, 0.25]), atol=0.04, rtol=0)


def test_what_stands_in_a_hole_changes_no_loss_and_no_gradient():
    x = linked(200)
    mask = torch.rand(200, 3, generator=torch.Generator().manual_seed(5)) > 0.4
    found = []
    for poison in (torch.zeros(3), torch.tensor([1.0, 2.0, 5.0])):
        denoiser = made()
        denoiser.network.output.weight.data.normal_(generator=torch.Generator().manual_seed(6))
        filled = torch.where(mask, x, poison)
        loss = denoiser.random_losses(filled, mask, torch.Generator().manual_seed(2)).loss
        loss.mean().backward()
        found.append((loss.detach(), [p.grad.clone() for p in denoiser.parameters() if p.grad is not None]))
    assert torch.equal(found[0][0], found[1][0])
    assert all(torch.equal(a, b) for a, b in zip(found[0][1], found[1][1], strict=True))


@pytest.fixture(scope="module")
def learned():
    x = linked(100_000)
    mask = torch.rand(len(x), 3, generator=torch.Generator().manual_seed(7)) > 0.4
    return trained(x * mask, mask, GROUPS), linked(400_000, seed=9)


@pytest.mark.slow
def test_the_joint_distribution_is_learned_from_rows_with_holes(learned):
    denoiser, real = learned
    drawn = draws(denoiser).x
    for columns, sizes in (([0, 1], (2, 3)), ([0, 2], (2, 6)), ([1, 2], (3, 6))):
        torch.testing.assert_close(table_of(drawn, columns, sizes), table_of(real, columns, sizes), atol=0.015, rtol=0)


@pytest.mark.integration
def test_draws_of_what_is_not_given_follow_the_conditional(learned):
    denoiser, real = learned
    known = KnownCoordinates(torch.tensor([1.0, 2.0, 0.0]), torch.tensor([True, True, False]), n_repeats=1)
    drawn = draws(denoiser, known=known)
    assert drawn.n_evaluations == 1
    assert (drawn.x[:, :2] == torch.tensor([1.0, 2.0])).all()
    same = real[(real[:, 0] == 1) & (real[:, 1] == 2)]
    shares = [torch.bincount(rows[:, 2].long(), minlength=6) / len(rows) for rows in (drawn.x, same)]
    torch.testing.assert_close(*shares, atol=0.03, rtol=0)


@pytest.mark.integration
def test_the_likelihood_is_that_of_the_known_distribution(learned):
    """Bits a row against the entropy of the joint table, and of the pair where the third cell is missing."""
    denoiser, real = learned
    x = real[:20_000]
    for known in (torch.tensor([True, True, True]), torch.tensor([True, False, True])):
        mask = known.expand(len(x), -1)
        found = any_order_log_likelihood(denoiser, x, mask, 2, torch.Generator().manual_seed(0))
        code = (real[:, 0] * 18 + real[:, 1] * 6 * known[1] + real[:, 2]).long()
        shares = torch.bincount(code).double() / len(real)
        entropy = -(shares * shares.clamp(min=1e-12).log()).sum()
        assert found.nats.mean().item() == pytest.approx(-entropy.item(), abs=0.02)
        assert found.n_coordinates[0] == known.sum()
        assert found.n_evaluations == 6


@pytest.mark.integration
def test_rows_may_know_different_cells(learned):
    denoiser, real = learned
    x, mask = real[:500], torch.rand(500, 3, generator=torch.Generator().manual_seed(1)) > 0.5
    drawn = draws(denoiser, 500, known=KnownCoordinates(x, mask, 1)).x
    assert torch.equal(drawn[mask], x[mask])
    assert (drawn[~mask] >= 0).all()
    assert (drawn.floor() <= torch.tensor([1, 2, 5])).all()
    everything = KnownCoordinates(x, torch.ones_like(mask), 1)
    assert torch.equal(draws(denoiser, 500, known=everything).x, x)


@pytest.mark.integration
def test_one_step_draws_independent_columns_and_steps_are_counted(learned):
    denoiser, real = learned
    drawn = draws(denoiser, n_steps=1)
    assert drawn.n_evaluations == 1
    joint = table_of(drawn.x, [0, 1], (2, 3))
    torch.testing.assert_close(joint, joint.sum(1, keepdim=True) * joint.sum(0, keepdim=True), atol=0.01, rtol=0)
    torch.testing.assert_close(joint.sum(0), table_of(real, [0, 1], (2, 3)).sum(0), atol=0.02, rtol=0)
    assert draws(denoiser, 100, n_steps=2).n_evaluations == 2
    assert draws(denoiser, 100).n_evaluations == draws(denoiser, 100, n_steps=99).n_evaluations == 3
    assert torch.equal(draws(denoiser, 100).x, draws(denoiser, 100, n_steps=3).x)


def at_random(n):
    """X (n, 2) of two linked coins, and a mask under which the second is missing where the first says so."""
    generator = torch.Generator().manual_seed(0)
    first = torch.rand(n, generator=generator) < 0.5
    second = torch.rand(n, generator=generator) < torch.where(first, 0.9, 0.2)
    observed = torch.rand(n, generator=generator) > torch.where(first, 0.9, 0.1)
    mask = torch.stack([torch.ones(n, dtype=torch.bool), observed], dim=1)
    return torch.stack([first, second], dim=1).float(), mask


@pytest.mark.integration
@pytest.mark.parametrize(("share", "is_right"), [([1.0, 0.5], True), ([0.99, 0.5], False)])
def test_missing_at_random_is_mended_by_drawing_columns_without_holes_first(share, is_right):
    """Drawn second, the holed column has its true share of ones, .55; drawn first, that among observed cells, .27."""
    x, mask = at_random(100_000)
    denoiser = trained(x * mask, mask, ((1, 1), (1, 1)), share, n_steps=300)
    ones = float(draws(denoiser).x[:, 1].floor().mean())
    assert (abs(ones - 0.55) < 0.02) == is_right
    if not is_right:
        assert ones < 0.5, "the share among observed cells draws it down"


@pytest.mark.slow
def test_a_number_that_copies_another_is_drawn_close_to_it():
    """64 groups of 8 levels: the group and the level inside it both follow what is visible."""
    level = torch.randint(0, 512, (50_000,), generator=torch.Generator().manual_seed(0))
    x = torch.stack([level, level], dim=1).float()
    denoiser = trained(x, torch.ones_like(x, dtype=torch.bool), ((8,) * 64,) * 2, n_steps=1200, channels=128)
    drawn = draws(denoiser, 4_000).x.floor()
    assert ((drawn[:, 0] - drawn[:, 1]).abs() <= 8).float().mean() > 0.97
    assert ((drawn[:, 0] - drawn[:, 1]).abs() <= 1).float().mean() > 0.5


@pytest.mark.parametrize(
    "recipe",
    [ResidualMLPSettings(16, 1, 8), ResidualAttentionSettings(8, 1, 2, 8), ConcatSquashSettings([16, 16], "fourier")],
)
def test_every_network_reads_and_writes_states(recipe):
    states = States(GROUPS, ORDERED)
    denoiser = AbsorbingDiffusion(recipe.build(states.width), states, torch.ones(3).bool())
    x, mask = linked(50), torch.ones(50, 3)
    loss = denoiser.random_losses(x, mask, torch.Generator().manual_seed(0)).loss.mean()
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(p.grad).all() for p in denoiser.parameters() if p.grad is not None)
    assert denoiser.draw(CellByCell(None), 7, torch.Generator().manual_seed(0)).x.shape == (7, 3)


def test_an_all_missing_row_costs_nothing_and_has_no_gradient():
    denoiser = made()
    loss = denoiser.random_losses(torch.zeros(4, 3), torch.zeros(4, 3), torch.Generator().manual_seed(0)).loss
    assert (loss == 0).all()
    loss.sum().backward()
    assert all((p.grad == 0).all() for p in denoiser.parameters() if p.grad is not None)


def test_columns_of_one_state_only():
    denoiser = made(((1,), (1, 1)))
    assert (draws(denoiser, 50).x[:, 0].floor() == 0).all()
    assert isinstance(denoiser.network, nn.Module)


def test_a_number_of_steps_is_positive():
    with pytest.raises(ConfigError, match=r"diffusion\.sampler\.n_steps is at least 1"):
        CellByCell(0)


def test_a_model_of_an_earlier_version_keeps_its_order():
    stored = made().state_dict()
    del stored["is_complete"], stored["tier"]
    denoiser = made()
    denoiser.load_state_dict({**stored, "comes_first": torch.tensor([False, True, False])})
    assert denoiser.is_complete.tolist() == [False, True, False]
    assert denoiser.tier.tolist() == [0, -1, 0]
