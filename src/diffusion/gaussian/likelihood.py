r"""Exact log-likelihoods by the probability-flow ODE, and the bound of Theorem 2.3.

The ODE of :mod:`src.diffusion.gaussian.flow` carries a row from the first time to the last one, where its density is
Gaussian. Along its path (instantaneous change of variables; Song et al. 2021, https://arxiv.org/abs/2011.13456, Eq. 39)

.. math:: \log p(y(u_{first})) = \log \mathcal N(y(u_{last})) +
    \int_{u_{first}}^{u_{last}} \nabla \cdot \frac{dy}{du}\, du

(:func:`log_likelihood`).

**Rows with holes.** The missing coordinates stay at their fill, 0, and the ODE is that of the observed ones: a change
of variables in the observed coordinates, so that their density integrates to one. It is the density that the objective
trains for each pattern of holes, not a marginal of the density of complete rows (no flow gives that in closed form).

**Which density.** Models are trained from the first time on, at which rows carry a little noise
(:math:`\sigma_{first}`). The density is that of such rows (:func:`noised`): without the noise a one-hot coordinate has
no density.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from src.diffusion.base import LogLikelihood
from src.diffusion.gaussian.flow import Flow, integrate, integrate_in_steps
from src.diffusion.gaussian.predictor import NoisePredictor


def noised(denoiser: NoisePredictor, x: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor:
    """Bring rows x (B, D) to the first time: scale them and add noise; 0 where missing."""
    first = torch.tensor(denoiser.schedule.first, device=x.device)
    alpha, sigma = (scale.to(x.dtype) for scale in denoiser.schedule.scales(first))
    return (alpha * x + sigma * torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)) * mask


def log_likelihood(
    denoiser: NoisePredictor,
    x: Tensor,
    mask: Tensor,
    tolerance: float,
    n_probes: int | None = None,
    generator: torch.Generator | None = None,
    on_progress: Callable[[float], object] = lambda share: None,
) -> LogLikelihood:
    """Compute the log-density of rows at the first time, on their observed coordinates.

    Arguments:
        denoiser: the model.
        x: (B, D) rows at the first time, 0 where missing.
        mask: (B, D) bool, True = observed.
        tolerance: of the solver, relative and absolute.
        n_probes: Rademacher probes of the trace (Hutchinson); None or at least D = the exact trace.
        generator: random stream of the probes; needed when the trace is not exact.
        on_progress: receives the share of the path that is done, 0..1, now and then.

    Raises:
        SolverError: the ODE cannot be integrated to this tolerance.
    """
    if n_probes is None or n_probes >= x.shape[1]:
        probes = torch.eye(x.shape[1], device=x.device, dtype=x.dtype)[:, None, :].expand(-1, len(x), -1)
        weight = 1.0
    else:
        assert generator is not None, "Hutchinson's estimate needs a random stream"
        probes, weight = _signs(n_probes, x, generator), 1 / n_probes
    return _integrate_density(
        denoiser,
        x,
        mask,
        lambda: (probes, weight),
        lambda field, y, first, last: integrate(field, y, first, last, tolerance),
        on_progress,
    )


def quick_log_likelihood(
    denoiser: NoisePredictor,
    x: Tensor,
    mask: Tensor,
    n_steps: int,
    generator: torch.Generator,
    on_progress: Callable[[float], object] = lambda share: None,
) -> LogLikelihood:
    """Estimate :func:`log_likelihood` in ``n_steps`` Euler steps, with a new probe of the trace at every step.

    An adaptive solver needs one field, hence the same probes along the path, and their error adds up; fixed steps can
    have a probe each, whose errors average out. Equally seeded generators give two models the same probes: their
    difference is much surer than either estimate. ``docs/decisions/0009-stasy.md`` has the figures.

    Arguments:
        denoiser: the model.
        x: (B, D) rows at the first time, 0 where missing.
        mask: (B, D) bool, True = observed.
        n_steps: network evaluations.
        generator: random stream of the probes.
        on_progress: receives the share of the path that is done, 0..1.
    """
    return _integrate_density(
        denoiser,
        x,
        mask,
        lambda: (_signs(1, x, generator), 1.0),
        lambda field, y, first, last: integrate_in_steps(field, y, first, last, n_steps),
        on_progress,
    )


def _signs(n_probes: int, x: Tensor, generator: torch.Generator) -> Tensor:
    """Draw Rademacher probes (n, B, D) for rows x (B, D)."""
    return 2 * torch.randint(0, 2, (n_probes, *x.shape), generator=generator, device=x.device).to(x.dtype) - 1


def _integrate_density(
    denoiser: NoisePredictor,
    x: Tensor,
    mask: Tensor,
    probes: Callable[[], tuple[Tensor, float]],
    solve: Callable[..., tuple[Tensor, Tensor]],
    on_progress: Callable[[float], object],
) -> LogLikelihood:
    """Integrate rows and the trace of their field along the path, and add the density at its end.

    Arguments:
        denoiser: the model.
        x: (B, D) rows at the first time, 0 where missing.
        mask: (B, D) bool, True = observed.
        probes: draws the (n, B, D) probes of the trace of one evaluation; also returns the weight of a probe.
        solve: integrates a field of rows (B, D) and log-densities (B,) between two times.
        on_progress: receives the share of the path that is done.
    """
    schedule = denoiser.schedule
    observed = mask.to(x.dtype)
    first, last = schedule.log_ratio_range
    flow = Flow(denoiser, lambda u: on_progress((u - first) / max(last - first, 1e-12)))

    def augmented(u: Tensor, rows_and_trace: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        directions, weight = probes()
        with torch.enable_grad():
            y = rows_and_trace[0].detach().requires_grad_(True)
            field = flow(u, y) * observed
            trace = torch.zeros_like(rows_and_trace[1])
            for k, probe in enumerate(directions * observed):
                (product,) = torch.autograd.grad(field, y, probe, retain_graph=k + 1 < len(directions))
                trace = trace + weight * (product * probe).sum(dim=1)
        return field.detach(), trace

    ends = torch.tensor([first, last], dtype=torch.float64, device=x.device)
    alpha, sigma = schedule.scales_at(ends)
    radius = (alpha**2 + sigma**2).sqrt()
    start = (x / radius[0].to(x.dtype) * observed, x.new_zeros(len(x)))
    with torch.no_grad():
        y, trace = solve(augmented, start, first, last)
    n = mask.sum(dim=1)
    scale = schedule.prior_scale / float(radius[1])
    prior = -0.5 * ((y * observed / scale).square().sum(dim=1) + n * math.log(2 * math.pi * scale**2))
    return LogLikelihood(prior + trace - n * math.log(float(radius[0])), n, flow.n_evaluations)


@dataclass(frozen=True)
class Bound:
    r"""Right side of Theorem 2.3, nats a row: ``factor`` times ``objective`` plus ``constant``.

    The theorem leaves its constant :math:`C_1` open. Theorem 3 of Song et al. 2021a
    (https://arxiv.org/abs/2101.09258) gives one, which does not depend on the model.

    Attributes:
        factor: 1 / (1 - largest share of missing cells of a coordinate).
        objective: J, the masked objective under the weight of the theorem.
        constant: C_1.
    """

    factor: float
    objective: float
    constant: float

    @property
    def nats(self) -> float:
        """Upper bound of the mean negative log-likelihood of complete rows."""
        return self.factor * self.objective + self.constant


@torch.no_grad()
def theorem_2_3(
    denoiser: NoisePredictor, x: Tensor, mask: Tensor, complete: Tensor, n_draws: int, generator: torch.Generator
) -> Bound:
    r"""Evaluate the bound of Theorem 2.3 with the weight :math:`\lambda = g^2` (:math:`\beta_t`).

    .. math:: -E \log p(x) \le \frac{J}{1 - \rho_{max}} + C_1, \qquad
        J = \int_{u_{first}}^{u_{last}} E\, \lVert (\hat\epsilon - \epsilon) \odot m \rVert^2 du

    .. math:: C_1 = E[-\log \pi(x_T)] - D (u_{last} - u_{first}) - D \log (\alpha_{last} / \alpha_{first})

    with :math:`\rho_{max}` the largest share of missing cells, :math:`\pi` the prior of :math:`x_T` and
    :math:`g^2 dt / (2 \sigma^2) = du`; times are drawn in equal strata. J is what training minimises: the network
    reads zero-filled noisy rows. The proof of the theorem has it read complete ones; its inequality is proven where
    the two agree (``docs/decisions/0005-theorem-2-2.md``).

    Arguments:
        denoiser: the model.
        x: (N, D) encoded training rows, zero where missing.
        mask: (N, D) bool on coordinates.
        complete: (M, D) complete rows, for the constant.
        n_draws: times drawn for each row.
        generator: random stream of times and noise.
    """
    schedule = denoiser.schedule
    first, last = schedule.log_ratio_range
    total, width = 0.0, x.shape[1]
    for k in range(n_draws):
        level = (torch.rand(len(x), generator=generator, device=x.device, dtype=torch.float64) + k) / n_draws
        u = first + (last - first) * level
        alpha, sigma = (scale.to(x.dtype) for scale in schedule.scales_at(u))
        eps = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
        eps_hat = denoiser.predict(alpha[:, None] * x + sigma[:, None] * eps, schedule.time(u), alpha, sigma)
        total += float(((eps_hat - eps) * mask).square().sum(dim=1).double().mean())
    share_missing = 1 - mask.double().mean(dim=0)
    ends = torch.tensor([first, last], dtype=torch.float64, device=x.device)
    alphas, sigmas = schedule.scales_at(ends)
    second_moment = float(alphas[1]) ** 2 * float(complete.double().square().sum(dim=1).mean())
    second_moment += width * float(sigmas[1]) ** 2
    variance = schedule.prior_scale**2
    entropy = 0.5 * (second_moment / variance + width * math.log(2 * math.pi * variance))
    constant = entropy - width * (last - first) - width * math.log(float(alphas[1] / alphas[0]))
    return Bound(1 / (1 - float(share_missing.max())), (last - first) * total / n_draws, constant)
