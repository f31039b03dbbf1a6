"""Settings of the absorbing-state diffusion."""

import math
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

from src.diffusion.absorbing.continuous import ContinuousColumns
from src.diffusion.absorbing.drawing import CellByCell, CellByCellWithHoles
from src.diffusion.absorbing.holes import HoleStates
from src.diffusion.absorbing.model import AbsorbingDiffusion, drawing_tiers
from src.diffusion.absorbing.states import States
from src.diffusion.base import Coordinates, Moments, Targets
from src.diffusion.networks import NetworkSettings
from src.diffusion.settings import DiffusionSettings
from src.errors import ConfigError

ORDERS = ("fitted", "random")


@dataclass(frozen=True)
class AbsorbingSettings(DiffusionSettings, names=("absorbing",)):
    """``diffusion=absorbing``: cells are hidden one after another (:mod:`src.diffusion.absorbing.model`).

    Attributes:
        sampler: how rows are drawn.
        order: order in which the cells of a row are drawn: ``fitted`` to the holes of the table
            (:func:`drawing_tiers`), or ``random`` after the columns without a hole.
        reads_values: whether a number of few values is read as its value too, not as thresholds alone.
    """

    sampler: CellByCell = field(default_factory=CellByCell)
    order: str = "fitted"
    reads_values: bool = True
    rows: ClassVar[str] = "states"
    is_continuous: ClassVar[bool] = False
    imputation_steps: ClassVar[int | None] = None

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise ConfigError(f"diffusion.order is one of {list(ORDERS)}, got {self.order!r}")

    def build(
        self, network: NetworkSettings, coordinates: Coordinates, moments: Moments, targets: Targets | None = None
    ) -> AbsorbingDiffusion:
        """See :meth:`DiffusionSettings.build`."""
        if targets is not None:
            raise ConfigError("imputer=csdi_t is a model of noisy cells; diffusion is vp, ddpm or ve")
        numbers = ContinuousColumns(coordinates.continuous) if coordinates.continuous else None
        groups, is_ordered = list(coordinates.groups), list(coordinates.is_ordered)
        if numbers is not None:
            for column, n_states in zip(numbers.columns, numbers.n_states, strict=True):
                groups[column], is_ordered[column] = (1,) * n_states, False
        n_continuous, n_holes = len(coordinates.continuous), len(coordinates.holes)
        states = States(tuple(groups), is_ordered, n_continuous, self.reads_values, n_holes)
        sizes = [math.inf if i in coordinates.continuous else sum(column) for i, column in enumerate(groups)]
        is_complete = moments.share_observed >= 1
        tier = None
        if self.order == "fitted":
            tier = drawing_tiers(sizes, coordinates.target, is_complete.tolist(), moments.share_complete)
        built = network.build(states.network_width, has_time=False)
        holes = HoleStates(coordinates.holes) if coordinates.holes else None
        return AbsorbingDiffusion(built, states, is_complete, numbers, tier, holes)

    def with_holes(self) -> Self:
        """See :meth:`DiffusionSettings.with_holes`."""
        return replace(self, sampler=CellByCellWithHoles(self.sampler.n_steps))

    def for_imputation(self) -> Self:
        """A copy that learns all orders alike: the cells that are known are those of no order."""
        return replace(self, order="random")

    def check_steps(self, n_steps: int, n_columns: int) -> None:
        """See :meth:`DiffusionSettings.check_steps`."""
        if n_steps > n_columns:
            raise ConfigError(f"n_steps is at most {n_columns}, one for each learned column, got {n_steps}")
