"""Conditional diffusion for imputation: hidden cells are learned given the others, as CSDI does.

In training some of the observed cells of a row are hidden, the targets; the network sees the others as they
are, the targets noisy, and which is which, and its error on the targets alone is the loss. To impute, what is
observed is the condition. Cells that nobody observed are no condition and no target.

CSDI hides a share of the cells that is uniform in (0, 1), row by row; TabCSDI always 80 %.

References: Tashiro et al. 2021, https://arxiv.org/abs/2107.03502; Zheng and Charoenphakdee 2022,
https://arxiv.org/abs/2210.17128
"""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from src.diffusion.base import Accuracy, Drawn, Given, LogLikelihood, Moments, OnProgress, RowLosses, Targets
from src.diffusion.gaussian.model import GaussianDiffusion, GaussianNoise, Network
from src.diffusion.gaussian.objective import masked_dsm
from src.diffusion.gaussian.sampler import Sampler, draw
from src.diffusion.gaussian.schedule import Schedule
from src.errors import ConfigError

N_CHANNELS = 3
"""Of the network: condition, noisy targets, and where the condition is."""


class Condition(NamedTuple):
    """What is known: ``x`` (B, D) clean coordinates, and ``mask`` (B, D) bool, True = known, constant in a column."""

    x: Tensor
    mask: Tensor


class ConditionalNoise(NamedTuple):
    """What is random in the objective: targets ``hidden`` (B, d), times ``t`` (B,), and noise ``eps`` (B, D)."""

    hidden: Tensor
    t: Tensor
    eps: Tensor


class ConditionalDiffusion(GaussianDiffusion):
    """Predicts the noise of targets given the other cells.

    Arguments:
        network: maps (B, 3, D), (B,) or (1,) times and sigmas to (B, D).
        schedule: scales at every time.
        prediction: as of :class:`GaussianDiffusion`.
        weight: likewise.
        moments: of the coordinates.
        columns: (D,) int64 column that each coordinate belongs to.
        targets: which cells are hidden in training.
    """

    columns: Tensor
    is_conditional: ClassVar[bool] = True

    def __init__(
        self,
        network: nn.Module,
        schedule: Schedule,
        prediction: str,
        weight: str,
        moments: Moments,
        columns: Tensor,
        targets: Targets,
    ) -> None:
        super().__init__(network, schedule, prediction, weight, *moments[:2])
        self.register_buffer("columns", columns, persistent=False)
        self.n_columns = int(columns.max()) + 1
        self.targets = targets

    def draw_noise(self, x: Tensor, generator: torch.Generator) -> ConditionalNoise:  # type: ignore[override]
        """See :class:`Diffusion`."""
        hidden = self.targets.draw(len(x), self.n_columns, generator)
        return ConditionalNoise(hidden, *super().draw_noise(x, generator))

    def losses(self, x: Tensor, mask: Tensor, noise: ConditionalNoise) -> RowLosses:  # type: ignore[override]
        """Masked denoising score matching of the targets of each row at one random time; see :class:`Diffusion`."""
        hidden, observed = noise.hidden[:, self.columns], mask.bool()
        given = self.given(Condition(x, observed & ~hidden))
        noisy, weight = self.noisy(x, GaussianNoise(noise.t, noise.eps))
        eps_hat = self.noise(given, *noisy)
        return RowLosses(masked_dsm(eps_hat, noise.eps, observed & hidden, weight), noisy.sigma)

    def draw(
        self,
        sampler: Sampler,
        n_rows: int,
        generator: torch.Generator,
        given: Given | None = None,
        on_progress: OnProgress = lambda share: None,
    ) -> Drawn:
        """See :class:`Diffusion`; what is given is the condition."""
        condition = Condition(torch.zeros(len(self.mean)), torch.zeros(len(self.mean), dtype=torch.bool))
        if given is not None:
            condition = Condition(given.x, given.mask)
        condition = Condition(*(part.expand(n_rows, -1) for part in condition))
        return draw_conditional(self, sampler, condition, generator)

    def log_likelihood(
        self,
        x: Tensor,
        mask: Tensor,
        generator: torch.Generator,
        accuracy: Accuracy,
        on_progress: OnProgress = lambda share: None,
    ) -> LogLikelihood:
        """There is none; see :class:`Diffusion`."""
        raise ConfigError("a conditional model (imputer=csdi_t) has no likelihood of whole rows")

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

    def __init__(self, denoiser: ConditionalDiffusion, condition: Condition) -> None:
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
    denoiser: ConditionalDiffusion, sampler: Sampler, condition: Condition, generator: torch.Generator
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
