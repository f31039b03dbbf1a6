"""Settings of the diffusions that add Gaussian noise: forward process, parametrisation, weight and sampler."""

from dataclasses import dataclass, field
from typing import ClassVar

from src.diffusion.base import Coordinates, Moments, Targets
from src.diffusion.gaussian.csdi import N_CHANNELS, ConditionalDiffusion
from src.diffusion.gaussian.model import PREDICTIONS, GaussianDiffusion
from src.diffusion.gaussian.objective import WEIGHTS
from src.diffusion.gaussian.sampler import Sampler
from src.diffusion.gaussian.schedule import Process, VarianceExploding, VariancePreserving
from src.diffusion.networks import NetworkSettings
from src.diffusion.settings import DiffusionSettings
from src.errors import ConfigError

IMPUTATION_STEPS = 12
"""Steps of a draw that fills holes: as each is repeated, few are enough."""


@dataclass(frozen=True)
class GaussianSettings(DiffusionSettings):
    """A diffusion that adds Gaussian noise to coordinates.

    Attributes:
        process: the forward process.
        prediction: meaning of the network's output: ``residual``, ``noise`` (Algorithm 1) or ``score`` (STaSy's).
        weight: lambda(t) of Eq. 3: ``velocity``, ``noise`` (Algorithm 1) or ``likelihood`` (Theorem 2.3).
        sampler: how rows are drawn (:mod:`src.diffusion.gaussian.sampler`).
    """

    process: Process
    prediction: str = "residual"
    weight: str = "velocity"
    sampler: Sampler = field(default_factory=Sampler)
    rows: ClassVar[str] = "coordinates"
    is_continuous: ClassVar[bool] = True
    imputation_steps: ClassVar[int | None] = IMPUTATION_STEPS

    def __post_init__(self) -> None:
        for key, value, allowed in (("prediction", self.prediction, PREDICTIONS), ("weight", self.weight, WEIGHTS)):
            if value not in allowed:
                raise ConfigError(f"diffusion.{key} is one of {list(allowed)}, got {value!r}")

    def build(
        self, network: NetworkSettings, coordinates: Coordinates, moments: Moments, targets: Targets | None = None
    ) -> GaussianDiffusion:
        """See :meth:`DiffusionSettings.build`."""
        schedule, width = self.process.schedule(), coordinates.width
        if targets is None:
            return GaussianDiffusion(
                network.build(width), schedule, self.prediction, self.weight, moments.mean, moments.std
            )
        return ConditionalDiffusion(
            network.build(width, N_CHANNELS),
            schedule,
            self.prediction,
            self.weight,
            moments,
            coordinates.columns,
            targets,
        )

    def check_steps(self, n_steps: int, n_columns: int) -> None:
        """See :meth:`DiffusionSettings.check_steps`."""
        if self.sampler.name == "ode":
            raise ConfigError("n_steps has no effect: the run's sampler, ode, chooses its steps by a tolerance")
        schedule = self.process.schedule()
        if schedule.discrete and n_steps > schedule.last:
            raise ConfigError(f"n_steps is at most {schedule.last}, the steps of the run's process, got {n_steps}")


@dataclass(frozen=True)
class VPSettings(GaussianSettings, names=("ddpm", "vp")):
    """``diffusion=ddpm``, the paper's, and ``diffusion=vp``: variance preserving.

    The two differ in values alone: scale of numbers, coordinate for missing cells, prediction and weight.
    """

    process: VariancePreserving = field(default_factory=VariancePreserving)


@dataclass(frozen=True)
class VESettings(GaussianSettings, names=("ve",)):
    """``diffusion=ve``: variance exploding in continuous time, STaSy's."""

    process: VarianceExploding = field(default_factory=VarianceExploding)
    prediction: str = "score"
    weight: str = "noise"
    sampler: Sampler = field(default_factory=lambda: Sampler("dpm", n_steps=30))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sampler.name != "ode" and self.sampler.n_steps is None:
            raise ConfigError(f"diffusion.sampler.n_steps of {self.sampler.name} is a number: time is continuous in VE")
