"""What samplers, the flow and likelihoods need of a model: the noise it predicts."""

from typing import Protocol

from torch import Tensor

from src.diffusion.gaussian.schedule import Schedule


class NoisePredictor(Protocol):
    """What samplers draw with."""

    @property
    def schedule(self) -> Schedule:
        """Scales at every time."""
        ...

    def __call__(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Predicted noise of noisy rows; see :meth:`Denoiser.forward`."""
        ...

    def predict(self, x_t: Tensor, t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """The same, the scales given."""
        ...
