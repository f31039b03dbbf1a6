import math

import pytest
import torch

from src.diffusion.gaussian.schedule import VarianceExploding, VariancePreserving
from src.errors import ConfigError

VP = VariancePreserving(100, 1e-4, 0.5)
VE = VarianceExploding(0.01, 10.0)
PROCESSES = [VP, VariancePreserving(1, 0.1, 0.1), VE]


def some_times(schedule, n=200):
    return torch.linspace(schedule.first, schedule.last, n, dtype=torch.float64)


@pytest.mark.parametrize("process", PROCESSES, ids=repr)
def test_noise_grows_with_time_and_scales_belong_together(process):
    schedule = process.schedule()
    alpha, sigma = schedule.scales(some_times(schedule))
    if schedule.last > schedule.first:
        assert (sigma.diff() > 0).all()
        assert ((alpha / sigma).diff() < 0).all()
    torch.testing.assert_close((sigma / alpha).log(), schedule.ratio(some_times(schedule)))
    expected = torch.ones(200).double()
    torch.testing.assert_close(alpha**2 + sigma**2 if schedule.preserving else alpha, expected)


@pytest.mark.parametrize("process", [VP, VE], ids=repr)
def test_time_is_the_inverse_of_ratio(process):
    schedule = process.schedule()
    times = some_times(schedule)
    torch.testing.assert_close(schedule.time(schedule.ratio(times)), times)


def test_the_papers_schedule():
    schedule = VP.schedule()
    beta = torch.tensor([(1e-4**0.5 + (0.5**0.5 - 1e-4**0.5) * k / 99) ** 2 for k in range(100)]).double()
    times = torch.arange(1, 101)
    alpha, sigma = schedule.scales(times)
    torch.testing.assert_close(alpha**2, (1 - beta).cumprod(0))
    torch.testing.assert_close(schedule.rate(times), beta / sigma**2)
    assert float(alpha[-1] ** 2) == pytest.approx(1.3e-9, rel=0.05)
    assert int((alpha**2 < 0.5).nonzero()[0]) + 1 == 34
    assert schedule.grid(None).tolist() == list(range(100, 0, -1))


def test_variance_exploding_is_geometric_in_continuous_time():
    schedule = VE.schedule()
    times = torch.tensor([1e-5, 0.25, 0.5, 1.0], dtype=torch.float64)
    alpha, sigma = schedule.scales(times)
    torch.testing.assert_close(sigma, 0.01 * 1000**times)
    assert (alpha == 1).all()
    assert schedule.rate(times).tolist() == pytest.approx([2 * math.log(1000)] * 4)
    assert schedule.prior_scale == pytest.approx(10.0)


def test_training_draws_whole_times_or_continuous_ones():
    generator = torch.Generator().manual_seed(0)
    whole = VP.schedule().draw_times(50_000, generator)
    assert (int(whole.min()), int(whole.max())) == (1, 100)
    assert float(whole.double().mean()) == pytest.approx(50.5, abs=4 * 28.9 / 50_000**0.5)
    continuous = VE.schedule().draw_times(50_000, generator)
    assert continuous.is_floating_point()
    assert float(continuous.min()) >= 1e-5
    assert float(continuous.max()) <= 1
    assert float(continuous.mean()) == pytest.approx(0.5, abs=4 * 0.289 / 50_000**0.5)


def test_a_coarser_grid_of_a_discrete_process_has_whole_times():
    grid = VP.schedule().grid(10)
    assert grid.tolist() == [100, 89, 78, 67, 56, 45, 34, 23, 12, 1]


@pytest.mark.parametrize(
    "make",
    [
        lambda: VariancePreserving(0, 1e-4, 0.5),
        lambda: VariancePreserving(10, 0.5, 1e-4),
        lambda: VariancePreserving(10, 1e-4, 1.0),
        lambda: VarianceExploding(1.0, 0.1),
        lambda: VarianceExploding(0.0, 0.1),
    ],
)
def test_impossible_processes_are_refused(make):
    with pytest.raises(ConfigError):
        make()
