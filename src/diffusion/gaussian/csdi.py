"""Conditional diffusion for imputation: hidden cells are learned given the others, as CSDI does.

In training some of the observed cells of a row are hidden, the targets; the network sees the others as they
are, the targets noisy, and which is which, and its error on the targets alone is the loss. To impute, what is
observed is the condition. Cells that nobody observed are no condition and no target.

CSDI hides a share of the cells that is uniform in (0, 1), row by row; TabCSDI always 80 %.

References: Tashiro et al. 2021, https://arxiv.org/abs/2107.03502; Zheng and Charoenphakdee 2022,
https://arxiv.org/abs/2210.17128
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from src.diffusion.gaussian.denoiser import Denoiser, Network, RowLosses
from src.diffusion.gaussian.recipe import DiffusionRecipe, Moments
from src.diffusion.gaussian.sampler import Drawn, Sampler, draw
from src.diffusion.gaussian.schedule import Schedule
from src.errors import ConfigError

N_CHANNELS = 3
"""Of the network: condition, noisy targets, and where the condition is."""


class Condition(NamedTuple):
    """What is known: ``x`` (B, D) clean coordinates, and ``mask`` (B, D) bool, True = known, constant in a column."""

    x: Tensor
    mask: Tensor


@dataclass(frozen=True)
class Targets:
    """Which observed cells are hidden in training: of each row a share of its own.

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


class ConditionalDenoiser(Denoiser):
    """Predicts the noise of targets given the other cells.

    Arguments:
        network: maps (B, 3, D), (B,) or (1,) times and sigmas to (B, D).
        recipe: process, parametrisation and weight.
        moments: of the coordinates.
        columns: (D,) int64 column that each coordinate belongs to.
        targets: which cells are hidden in training.
    """

    columns: Tensor

    def __init__(
        self,
        network: nn.Module,
        recipe: DiffusionRecipe,
        moments: Moments,
        columns: Tensor,
        targets: Targets,
    ) -> None:
        super().__init__(network, recipe.process.schedule(), recipe.prediction, recipe.weight, *moments[:2])
        self.register_buffer("columns", columns, persistent=False)
        self.n_columns = int(columns.max()) + 1
        self.targets = targets

    def draw_noise(self, x: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        """What is random in the objective: targets (B, d), times (B,), and noise (B, D)."""
        return self.targets.draw(len(x), self.n_columns, generator), *super().draw_noise(x, generator)

    def losses_of(self, x: Tensor, mask: Tensor, *noise: Tensor) -> RowLosses:
        """Masked denoising score matching of the targets of each row at one random time."""
        hidden, observed = noise[0][:, self.columns], mask.bool()
        given = self.given(Condition(x, observed & ~hidden))
        return self.masked_losses(given, x, observed & hidden, noise[1], noise[2])

    def given(self, condition: Condition) -> Network:
        """The network at one condition: (B, D) rows at its scale, times and sigmas -> (B, D)."""
        known = torch.where(condition.mask, (condition.x - self.mean) / self.std, 0)
        is_known = condition.mask.to(known.dtype)

        def network(rows: Tensor, time: Tensor, sigma: Tensor) -> Tensor:
            channels = [known, torch.where(condition.mask, 0, rows), is_known]
            out: Tensor = self.network(torch.stack(channels, dim=1), time, sigma)
            return out

        return network


class Conditioned:
    """A conditional denoiser at one condition, as samplers draw with it.

    The noise it predicts of known coordinates is the one that leads to their values.
    """

    def __init__(self, denoiser: ConditionalDenoiser, condition: Condition) -> None:
        self.denoiser = denoiser
        self.condition = condition

    @property
    def schedule(self) -> Schedule:
        """Scales at every time."""
        return self.denoiser.schedule

    def __call__(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Predicted noise, (B, D)."""
        alpha, sigma = (scale.to(x_t.dtype) for scale in self.schedule.scales(t))
        return self.predict(x_t, t, alpha, sigma)

    def predict(self, x_t: Tensor, t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Predicted noise, (B, D), the scales given."""
        to_known = (x_t - alpha[:, None] * self.condition.x) / sigma[:, None]
        noise = self.denoiser.in_pieces(self._noise, x_t, t, alpha, sigma, *self.condition)
        return torch.where(self.condition.mask, to_known, noise)

    def _noise(self, x_t: Tensor, t: Tensor, alpha: Tensor, sigma: Tensor, x: Tensor, mask: Tensor) -> Tensor:
        return self.denoiser.noise(self.denoiser.given(Condition(x, mask)), x_t, t, alpha, sigma)


def draw_conditional(
    denoiser: ConditionalDenoiser, sampler: Sampler, condition: Condition, generator: torch.Generator
) -> Drawn:
    """Draw the coordinates of rows that are not known, given the others.

    Arguments:
        denoiser: trained.
        sampler: how.
        condition: (n, D) what is known.
        generator: random stream; its device is where the rows are drawn.
    """
    condition = Condition(condition.x.to(generator.device), condition.mask.to(generator.device))
    n_rows, width = condition.x.shape
    drawn = draw(Conditioned(denoiser, condition), sampler, n_rows, width, generator)
    return Drawn(torch.where(condition.mask, condition.x, drawn.x), drawn.n_evaluations)
