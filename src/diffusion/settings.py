"""Settings of diffusions: the parts by which ``diffusion=NAME`` becomes a model."""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, ClassVar, Self, cast

from src.diffusion.base import Coordinates, Diffusion, Moments, Targets
from src.diffusion.networks import NetworkSettings

DIFFUSIONS: dict[str, type["DiffusionSettings"]] = {}
"""Settings of the diffusions by name, ``diffusion=NAME``."""


class DiffusionSettings(ABC):
    """``diffusion=...``: settings of forward process, objective and sampler; subclasses are dataclasses.

    ``class MySettings(DiffusionSettings, names=("mine",))`` registers the class in :data:`DIFFUSIONS`.

    Attributes:
        sampler: how rows are drawn.
        rows: entries of encoded rows, ``coordinates`` (real numbers) or ``states`` (categories and levels).
        is_continuous: whether the model is a density, with the bound of Theorem 2.3; else a probability of states.
        imputation_steps: steps of a draw that fills holes; None = one for each hole.
    """

    sampler: Any
    rows: ClassVar[str]
    is_continuous: ClassVar[bool]
    imputation_steps: ClassVar[int | None]

    def __init_subclass__(cls, names: tuple[str, ...] = ()) -> None:
        super().__init_subclass__()
        DIFFUSIONS.update(dict.fromkeys(names, cls))

    @abstractmethod
    def build(
        self, network: NetworkSettings, coordinates: Coordinates, moments: Moments, targets: Targets | None = None
    ) -> Diffusion[Any]:
        """Build the untrained model; its weights are drawn from torch's global stream.

        Arguments:
            network: settings of the network.
            coordinates: layout of the encoded rows.
            moments: of their coordinates.
            targets: share of hidden cells of a conditional model; None = a model of complete rows.

        Raises:
            ConfigError: this diffusion has no conditional model.
        """

    @abstractmethod
    def check_steps(self, n_steps: int, n_columns: int) -> None:
        """Refuse a number of steps that the sampler cannot make.

        Arguments:
            n_steps: number of steps.
            n_columns: columns of the rows to draw.

        Raises:
            ConfigError: the sampler chooses its number of steps, or has fewer.
        """

    def for_imputation(self) -> Self:
        """A copy for a model that fills holes, whatever cells are known."""
        return self

    def with_holes(self) -> Self:
        """A copy whose sampler draws rows together with their holes; :attr:`Encoder.holes` are not empty."""
        return self

    def with_steps(self, n_steps: int) -> Self:
        """A copy whose sampler makes ``n_steps`` steps."""
        return cast(Self, replace(cast(Any, self), sampler=replace(self.sampler, n_steps=n_steps)))
