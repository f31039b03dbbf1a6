r"""The probability-flow ODE, the same for every process in the right variables.

With :math:`u = \log(\sigma_t / \alpha_t)` as time and :math:`y = x_t / \sqrt{\alpha_t^2 + \sigma_t^2}`,
whose spread is about one at every time, the ODE of Song et al. (2021, Eq. 13) reads

.. math:: \frac{dy}{du} = \bar\sigma (\hat\epsilon - \bar\sigma y), \qquad
    \bar\sigma = \sigma_t / \sqrt{\alpha_t^2 + \sigma_t^2}

where :math:`\hat\epsilon` is the predicted noise. Its adaptive integration is torchdiffeq's (dopri5, the
Dormand-Prince pair that SciPy calls RK45), one step size for all rows of a batch.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from src.diffusion.gaussian.predictor import NoisePredictor
from src.errors import SolverError


class Flow:
    """The field dy/du of a denoiser, counting the evaluations of its network.

    Arguments:
        denoiser: predicts noise.
        on_evaluation: receives u before every evaluation (progress).
    """

    def __init__(self, denoiser: NoisePredictor, on_evaluation: Callable[[float], object] = lambda u: None) -> None:
        self.denoiser = denoiser
        self.schedule = denoiser.schedule
        self.on_evaluation = on_evaluation
        self.n_evaluations = 0

    def noise(self, log_ratio: Tensor, y: Tensor) -> Tensor:
        """Predicted noise of rows y (B, D) at one u (scalar); (B, D)."""
        self.n_evaluations += 1
        u = log_ratio.reshape(1)
        alpha, sigma = (scale.to(y.dtype) for scale in self.schedule.scales_at(u.double()))
        return self.denoiser.predict(y * (alpha**2 + sigma**2).sqrt(), self.schedule.time(u), alpha, sigma)

    def __call__(self, log_ratio: Tensor, y: Tensor) -> Tensor:
        """dy/du of rows y (B, D) at one u (scalar); (B, D)."""
        self.on_evaluation(float(log_ratio))
        relative = torch.sigmoid(2 * log_ratio.double()).sqrt().to(y.dtype)
        return relative * (self.noise(log_ratio, y) - relative * y)


def integrate(field: Callable[..., Any], y: Any, start: float, stop: float, tolerance: float) -> Any:
    """Solve dy/du = field(u, y) from ``start`` to ``stop`` by torchdiffeq's dopri5.

    Arguments:
        field: right-hand side, of the structure of ``y``.
        y: state at ``start``: a tensor, or a tuple of tensors.
        start: first u.
        stop: last u.
        tolerance: relative and absolute, of a step, on the root mean square over all rows.

    Returns:
        The state at ``stop``.

    Raises:
        SolverError: the state became infinite or the step too small.
    """
    from torchdiffeq import odeint  # loads SciPy's integrators, which only this sampler needs

    if start == stop:
        return y
    device = y.device if isinstance(y, Tensor) else y[0].device
    span = torch.tensor([start, stop], dtype=torch.float64, device=device)
    exact_end = {"step_t": span[1:]}
    try:
        states = odeint(field, y, span, rtol=tolerance, atol=tolerance, method="dopri5", options=exact_end)
    except AssertionError as error:  # torchdiffeq's way of saying so
        reason = str(error).split(":")[0]
        raise SolverError(
            f"the ODE solver cannot go on ({reason}): the model is not smooth enough or not trained; "
            "raise the tolerance, or draw with diffusion.sampler.name=dpm"
        ) from error
    return _last(states)


def integrate_in_steps(field: Callable[..., Any], y: Any, start: float, stop: float, n_steps: int) -> Any:
    """Solve dy/du = field(u, y) by torchdiffeq's Euler steps, one evaluation each; otherwise as :func:`integrate`."""
    from torchdiffeq import odeint

    device = y.device if isinstance(y, Tensor) else y[0].device
    grid = torch.linspace(start, stop, n_steps + 1, dtype=torch.float64, device=device)
    return _last(odeint(field, y, grid, method="euler"))


def _last(states: Any) -> Any:
    """The state at the end, of states at every time."""
    return states[-1] if isinstance(states, Tensor) else tuple(state[-1] for state in states)
