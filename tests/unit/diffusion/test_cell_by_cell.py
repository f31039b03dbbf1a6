"""Two ways to read a network that must say the same, and the cells that are drawn from it."""

import pytest
import torch

from src.diffusion.absorbing.categorical import sample_categorical
from src.diffusion.absorbing.continuous import WIDTH as CONTINUOUS_WIDTH
from src.diffusion.absorbing.continuous import ContinuousColumns
from src.diffusion.absorbing.drawing import ROWS_PER_ORDER, CellByCell, draw_absorbing
from src.diffusion.absorbing.model import AbsorbingDiffusion
from src.diffusion.absorbing.readers import FullReader, IncrementalReader, PartialRows, reader_for
from src.diffusion.absorbing.states import States
from src.diffusion.absorbing.wide import WIDTH
from src.diffusion.networks import ResidualAttentionSettings, ResidualMLPSettings

GROUPS = ((1, 1), (2, 3, 1), (7,), (1, 1, 1), (1, 5), (9,), (1, 1, 1), (1,))
ORDERED = [False, True, False, False, True, False, False, False]
NUMBERS = {
    6: ((10, 30, 20, 5, 35), (False, True, False, True, True), (1, 4)),
    7: ((10, 2, 10), (False, True, False), ()),
}
"""Two continuous columns: one with five levels, of which two are repeated values; one with three levels."""
SIZES = torch.tensor([2, 6, 7, 3, 6, 9, 5, 3])


def made(recipe=None):
    torch.manual_seed(0)
    states = States(GROUPS, ORDERED, len(NUMBERS))
    network = (recipe or ResidualMLPSettings(24, 2, 8)).build(states.network_width, has_time=False)
    denoiser = AbsorbingDiffusion(network, states, torch.zeros(len(GROUPS)).bool(), ContinuousColumns(NUMBERS))
    for parameter in denoiser.parameters():
        parameter.data.normal_(0, 0.5)
    return denoiser.eval()


def cells(n_rows=20):
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(n_rows, len(GROUPS), generator=generator) * SIZES
    return PartialRows(x, torch.rand(n_rows, len(GROUPS), generator=generator) < 0.4)


@torch.no_grad()
def test_layer_by_layer_says_what_the_network_says_as_cells_become_visible():
    denoiser = made()
    here = cells()
    whole, layered = FullReader(denoiser, here), IncrementalReader(denoiser, denoiser.network, here)
    rows = torch.tensor([0, 3, 4, 11, 19])
    for column in range(len(GROUPS)):
        found = whole.read(rows), layered.read(rows)
        for other in range(len(GROUPS)):
            a, b = whole.group_logits(found[0], other), layered.group_logits(found[1], other)
            assert a.shape == (5, len(GROUPS[other]))
            torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)
        for fine_index in range(len(denoiser.states.fine_columns)):
            a, b = whole.level_inputs(found[0], fine_index), layered.level_inputs(found[1], fine_index)
            torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)
        for wide_index in range(len(denoiser.states.wide_columns)):
            a, b = whole.wide_inputs(found[0], wide_index), layered.wide_inputs(found[1], wide_index)
            assert a.shape == (5, WIDTH)
            torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)
        for i in range(len(NUMBERS)):
            a, b = whole.number_outputs(found[0], i), layered.number_outputs(found[1], i)
            assert a.shape == (5, CONTINUOUS_WIDTH)
            torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)
        hidden = rows[~here.visible[rows, column]]
        x = (hidden * 0.7) % SIZES[column]
        here.reveal(hidden, column, x)
        layered.reveal(hidden, column, x)
    assert here.visible[rows].all()


def test_the_reader_fits_the_network():
    assert isinstance(reader_for(made(), cells()), IncrementalReader)
    attention = made(ResidualAttentionSettings(8, 1, 2, 8))
    assert isinstance(reader_for(attention, cells()), FullReader)


def test_positions_are_chosen_as_often_as_their_probabilities():
    logits = torch.tensor([0.5, 0.2, 0.3]).log().expand(40_000, 3)
    u = torch.rand(40_000, 1, generator=torch.Generator().manual_seed(0))
    shares = torch.bincount(sample_categorical(logits, u), minlength=3) / 40_000
    torch.testing.assert_close(shares, torch.tensor([0.5, 0.2, 0.3]), atol=0.01, rtol=0)


@pytest.mark.parametrize("u", [0.0, 1 - 2**-24])
def test_a_position_without_probability_is_neversample_categorical(u):
    logits = torch.tensor([[-torch.inf, 1.0, 2.0, -torch.inf]])
    assert sample_categorical(logits, torch.tensor([[u]])).item() in (1, 2)


def test_levels_that_a_group_does_not_have_are_never_drawn():
    drawn = draw_absorbing(made(), CellByCell(), 5_000, torch.Generator().manual_seed(0)).x.floor()
    assert (drawn >= 0).all()
    assert (drawn <= SIZES - 1).all()


def test_rows_next_to_each_other_share_an_order_and_others_have_their_own():
    denoiser = made()
    orders = []
    original = denoiser.draw_ranks
    denoiser.draw_ranks = lambda *args: orders.append(original(*args)) or orders[-1]
    draw_absorbing(denoiser, CellByCell(), 10 * ROWS_PER_ORDER + 1, torch.Generator().manual_seed(0))
    assert orders[0].shape == (11, len(GROUPS))
    assert len({tuple(row) for row in orders[0].tolist()}) > 1
