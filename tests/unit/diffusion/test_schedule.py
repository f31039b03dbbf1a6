import pytest
import torch

from src.diffusion import VarianceExploding, VariancePreserving
from src.errors import ConfigError

PROCESSES = [VariancePreserving(100, 1e-4, 0.5), VariancePreserving(1, 0.1, 0.1), VarianceExploding(50, 0.01, 10.0)]


@pytest.mark.parametrize("process", PROCESSES, ids=repr)
def test_signal_to_noise_falls_from_clean_data(process):
    schedule = process.schedule()
    assert schedule.alpha[0] == 1
    assert schedule.sigma[0] == 0
    assert (schedule.sigma.diff() > 0).all()
    assert ((schedule.alpha / schedule.sigma)[1:].diff() < 0).all()
    assert schedule.n_steps == process.n_steps


def test_the_papers_schedule():
    schedule = PROCESSES[0].schedule()
    beta = torch.tensor([(1e-4**0.5 + (0.5**0.5 - 1e-4**0.5) * k / 99) ** 2 for k in range(100)]).double()
    for t in (1, 2, 50, 100):
        a, b = schedule.step(t)
        assert b == pytest.approx(float(beta[t - 1]), rel=1e-5)
        assert a == pytest.approx(float((1 - beta[t - 1]).sqrt()), rel=1e-6)
    torch.testing.assert_close(schedule.alpha**2 + schedule.sigma**2, torch.ones(101).double())
    assert float(schedule.alpha[100] ** 2) == pytest.approx(1.3e-9, rel=0.05)
    assert int((schedule.alpha**2 < 0.5).nonzero()[0]) == 34


def test_variance_exploding_is_geometric():
    sigma = VarianceExploding(50, 0.01, 10.0).schedule().sigma
    assert (float(sigma[1]), float(sigma[-1])) == pytest.approx((0.01, 10.0))
    ratios = sigma[2:] / sigma[1:-1]
    torch.testing.assert_close(ratios, ratios[:1].expand_as(ratios))


@pytest.mark.parametrize(
    "make",
    [
        lambda: VariancePreserving(0, 1e-4, 0.5),
        lambda: VariancePreserving(10, 0.5, 1e-4),
        lambda: VariancePreserving(10, 1e-4, 1.0),
        lambda: VarianceExploding(1, 0.1, 1.0),
        lambda: VarianceExploding(10, 1.0, 0.1),
    ],
)
def test_impossible_processes_are_refused(make):
    with pytest.raises(ConfigError):
        make()
