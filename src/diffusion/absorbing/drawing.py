r"""Draw rows from an absorbing-state model: hidden cells become visible, one of each row at a step, or several.

:func:`draw_absorbing` is the reverse process of :mod:`src.diffusion.absorbing.model` (Hoogeboom et al. 2022,
https://arxiv.org/abs/2110.02037, Algorithm 1): in a random order :math:`\sigma` of the columns of a row,
:math:`x_{\sigma_k} \sim p_\theta(x_{\sigma_k} \mid x_{\sigma_1}, \dots, x_{\sigma_{k-1}})`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from src.diffusion.absorbing.readers import PartialRows, Reader, reader_for
from src.diffusion.absorbing.wide import MOST_LOGITS
from src.diffusion.base import Drawn, KnownCoordinates, OnProgress
from src.errors import ConfigError

if TYPE_CHECKING:  # model.py draws with this module
    from src.diffusion.absorbing.model import AbsorbingDiffusion

LARGEST_OFFSET = 0.999
"""Largest offset inside a level: a state below 32,768 plus it is below the next state in float32."""
ROWS_PER_ORDER = 64
"""Neighbouring rows that share an order of their columns, so that a step draws few columns, each of many rows."""


@dataclass(frozen=True)
class CellByCell:
    """How rows are drawn where cells become visible one after another.

    Attributes:
        n_steps: network evaluations of a row at most; None = one for each cell.
    """

    n_steps: int | None = None

    def __post_init__(self) -> None:
        if self.n_steps is not None and self.n_steps < 1:
            raise ConfigError(f"diffusion.sampler.n_steps is at least 1, or null, got {self.n_steps}")


@dataclass(frozen=True)
class RevealSchedule:
    """Which cells of each row become visible at which step.

    Attributes:
        order: (n, d) columns of each row in the order in which they are drawn, known ones last.
        n_hidden: (n,) cells of each row to draw.
        n_steps: steps of the longest row.
    """

    order: Tensor
    n_hidden: Tensor
    n_steps: int

    def positions(self, step: int) -> tuple[Tensor, Tensor]:
        """First position in ``order`` that a step (from 0) reveals, and the one after the last; (n,) each.

        The h hidden cells of a row are spread evenly: steps 0 to k reveal h (k + 1) // n_steps of them.
        """
        return self.n_hidden * step // self.n_steps, self.n_hidden * (step + 1) // self.n_steps


@torch.no_grad()
def draw_absorbing(
    denoiser: "AbsorbingDiffusion",
    n_steps: int | None,
    n_rows: int,
    generator: torch.Generator,
    known: KnownCoordinates | None = None,
    on_progress: OnProgress = lambda share: None,
) -> Drawn:
    """Draw rows, or the cells that are not known.

    1. *Schedule*: each row gets a random order of its hidden cells (:func:`reveal_schedule`).
    2. *Reveal*: at each step the network reads all rows once, and the next cell of each becomes visible
       (:func:`reveal`). With fewer steps than cells a step reveals several cells of a row, drawn independently of each
       other given what was read.
    3. *Spread*: states become coordinates, a number uniform inside its level (:func:`spread`).

    Arguments:
        denoiser: trained.
        n_steps: network evaluations of a row at most; None, or as many as it has cells to draw: one cell a step.
        n_rows: rows to draw, n.
        generator: random stream; its device is where the rows are drawn.
        known: cells that are known; its ``n_repeats`` has no meaning here.
        on_progress: receives the share of the steps that are done, 0..1.

    Returns:
        Encoded rows (n, d), known cells as they are, and the network evaluations of a row on average, rounded up.
    """
    states, device = denoiser.states, generator.device
    x, is_known = _known_cells(known, (n_rows, states.n_columns), device)
    partial = PartialRows(*states.group_and_level(x), is_known.clone())
    reader = reader_for(denoiser, partial)

    schedule = reveal_schedule(denoiser, is_known, n_steps, generator)

    n_evaluations = 0
    for step in range(schedule.n_steps):
        n_evaluations += reveal(denoiser, reader, partial, schedule, step, generator)
        on_progress((step + 1) / schedule.n_steps)

    x = torch.where(is_known, x, spread(denoiser, partial, generator))
    return Drawn(x, -(-n_evaluations // max(n_rows, 1)))


def reveal_schedule(
    denoiser: "AbsorbingDiffusion", is_known: Tensor, n_steps: int | None, generator: torch.Generator
) -> RevealSchedule:
    """Draw the order in which hidden cells become visible.

    Arguments:
        denoiser: the model.
        is_known: (n, d) bool.
        n_steps: at most; None = one for each hidden cell.
        generator: random stream.
    """
    n_rows, n_columns = is_known.shape
    n_orders = -(-n_rows // ROWS_PER_ORDER)
    rank = denoiser.draw_ranks(n_orders, generator).repeat_interleave(ROWS_PER_ORDER, dim=0)[:n_rows]
    n_hidden = (~is_known).sum(dim=1)
    most_hidden = int(n_hidden.max())
    steps = most_hidden if n_steps is None else min(n_steps, most_hidden)
    return RevealSchedule((rank + is_known * n_columns).argsort(dim=1), n_hidden, steps)


def reveal(
    denoiser: "AbsorbingDiffusion",
    reader: Reader,
    partial: PartialRows,
    schedule: RevealSchedule,
    step: int,
    generator: torch.Generator,
) -> int:
    """Read the network once and draw the cells of one step; returns the number of rows that were read."""
    start, stop = schedule.positions(step)
    read_rows = (stop > start).nonzero()[:, 0]
    features = denoiser.in_pieces(reader.read, read_rows)
    for k in range(int((stop - start).max())):
        has_kth = (start + k < stop)[read_rows].nonzero()[:, 0]
        rows = read_rows[has_kth]
        columns = schedule.order[rows, start[rows] + k]
        group, level = draw_cells(denoiser, reader, features.index_select(0, has_kth), columns, generator)
        partial.reveal(rows, columns, group, level)
        reader.reveal(rows, columns, group, level)
    return len(read_rows)


def draw_cells(
    denoiser: "AbsorbingDiffusion", reader: Reader, features: Tensor, columns: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw one cell of each row: its group, then its level inside the group.

    Columns differ in their numbers of groups, so that the rows are sorted by column and drawn column by column.

    Arguments:
        denoiser: the model.
        reader: of its network.
        features: (m, .) of :meth:`Reader.read`.
        columns: (m,) int64, the column to draw in each row.
        generator: random stream.

    Returns:
        (m,) group and (m,) level inside it, int64.
    """
    states = denoiser.states
    u = torch.rand(2, len(columns), 1, generator=generator, device=features.device)
    group, level = torch.zeros_like(columns), torch.zeros_like(columns)
    row_counts = torch.bincount(columns, minlength=states.n_columns).tolist()
    for column, rows in enumerate(columns.argsort(stable=True).split(row_counts)):
        if not len(rows):
            continue
        row_features = features.index_select(0, rows)
        groups = sample_categorical(reader.group_logits(row_features, column), u[0, rows])
        group[rows] = groups
        if column in states.wide_columns:
            level[rows] = _draw_wide(denoiser, reader, row_features, column, u[1, rows])
        elif states.largest_groups[column] > 1:
            fine_index = states.fine_columns.index(column)
            logits = denoiser.level_logits(reader.level_inputs(row_features, fine_index), fine_index, groups)
            level[rows] = sample_categorical(logits, u[1, rows])
    return group, level


def _draw_wide(denoiser: "AbsorbingDiffusion", reader: Reader, features: Tensor, column: int, u: Tensor) -> Tensor:
    """Draw categories (m,) of a wide column, for as many rows at a time as have :data:`MOST_LOGITS` logits."""
    wide_index = denoiser.states.wide_columns.index(column)
    inputs = reader.wide_inputs(features, wide_index)
    n_rows = max(MOST_LOGITS // denoiser.states.largest_groups[column], 1)
    pieces = zip(inputs.split(n_rows), u.split(n_rows), strict=True)
    return torch.cat([sample_categorical(denoiser.wide.logits(a, wide_index), of_rows) for a, of_rows in pieces])


def sample_categorical(logits: Tensor, u: Tensor) -> Tensor:
    """Sample one index of each row of logits (m, K): the first whose cumulative probability exceeds u (m, 1)."""
    cumulative = logits.softmax(dim=1).cumsum(dim=1)
    # Rounding may leave the sum of all probabilities a little off 1, so u is scaled to it.
    return (cumulative <= u * cumulative[:, -1:]).sum(dim=1).clamp(max=logits.shape[1] - 1)


def spread(denoiser: "AbsorbingDiffusion", partial: PartialRows, generator: torch.Generator) -> Tensor:
    """Encoded rows (n, d): the state of each cell plus an offset that is uniform in [0, 1)."""
    states = denoiser.states
    shape = partial.group.shape
    offset = torch.rand(shape, generator=generator, device=generator.device).clamp(max=LARGEST_OFFSET)
    offset[:, states.wide_column] = 0.5  # their states may be so many that more would round up to the next one
    columns = torch.arange(states.n_columns, device=generator.device)
    return states.first_level[columns, partial.group] + partial.level + offset


def _known_cells(known: KnownCoordinates | None, shape: tuple[int, int], device: torch.device) -> tuple[Tensor, Tensor]:
    """Encoded rows (n, d), 0 where unknown, and (n, d) bool, True = known."""
    x, is_known = torch.zeros(shape, device=device), torch.zeros(shape, dtype=torch.bool, device=device)
    if known is not None:
        is_known = known.mask.to(device).expand(shape)
        x = torch.where(is_known, known.x.to(device), x)
    return x, is_known
