r"""Conditional diffusion for imputation: the network predicts hidden cells given the others, as CSDI does.

In training some of the observed cells of a row are hidden: the targets :math:`m^{ta}`. The other observed cells are
the condition :math:`m^{co}`. The network reads the clean condition, the noisy targets and the mask of the condition,
and the loss is its error on the targets (Tashiro et al. 2021, section 4 and Algorithm 1), weighted as in
:mod:`src.diffusion.gaussian.objective`:

.. math:: \ell = \frac{w(t)}{D} \sum_i m^{ta}_i
    \big(\hat\epsilon_i(x_t \odot m^{ta}, x \odot m^{co}, m^{co}, t) - \epsilon_i\big)^2

(:meth:`ConditionalDiffusion.losses`). To impute, the observed cells are the condition. Missing cells of the training
table are neither condition nor target.

CSDI hides a share of the cells that is uniform in (0, 1), row by row; TabCSDI always hides 80 %.

References: Tashiro et al. 2021, https://arxiv.org/abs/2107.03502; Zheng and Charoenphakdee 2022,
https://arxiv.org/abs/2210.17128
"""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from src.diffusion.base import Accuracy, Drawn, KnownCoordinates, LogLikelihood, Moments, OnProgress, RowLosses, Targets
from src.diffusion.gaussian.model import GaussianDiffusion, GaussianNoise, Network
from src.diffusion.gaussian.objective import masked_dsm
from src.diffusion.gaussian.sampler import Sampler, draw
from src.diffusion.gaussian.schedule import Schedule
from src.errors import ConfigError

N_CHANNELS = 3
"""Channels of the network's input: condition, noisy targets, mask of the condition."""


class Condition(NamedTuple):
    """Known coordinates of rows.

    Attributes:
        x: (B, D) clean coordinates, any value where unknown.
        mask: (B, D) bool, True = known; the same for all coordinates of a cell.
    """

    x: Tensor
    mask: Tensor


class ConditionalNoise(NamedTuple):
    """Random numbers of the objective.

    Attributes:
        hidden: (B, d) bool, True = the cell is hidden: a target where it is observed.
        t: (B,) times.
        eps: (B, D) standard normal noise.
    """

    hidden: Tensor
    t: Tensor
    eps: Tensor


class ConditionalDiffusion(GaussianDiffusion):
    """Predicts the noise of hidden cells given the other cells.

    Arguments:
        network: maps (B, 3, D), (B,) or (1,) times and sigmas to (B, D).
        schedule: scales at every time.
        prediction: as for :class:`GaussianDiffusion`.
        weight: likewise.
        moments: of the coordinates.
        columns: (D,) int64, column of a coordinate.
        targets: share of the cells that are hidden in training.
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
        """See :meth:`Diffusion.draw_noise`."""
        hidden = self.targets.draw(len(x), self.n_columns, generator)
        return ConditionalNoise(hidden, *super().draw_noise(x, generator))

    def losses(self, x: Tensor, mask: Tensor, noise: ConditionalNoise) -> RowLosses:  # type: ignore[override]
        """Denoising score matching of the targets of each row, the formula of this module at one random time.

        Arguments as for :meth:`Diffusion.losses`.
        """
        hidden, observed = noise.hidden[:, self.columns], mask.bool()
        network = self.conditioned_network(Condition(x, observed & ~hidden))
        noisy, weight = self.noisy(x, GaussianNoise(noise.t, noise.eps))
        eps_hat = self.noise(network, *noisy)
        return RowLosses(masked_dsm(eps_hat, noise.eps, observed & hidden, weight), noisy.sigma)

    def draw(
        self,
        sampler: Sampler,
        n_rows: int,
        generator: torch.Generator,
        known: KnownCoordinates | None = None,
        on_progress: OnProgress = lambda share: None,
    ) -> Drawn:
        """Draw rows given the condition ``known``; without one, all coordinates are unknown.

        Other arguments as for :meth:`Diffusion.draw`.
        """
        condition = Condition(torch.zeros(len(self.mean)), torch.zeros(len(self.mean), dtype=torch.bool))
        if known is not None:
            condition = Condition(known.x, known.mask)
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
        """Refuse: the model knows no density of complete rows.

        Raises:
            ConfigError: always.
        """
        raise ConfigError("a conditional model (imputer=csdi_t) has no likelihood of whole rows")

    def conditioned_network(self, condition: Condition) -> Network:
        """The network at one condition: it maps (B, D) noisy rows at its scale, times and sigmas to (B, D)."""
        known = torch.where(condition.mask, (condition.x - self.mean) / self.std, 0)
        is_known = condition.mask.to(known.dtype)

        def network(rows: Tensor, time: Tensor, sigma: Tensor) -> Tensor:
            channels = [known, torch.where(condition.mask, 0, rows), is_known]
            out: Tensor = self.network(torch.stack(channels, dim=1), time, sigma)
            return out

        return network


class ConditionedPredictor:
    """A conditional denoiser at one condition: a :class:`NoisePredictor`, which samplers draw with.

    For known coordinates it predicts the noise that leads to their clean values.

    Arguments:
        denoiser: the model.
        condition: (B, D) of the rows to draw.
    """

    def __init__(self, denoiser: ConditionalDiffusion, condition: Condition) -> None:
        self.denoiser = denoiser
        self.condition = condition

    @property
    def schedule(self) -> Schedule:
        """Scales at every time."""
        return self.denoiser.schedule

    def __call__(self, x_t: Tensor, t: Tensor) -> Tensor:
        """See :class:`NoisePredictor`."""
        alpha, sigma = (scale.to(x_t.dtype) for scale in self.schedule.scales(t))
        return self.predict(x_t, t, alpha, sigma)

    def predict(self, x_t: Tensor, t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """See :class:`NoisePredictor`."""
        noise_of_known = (x_t - alpha[:, None] * self.condition.x) / sigma[:, None]
        noise = self.denoiser.in_pieces(self._noise, x_t, t, alpha, sigma, *self.condition)
        return torch.where(self.condition.mask, noise_of_known, noise)

    def _noise(self, x_t: Tensor, t: Tensor, alpha: Tensor, sigma: Tensor, x: Tensor, mask: Tensor) -> Tensor:
        return self.denoiser.noise(self.denoiser.conditioned_network(Condition(x, mask)), x_t, t, alpha, sigma)


def draw_conditional(
    denoiser: ConditionalDiffusion, sampler: Sampler, condition: Condition, generator: torch.Generator
) -> Drawn:
    """Draw the unknown coordinates of rows given the known ones.

    Arguments:
        denoiser: trained.
        sampler: how rows are drawn.
        condition: (n, D) known coordinates.
        generator: random stream; its device is where the rows are drawn.
    """
    condition = Condition(condition.x.to(generator.device), condition.mask.to(generator.device))
    n_rows, width = condition.x.shape
    drawn = draw(ConditionedPredictor(denoiser, condition), sampler, n_rows, width, generator)
    return Drawn(torch.where(condition.mask, condition.x, drawn.x), drawn.n_evaluations)
