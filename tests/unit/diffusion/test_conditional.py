"""Coordinates given the others, against a Gaussian whose conditional distribution is known in closed form."""

import pytest
import torch

from src.diffusion import KnownCoordinates
from src.diffusion.gaussian.conditional import draw_by_replacement
from src.diffusion.gaussian.sampler import Sampler
from src.diffusion.gaussian.schedule import VarianceExploding, VariancePreserving
from tests.unit.diffusion.gaussian import MEAN, gaussian_denoiser

N_ROWS = 20_000
FACTOR = torch.tensor([[0.5, 0.0, 0.0], [0.45, 0.15, 0.0], [-0.4, 0.1, 0.2]])
COVARIANCE = FACTOR @ FACTOR.T
VALUE = torch.tensor([1.2, 0.0, 0.0])
MASK = torch.tensor([True, False, False])
PROCESSES = [VariancePreserving(100, 1e-4, 0.5), VarianceExploding(0.01, 10.0)]


def drawn(process, n_repeats, value=VALUE, mask=MASK, n_rows=N_ROWS, seed=0):
    denoiser = gaussian_denoiser(process, MEAN, COVARIANCE)
    generator = torch.Generator().manual_seed(seed)
    return draw_by_replacement(
        denoiser,
        Sampler("ancestral", 100, "posterior", 1e-5),
        KnownCoordinates(value, mask, n_repeats),
        n_rows,
        generator,
    )


@pytest.mark.slow
@pytest.mark.parametrize("process", PROCESSES, ids=str)
def test_the_conditional_of_a_known_gaussian(process):
    found = drawn(process, 10)
    weights = COVARIANCE[1:, 0] / COVARIANCE[0, 0]
    mean = MEAN[1:] + weights * (VALUE[0] - MEAN[0])
    variance = (COVARIANCE[1:, 1:] - torch.outer(weights, COVARIANCE[0, 1:])).diagonal()
    y = found.x[:, 1:]
    assert ((y.mean(0) - mean).abs() < 0.12 * variance.sqrt()).all()
    assert ((y.var(0) / variance - 1).abs() < 0.1).all()
    assert found.n_evaluations == 99 * 10 + 1


@pytest.mark.slow
def test_without_repetition_the_parts_do_not_agree():
    mean = MEAN[1] + COVARIANCE[1, 0] / COVARIANCE[0, 0] * (VALUE[0] - MEAN[0])
    once, often = (float(drawn(PROCESSES[0], n).x[:, 1].mean()) for n in (1, 10))
    assert abs(often - mean) < 0.2 * abs(once - mean)


def test_what_is_given_is_kept_exactly_and_may_differ_by_row():
    value = torch.stack([VALUE, torch.tensor([0.0, -1.0, 0.5])]).repeat(50, 1)
    mask = torch.stack([MASK, ~MASK]).repeat(50, 1)
    x = drawn(PROCESSES[0], 2, value, mask, n_rows=100).x
    assert torch.equal(x[mask], value[mask])
    assert x.isfinite().all()


def test_what_stands_where_nothing_is_given_is_never_read():
    poisoned = torch.where(MASK, VALUE, torch.nan)
    assert torch.equal(drawn(PROCESSES[0], 2, n_rows=50).x, drawn(PROCESSES[0], 2, poisoned, n_rows=50).x)


def test_everything_given_is_returned():
    x = drawn(PROCESSES[0], 3, mask=torch.tensor([True, True, True]), n_rows=4).x
    assert torch.equal(x, VALUE.expand(4, 3))
