"""Distributions of cells given the others of their rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

from src.diffusion.absorbing.continuous import N_COMPONENTS
from src.encoding import N_KNOTS, StateBlock
from src.questions.model import of_states
from src.tables import Table
from src.training.module import MissDiffModule

PROBABILITIES_OF_A_CHUNK = 2**21
N_INTERVALS = 20
"""Intervals of a column of many numbers: each has a twentieth of its training cells."""


@dataclass(frozen=True)
class Distribution:
    """Distribution of a column in each of N rows.

    Attributes:
        values: canonical values that have a probability of their own, K of them.
        intervals: lower and upper ends of intervals of numbers, I of them, increasing.
        probability: (N, K + I), of the values, then of the intervals.
        missing: (N,) probability that the cell is missing, 0 but in structural columns; with it, rows add up to 1.
    """

    values: tuple[Any, ...]
    intervals: tuple[tuple[float, float], ...]
    probability: np.ndarray
    missing: np.ndarray


def distribution(
    module: MissDiffModule,
    table: Table,
    column: str,
    on_rows: Callable[[float], object] = lambda n_rows: None,
) -> Distribution:
    """Compute the distribution of a column given the other observed cells of each row.

    It is the probability of the model's one evaluation; what the rows have in the column itself is not read. A
    category that no training row has counts as missing.

    Arguments:
        module: the model.
        table: (N, d) rows, with or without holes.
        column: name of the column.
        on_rows: receives increments of progress in rows.

    Raises:
        ConfigError: the model is none of states.
    """
    denoiser, encoder = of_states(module)
    i = table.schema.names.index(column)
    x, observed = encoder.forward(table, table.observed)
    observed[:, i] = False
    block, column_of = encoder.blocks[i], encoder.schema[column]
    knots = np.array(block.knots).reshape(-1, N_KNOTS)
    parts = _parts(block, knots)
    probability, missing = np.empty((len(x), len(parts.starts))), np.empty(len(x))
    n_chunk = max(PROBABILITIES_OF_A_CHUNK // (N_COMPONENTS * sum(block.groups)), 1)
    for start in range(0, len(x), n_chunk):
        rows = slice(start, start + n_chunk)
        chunk, mask = x[rows].to(module.device), observed[rows].to(module.device)
        with torch.no_grad():
            output = denoiser.read(denoiser.cells(chunk), mask)
            of_level = denoiser.state_probabilities(output, i).cpu().numpy()
            missing[rows] = denoiser.missing_probabilities(output, i).cpu().numpy()
        probability[rows] = np.add.reduceat(of_level[:, parts.order], parts.starts, axis=1)
        on_rows(len(chunk))
    probability *= 1 - missing[:, None]
    own, first = parts.order[: parts.n_values], parts.order[parts.starts[parts.n_values :]]
    if block.categories:
        return Distribution(tuple(column_of.categories[block.categories[k]] for k in own), (), probability, missing)
    values = column_of.numbers(knots[own, 0])
    ends = column_of.numbers(np.append(knots[first, 0], knots[-1, -1])) if len(first) else np.empty(0)
    intervals = tuple(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))
    return Distribution(tuple(values.tolist()), intervals, probability, missing)


class _Parts(NamedTuple):
    """How the levels of a column are summed up.

    Attributes:
        order: (L,) levels: those that stand for themselves, then those of intervals.
        starts: position in ``order`` where each value and each interval begins.
        n_values: number of levels that stand for themselves.
    """

    order: np.ndarray
    starts: np.ndarray
    n_values: int


def _parts(block: StateBlock, knots: np.ndarray) -> _Parts:
    """Levels that are values of their own, and at most :data:`N_INTERVALS` runs of the others, of as many cells."""
    n_levels = sum(block.groups)
    is_own = np.ones(n_levels, dtype=bool)
    cells = np.ones(n_levels)
    if block.cells:
        is_own[:] = False
        is_own[list(block.repeated)] = True
        cells = np.array(block.cells, dtype=np.float64)
    elif not block.categories:
        is_own = np.repeat(np.array(block.groups) == 1, block.groups) & (knots[:, 0] == knots[:, -1])
    own, others = np.flatnonzero(is_own), np.flatnonzero(~is_own)
    middle = np.cumsum(cells[others]) - cells[others] / 2
    run = (middle * N_INTERVALS / cells[others].sum()).astype(np.int64)
    begins = np.flatnonzero(np.diff(run, prepend=-1))
    return _Parts(np.concatenate([own, others]), np.concatenate([np.arange(len(own)), len(own) + begins]), len(own))
