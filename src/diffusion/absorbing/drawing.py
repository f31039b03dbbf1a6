r"""Draw rows from an absorbing-state model: hidden cells become visible, one of each row at a step, or several.

:func:`draw_absorbing` is the reverse process of :mod:`src.diffusion.absorbing.model` (Hoogeboom et al. 2022,
https://arxiv.org/abs/2110.02037, Algorithm 1): in a random order :math:`\sigma` of the columns of a row,
:math:`x_{\sigma_k} \sim p_\theta(x_{\sigma_k} \mid x_{\sigma_1}, \dots, x_{\sigma_{k-1}})`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from src.diffusion.absorbing.categorical import sample_categorical
from src.diffusion.absorbing.continuous import LARGEST_OFFSET
from src.diffusion.absorbing.holes import MISSING
from src.diffusion.absorbing.readers import PartialRows, Reader, reader_for
from src.diffusion.absorbing.wide import MOST_LOGITS
from src.diffusion.base import Drawn, KnownCoordinates, OnProgress
from src.errors import ConfigError

if TYPE_CHECKING:  # model.py draws with this module
    from src.diffusion.absorbing.model import AbsorbingDiffusion

ROWS_PER_ORDER = 64
"""Neighbouring rows that share an order of their columns, so that a step draws few columns, each of many rows."""


@dataclass(frozen=True)
class CellByCell:
    """How rows are drawn where cells become visible one after another.

    Attributes:
        n_steps: network evaluations of a row at most; None = one for each cell.
    """

    n_steps: int | None = None
    with_holes: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.n_steps is not None and self.n_steps < 1:
            raise ConfigError(f"diffusion.sampler.n_steps is at least 1, or null, got {self.n_steps}")


@dataclass(frozen=True)
class CellByCellWithHoles(CellByCell):
    """Rows are drawn together with their holes: "missing" is a state of every column that has holes."""

    with_holes: ClassVar[bool] = True


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
    sampler: CellByCell,
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

    Arguments:
        denoiser: trained.
        sampler: how rows are drawn; with as many steps as a row has cells to draw, one cell a step.
        n_rows: rows to draw, n.
        generator: random stream; its device is where the rows are drawn.
        known: cells that are known; its ``n_repeats`` has no meaning here.
        on_progress: receives the share of the steps that are done, 0..1.

    Returns:
        Encoded rows (n, d), known cells as they are, and the network evaluations of a row on average, rounded up.
    """
    x, is_known = _known_cells(known, (n_rows, denoiser.states.n_columns), generator.device)
    partial = PartialRows(x, is_known.clone())
    reader = reader_for(denoiser, partial)

    schedule = reveal_schedule(denoiser, is_known, sampler.n_steps, generator)
    hole_columns = drawn_holes(denoiser, sampler.with_holes)

    n_evaluations = 0
    for step in range(schedule.n_steps):
        n_evaluations += reveal(denoiser, reader, partial, schedule, step, generator, hole_columns)
        on_progress((step + 1) / schedule.n_steps)

    return Drawn(partial.x, -(-n_evaluations // max(n_rows, 1)))


def drawn_holes(denoiser: "AbsorbingDiffusion", with_holes: bool) -> dict[int, int]:
    """By column of which cells may be drawn as missing, its position among those that have this state."""
    if denoiser.holes is None:
        return {}
    pairs = zip(denoiser.holes.columns, denoiser.holes.is_structural.tolist(), strict=True)
    return {column: i for i, (column, is_structural) in enumerate(pairs) if with_holes or is_structural}


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
    hole_columns: Mapping[int, int],
) -> int:
    """Read the network once and draw the cells of one step; returns the number of rows that were read."""
    start, stop = schedule.positions(step)
    read_rows = (stop > start).nonzero()[:, 0]
    features = denoiser.in_pieces(reader.read, read_rows)
    for k in range(int((stop - start).max())):
        has_kth = (start + k < stop)[read_rows].nonzero()[:, 0]
        rows = read_rows[has_kth]
        columns = schedule.order[rows, start[rows] + k]
        draw_cells(denoiser, reader, partial, features.index_select(0, has_kth), rows, columns, generator, hole_columns)
    return len(read_rows)


def draw_cells(
    denoiser: "AbsorbingDiffusion",
    reader: Reader,
    partial: PartialRows,
    features: Tensor,
    rows: Tensor,
    columns: Tensor,
    generator: torch.Generator,
    hole_columns: Mapping[int, int],
) -> None:
    """Draw one cell of each row, column by column, since columns differ in their numbers of groups.

    Arguments:
        denoiser: the model.
        reader: of its network.
        partial: the rows, in which the cells become visible.
        features: (m, .) of :meth:`Reader.read`.
        rows: (m,) int64, positions in ``partial``.
        columns: (m,) int64, the column to draw in each row.
        generator: random stream.
        hole_columns: of :func:`drawn_holes`.
    """
    device = features.device
    u = torch.rand(3, len(columns), 1, generator=generator, device=device)
    noise = torch.randn(len(columns), 1, generator=generator, device=device)
    of_holes = torch.rand(len(columns), generator=generator, device=device) if hole_columns else None
    usual = None if denoiser.holes is None else denoiser.holes.usual
    row_counts = torch.bincount(columns, minlength=denoiser.states.n_columns).tolist()
    for column, here in enumerate(columns.argsort(stable=True).split(row_counts)):
        if len(here):
            of_column = features.index_select(0, here)
            x = draw_column(denoiser, reader, of_column, column, u[:, here], noise[here])
            if of_holes is not None and usual is not None and column in hole_columns:
                i = hole_columns[column]
                is_missing = of_holes[here] < (reader.hole_logits(of_column, i) + usual[i]).sigmoid()
                x = x.masked_fill(is_missing, MISSING)
            partial.reveal(rows[here], column, x)
            reader.reveal(rows[here], column, x)


def draw_column(
    denoiser: "AbsorbingDiffusion", reader: Reader, features: Tensor, column: int, u: Tensor, noise: Tensor
) -> Tensor:
    """Draw encoded cells (m,) of a column: the group, then the level inside it, then the offset inside the level.

    Arguments:
        denoiser: the model.
        reader: of its network.
        features: (m, .) of :meth:`Reader.read`.
        column: to draw.
        u: (3, m, 1) uniform in [0, 1).
        noise: (m, 1) standard normal.
    """
    states, numbers = denoiser.states, denoiser.numbers
    group = sample_categorical(reader.group_logits(features, column), u[0])
    if numbers is not None and column in numbers.columns:
        i = numbers.columns.index(column)
        between = numbers.draw(reader.number_outputs(features, i), i, u[1], noise)
        return numbers.encoded(i, group, between)
    level = torch.zeros_like(group)
    if column in states.wide_columns:
        level = _draw_wide(denoiser, reader, features, column, u[1])
    elif states.largest_groups[column] > 1:
        fine_index = states.fine_columns.index(column)
        logits = denoiser.level_logits(reader.level_inputs(features, fine_index), fine_index, group)
        level = sample_categorical(logits, u[1])
    # The categories of a wide column may be so many that a larger offset would round up to the next one.
    offset = 0.5 if column in states.wide_columns else u[2, :, 0].clamp(max=LARGEST_OFFSET)
    return states.first_level[column, group] + level + offset


def _draw_wide(denoiser: "AbsorbingDiffusion", reader: Reader, features: Tensor, column: int, u: Tensor) -> Tensor:
    """Draw categories (m,) of a wide column, for as many rows at a time as have :data:`MOST_LOGITS` logits."""
    wide_index = denoiser.states.wide_columns.index(column)
    inputs = reader.wide_inputs(features, wide_index)
    n_rows = max(MOST_LOGITS // denoiser.states.largest_groups[column], 1)
    pieces = zip(inputs.split(n_rows), u.split(n_rows), strict=True)
    return torch.cat([sample_categorical(denoiser.wide.logits(a, wide_index), of_rows) for a, of_rows in pieces])


def _known_cells(known: KnownCoordinates | None, shape: tuple[int, int], device: torch.device) -> tuple[Tensor, Tensor]:
    """Encoded rows (n, d), 0 where unknown, and (n, d) bool, True = known."""
    x, is_known = torch.zeros(shape, device=device), torch.zeros(shape, dtype=torch.bool, device=device)
    if known is not None:
        is_known = known.mask.to(device).expand(shape)
        x = torch.where(is_known, known.x.to(device), x)
    return x, is_known
