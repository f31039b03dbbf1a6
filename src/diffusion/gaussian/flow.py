r"""The probability-flow ODE, in variables in which it is the same for all processes.

With :math:`u = \log(\sigma_t / \alpha_t)` as time and :math:`y = x_t / \sqrt{\alpha_t^2 + \sigma_t^2}`,
whose spread is about one at every time, the ODE of Song et al. (2021, Eq. 13) reads

.. math:: \frac{dy}{du} = \bar\sigma (\hat\epsilon - \bar\sigma y), \qquad
    \bar\sigma = \sigma_t / \sqrt{\alpha_t^2 + \sigma_t^2}

where :math:`\hat\epsilon` is the predicted noise (:meth:`Flow.__call__`). torchdiffeq integrates it adaptively
(dopri5, the Dormand-Prince pair that SciPy calls RK45), with one step size for all rows of a batch.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from src.diffusion.gaussian.predictor import NoisePredictor
from src.errors import SolverError


class Flow:
    """The right-hand side dy/du of a denoiser's ODE.

    Arguments:
        denoiser: predicts noise.
        on_evaluation: receives u before an evaluation (progress).

    Attributes:
        n_evaluations: evaluations of the network so far.
    """

    def __init__(self, denoiser: NoisePredictor, on_evaluation: Callable[[float], object] = lambda u: None) -> None:
        self.denoiser = denoiser
        self.schedule = denoiser.schedule
        self.on_evaluation = on_evaluation
        self.n_evaluations = 0

    def noise(self, log_ratio: Tensor, y: Tensor) -> Tensor:
        """Predict the noise (B, D) of rows y (B, D) at one u (scalar)."""
        self.n_evaluations += 1
        u = log_ratio.reshape(1)
        alpha, sigma = (scale.to(y.dtype) for scale in self.schedule.scales_at(u.double()))
        return self.denoiser.predict(y * (alpha**2 + sigma**2).sqrt(), self.schedule.time(u), alpha, sigma)

    def __call__(self, log_ratio: Tensor, y: Tensor) -> Tensor:
        """Evaluate dy/du (B, D) at rows y (B, D) and one u (scalar)."""
        self.on_evaluation(float(log_ratio))
        # sigma_bar = sigma / (alpha^2 + sigma^2)^.5 = (1 + exp(-2 u))^-.5
        sigma_bar = torch.sigmoid(2 * log_ratio.double()).sqrt().to(y.dtype)
        return sigma_bar * (self.noise(log_ratio, y) - sigma_bar * y)


def integrate(field: Callable[..., Any], y: Any, start: float, stop: float, tolerance: float) -> Any:
    """Solve dy/du = field(u, y) from ``start`` to ``stop`` by torchdiffeq's dopri5.

    Arguments:
        field: right-hand side, of the structure of ``y``.
        y: solution at ``start``: a tensor, or a tuple of tensors.
        start: first u.
        stop: last u.
        tolerance: relative and absolute, of a step, on the root mean square over all rows.

    Returns:
        The solution at ``stop``.

    Raises:
        SolverError: the solution became infinite or the step too small.
    """
    from torchdiffeq import odeint  # loads SciPy's integrators, which other samplers do not need

    if start == stop:
        return y
    device = y.device if isinstance(y, Tensor) else y[0].device
    span = torch.tensor([start, stop], dtype=torch.float64, device=device)
    exact_end = {"step_t": span[1:]}
    try:
        solution = odeint(field, y, span, rtol=tolerance, atol=tolerance, method="dopri5", options=exact_end)
    except AssertionError as error:  # torchdiffeq asserts that the solution is finite and the step not too small
        reason = str(error).split(":")[0]
        raise SolverError(
            f"the ODE solver cannot go on ({reason}): the model is not smooth enough or not trained; "
            "raise the tolerance, or draw with diffusion.sampler.name=dpm"
        ) from error
    return _last(solution)


def integrate_in_steps(field: Callable[..., Any], y: Any, start: float, stop: float, n_steps: int) -> Any:
    """Solve dy/du = field(u, y) by ``n_steps`` Euler steps of torchdiffeq, one evaluation each.

    Other arguments and the result as for :func:`integrate`.
    """
    from torchdiffeq import odeint  # as above

    device = y.device if isinstance(y, Tensor) else y[0].device
    grid = torch.linspace(start, stop, n_steps + 1, dtype=torch.float64, device=device)
    return _last(odeint(field, y, grid, method="euler"))


def _last(solution: Any) -> Any:
    """The last of the times at which a solution is known."""
    return solution[-1] if isinstance(solution, Tensor) else tuple(part[-1] for part in solution)
