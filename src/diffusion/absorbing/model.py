r"""Absorbing-state diffusion on a table with holes: cells are hidden one after another, and drawn back.

**Forward process.** A row's cells are hidden in a random order; after k of d steps k cells are in the absorbing
state "hidden" (Austin et al. 2021, https://arxiv.org/abs/2107.03006, Appendix; the discrete-time form in which
exactly one cell changes is the order-agnostic autoregression of Hoogeboom et al. 2022,
https://arxiv.org/abs/2110.02037). A missing cell is hidden from the start: it is no value to be noised, it simply
never becomes visible, so nothing is put into its place.

**Objective.** With V the visible cells after a uniform number of steps, H the other ones and m the mask,

.. math:: \ell = -\frac{1}{|H|} \sum_{i \in H} m_i \log p_\theta(x_i \mid x_V)

the negative evidence bound over d, of which only observed cells are targets. Its minimiser is
:math:`p(x_i \mid x_V, m_i = 1, m_V = 1)` for every V. Where cells are missing completely at random that is the complete
data's conditional, whatever the ratio. Missing at random: likewise once the cells that missingness depends on are
in V; these have no hole, so **columns without a hole come first** in the order. A share of the training rows is
hidden in any order, so that any cells may be given later; of these, rows in which a cell should be visible and is
missing do not count: that it is missing would tell of cells that are not visible. See ``docs/theory.md``.

**Drawing** takes the way back: of every row one cell (or several, with fewer steps) becomes visible at each step.
What is known is visible from the start, so conditional draws and imputations are exact draws of the same model.

A state of a numerical column is a level of a group (:mod:`src.encoding.states`). The network gives logits of the
groups; those of the levels inside the group g are :math:`W_i \mathrm{silu}(a_i + e_{i,g})` with a_i read off the
network and W, e weights of their own.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, log_softmax, silu

from src.diffusion.absorbing.drawing import CellByCell, draw_absorbing
from src.diffusion.absorbing.likelihood import N_ORDERS, any_order_log_likelihood
from src.diffusion.absorbing.segments import segment_nats
from src.diffusion.absorbing.states import States
from src.diffusion.base import Accuracy, Diffusion, Drawn, Given, LogLikelihood, OnProgress, RowLosses

SHARE_FREE_ORDER = 0.25
"""Of training rows, where some columns have no hole, whose order is any; the others' is that of drawing."""


class AbsorbingNoise(NamedTuple):
    """What is random in the objective.

    Attributes:
        key: (B, d); the order of a row's keys is that of its columns.
        n_visible: (B, 1) cells that are visible.
        any_order: (B, 1) bool, whether the columns without a hole need not come first.
    """

    key: Tensor
    n_visible: Tensor
    any_order: Tensor


class AbsorbingDiffusion(Diffusion[AbsorbingNoise]):
    """Predicts hidden cells of rows from the visible ones.

    Arguments:
        network: maps (B, W) coordinates of :class:`States`, (1,) times and sigmas (0 and 1) to (B, W).
        states: of the columns.
        share_observed: (d,) share of each column's training cells that are observed.
    """

    comes_first: Tensor

    def __init__(self, network: nn.Module, states: States, share_observed: Tensor) -> None:
        super().__init__(network)
        self.states = states
        if states.split:
            n_split, most_groups, most_levels = len(states.split), states.most_groups, states.most_levels
            self.of_group = nn.Parameter(torch.randn(n_split, most_groups, most_levels))
            self.to_levels = nn.Parameter(torch.zeros(n_split, most_levels, most_levels))
        self.register_buffer("comes_first", share_observed >= 1)

    def draw_noise(self, x: Tensor, generator: torch.Generator) -> AbsorbingNoise:
        """See :class:`Diffusion`."""
        n_rows, n_columns = x.shape
        key = torch.rand(n_rows, n_columns, generator=generator, device=x.device)
        n_visible = torch.randint(0, n_columns, (n_rows, 1), generator=generator, device=x.device)
        any_order = torch.rand(n_rows, 1, generator=generator, device=x.device) < SHARE_FREE_ORDER
        return AbsorbingNoise(key, n_visible, any_order)

    def losses(self, x: Tensor, mask: Tensor, noise: AbsorbingNoise) -> RowLosses:
        r"""The masked bound of each row at one random step; see :class:`Diffusion`.

        Three steps: hide the cells that come later in a random order; read the visible ones; sum
        :math:`-\log p` over the hidden cells that are observed, over the number of hidden cells |H|.
        """
        observed = mask.bool()
        group, level = self.states.parts(x)
        hidden, counts = self._hidden(observed, noise)

        out = self.read(group, level, observed & ~hidden)

        nats = (self.nats(out, group, level) * (observed & hidden & counts)).sum(dim=1)
        n_hidden = (x.shape[1] - noise.n_visible[:, 0]).float()
        return RowLosses(nats / n_hidden, n_hidden / x.shape[1])

    def _hidden(self, observed: Tensor, noise: AbsorbingNoise) -> tuple[Tensor, Tensor]:
        """(B, d) cells that are hidden, and (B, 1) rows that count.

        A row in any order does not count where a cell that should be visible is missing: that it is missing would
        tell of hidden cells.
        """
        any_order = noise.any_order & self.comes_first.any()
        key = noise.key - (self.comes_first & ~any_order).float()
        hidden = key >= key.sort(dim=1).values.gather(1, noise.n_visible)
        tells = (any_order & ~hidden & ~observed).any(dim=1, keepdim=True)
        return hidden, ~tells

    def draw(
        self,
        sampler: CellByCell,
        n_rows: int,
        generator: torch.Generator,
        given: Given | None = None,
        on_progress: OnProgress = lambda share: None,
    ) -> Drawn:
        """See :class:`Diffusion`; what is given is visible from the start."""
        return draw_absorbing(self, sampler.n_steps, n_rows, generator, given, on_progress)

    def log_likelihood(
        self,
        x: Tensor,
        mask: Tensor,
        generator: torch.Generator,
        accuracy: Accuracy,
        on_progress: OnProgress = lambda share: None,
    ) -> LogLikelihood:
        """Log-probability of the observed cells' states, a sum; see :class:`Diffusion`."""
        return any_order_log_likelihood(self, x, mask, N_ORDERS, generator, on_progress)

    def order(self, n_rows: int, generator: torch.Generator) -> Tensor:
        """(n, d) position of each column in each row's random order; columns without a hole come first."""
        key = torch.rand(n_rows, self.states.n_columns, generator=generator, device=generator.device)
        return (key - self.comes_first.float()).argsort(dim=1).argsort(dim=1)

    def read(self, group: Tensor, level: Tensor, visible: Tensor) -> Tensor:
        """(B, W) what the network says of the hidden cells; arguments (B, d)."""
        time, sigma = group.new_zeros(1, dtype=torch.float32), group.new_ones(1, dtype=torch.float32)
        out: Tensor = self.network(self.states.codes(group, level, visible), time, sigma).float()
        return out

    def nats(self, out: Tensor, group: Tensor, level: Tensor) -> Tensor:
        """(B, d) -log p of each cell's state, given what the network read; arguments of :meth:`read`."""
        states = self.states
        groups, levels = out.split([states.n_groups, states.width - states.n_groups], dim=1)
        nats = segment_nats(groups, states.column, group + states.first_group)
        if not states.split:
            return nats
        at = states.split_at
        of_group = (group[:, at] + states.first_of_group).t()
        given = levels.view(len(out), len(at), -1).transpose(0, 1)
        inner = silu(given + embedding(of_group, self.of_group.flatten(0, 1)))
        logits = torch.bmm(inner, self.to_levels) + embedding(of_group, states.no_level)
        inside = log_softmax(logits, dim=2).gather(2, level[:, at].t()[:, :, None])[:, :, 0]
        return nats.index_add(1, at, inside.t(), alpha=-1)
