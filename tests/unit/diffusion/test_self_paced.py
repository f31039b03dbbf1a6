import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.diffusion.self_paced import self_paced_weights, shares

PUBLISHED = 10_000


def test_the_published_schedule():
    assert shares(0, PUBLISHED) == (0.3, 0.95)
    c = (math.e - 1) / PUBLISHED
    assert c == pytest.approx(0.0001718, abs=1e-7)
    a, b = shares(1000, PUBLISHED)
    assert a == pytest.approx(0.3 + math.log(1 + 1000 * c * 0.7))
    assert b == pytest.approx(0.95 + math.log(1 + 1000 * c * 0.05))
    assert shares(8428, PUBLISHED)[0] < 1 == shares(8429, PUBLISHED)[0]
    assert shares(5965, PUBLISHED)[1] < 1 == shares(5970, PUBLISHED)[1]


def test_weights_by_hand():
    """a = 0.3 and b = 0.95 of 0..20: quantiles 6 and 19; between them 7..19 fall from 1 to 0, 20 is out."""
    weights = self_paced_weights(torch.arange(21.0), 0, PUBLISHED)
    expected = [1.0] * 7 + [(19 - k) / 12 for k in range(7, 20)] + [0.0]
    assert weights.tolist() == pytest.approx(expected)


def test_a_single_row_between_the_thresholds_has_half_a_weight():
    weights = self_paced_weights(torch.tensor([0.0, 1.0, 2.0]), 0, PUBLISHED)
    assert weights.tolist() == [1.0, 0.5, 0.0]


@given(
    st.lists(st.floats(0, 1e6, width=32), min_size=1, max_size=60),
    st.integers(0, 20_000),
    st.floats(0.5, 1e3, width=32),
)
def test_weights_fall_with_the_loss_and_do_not_depend_on_its_scale(losses, step, factor):
    losses = torch.tensor(losses)
    weights = self_paced_weights(losses, step, PUBLISHED)
    assert ((weights >= 0) & (weights <= 1)).all()
    order = losses.argsort()
    same = losses[order].diff() == 0
    assert ((weights[order].diff() <= 1e-6) | same).all()
    if step >= 8429:
        assert (weights == 1).all()


def test_rows_without_observed_coordinates_have_no_say():
    losses = torch.tensor([3.0, 1.0, 2.0, 8.0, 5.0])
    expected = self_paced_weights(losses, 100, PUBLISHED)
    found = self_paced_weights(torch.cat([losses, torch.tensor([np.nan, np.nan])]), 100, PUBLISHED)
    torch.testing.assert_close(found[:5], expected)
    assert found[5:].tolist() == [1.0, 1.0]


def test_weights_carry_no_gradient():
    losses = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    assert not self_paced_weights(losses, 0, PUBLISHED).requires_grad
