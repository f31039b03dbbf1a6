r"""What the absorbing-state objective learns under every kind of missingness, against closed forms.

Two coins: the first is 1 with probability .5, the second with .9 if the first is 1 and with .2 if not, so that
P(second = 1) = .55. A cell of the second is missing with a probability that depends on nothing (MCAR), on the first
coin (MAR), or on the second itself (NMAR). The objective's minimiser is p(x_i | x_V, m_i = 1, m_V = 1).
"""

import pytest
import torch

from tests.unit.diffusion.test_absorbing import draws, trained

N_ROWS = 200_000
P_SECOND = torch.tensor([0.2, 0.9])
TRUE = 0.55
TOLERANCE = 0.02
"""Of 160,000 draws 0.005 would do; the rest is for the training."""


def coins(mechanism):
    generator = torch.Generator().manual_seed(0)
    first = torch.rand(N_ROWS, generator=generator) < 0.5
    second = torch.rand(N_ROWS, generator=generator) < P_SECOND[first.long()]
    chance = {"mcar": torch.full((N_ROWS,), 0.5), "mar": 0.1 + 0.8 * first, "nmar": 0.1 + 0.8 * second}[mechanism]
    mask = torch.stack([torch.ones(N_ROWS, dtype=torch.bool), torch.rand(N_ROWS, generator=generator) > chance], dim=1)
    return torch.stack([first, second], dim=1).float(), mask


def drawn_share(mechanism, share):
    x, mask = coins(mechanism)
    denoiser = trained(x * mask, mask, ((1, 1), (1, 1)), share, n_steps=800)
    drawn = draws(denoiser, 160_000).x.floor()
    ones = [float(drawn[drawn[:, 0] == first, 1].mean()) for first in (0, 1)]
    return float(drawn[:, 1].mean()), ones


@pytest.mark.slow
@pytest.mark.parametrize("mechanism", ["mcar", "mar"])
def test_missing_at_random_the_true_distribution_is_learned(mechanism):
    overall, given_first = drawn_share(mechanism, [1.0, 0.5])
    print(f"\n{mechanism}: P(second = 1) = {overall:.3f} (true {TRUE}), given the first {given_first}")
    assert overall == pytest.approx(TRUE, abs=TOLERANCE)
    assert given_first == pytest.approx(P_SECOND.tolist(), abs=TOLERANCE)


@pytest.mark.slow
def test_missing_at_random_any_order_is_biased():
    """Rows that draw the second coin first give it the share among observed cells, .27."""
    overall, _ = drawn_share("mar", [0.99, 0.5])
    print(f"\nmar, any order: P(second = 1) = {overall:.3f} (true {TRUE})")
    assert overall < TRUE - 4 * TOLERANCE


@pytest.mark.slow
def test_what_is_left_under_nmar_is_the_distribution_of_the_observed_cells():
    """P(second = 1 | first, observed) = .1 p / (.1 p + .9 (1 - p)): .027 and .5 instead of .2 and .9."""
    overall, given_first = drawn_share("nmar", [1.0, 0.5])
    expected = (0.1 * P_SECOND / (0.1 * P_SECOND + 0.9 * (1 - P_SECOND))).tolist()
    print(f"\nnmar: P(second = 1) = {overall:.3f} (true {TRUE}), given the first {given_first}")
    assert given_first == pytest.approx(expected, abs=TOLERANCE)
    assert overall == pytest.approx(sum(expected) / 2, abs=TOLERANCE)
