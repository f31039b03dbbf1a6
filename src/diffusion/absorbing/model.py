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
hole, so **columns without a hole come first** in the order. Otherwise the order is that of the columns, the target
last, since d sets of visible cells are learned better than 2^d of them (or random, ``diffusion.order``). A share of the
training rows is hidden in any order, so that a draw may start from any known cells; where only some columns have holes,
rows of these in which a cell should be visible and is missing do not count: that it is missing would tell of hidden
cells. See ``docs/theory.md``.

**Drawing** is the reverse process: at each step a cell of every row becomes visible, or several with fewer steps
(:mod:`src.diffusion.absorbing.drawing`). Known cells are visible from the start, so conditional draws and imputations
are exact draws of the same model.

**Output.** A state of a numerical column is a level of a group (:mod:`src.diffusion.absorbing.states`), and its
probability is that of the group times that of the level inside it. The network gives logits of the groups; the logits
of the levels inside group g of column i are :math:`W_i^T \mathrm{silu}(a_i + e_{i,g})`, with :math:`a_i` outputs of
the network and W, e weights of their own (:meth:`AbsorbingDiffusion.level_logits`). The numbers of a continuous column
have a density in place of levels (:mod:`src.diffusion.absorbing.continuous`).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, log_softmax, silu

from src.diffusion.absorbing.continuous import WIDTH as CONTINUOUS_WIDTH
from src.diffusion.absorbing.continuous import ContinuousColumns
from src.diffusion.absorbing.drawing import CellByCell, draw_absorbing
from src.diffusion.absorbing.likelihood import N_ORDERS, any_order_log_likelihood
from src.diffusion.absorbing.segments import segment_nats
from src.diffusion.absorbing.states import States
from src.diffusion.absorbing.wide import WIDTH as WIDE_WIDTH
from src.diffusion.absorbing.wide import WideCategories
from src.diffusion.base import Accuracy, Diffusion, Drawn, KnownCoordinates, LogLikelihood, OnProgress, RowLosses

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


class Cells(NamedTuple):
    """Cells of rows, decoded from their coordinates.

    Attributes:
        group: (B, d) int64, group of the state.
        level: (B, d) int64, level inside the group.
        score: (B, s) of the cells of continuous columns.
    """

    group: Tensor
    level: Tensor
    score: Tensor


def fixed_order(n_columns: int, target: int | None) -> Tensor:
    """Keys (d,) below 1 of the columns in the order of drawing: as they stand, the target last."""
    key = torch.arange(n_columns) / (n_columns + 1)
    if target is not None:
        key[target] = n_columns / (n_columns + 1)
    return key


class AbsorbingDiffusion(Diffusion[AbsorbingNoise]):
    """Predicts the states of hidden cells from the visible cells of their row.

    Arguments:
        network: maps (B, W') coordinates, those of :class:`States` and of :class:`WideCategories`, (1,) times and
            sigmas (always 0 and 1) to (B, W').
        states: of the columns.
        share_observed: (d,) share of each column's training cells that are observed.
        numbers: the continuous columns; None = there are none.
        order: (d,) keys below 1 of the columns in the order of drawing; None = a random order of each row.

    Attributes:
        comes_first: (d,) bool, True = the column has no hole and is drawn before the others.
        of_group: (s, G, F) vectors e of the groups of fine columns.
        to_levels: (s, F, F) weights W of fine columns; zeros at first, so that all levels start equally likely.
        wide: vectors of the categories of wide columns.
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
        super().__init__(network)
        self.states, self.numbers, self.is_fixed = states, numbers, order is not None
        if states.fine_columns:
            n_fine, most_groups, most_levels = len(states.fine_columns), states.most_groups, states.most_levels
            self.of_group = nn.Parameter(torch.randn(n_fine, most_groups, most_levels))
            self.to_levels = nn.Parameter(torch.zeros(n_fine, most_levels, most_levels))
        if states.wide_columns:
            self.wide = WideCategories([states.largest_groups[i] for i in states.wide_columns])
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

    def cells(self, x: Tensor) -> Cells:
        """Decode the coordinates x (B, d) of rows."""
        if self.numbers is None:
            return Cells(*self.states.group_and_level(x), x[:, :0])
        numbers = x[:, self.numbers.column]
        of_states = x.index_copy(1, self.numbers.column, self.numbers.states(numbers).to(x.dtype))
        return Cells(*self.states.group_and_level(of_states), self.numbers.scores(numbers))

    def cells_of(self, column: int, x: Tensor) -> Cells:
        """Decode coordinates x (m,) of one column; group, level and score are (m,)."""
        score = x[:0]
        if self.numbers is not None and column in self.numbers.columns:
            state, score = self.numbers.of_column(self.numbers.columns.index(column), x)
            x = state.to(x.dtype)
        return Cells(*self.states.group_and_level_of(column, x), score)

    def scores(self, x: Tensor, within: Tensor) -> Tensor:
        """Scores (B, s) to learn, of the numbers among the coordinates x (B, d): ``within`` (B, d) their intervals."""
        if self.numbers is None:
            return x[:, :0]
        return self.numbers.scores(x[:, self.numbers.column], within[:, self.numbers.column])

    def read(self, cells: Cells, visible: Tensor) -> Tensor:
        """Evaluate the network on the visible cells of rows.

        Arguments:
            cells: any values where hidden.
            visible: (B, d) bool.

        Returns:
            (B, W') logits of groups, then inputs of :meth:`level_logits`, of :meth:`WideCategories.logits`, and of
            the densities of :class:`ContinuousColumns`.
        """
        time, sigma = cells.group.new_zeros(1, dtype=torch.float32), cells.group.new_ones(1, dtype=torch.float32)
        output: Tensor = self.network(self.network_input(cells, visible), time, sigma).float()
        return output

    def network_input(self, cells: Cells, visible: Tensor) -> Tensor:
        """Encode rows for the network, (B, W'), zeros where hidden; ``visible`` is (B, d) bool."""
        states = self.states
        parts = [states.network_input(cells.group, cells.level, visible)]
        if states.wide_columns:
            wide = states.wide_column
            parts.append(self.wide.vectors(cells.level[:, wide], visible[:, wide], states.weight_of_category))
        if self.numbers is not None:
            is_read = visible[:, self.numbers.column, None] * states.weight_of_category
            parts.append((self.numbers.features(cells.score) * is_read).flatten(1))
        return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]

    def nats(self, output: Tensor, cells: Cells, every: Sequence[int] | None = None) -> Tensor:
        r"""Cross-entropy of each cell, :math:`-\log p(g \mid x_V) - \log p(l \mid g, x_V)` of its group and level.

        Of a number between the repeated values of a continuous column, the density of its rank is in place of the
        level's probability.

        Arguments:
            output: (B, W') of :meth:`read`.
            cells: the true ones.
            every: of wide columns, see :meth:`WideCategories.nats`; None = every row counts.

        Returns:
            (B, d) nats.
        """
        nats = self._state_nats(output, cells.group, cells.level, every)
        if self.numbers is None:
            return nats
        column = self.numbers.column
        between = self.numbers.nats(self._of_numbers(output), cells.score) * (cells.group[:, column] == 0)
        return nats.index_add(1, column, between)

    def probability_nats(self, output: Tensor, x: Tensor) -> Tensor:
        """As :meth:`nats` of the cells of encoded rows x (B, d), with the probability of a level of every number."""
        cells = self.cells(x)
        nats = self._state_nats(output, cells.group, cells.level).double()
        if self.numbers is None:
            return nats
        column = self.numbers.column
        of_level = self.numbers.level_nats(self._of_numbers(output), *self.numbers.score_bounds(x[:, column]))
        return nats.index_add(1, column, of_level * (cells.group[:, column] == 0))

    def _of_numbers(self, output: Tensor) -> Tensor:
        """The outputs (B, s WIDTH) of the network that stand for the continuous columns: the last ones."""
        assert self.numbers is not None, "there are continuous columns"
        return output[:, output.shape[1] - len(self.numbers.columns) * CONTINUOUS_WIDTH :]

    def _state_nats(
        self, output: Tensor, group: Tensor, level: Tensor, every: Sequence[int] | None = None
    ) -> Tensor:
        """The part of :meth:`nats` that is of states, (B, d)."""
        states = self.states
        n_levels, n_wide = states.width - states.n_groups, len(states.wide_columns) * WIDE_WIDTH
        groups, levels, wide = output[:, : states.width + n_wide].split([states.n_groups, n_levels, n_wide], dim=1)
        nats = segment_nats(groups, states.column, group + states.first_group)
        if states.wide_columns:
            every = every or [1] * len(states.wide_columns)
            nats = nats.index_add(1, states.wide_column, self.wide.nats(wide, level[:, states.wide_column], every))
        if not states.fine_columns:
            return nats
        # As level_logits, for all s fine columns at once: (s, B, F). Batched over the columns, a step has one product.
        group_row = (group[:, states.fine_column] + states.fine_offset).t()
        inputs = levels.view(len(output), len(states.fine_column), -1).transpose(0, 1)
        inner = silu(inputs + embedding(group_row, self.of_group.flatten(0, 1)))
        logits = torch.bmm(inner, self.to_levels) + embedding(group_row, states.level_mask)
        true_level = level[:, states.fine_column].t()[:, :, None]
        log_p = log_softmax(logits, dim=2).gather(2, true_level)[:, :, 0]
        return nats.index_add(1, states.fine_column, log_p.t(), alpha=-1)

    def level_logits(self, inputs: Tensor, fine_index: int, group: Tensor) -> Tensor:
        r"""Logits of the levels inside groups, :math:`W_i^T \mathrm{silu}(a_i + e_{i,g})`, -inf where a group has none.

        Arguments:
            inputs: (m, F) outputs :math:`a_i` of the network.
            fine_index: position i of the column in ``states.fine_columns``.
            group: (m,) int64, group g of each row.

        Returns:
            (m, F).
        """
        inner = silu(inputs + self.of_group[fine_index, group])
        level_mask = self.states.level_mask[fine_index * self.states.most_groups + group]
        return inner @ self.to_levels[fine_index] + level_mask
