r"""Distributions of missing cells by a model of absorbing states, without draws.

The model knows the distribution of a cell given *any* visible ones (:mod:`src.diffusion.absorbing.model`), so that of a
hole given the observed cells of its row, :math:`p_\theta(x_j \mid x_V)`, is one evaluation of the network in which all
holes of the row are hidden. Nothing is averaged over draws of the other holes.

The numbers of a column are cut into at most :data:`MOST_PIECES` pieces, intervals of levels or single values, whose
probabilities and means are added up; inside a piece quantiles follow the training cells. Quantiles are spread out
as held-out rows ask for (:func:`src.diffusion.absorbing.likelihood.measured_spread`).
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from src.diffusion.absorbing.continuous import N_COMPONENTS
from src.diffusion.absorbing.likelihood import run_probabilities, spread_out
from src.diffusion.absorbing.model import AbsorbingDiffusion
from src.encoding import StateBlock, StateEncoder
from src.encoding.levels import N_KNOTS, number
from src.tables import Table
from src.tables.distributions import (
    PROBABILITIES,
    CategoryDistribution,
    Distribution,
    NumberDistribution,
    most_probable,
)
from src.tables.schema import Column

if TYPE_CHECKING:  # Lightning takes seconds to load; whoever only checks settings does not wait for it
    from src.training.module import MissDiffModule

MOST_PIECES = 256
CHUNK_ROWS = 2048
PROBABILITIES_OF_A_CHUNK = 2**21


def knows_distributions(module: "MissDiffModule") -> bool:
    """Whether :func:`hole_distributions` has an answer."""
    return isinstance(module.denoiser, AbsorbingDiffusion) and isinstance(module.encoder, StateEncoder)


@torch.no_grad()
def hole_distributions(
    module: "MissDiffModule", table: Table, on_progress: Callable[[float], object] = lambda share: None
) -> dict[str, Distribution]:
    """Compute the distribution of every hole given the observed cells of its row.

    Arguments:
        module: a model of states.
        table: (N, d) with holes.
        on_progress: receives the share of the rows that are done, 0..1.

    Returns:
        By column with holes, the distributions of its holes in the order of the rows.
    """
    denoiser, encoder, device, unknown = module.denoiser, module.encoder, module.device, table.unknown
    assert isinstance(denoiser, AbsorbingDiffusion)
    assert isinstance(encoder, StateEncoder)
    columns = [_Categories(b) if b.categories else _Numbers(b, encoder.schema[b.name]) for b in encoder.blocks]
    rows = np.flatnonzero(unknown.any(axis=1))
    parts: dict[str, list[Distribution]] = {block.name: [] for block in encoder.blocks}
    for start in range(0, len(rows), CHUNK_ROWS):
        chunk = rows[start : start + CHUNK_ROWS]
        x, observed = encoder.forward(table.take(chunk), table.observed[chunk])
        output = denoiser.read(denoiser.cells(x.to(device)), observed.to(device))
        for i, block in enumerate(encoder.blocks):
            here = output[torch.from_numpy(np.flatnonzero(unknown[chunk, i])).to(device)]
            for some in here.split(max(PROBABILITIES_OF_A_CHUNK // (N_COMPONENTS * columns[i].n_probabilities), 1)):
                if len(some):
                    parts[block.name].append(columns[i].distribution(denoiser, some, i))
        on_progress((start + len(chunk)) / len(rows))
    return {name: _joined(found) for name, found in parts.items() if found}


class _Categories:
    """The categories of a column."""

    def __init__(self, block: StateBlock) -> None:
        self._codes = np.array(block.categories)
        self.n_probabilities = len(block.categories)

    def distribution(self, denoiser: AbsorbingDiffusion, output: Tensor, i: int) -> CategoryDistribution:
        """Of the cells of column ``i`` in the rows of an output (n, W') of the network."""
        return most_probable(denoiser.state_probabilities(output, i).cpu().numpy(), self._codes)


class _Numbers:
    """The levels of a column of numbers, and the pieces that they add up to."""

    def __init__(self, block: StateBlock, column: Column) -> None:
        self._column, self._knots = column, np.array(block.knots).reshape(-1, N_KNOTS)
        n_levels = len(self._knots)
        cells = np.array(block.cells or [1] * n_levels, dtype=np.float64)
        is_alone = np.zeros(n_levels, dtype=bool)
        is_alone[list(block.repeated)] = True
        self._first = _runs(cells, is_alone)
        self._mass = np.concatenate([[0], cells.cumsum()])
        weights = np.array([0.125, 0.25, 0.25, 0.25, 0.125])  # of evenly spaced quantiles, by the trapezoid rule
        mean = column.numbers(np.clip(self._knots @ weights, self._knots[:, 0], self._knots[:, -1]))
        share = cells / np.repeat(np.add.reduceat(cells, self._first), np.diff(np.append(self._first, n_levels)))
        self._means = np.add.reduceat(mean * share, self._first)
        self.n_probabilities = len(self._first)

    def distribution(self, denoiser: AbsorbingDiffusion, output: Tensor, i: int) -> NumberDistribution:
        """Of the cells of column ``i`` in the rows of an output (n, W') of the network."""
        probability = run_probabilities(denoiser, output, i, torch.from_numpy(self._first).to(output.device))
        probability = (probability / probability.sum(dim=1, keepdim=True)).cpu()
        mean = (probability.numpy() @ self._means).clip(self._means.min(), self._means.max())
        up_to = probability.cumsum(dim=1)
        kept = spread_out(torch.from_numpy(PROBABILITIES), denoiser.spread)
        wanted = kept.expand(len(up_to), -1).contiguous()
        piece = torch.searchsorted(up_to, wanted).clamp(max=up_to.shape[1] - 1)
        of_piece = probability.gather(1, piece)
        inside = (wanted - up_to.gather(1, piece) + of_piece) / of_piece.clamp(min=torch.finfo(torch.float64).tiny)
        return NumberDistribution(mean, self._quantiles(piece.numpy(), inside.clamp(0, 1).numpy()))

    def _quantiles(self, piece: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """Numbers where a share ``inside`` of the training cells of a piece is smaller; all (n, Q)."""
        last = np.append(self._first[1:], len(self._knots))[piece] - 1
        low, high = self._mass[self._first[piece]], self._mass[last + 1]
        at = low + inside * (high - low)
        level = (np.searchsorted(self._mass, at, side="right") - 1).clip(self._first[piece], last)
        offset = (at - self._mass[level]) / (self._mass[level + 1] - self._mass[level])
        positions = number(self._knots[level.ravel()], offset.ravel())
        return np.asarray(self._column.numbers(positions)).reshape(piece.shape)


def _runs(cells: np.ndarray, is_alone: np.ndarray) -> np.ndarray:
    """First level of each piece: levels that stay alone, and runs of the others of about equally many cells."""
    if len(cells) <= MOST_PIECES:
        return np.arange(len(cells))
    others = np.where(is_alone, 0, cells)
    run = ((others.cumsum() - others / 2) * MOST_PIECES / max(others.sum(), 1)).astype(np.int64)
    begins = (np.diff(run, prepend=-1) != 0) | is_alone | np.append(False, is_alone[:-1])
    return np.flatnonzero(begins)


def _joined(found: list[Distribution]) -> Distribution:
    """The distributions of a column's holes, from those of its parts."""
    parts = [asdict(part) for part in found]
    return type(found[0])(**{key: np.concatenate([part[key] for part in parts]) for key in parts[0]})
