"""A diffusion recipe: forward process, parametrisation, weight and sampler."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from torch import Tensor, nn

from src.diffusion.gaussian.denoiser import PREDICTIONS, WEIGHTS, Denoiser
from src.diffusion.gaussian.sampler import Sampler
from src.diffusion.gaussian.schedule import Process, VarianceExploding, VariancePreserving
from src.errors import ConfigError


class Moments(NamedTuple):
    """Of each coordinate over its observed training entries, (D,): mean, standard deviation, share observed."""

    mean: Tensor
    std: Tensor
    share_observed: Tensor


@dataclass(frozen=True)
class DiffusionRecipe:
    """How rows are corrupted, what is learned and how rows are drawn.

    Attributes:
        process: the forward process.
        prediction: what the network's output stands for (:mod:`src.diffusion.gaussian.denoiser`).
        weight: lambda(t) of Eq. 3 (:func:`src.diffusion.gaussian.denoiser.noise_weight`).
        sampler: how rows are drawn (:mod:`src.diffusion.gaussian.sampler`).
    """

    process: Process
    prediction: str
    weight: str
    sampler: Sampler

    def __post_init__(self) -> None:
        for key, value, allowed in (("prediction", self.prediction, PREDICTIONS), ("weight", self.weight, WEIGHTS)):
            if value not in allowed:
                raise ConfigError(f"diffusion.{key} is one of {list(allowed)}, got {value!r}")

    def build(self, network: nn.Module, moments: Moments) -> Denoiser:
        """Noise predictor around ``network``; see :class:`Denoiser`."""
        return Denoiser(network, self.process.schedule(), self.prediction, self.weight, moments.mean, moments.std)


@dataclass(frozen=True)
class VPRecipe(DiffusionRecipe):
    """``diffusion=ddpm``, the paper's, and ``diffusion=vp``: variance preserving.

    The two differ in values alone: scale of numbers, coordinate for na, prediction and weight.
    """

    process: VariancePreserving


@dataclass(frozen=True)
class VERecipe(DiffusionRecipe):
    """``diffusion=ve``: variance exploding in continuous time, STaSy's."""

    process: VarianceExploding

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sampler.name != "ode" and self.sampler.n_steps is None:
            raise ConfigError(f"diffusion.sampler.n_steps of {self.sampler.name} is a number: time is continuous in VE")


@dataclass(frozen=True)
class CellByCell:
    """How rows are drawn where cells become visible one after another.

    Attributes:
        n_steps: network evaluations of a row at most; None = one for each cell.
    """

    n_steps: int | None

    def __post_init__(self) -> None:
        if self.n_steps is not None and self.n_steps < 1:
            raise ConfigError(f"diffusion.sampler.n_steps is at least 1, or null, got {self.n_steps}")


@dataclass(frozen=True)
class AbsorbingRecipe:
    """``diffusion=absorbing``: cells are hidden one after another (:mod:`src.diffusion.absorbing.denoiser`).

    Attributes:
        sampler: how rows are drawn.
    """

    sampler: CellByCell


AnyDiffusion = DiffusionRecipe | AbsorbingRecipe


def with_steps(diffusion: AnyDiffusion, n_steps: int) -> AnyDiffusion:
    """The recipe with another number of steps of its sampler."""
    sampler: Any = replace(diffusion.sampler, n_steps=n_steps)
    return replace(diffusion, sampler=sampler)


DIFFUSIONS: dict[str, type[AnyDiffusion]] = {
    "absorbing": AbsorbingRecipe,
    "ddpm": VPRecipe,
    "vp": VPRecipe,
    "ve": VERecipe,
}
