"""A diffusion recipe: forward process, parametrisation, weight and sampler."""

from dataclasses import dataclass

from torch import Tensor, nn

from src.diffusion.denoiser import PREDICTIONS, WEIGHTS, Denoiser
from src.diffusion.sampler import NOISES
from src.diffusion.schedule import Process, VarianceExploding, VariancePreserving
from src.errors import ConfigError


@dataclass(frozen=True)
class DiffusionRecipe:
    """How rows are corrupted, what is learned and how rows are drawn.

    Attributes:
        process: the forward process.
        prediction: what the network's output stands for (:mod:`src.diffusion.denoiser`).
        weight: lambda(t) of Eq. 3 (:func:`src.diffusion.denoiser.noise_weights`).
        sampler_noise: standard deviation of the noise the sampler adds (:mod:`src.diffusion.sampler`).
    """

    process: Process
    prediction: str
    weight: str
    sampler_noise: str

    def __post_init__(self) -> None:
        for key, value, allowed in (
            ("prediction", self.prediction, PREDICTIONS),
            ("weight", self.weight, WEIGHTS),
            ("sampler_noise", self.sampler_noise, NOISES),
        ):
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
    """``diffusion=ve``: variance exploding."""

    process: VarianceExploding


DIFFUSIONS: dict[str, type[DiffusionRecipe]] = {"ddpm": DDPMRecipe, "ve": VERecipe}
