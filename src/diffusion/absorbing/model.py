r"""Absorbing-state diffusion on a table with holes: cells are hidden one after another, and drawn back.

**Forward process.** A row's cells are hidden in a random order; after k of d steps k cells are in the absorbing
state "hidden" (Austin et al. 2021, https://arxiv.org/abs/2107.03006, Appendix; the discrete-time form in which
exactly one cell changes at a step is the order-agnostic autoregression of Hoogeboom et al. 2022,
https://arxiv.org/abs/2110.02037). A missing cell is hidden from the start and never becomes visible: nothing is put
into its place.

**Objective.** With V the visible cells after a uniform number of steps, H the other ones and m the mask,

.. math:: \ell = -\frac{1}{|H|} \sum_{i \in H} m_i \log p_\theta(x_i \mid x_V)

(:meth:`AbsorbingDiffusion.losses`): the negative evidence bound over d (Hoogeboom et al. 2022, section 3 and
Algorithm 2), of which only observed cells are targets. Its minimiser is :math:`p(x_i \mid x_V, m_i = 1, m_V = 1)` for
every V. Where cells are missing completely at random that is the conditional of the complete data, at any missing
ratio. Where they are missing at random, it is so once V holds the cells that missingness depends on; these have no
hole, so **columns without a hole come first** in the order. Otherwise it is random; or columns of few states come
before those of many, and the target last (``diffusion.order=fixed``): then d sets of visible cells are learned, not
2^d. A share of the training rows is hidden in any order, so that a draw may start from any known cells; where only some
columns have holes, rows of these in which a cell should be visible and is missing do not count: that it is missing
would tell of hidden cells. See ``docs/theory.md``.

**Drawing** is the reverse process: at each step a cell of every row becomes visible, or several with fewer steps
(:mod:`src.diffusion.absorbing.drawing`). Known cells are visible from the start, so conditional draws and imputations
are exact draws of the same model. How cells are read and written: :mod:`src.diffusion.absorbing.cells`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from src.diffusion.absorbing.cells import CellModel
from src.diffusion.absorbing.continuous import ContinuousColumns
from src.diffusion.absorbing.drawing import CellByCell, draw_absorbing
from src.diffusion.absorbing.likelihood import N_ORDERS, any_order_log_likelihood
from src.diffusion.absorbing.states import States
from src.diffusion.base import Accuracy, Drawn, KnownCoordinates, LogLikelihood, OnProgress, RowLosses

SHARE_FREE_ORDER = 0.25
"""Share of training rows that are hidden in any order; the others are hidden in the order of drawing, which the model
is used in unless cells are known."""


class AbsorbingNoise(NamedTuple):
    """Random numbers of the objective.

    Attributes:
        key: (B, d) uniform in [0, 1); cells become visible in the order of their keys.
        n_visible: (B, 1) number of visible cells, uniform in 0..d-1.
        any_order: (B, 1) bool, True = hidden in any order, not in that of drawing.
        within: (B, d) uniform in [0, 1): where in the interval of its value the score of a number lies.
    """

    key: Tensor
    n_visible: Tensor
    any_order: Tensor
    within: Tensor


def fixed_order(n_states: Sequence[float], target: int | None) -> Tensor:
    """Keys (d,) in [0, 1) of the columns in the order of drawing: fewest states first, the target last.

    Arguments:
        n_states: of each column; infinite if it is continuous.
        target: position of the target; None = there is none.
    """
    columns = sorted(range(len(n_states)), key=lambda i: (i == target, n_states[i]))
    key = torch.zeros(len(columns))
    key[columns] = torch.arange(len(columns)) / len(columns)
    return key


class AbsorbingDiffusion(CellModel[AbsorbingNoise]):
    """Predicts the states of hidden cells from the visible cells of their row.

    Arguments:
        network: see :class:`CellModel`.
        states: of the columns.
        share_observed: (d,) share of each column's training cells that are observed.
        numbers: the continuous columns; None = there are none.
        order: (d,) keys below 1 of the columns in the order of drawing; None = a random order of each row.

    Attributes:
        comes_first: (d,) bool, True = the column has no hole and is drawn before the others.
        is_fixed: whether all rows are drawn in one order.
    """

    comes_first: Tensor
    order: Tensor

    def __init__(
        self,
        network: nn.Module,
        states: States,
        share_observed: Tensor,
        numbers: ContinuousColumns | None = None,
        order: Tensor | None = None,
    ) -> None:
        super().__init__(network, states, numbers)
        self.is_fixed = order is not None
        self.register_buffer("comes_first", share_observed >= 1)
        self.register_buffer("order", torch.zeros(states.n_columns) if order is None else order, persistent=False)

    def draw_noise(self, x: Tensor, generator: torch.Generator) -> AbsorbingNoise:
        """See :meth:`Diffusion.draw_noise`."""
        n_rows, n_columns = x.shape
        key = torch.rand(n_rows, n_columns, generator=generator, device=x.device)
        n_visible = torch.randint(0, n_columns, (n_rows, 1), generator=generator, device=x.device)
        any_order = torch.rand(n_rows, 1, generator=generator, device=x.device) < SHARE_FREE_ORDER
        within = torch.rand(n_rows, n_columns, generator=generator, device=x.device)
        return AbsorbingNoise(key, n_visible, any_order, within)

    def losses(self, x: Tensor, mask: Tensor, noise: AbsorbingNoise) -> RowLosses:
        r"""Masked evidence bound of each row at one random step; arguments as for :meth:`Diffusion.losses`.

        .. math:: \ell = -\frac{1}{|H|} \sum_{i \in H} m_i \log p_\theta(x_i \mid x_V)

        1. *Hide* the cells H that come last in a random order; V are the other ones.
        2. *Predict* the hidden cells from the visible ones; a missing cell is never visible.
        3. *Sum* :math:`-\log p` over the hidden cells that are observed, and divide by :math:`|H|`. Missing cells count
           in :math:`|H|`, so that the mask has no say in how much a row weighs.

        The noise level is :math:`|H| / d`.
        """
        observed = mask.bool()
        cells = self.cells(x)

        hidden, is_counted = self._hide(observed, noise)

        output = self.read(cells, observed & ~hidden)

        every = self.wide.thinning(len(x)) if self.states.wide_columns else []
        target = cells._replace(score=self.scores(x, noise.within))
        nats = (self.nats(output, target, every) * (observed & hidden & is_counted)).sum(dim=1)
        n_hidden = (x.shape[1] - noise.n_visible[:, 0]).float()
        return RowLosses(nats / n_hidden, n_hidden / x.shape[1])

    def _hide(self, observed: Tensor, noise: AbsorbingNoise) -> tuple[Tensor, Tensor]:
        """Hide all but the first ``n_visible`` cells of each row's order.

        Where only some columns have holes, a row in any order does not count if a cell that should be visible is
        missing: that it is missing would tell of hidden cells.

        Arguments:
            observed: (B, d) bool.
            noise: of :meth:`draw_noise`.

        Returns:
            (B, d) bool, True = hidden; and (B, 1) bool, True = the row counts in the loss.
        """
        any_order = noise.any_order & (self.comes_first.any() | self.is_fixed)
        key = torch.where(any_order, noise.key, self._drawing_key(noise.key))
        hidden = key >= key.sort(dim=1).values.gather(1, noise.n_visible)
        lacks_visible = (any_order & self.comes_first.any() & ~hidden & ~observed).any(dim=1, keepdim=True)
        return hidden, ~lacks_visible

    def _drawing_key(self, key: Tensor) -> Tensor:
        """Keys (B, d) of the order of drawing, from uniform ones (B, d): columns without a hole are below 0."""
        return (self.order.expand_as(key) if self.is_fixed else key) - self.comes_first.float()

    def draw(
        self,
        sampler: CellByCell,
        n_rows: int,
        generator: torch.Generator,
        known: KnownCoordinates | None = None,
        on_progress: OnProgress = lambda share: None,
    ) -> Drawn:
        """Draw rows; known cells are visible from the start. Arguments as for :meth:`Diffusion.draw`."""
        return draw_absorbing(self, sampler.n_steps, n_rows, generator, known, on_progress)

    def log_likelihood(
        self,
        x: Tensor,
        mask: Tensor,
        generator: torch.Generator,
        accuracy: Accuracy,
        on_progress: OnProgress = lambda share: None,
    ) -> LogLikelihood:
        """Log-probability of the states of observed cells, over random orders of them where rows are drawn so.

        Arguments as for :meth:`Diffusion.log_likelihood`; ``accuracy``, of an integral, has no effect.
        """
        n_orders = 1 if self.is_fixed else N_ORDERS
        return any_order_log_likelihood(self, x, mask, n_orders, generator, on_progress)

    def draw_ranks(self, n_rows: int, generator: torch.Generator) -> Tensor:
        """Draw an order of the columns for each row, those without a hole first; (n, d) int64 ranks, 0 = first."""
        key = torch.rand(n_rows, self.states.n_columns, generator=generator, device=generator.device)
        return self._drawing_key(key).argsort(dim=1).argsort(dim=1)
