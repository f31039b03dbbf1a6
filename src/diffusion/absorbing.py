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

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax, silu

from src.diffusion.conditional import Given
from src.diffusion.denoiser import RowLosses
from src.diffusion.sampler import Drawn, OnProgress
from src.diffusion.states import States

SHARE_FREE_ORDER = 0.25
"""Of training rows, where some columns have no hole, whose order is any; the others' is that of drawing."""
LAST_PLACE = 0.999
"""Largest place inside a level, below 1 in float32 after the position of any level."""


class AbsorbingDenoiser(nn.Module):
    """Predicts hidden cells of rows from the visible ones.

    Arguments:
        network: maps (B, W) coordinates of :class:`States`, (1,) times and sigmas (0 and 1) to (B, W).
        states: of the columns.
        share_observed: (d,) share of each column's training cells that are observed.
    """

    comes_first: Tensor

    def __init__(self, network: nn.Module, states: States, share_observed: Tensor) -> None:
        super().__init__()
        self.network = network
        self.states = states
        if states.split:
            n_split, most_groups, most_levels = len(states.split), states.most_groups, states.most_levels
            self.of_group = nn.Parameter(torch.randn(n_split, most_groups, most_levels))
            self.to_levels = nn.Parameter(torch.zeros(n_split, most_levels, most_levels))
        self.register_buffer("comes_first", share_observed >= 1)

    def losses(self, x: Tensor, mask: Tensor, generator: torch.Generator) -> RowLosses:
        """The objective of each row at one random time.

        Arguments:
            x: (B, d) encoded rows, 0 where missing.
            mask: (B, d), 1 = observed.
            generator: random stream of orders and times.
        """
        n_rows, n_columns = x.shape
        free = torch.rand(n_rows, 1, generator=generator, device=x.device) < SHARE_FREE_ORDER
        free &= self.comes_first.any()
        rank = self.order(n_rows, generator, free)
        n_visible = torch.randint(0, n_columns, (n_rows, 1), generator=generator, device=x.device)
        observed, is_target = mask.bool(), rank >= n_visible
        tells = (free & ~is_target & ~observed).any(dim=1, keepdim=True)
        group, level = self.states.parts(x)
        out = self.read(group, level, observed & ~is_target)
        targets = (observed & is_target & ~tells).float()
        nats = (self.nats(out, group, level) * targets).sum(dim=1)
        n_hidden = (n_columns - n_visible[:, 0]).float()
        return RowLosses(nats / n_hidden, n_hidden / n_columns)

    def order(self, n_rows: int, generator: torch.Generator, free: Tensor | None = None) -> Tensor:
        """(n, d) position of each column in each row's random order.

        Columns without a hole come first, but not in rows where ``free`` (n, 1) is True.
        """
        key = torch.rand(n_rows, self.states.n_columns, generator=generator, device=generator.device)
        first = self.comes_first if free is None else self.comes_first & ~free
        return (key - first.float()).argsort(dim=1).argsort(dim=1)

    def read(self, group: Tensor, level: Tensor, visible: Tensor) -> Tensor:
        """(B, W + 1) what the network says of the hidden cells, and a zero; arguments (B, d)."""
        time, sigma = group.new_zeros(1, dtype=torch.float32), group.new_ones(1, dtype=torch.float32)
        out = self.network(self.states.codes(group, level, visible), time, sigma).float()
        return torch.nn.functional.pad(out, (0, 1))

    def nats(self, out: Tensor, group: Tensor, level: Tensor) -> Tensor:
        """(B, d) -log p of each cell's state, given what the network read; arguments of :meth:`read`."""
        states = self.states
        logits = self.group_logits(out[:, states.group_at], states.group_at)
        nats = -log_softmax(logits, dim=2).gather(2, group[:, :, None])[:, :, 0]
        if not states.split:
            return nats
        at = states.split_at
        of_split, here = group[:, at], torch.arange(len(at), device=out.device)
        inner = silu(out[:, states.level_at] + self.of_group[here, of_split])
        logits = torch.einsum("bsf,sfk->bsk", inner, self.to_levels)
        logits = self.level_logits(logits, states.n_levels[at[here], of_split])
        inside = -log_softmax(logits, dim=2).gather(2, level[:, at, None])[:, :, 0]
        return nats.index_add(1, at, inside)

    def group_logits(self, logits: Tensor, at: Tensor) -> Tensor:
        """Logits with -inf where a column has no such group, that is where ``at`` is the coordinate past the end."""
        return logits.masked_fill(at == self.states.width, -torch.inf)

    def level_logits(self, logits: Tensor, n_levels: Tensor) -> Tensor:
        """Logits (..., F) with -inf where a group has no such level; ``n_levels`` (...) it has."""
        return logits.masked_fill(
            torch.arange(logits.shape[-1], device=logits.device) >= n_levels[..., None], -torch.inf
        )

    def draw_cells(self, out: Tensor, columns: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw one cell of each row.

        Arguments:
            out: (n, W + 1) as of :meth:`read`.
            columns: (n,) which column of each row.
            generator: random stream.

        Returns:
            (n,) group and (n,) level inside it.
        """
        states = self.states
        at = states.group_at[columns]
        group = _drawn(self.group_logits(out.gather(1, at), at), generator)
        level = torch.zeros_like(group)
        rows = (states.place[columns] >= 0).nonzero()[:, 0]
        if len(rows):
            place, of_row = states.place[columns[rows]], group[rows]
            inner = silu(out[rows].gather(1, states.level_at[place]) + self.of_group[place, of_row])
            logits = torch.bmm(inner[:, None], self.to_levels[place])[:, 0]
            n_levels = states.n_levels[columns[rows], of_row]
            level[rows] = _drawn(self.level_logits(logits, n_levels), generator)
        return group, level


@torch.no_grad()
def draw_absorbing(
    denoiser: AbsorbingDenoiser,
    n_steps: int | None,
    n_rows: int,
    generator: torch.Generator,
    given: Given | None = None,
    on_progress: OnProgress = lambda share: None,
) -> Drawn:
    """Draw rows, or the cells that are not given.

    Arguments:
        denoiser: trained.
        n_steps: network evaluations of a row at most; None, or as many as it has cells to draw: one cell a step.
        n_rows: rows to draw, n.
        generator: random stream; its device is where the rows are drawn.
        given: cells that are known, of which ``n_repeats`` has no meaning here.
        on_progress: receives the share of the way that is done, 0..1.

    Returns:
        Rows (n, d) of the encoder, known cells as given, and the evaluations of a row on average, rounded up.
    """
    states, device = denoiser.states, generator.device
    shape = (n_rows, states.n_columns)
    known = torch.zeros(shape, dtype=torch.bool, device=device)
    x = torch.zeros(shape, device=device)
    if given is not None:
        known = given.mask.to(device).expand(shape)
        x = torch.where(known, given.x.to(device), x)
    group, level = states.parts(x)
    known_last = denoiser.order(n_rows, generator) + known * states.n_columns
    order = known_last.argsort(dim=1)
    n_unknown = (~known).sum(dim=1)
    most = int(n_unknown.max())
    steps = most if n_steps is None else min(n_steps, most)
    visible = known.clone()
    n_evaluations = 0
    for step in range(steps):
        start, stop = n_unknown * step // steps, n_unknown * (step + 1) // steps
        rows = (stop > start).nonzero()[:, 0]
        out = denoiser.read(group[rows], level[rows], visible[rows])
        n_evaluations += len(rows)
        for later in range(int((stop - start).max())):
            here = (start + later < stop)[rows]
            at = rows[here]
            columns = order[at, start[at] + later]
            group[at, columns], level[at, columns] = denoiser.draw_cells(out[here], columns, generator)
            visible[at, columns] = True
        on_progress((step + 1) / steps)
    place = torch.rand(shape, generator=generator, device=device).clamp(max=LAST_PLACE)
    columns = torch.arange(states.n_columns, device=device)
    drawn = states.first_level[columns, group] + level + place
    return Drawn(torch.where(known, x, drawn), -(-n_evaluations // max(n_rows, 1)))


def _drawn(logits: Tensor, generator: torch.Generator) -> Tensor:
    """(n,) one position of each row of logits (n, K), by the largest of logits and Gumbel noise."""
    waiting = torch.empty_like(logits).exponential_(generator=generator).clamp(min=torch.finfo(logits.dtype).tiny)
    return (logits - waiting.log()).argmax(dim=1)
