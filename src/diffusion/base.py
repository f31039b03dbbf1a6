r"""What a diffusion of rows is: the interface that training, drawing, imputation and likelihoods need of it.

:class:`Diffusion` is the model and :class:`DiffusionRecipe` its settings, ``diffusion=...``. A new diffusion is a file
with one of each in a folder here and a YAML file in ``conf/diffusion`` (``docs/contributing.md``). Training draws what
is random in the objective (:meth:`Diffusion.draw_noise`) apart from the objective itself (:meth:`Diffusion.losses`), so
that several processes can share the noise of a batch, and the objective can be compiled.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar, cast

import torch
from torch import Tensor, nn

from src.diffusion.networks import NetworkRecipe
from src.diffusion.networks.pieces import InPieces
from src.errors import ConfigError

OnProgress = Callable[[float], object]
"""Receives the share of the way that is done, 0..1, now and then."""
Noise = TypeVar("Noise", bound=tuple[Tensor, ...])
"""What is random in an objective: a named tuple of tensors, rows first."""


@dataclass(frozen=True)
class RowLosses:
    """Of a batch: ``loss`` (B,), whose mean is the objective, and ``noise_level`` (B,), how noisy its rows are."""

    loss: Tensor
    noise_level: Tensor


@dataclass(frozen=True)
class Drawn:
    """Rows ``x`` (n, D) and how many times the network was evaluated on each of them."""

    x: Tensor
    n_evaluations: int


@dataclass(frozen=True)
class Given:
    """What is known of the rows to draw.

    Attributes:
        x: (D,) or (n, D) clean coordinates, any value where unknown.
        mask: bool of the same shape, True = known.
        n_repeats: how often each step is taken, of a diffusion that draws by replacing what is known.
    """

    x: Tensor
    mask: Tensor
    n_repeats: int


@dataclass(frozen=True)
class LogLikelihood:
    """Natural logarithms ``nats`` (B,), observed ``n_coordinates`` (B,), network evaluations per row."""

    nats: Tensor
    n_coordinates: Tensor
    n_evaluations: int

    @property
    def bits(self) -> Tensor:
        """(B,) negative log-likelihood in bits per observed coordinate; NaN for a row without any."""
        return -self.nats / (math.log(2) * self.n_coordinates)


@dataclass(frozen=True)
class Accuracy:
    """Of a log-likelihood that is integrated; one that is summed is exact.

    Attributes:
        tolerance: of an adaptive solver, relative and absolute.
        n_probes: random probes of the trace; None = the exact trace.
        n_steps: takes so many fixed steps instead, with a probe each; None = the adaptive solver.
    """

    tolerance: float = 1e-5
    n_probes: int | None = None
    n_steps: int | None = None


class Moments(NamedTuple):
    """Of each coordinate over its observed training entries, (D,): mean, standard deviation, share observed."""

    mean: Tensor
    std: Tensor
    share_observed: Tensor


@dataclass(frozen=True)
class Coordinates:
    """What encoded rows are.

    Attributes:
        width: D.
        columns: (D,) int64 column that each coordinate belongs to.
        groups: of rows of states, by column the number of levels of each of its groups.
        is_ordered: of rows of states, by column whether it holds numbers.
    """

    width: int
    columns: Tensor
    groups: tuple[tuple[int, ...], ...] = ()
    is_ordered: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Targets:
    """Which observed cells are hidden in the training of a conditional model: of each row a share of its own.

    Attributes:
        low, high: the share is uniform between them; both in [0, 1].
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (0 <= self.low <= self.high <= 1 and self.high > 0):
            raise ConfigError(f"targets are a share between 0 and 1, got {self.low} to {self.high}")

    def draw(self, n_rows: int, n_columns: int, generator: torch.Generator) -> Tensor:
        """(B, d) bool, True = hidden."""
        device = generator.device
        share = self.low + (self.high - self.low) * torch.rand(n_rows, 1, generator=generator, device=device)
        return torch.rand(n_rows, n_columns, generator=generator, device=device) < share


class Diffusion(nn.Module, ABC, Generic[Noise]):
    """A model of rows with holes.

    Attributes:
        network: what learns; reads and writes rows at the network's scale.
        in_pieces: evaluates it on as many rows at a time as memory holds.
        is_conditional: whether it knows cells given others only, not whole rows.
    """

    network: nn.Module
    is_conditional: ClassVar[bool] = False

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.in_pieces = InPieces()

    @abstractmethod
    def draw_noise(self, x: Tensor, generator: torch.Generator) -> Noise:
        """Draw what is random in the objective of rows x (B, D), of which the shape alone counts."""

    @abstractmethod
    def losses(self, x: Tensor, mask: Tensor, noise: Noise) -> RowLosses:
        """The masked objective of each row; no operation waits for a value.

        Arguments:
            x: (B, D) clean rows, finite, zero where missing.
            mask: (B, D) on coordinates, 1 = observed.
            noise: of :meth:`draw_noise`.
        """

    def random_losses(self, x: Tensor, mask: Tensor, generator: torch.Generator) -> RowLosses:
        """:meth:`losses` with noise from a random stream."""
        return self.losses(x, mask, self.draw_noise(x, generator))

    @abstractmethod
    def draw(
        self,
        sampler: Any,
        n_rows: int,
        generator: torch.Generator,
        given: Given | None = None,
        on_progress: OnProgress = lambda share: None,
    ) -> Drawn:
        """Draw rows, or those coordinates that are not given.

        Arguments:
            sampler: of the diffusion's recipe.
            n_rows: n.
            generator: random stream; its device is where the rows are drawn.
            given: known coordinates.
            on_progress: receives the share of the way that is done.
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
        """Log-likelihood of encoded rows on their observed coordinates.

        Arguments:
            x: (B, D) encoded rows, 0 where missing.
            mask: (B, D) bool, True = observed.
            generator: random stream of what is estimated.
            accuracy: of one that is integrated.
            on_progress: receives the share of the way that is done.

        Raises:
            ConfigError: the model is of no whole rows.
        """


RECIPES: dict[str, type["DiffusionRecipe"]] = {}
"""``diffusion=NAME`` of every recipe."""


class DiffusionRecipe(ABC):
    """``diffusion=...``: how rows are corrupted, what is learned and how rows are drawn; a dataclass of its settings.

    Attributes:
        sampler: how rows are drawn.
        rows: what encoded rows hold, ``coordinates`` (real numbers) or ``states`` (positions of categories and levels).
        is_continuous: whether the model is a density, with the bound of Theorem 2.3; else a probability of states.
        imputation_steps: steps of a draw that fills holes; None = one for each hole.
    """

    sampler: Any
    rows: ClassVar[str]
    is_continuous: ClassVar[bool]
    imputation_steps: ClassVar[int | None]

    def __init_subclass__(cls, names: tuple[str, ...] = ()) -> None:
        super().__init_subclass__()
        RECIPES.update(dict.fromkeys(names, cls))

    @abstractmethod
    def build(
        self, network: NetworkRecipe, coordinates: Coordinates, moments: Moments, targets: Targets | None = None
    ) -> Diffusion[Any]:
        """The untrained model; its weights come from torch's global stream.

        Arguments:
            network: what learns.
            coordinates: of the encoded rows.
            moments: of their coordinates.
            targets: makes it a conditional model of the cells they hide; None = of whole rows.

        Raises:
            ConfigError: there is no conditional model of this diffusion.
        """

    @abstractmethod
    def check_steps(self, n_steps: int, n_columns: int) -> None:
        """Refuse a number of the sampler's steps that has no effect for rows of ``n_columns`` columns.

        Raises:
            ConfigError: the sampler chooses its own, or there are fewer.
        """

    def with_steps(self, n_steps: int) -> Self:
        """The recipe with another number of steps of its sampler."""
        recipe: Any = self
        return cast(Self, replace(recipe, sampler=replace(self.sampler, n_steps=n_steps)))
