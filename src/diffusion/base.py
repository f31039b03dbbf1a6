"""Interface of a diffusion model of rows, which training, drawing, imputation and likelihoods use.

:class:`Diffusion` is the model and :class:`DiffusionSettings` its settings, ``diffusion=...``. A new diffusion is a
file with one of each in a folder here and a YAML file in ``conf/diffusion`` (``docs/contributing.md``). The random
numbers of the objective are drawn (:meth:`Diffusion.draw_noise`) apart from its computation
(:meth:`Diffusion.losses`), so that several processes can share the noise of a batch, and the computation can be
compiled.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from src.diffusion.networks.pieces import InPieces
from src.errors import ConfigError

OnProgress = Callable[[float], object]
"""Receives the share of the work that is done, 0..1, now and then."""
Noise = TypeVar("Noise", bound=tuple[Tensor, ...])
"""Random numbers of an objective: a named tuple of tensors whose first axis is that of rows."""


@dataclass(frozen=True)
class RowLosses:
    """Losses of the rows of a batch.

    Attributes:
        loss: (B,); the objective is their mean.
        noise_level: (B,) how noisy the rows are, on a scale of the diffusion's own.
    """

    loss: Tensor
    noise_level: Tensor


@dataclass(frozen=True)
class Drawn:
    """Rows that were drawn.

    Attributes:
        x: (n, D) encoded rows.
        n_evaluations: evaluations of the network for each row.
    """

    x: Tensor
    n_evaluations: int


@dataclass(frozen=True)
class KnownCoordinates:
    """Known coordinates of rows to draw.

    Attributes:
        x: (D,) or (n, D) clean coordinates, any value where unknown.
        mask: bool of the same shape, True = known.
        n_repeats: repetitions of each step, in a diffusion that draws by replacing known coordinates.
    """

    x: Tensor
    mask: Tensor
    n_repeats: int


@dataclass(frozen=True)
class LogLikelihood:
    """Log-likelihoods of the rows of a batch on their observed coordinates.

    Attributes:
        nats: (B,) natural logarithms.
        n_coordinates: (B,) number of observed coordinates.
        n_evaluations: evaluations of the network for each row.
    """

    nats: Tensor
    n_coordinates: Tensor
    n_evaluations: int

    @property
    def bits(self) -> Tensor:
        """(B,) negative log-likelihood in bits per observed coordinate; NaN for a row without any."""
        return -self.nats / (math.log(2) * self.n_coordinates)


@dataclass(frozen=True)
class Accuracy:
    """Accuracy of a log-likelihood that is integrated numerically.

    Attributes:
        tolerance: of the adaptive solver, relative and absolute.
        n_probes: random probes of the trace; None = the exact trace.
        n_steps: number of fixed steps, with one probe each, in place of the adaptive solver; None = adaptive.
    """

    tolerance: float = 1e-5
    n_probes: int | None = None
    n_steps: int | None = None


class Moments(NamedTuple):
    """Of the training rows: (D,) mean and standard deviation of each coordinate over its observed cells.

    Attributes:
        share_observed, share_complete: shares of the rows: that have a coordinate, (D,), and without any hole.
    """

    mean: Tensor
    std: Tensor
    share_observed: Tensor
    share_complete: float


@dataclass(frozen=True)
class Coordinates:
    """Layout of encoded rows; all but the first three are of rows of states.

    Attributes:
        width: D.
        columns: (D,) int64, column of a coordinate.
        target: the column that downstream models predict; None = there is none.
        groups: by column, the number of levels of each of its groups.
        is_ordered: by column, whether it holds numbers.
        continuous: by continuous column, the cells of each level, whether it is one value, and the repeated levels.
        holes: by column of which "missing" is a state, whether it is structural, and the share of missing cells.
    """

    width: int
    columns: Tensor
    target: int | None = None
    groups: tuple[tuple[int, ...], ...] = ()
    is_ordered: tuple[bool, ...] = ()
    continuous: Mapping[int, tuple[tuple[int, ...], tuple[bool, ...], tuple[int, ...]]] = field(default_factory=dict)
    holes: Mapping[int, tuple[bool, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Targets:
    """Share of the cells that training of a conditional model hides, drawn anew for each row.

    Attributes:
        low, high: smallest and largest share; uniform between the two.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (0 <= self.low <= self.high <= 1 and self.high > 0):
            raise ConfigError(f"targets are a share between 0 and 1, got {self.low} to {self.high}")

    def draw(self, n_rows: int, n_columns: int, generator: torch.Generator) -> Tensor:
        """Draw the cells to hide, (B, d) bool, True = hidden; ``n_rows`` is B and ``n_columns`` d."""
        device = generator.device
        share = self.low + (self.high - self.low) * torch.rand(n_rows, 1, generator=generator, device=device)
        return torch.rand(n_rows, n_columns, generator=generator, device=device) < share


class Diffusion(nn.Module, ABC, Generic[Noise]):
    """A model of rows with holes.

    Attributes:
        network: its neural network.
        in_pieces: evaluates a function on as many rows at a time as memory can hold.
        is_conditional: whether it models cells given others only, not complete rows.
    """

    network: nn.Module
    is_conditional: ClassVar[bool] = False

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.in_pieces = InPieces()

    @abstractmethod
    def draw_noise(self, x: Tensor, generator: torch.Generator) -> Noise:
        """Draw the random numbers of the objective for rows x (B, D); only their shape and device are used."""

    @abstractmethod
    def losses(self, x: Tensor, mask: Tensor, noise: Noise) -> RowLosses:
        """Compute the masked objective of each row.

        No operation may make the host wait for a value of the device: the objective is compiled as one graph.

        Arguments:
            x: (B, D) clean rows, finite, zero where missing.
            mask: (B, D) on coordinates, 1 = observed.
            noise: of :meth:`draw_noise`.
        """

    def random_losses(self, x: Tensor, mask: Tensor, generator: torch.Generator) -> RowLosses:
        """Compute :meth:`losses` with noise from a random stream."""
        return self.losses(x, mask, self.draw_noise(x, generator))

    def calibrate(self, x: Tensor, mask: Tensor, generator: torch.Generator) -> None:
        """Measure on held-out rows how wide the distributions of cells should be; nothing where none are computed.

        Arguments:
            x: (B, D) encoded rows, not trained on.
            mask: (B, D) bool, True = observed.
            generator: random stream on the device of the rows.
        """

    @abstractmethod
    def draw(
        self,
        sampler: Any,
        n_rows: int,
        generator: torch.Generator,
        known: KnownCoordinates | None = None,
        on_progress: OnProgress = lambda share: None,
    ) -> Drawn:
        """Draw rows, or the coordinates of rows that are not known.

        Arguments:
            sampler: of the diffusion's settings.
            n_rows: n.
            generator: random stream; its device is where the rows are drawn.
            known: known coordinates; None = no coordinate is known.
            on_progress: receives the share of the work that is done, 0..1.
        """

    @abstractmethod
    def log_likelihood(
        self,
        x: Tensor,
        mask: Tensor,
        generator: torch.Generator,
        accuracy: Accuracy,
        on_progress: OnProgress = lambda share: None,
    ) -> LogLikelihood:
        """Compute the log-likelihood of encoded rows on their observed coordinates.

        Arguments:
            x: (B, D) encoded rows, 0 where missing.
            mask: (B, D) bool, True = observed.
            generator: random stream of the estimate.
            accuracy: of a likelihood that is integrated; a likelihood that is a sum does not use it.
            on_progress: receives the share of the work that is done, 0..1.

        Raises:
            ConfigError: the model is conditional.
            SolverError: a likelihood that is integrated cannot be, to this tolerance.
        """
