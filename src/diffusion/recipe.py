"""A diffusion recipe: forward process, parametrisation, weight and sampler."""

from dataclasses import dataclass

from torch import Tensor, nn

from src.diffusion.denoiser import PREDICTIONS, WEIGHTS, Denoiser
from src.diffusion.sampler import Sampler
from src.diffusion.schedule import Process, VarianceExploding, VariancePreserving
from src.errors import ConfigError


@dataclass(frozen=True)
class DiffusionRecipe:
    """How rows are corrupted, what is learned and how rows are drawn.

    Attributes:
        process: the forward process.
        prediction: what the network's output stands for (:mod:`src.diffusion.denoiser`).
        weight: lambda(t) of Eq. 3 (:func:`src.diffusion.denoiser.noise_weight`).
        sampler: how rows are drawn (:mod:`src.diffusion.sampler`).
    """

    process: Process
    prediction: str
    weight: str
    sampler: Sampler

    def __post_init__(self) -> None:
        for key, value, allowed in (("prediction", self.prediction, PREDICTIONS), ("weight", self.weight, WEIGHTS)):
            if value not in allowed:
                raise ConfigError(f"diffusion.{key} is one of {list(allowed)}, got {value!r}")

    def build(self, network: nn.Module, mean: Tensor, std: Tensor) -> Denoiser:
        """Noise predictor around ``network``; see :class:`Denoiser`."""
        return Denoiser(network, self.process.schedule(), self.prediction, self.weight, mean, std)


@dataclass(frozen=True)
class DDPMRecipe(DiffusionRecipe):
    """``diffusion=ddpm``: variance preserving, the paper's."""

    process: VariancePreserving


@dataclass(frozen=True)
class VERecipe(DiffusionRecipe):
    """``diffusion=ve``: variance exploding in continuous time, STaSy's."""

    process: VarianceExploding

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sampler.name != "ode" and self.sampler.n_steps is None:
            raise ConfigError(f"diffusion.sampler.n_steps of {self.sampler.name} is a number: time is continuous in VE")


DIFFUSIONS: dict[str, type[DiffusionRecipe]] = {"ddpm": DDPMRecipe, "ve": VERecipe}
