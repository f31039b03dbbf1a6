r"""Absorbing-state diffusion on a table with holes: cells are hidden one after another, and drawn back.

**Forward process.** A row's cells are hidden in a random order; after k of d steps k cells are in the absorbing
state "hidden" (Austin et al. 2021, https://arxiv.org/abs/2107.03006, Appendix; the discrete-time form in which
exactly one cell changes at a step is the order-agnostic autoregression of Hoogeboom et al. 2022,
https://arxiv.org/abs/2110.02037). A missing cell is hidden from the start and never becomes visible: nothing is put
into its place.

**Objective.** With V the visible cells after a uniform number of steps, H the other ones and m the mask,

.. math:: \ell = -\frac{1}{|H|} \sum_{i \in H} m_i \log p_\theta(x_i \mid x_V)

This is the negative evidence bound over d (Hoogeboom et al. 2022, section 3 and Algorithm 2), of which only observed
cells are targets; half of the weight is on the cells that may be drawn next (:meth:`AbsorbingDiffusion.losses`). Its
minimiser is :math:`p(x_i \mid x_V, m_i = 1, m_V = 1)` for every V. Where cells are missing completely at random that is
the conditional of the complete data, at any missing ratio. Where they are missing at random, it is so once V holds the
cells that missingness depends on; these have no hole, so **columns without a hole come first** in the order.
:func:`drawing_tiers` has the rest of it. In a share of the training rows random cells are known from the start, as they
are in conditional draws, and the other ones follow in the order; where only some columns have holes, rows of these in
which a cell should be visible and is missing do not count: that it is missing would tell of hidden cells. See
``docs/theory.md``.

**Drawing** is the reverse process: at each step a cell of every row becomes visible, or several with fewer steps
(:mod:`src.diffusion.absorbing.drawing`). Known cells are visible from the start, so conditional draws and imputations
are exact draws of the same model. How cells are read and written: :mod:`src.diffusion.absorbing.cells`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from src.diffusion.absorbing.cells import CellModel
from src.diffusion.absorbing.continuous import ContinuousColumns
from src.diffusion.absorbing.drawing import CellByCell, draw_absorbing
from src.diffusion.absorbing.holes import SHARE_WITH_HOLES, HoleStates
from src.diffusion.absorbing.likelihood import LEVELS, N_ORDERS, any_order_log_likelihood, measured_spread
from src.diffusion.absorbing.states import States
from src.diffusion.base import Accuracy, Drawn, KnownCoordinates, LogLikelihood, OnProgress, RowLosses

SHARE_KNOWN = 0.5
"""Share of training rows of which some cells are known from the start; the others are hidden in the order of drawing
alone, which the model is used in unless cells are known."""
SHARE_NEXT = 0.5
"""Share of the cells that may be drawn next in the loss of a row: their probabilities are those that draws use. The
other hidden cells teach the network too, and many at a time."""
MOSTLY_COMPLETE = 0.5
"""Least share of training rows without a hole that makes columns with holes tiers of their own."""


class AbsorbingNoise(NamedTuple):
    """Random numbers of the objective.

    Attributes:
        key: (B, d) uniform in [0, 1); the smallest ones are of the known cells, and inside a tier cells become visible
            in the order of their keys.
        n_visible: (B, 1) number of visible cells, uniform in 0..d-1.
        n_known: (B, 1) number of cells that are known from the start, 0..n_visible.
        within: (B, d) uniform in [0, 1): where in the interval of its value the score of a number lies.
        with_holes: (B, 1) bool, whether the missing cells of a row are states of it.
    """

    key: Tensor
    n_visible: Tensor
    n_known: Tensor
    within: Tensor
    with_holes: Tensor


def drawing_tiers(
    n_states: Sequence[float], target: int | None, is_complete: Sequence[bool], share_complete: float
) -> Tensor:
    """Divide the columns into tiers, which are drawn one after another; inside a tier the order is random.

    Columns without a hole come first (missing at random needs that), and the target last among its like: downstream
    models predict it from all the other cells. Columns are tiers of their own, fewest states first, where rows show
    all the columns before them: then one set of visible cells is learned of each, not 2^(d-1). Where rows have holes,
    a random order spreads over all columns what must be extrapolated to complete rows.

    Arguments:
        n_states: of each column; infinite if it is continuous.
        target: position of the target; None = there is none.
        is_complete: by column, whether it has no hole.
        share_complete: share of the training rows without a hole.

    Returns:
        (d,) whole numbers, 0 of the largest tier: next to 0 a float tells the most orders apart.
    """

    def key(i: int) -> tuple[float, ...]:
        comes_in_turn = is_complete[i] or share_complete >= MOSTLY_COMPLETE
        return (not is_complete[i], i == target, *((n_states[i], i) if comes_in_turn else (0, 0)))

    keys = [key(i) for i in range(len(n_states))]
    tiers = sorted(set(keys))
    tier = torch.tensor([float(tiers.index(key)) for key in keys])
    return tier - tier.mode().values


class AbsorbingDiffusion(CellModel[AbsorbingNoise]):
    """Predicts the states of hidden cells from the visible cells of their row.

    Arguments:
        network: see :class:`CellModel`.
        states: of the columns.
        is_complete: (d,) bool, whether a column has no hole.
        numbers: the continuous columns; None = there are none.
        holes: the columns of which "missing" is a state; None = there are none.
        tier: (d,) of :func:`drawing_tiers`; None = a random order after the columns without a hole.
    """

    is_complete: Tensor
    tier: Tensor
    spread: Tensor

    def __init__(
        self,
        network: nn.Module,
        states: States,
        is_complete: Tensor,
        numbers: ContinuousColumns | None = None,
        tier: Tensor | None = None,
        holes: HoleStates | None = None,
    ) -> None:
        super().__init__(network, states, numbers, holes)
        self.register_buffer("is_complete", is_complete)
        self.register_buffer("tier", -is_complete.float() if tier is None else tier)
        self.register_buffer("spread", torch.ones(len(LEVELS)))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *arguments: Any) -> None:
        """Read what earlier versions stored too: ``comes_first`` alone, in a random order otherwise; no ``spread``."""
        comes_first = state_dict.pop(f"{prefix}comes_first", None)
        if comes_first is not None:
            state_dict[f"{prefix}is_complete"], state_dict[f"{prefix}tier"] = comes_first, -comes_first.float()
        state_dict.setdefault(f"{prefix}spread", torch.ones(len(LEVELS)))
        super()._load_from_state_dict(state_dict, prefix, *arguments)

    def draw_noise(self, x: Tensor, generator: torch.Generator) -> AbsorbingNoise:
        r"""See :meth:`Diffusion.draw_noise`.

        Of v visible cells :math:`\lceil u^2 v \rceil` are known, u uniform: one or two most often, as conditions are,
        and now and then nearly all, as in a row with one hole.
        """
        n_rows, n_columns = x.shape
        key = torch.rand(n_rows, n_columns, generator=generator, device=x.device)
        n_visible = torch.randint(0, n_columns, (n_rows, 1), generator=generator, device=x.device)
        has_known, u = torch.rand(2, n_rows, 1, generator=generator, device=x.device)
        n_known = (has_known < SHARE_KNOWN) * (u.square() * n_visible).ceil().long()
        within = torch.rand(n_rows, n_columns, generator=generator, device=x.device)
        with_holes = torch.zeros(n_rows, 1, dtype=torch.bool, device=x.device)
        if self.holes is not None and self.holes.has_hidden:
            with_holes = torch.rand(n_rows, 1, generator=generator, device=x.device) < SHARE_WITH_HOLES
        return AbsorbingNoise(key, n_visible, n_known, within, with_holes)

    def losses(self, x: Tensor, mask: Tensor, noise: AbsorbingNoise) -> RowLosses:
        r"""Masked evidence bound of each row at one random step; arguments as for :meth:`Diffusion.losses`.

        .. math:: \ell = -\frac{1}{2 |H|} \sum_{i \in H} m_i \log p_\theta(x_i \mid x_V)
            - \frac{1}{2 |N|} \sum_{i \in N} m_i \log p_\theta(x_i \mid x_V)

        1. *Hide* the cells H that come last in the row's order; V are the other ones. N are the cells of H in the first
           tier: those that may be drawn next.
        2. *Predict* the hidden cells from the visible ones; a missing cell is never visible.
           In a share of the rows "missing" is a state too (:mod:`src.diffusion.absorbing.holes`).
        3. *Average* :math:`-\log p` over H and over N. Missing cells count in :math:`|H|` and in :math:`|N|`, so that
           the mask has no say in how much a row weighs.

        The noise level is :math:`|H| / d`.
        """
        cells = self.cells(x)
        observed = mask.bool()
        if self.holes is not None:
            observed = observed | (cells.missing & noise.with_holes)

        hidden, weight = self._hide(observed, noise)

        output = self.read(cells, observed & ~hidden)

        every = self.wide.thinning(len(x)) if self.states.wide_columns else []
        target = cells._replace(score=self.scores(x, noise.within))
        nats = self.nats(output, target, every)
        if self.holes is not None:
            is_state = noise.with_holes | self.holes.is_structural
            nats = nats.index_add(1, self.holes.column, self.hole_nats(output, cells) * is_state)
        nats = (nats * weight * observed).sum(dim=1)
        return RowLosses(nats, (x.shape[1] - noise.n_visible[:, 0]) / x.shape[1])

    def _hide(self, observed: Tensor, noise: AbsorbingNoise) -> tuple[Tensor, Tensor]:
        """Hide all but the first ``n_visible`` cells of each row's order, in which known cells come first.

        Where only some columns have holes, a row with known cells does not count if a cell that should be visible is
        missing: that it is missing would tell of hidden cells.

        Arguments:
            observed: (B, d) bool.
            noise: of :meth:`draw_noise`.

        Returns:
            (B, d) bool, True = hidden; and (B, d) weights of cells in the loss.
        """
        is_known = noise.key.argsort(dim=1).argsort(dim=1) < noise.n_known
        key = self._drawing_key(noise.key).masked_fill(is_known, -torch.inf)
        hidden = key >= key.sort(dim=1).values.gather(1, noise.n_visible)
        has_known = (noise.n_known > 0) & self.is_complete.any()
        lacks_visible = (has_known & ~hidden & ~observed).any(dim=1, keepdim=True)
        first_tier = torch.where(hidden, self.tier, torch.inf).amin(dim=1, keepdim=True)
        is_next = hidden & (self.tier == first_tier)
        weight = (1 - SHARE_NEXT) * _averaging(hidden) + SHARE_NEXT * _averaging(is_next)
        return hidden, weight * ~lacks_visible

    def _drawing_key(self, key: Tensor) -> Tensor:
        """Keys (B, d) of the order of drawing, from uniform ones (B, d)."""
        return self.tier + key

    def draw(
        self,
        sampler: CellByCell,
        n_rows: int,
        generator: torch.Generator,
        known: KnownCoordinates | None = None,
        on_progress: OnProgress = lambda share: None,
    ) -> Drawn:
        """Draw rows; known cells are visible from the start. Arguments as for :meth:`Diffusion.draw`."""
        return draw_absorbing(self, sampler, n_rows, generator, known, on_progress)

    def log_likelihood(
        self,
        x: Tensor,
        mask: Tensor,
        generator: torch.Generator,
        accuracy: Accuracy,
        on_progress: OnProgress = lambda share: None,
    ) -> LogLikelihood:
        """Log-probability of the states of observed cells, over orders of them where these differ.

        Arguments as for :meth:`Diffusion.log_likelihood`; ``accuracy``, of an integral, has no effect.
        """
        n_orders = 1 if self.has_one_order else N_ORDERS
        return any_order_log_likelihood(self, x, mask, n_orders, generator, on_progress)

    def calibrate(self, x: Tensor, mask: Tensor, generator: torch.Generator) -> None:
        """See :meth:`Diffusion.calibrate`."""
        self.spread.copy_(measured_spread(self, x, mask, generator))

    @property
    def has_one_order(self) -> bool:
        """Whether all rows are drawn in the same order of the columns."""
        return len(self.tier.unique()) == len(self.tier)

    def draw_ranks(self, n_rows: int, generator: torch.Generator) -> Tensor:
        """Draw an order of the columns for each row, those without a hole first; (n, d) int64 ranks, 0 = first."""
        key = torch.rand(n_rows, self.states.n_columns, generator=generator, device=generator.device)
        return self._drawing_key(key).argsort(dim=1).argsort(dim=1)


def _averaging(chosen: Tensor) -> Tensor:
    """Weights (B, d) that average over the chosen cells of each row; ``chosen`` is (B, d) bool, some in each row."""
    return chosen / chosen.sum(dim=1, keepdim=True)
