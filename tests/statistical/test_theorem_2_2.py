r"""Theorem 2.2, where it holds and where it does not.

Data x ~ N(0, C), mask independent with P(observed) = q, one noise level. The masked objective's
minimiser over linear networks W is known: with z the zero-filled noisy row,

    W_i = E[eps_i z^T | m_i = 1] E[z z^T | m_i = 1]^{-1},

and the score of the complete data is reached by W* = sigma (alpha^2 C + sigma^2 I)^{-1}. A network
whose output i sees coordinate i alone cannot use the zeros: there the two agree when coordinates
are independent. A network that sees the whole row learns a mixture over patterns instead.
"""

import pytest
import torch
from torch import Tensor, nn

from src.diffusion.gaussian.model import GaussianDiffusion
from src.diffusion.gaussian.schedule import VariancePreserving

SCHEDULE = VariancePreserving(1, 0.4, 0.4).schedule()
ALPHA, SIGMA = (float(scale) for scale in SCHEDULE.scales(torch.tensor(1)))
N_ROWS = 400_000
HALF = 0.5


class LinearNetwork(nn.Module):
    """eps_hat = W x, W diagonal or full."""

    def __init__(self, width: int, full: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width, width))
        self.allowed = torch.ones(width, width) if full else torch.eye(width)

    def forward(self, x: Tensor, t: Tensor, sigma: Tensor) -> Tensor:
        return x @ (self.weight * self.allowed).T


def learned_weights(covariance: Tensor, full: bool, observed: float) -> Tensor:
    """Minimise the program's own masked objective on one large sample (LBFGS, same noise throughout)."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(N_ROWS, 2, generator=generator) @ torch.linalg.cholesky(covariance).T
    mask = torch.rand(N_ROWS, 2, generator=generator) < observed
    network = LinearNetwork(2, full)
    denoiser = GaussianDiffusion(network, SCHEDULE, "noise", "noise", torch.zeros(2), torch.ones(2))
    optimizer = torch.optim.LBFGS(network.parameters(), max_iter=50, tolerance_grad=1e-9)

    def objective() -> Tensor:
        optimizer.zero_grad()
        loss = denoiser.random_losses(x * mask, mask, torch.Generator().manual_seed(1)).loss.mean()
        loss.backward()
        return loss

    optimizer.step(objective)
    return network.weight.detach()


def oracle(covariance: Tensor) -> Tensor:
    return SIGMA * torch.linalg.inv(ALPHA**2 * covariance + SIGMA**2 * torch.eye(2))


def zero_filled_optimum(covariance: Tensor, observed: float) -> Tensor:
    """Closed form of W above for an independent mask."""
    rows = []
    for i in range(2):
        j = 1 - i
        second = torch.empty(2, 2)
        second[i, i] = ALPHA**2 * covariance[i, i] + SIGMA**2
        second[j, j] = ALPHA**2 * covariance[j, j] * observed + SIGMA**2
        second[i, j] = second[j, i] = ALPHA**2 * covariance[i, j] * observed
        first = torch.zeros(2)
        first[i] = SIGMA
        rows.append(torch.linalg.solve(second, first))
    return torch.stack(rows)


STANDARD_ERROR = 1 / (N_ROWS * HALF) ** 0.5 / SIGMA


def test_it_holds_for_a_network_that_cannot_use_the_zeros():
    covariance = torch.diag(torch.tensor([1.0, 0.25]))
    learned = learned_weights(covariance, full=False, observed=HALF)
    assert ((learned - oracle(covariance)).abs() < 5 * STANDARD_ERROR).all()


@pytest.mark.parametrize("correlation", [0.8, -0.6])
def test_it_fails_for_a_network_that_can(correlation):
    covariance = torch.tensor([[1.0, correlation], [correlation, 1.0]])
    learned = learned_weights(covariance, full=True, observed=HALF)
    assert ((learned - zero_filled_optimum(covariance, HALF)).abs() < 5 * STANDARD_ERROR).all()
    assert (learned - oracle(covariance)).abs().max() > 15 * STANDARD_ERROR
    dependence, true_dependence = learned[0, 1].abs(), oracle(covariance)[0, 1].abs()
    assert dependence < true_dependence, "zero fill shrinks the dependence"


def test_without_missing_values_both_agree():
    covariance = torch.tensor([[1.0, 0.8], [0.8, 1.0]])
    learned = learned_weights(covariance, full=True, observed=1.0)
    torch.testing.assert_close(zero_filled_optimum(covariance, 1.0), oracle(covariance))
    assert ((learned - oracle(covariance)).abs() < 5 * STANDARD_ERROR).all()
