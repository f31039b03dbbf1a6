"""Interface between a denoiser and the samplers, the flow and the likelihoods that use it."""

from typing import Protocol

from torch import Tensor

from src.diffusion.gaussian.schedule import Schedule


class NoisePredictor(Protocol):
    """Predicts the noise of noisy rows; :class:`src.diffusion.gaussian.model.GaussianDiffusion` is one."""

    @property
    def schedule(self) -> Schedule:
        """Scales at every time."""
        ...

    def __call__(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Predict the noise (B, D) of noisy rows x_t (B, D) at times t (B,) or (1,)."""
        ...

    def predict(self, x_t: Tensor, t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """As calling it, where the scales alpha and sigma (B,) or (1,) of the times are known already."""
        ...
