"""Settings of the absorbing-state diffusion."""

from dataclasses import dataclass, field
from typing import ClassVar

from src.diffusion.absorbing.drawing import CellByCell
from src.diffusion.absorbing.model import AbsorbingDiffusion
from src.diffusion.absorbing.states import States
from src.diffusion.base import Coordinates, DiffusionSettings, Moments, Targets
from src.diffusion.networks import NetworkSettings
from src.errors import ConfigError


@dataclass(frozen=True)
class AbsorbingSettings(DiffusionSettings, names=("absorbing",)):
    """``diffusion=absorbing``: cells are hidden one after another (:mod:`src.diffusion.absorbing.model`).

    Attributes:
        sampler: how rows are drawn.
    """

    sampler: CellByCell = field(default_factory=CellByCell)
    rows: ClassVar[str] = "states"
    is_continuous: ClassVar[bool] = False
    imputation_steps: ClassVar[int | None] = None

    def build(
        self, network: NetworkSettings, coordinates: Coordinates, moments: Moments, targets: Targets | None = None
    ) -> AbsorbingDiffusion:
        """See :meth:`DiffusionSettings.build`."""
        if targets is not None:
            raise ConfigError("imputer=csdi_t is a model of noisy cells; diffusion is vp, ddpm or ve")
        states = States(coordinates.groups, coordinates.is_ordered)
        return AbsorbingDiffusion(network.build(states.network_width, has_time=False), states, moments.share_observed)

    def check_steps(self, n_steps: int, n_columns: int) -> None:
        """See :meth:`DiffusionSettings.check_steps`."""
        if n_steps > n_columns:
            raise ConfigError(f"n_steps is at most {n_columns}, one for each learned column, got {n_steps}")
