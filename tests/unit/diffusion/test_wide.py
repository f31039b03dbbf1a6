"""Columns of many categories: what their vectors mean, and what a model learns of categories with few rows."""

import math

import pandas as pd
import pytest
import torch

from src.api import MissDiff
from src.diffusion.absorbing.drawing import CellByCell, draw_absorbing
from src.diffusion.absorbing.model import AbsorbingDiffusion
from src.diffusion.absorbing.states import States
from src.diffusion.absorbing.wide import MOST_LOGITS, WIDTH, WideCategories
from src.diffusion.networks import ResidualMLPSettings


def made(groups, ordered):
    torch.manual_seed(0)
    states = States(groups, ordered)
    network = ResidualMLPSettings(24, 2, 8).build(states.network_width, has_time=False)
    denoiser = AbsorbingDiffusion(network, states, torch.zeros(len(groups)).bool())
    for parameter in denoiser.parameters():
        parameter.data.normal_(0, 0.5)
    return denoiser.eval()


def test_probabilities_are_the_softmax_of_products_with_what_the_network_writes():
    wide = WideCategories([3, 2])
    wide.bias.data.normal_()
    inputs, category = torch.randn(4, 2 * WIDTH), torch.tensor([[0, 1], [2, 0], [1, 1], [2, 1]])
    nats = wide.nats(inputs, category, [1, 1])
    for row in range(4):
        for i, (first, size) in enumerate(((0, 3), (3, 2))):
            a = inputs[row, i * WIDTH : (i + 1) * WIDTH]
            scores = [(wide.write[first + k] @ a + wide.bias[first + k]).item() for k in range(size)]
            expected = math.log(sum(map(math.exp, scores))) - scores[category[row, i]]
            assert nats[row, i].item() == pytest.approx(expected, abs=1e-4)


def test_a_hidden_category_is_read_as_zeros_and_a_visible_one_as_its_vector():
    wide = WideCategories([3, 2])
    x = wide.vectors(torch.tensor([[2, 1], [0, 0]]), torch.tensor([[True, False], [False, True]]), 2.0)
    assert x.shape == (2, 2 * WIDTH)
    torch.testing.assert_close(x[0, :WIDTH], 2 * wide.read[2])
    torch.testing.assert_close(x[1, WIDTH:], 2 * wide.read[3])
    assert not x[0, WIDTH:].any()
    assert not x[1, :WIDTH].any()


def test_every_second_row_counts_twice():
    wide = WideCategories([5])
    inputs, category = torch.randn(5, WIDTH), torch.arange(5)[:, None]
    whole, thinned = wide.nats(inputs, category, [1]), wide.nats(inputs, category, [2])
    torch.testing.assert_close(thinned, whole * torch.tensor([2.0, 0, 2, 0, 2])[:, None])


def test_a_batch_is_thinned_to_a_bounded_number_of_logits_by_powers_of_two():
    n_rows = 256
    every = WideCategories([101, 2_048, 10_000, 100_000]).thinning(n_rows)
    assert every == [1, 1, 8, 64]
    assert all(n_rows / r * k <= MOST_LOGITS for r, k in zip(every[:3], (101, 2_048, 10_000), strict=True))


@torch.no_grad()
def test_probabilities_of_a_wide_column_are_those_of_the_rows_drawn():
    denoiser = made(((1, 1), (6,)), [False, False])
    cells = denoiser.cells(torch.stack([torch.ones(6), torch.arange(6).float()], dim=1))
    visible = torch.tensor([True, False]).expand(6, 2)
    p = (-denoiser.nats(denoiser.read(cells, visible), cells)[:, 1]).exp()
    assert p.sum().item() == pytest.approx(1, abs=1e-5)
    denoiser.tier = torch.tensor([0.0, 1.0])
    x = draw_absorbing(denoiser, CellByCell(), 40_000, torch.Generator().manual_seed(0)).x
    drawn = x[x[:, 0] >= 1, 1].long()
    torch.testing.assert_close(torch.bincount(drawn, minlength=6) / len(drawn), p, atol=0.02, rtol=0)


@pytest.mark.slow
def test_what_only_one_category_in_three_hundred_tells_is_learned():
    generator = torch.Generator().manual_seed(0)
    shares = 1 / torch.arange(2, 302).float()
    city = torch.multinomial(shares, 6_000, replacement=True, generator=generator)
    warmth = torch.randn(300, generator=generator)[city] * 8 + torch.randn(6_000, generator=generator) * 0.3
    state = torch.randint(0, 30, (300,), generator=generator)
    table = pd.DataFrame({"city": city.numpy(), "state": state[city].numpy(), "warmth": warmth.numpy()})
    table = table.assign(city="C" + table.city.astype(str), state="S" + table.state.astype(str))
    model = MissDiff(seed=0).fit(table)
    drawn = model.sample(4_000, seed=1)
    right = table.groupby("city").state.first()
    assert (drawn.state == drawn.city.map(right)).mean() > 0.97
    rare = table.city.value_counts().index[200]
    of_rare = model.sample(200, seed=2, where={"city": rare})
    assert (of_rare.state == right[rare]).mean() > 0.9
    assert of_rare.warmth.std() < 2
