r"""How fast the rank of a number grows with the number: it turns a density of ranks into one of numbers.

A model of states gives a number that lies in an interval of values a density of its rank u among the training cells
(:mod:`src.encoding.states`). The density of the number x itself is :math:`p(x) = p(u)\, du/dx`. Ranks are steps of
single training cells, so :math:`du/dx` is taken over many of them, on the scale of normal scores
:math:`z = \Phi^{-1}(u)`, on which it is most nearly constant:

.. math:: \frac{du}{dx} \approx \varphi(z)\, \frac{z(u + \delta) - z(u - \delta)}{x(u + \delta) - x(u - \delta)}
"""

import numpy as np
import scipy  # loads scipy.special on first use, which keeps the start of commands short
from torch import Tensor

from src.encoding.levels import N_KNOTS
from src.encoding.states import StateBlock, StateEncoder
from src.tables import Table

LEAST_WINDOW = 0.01
"""Ranks on either side that a slope is taken over."""
LEAST_WINDOW_CELLS = 25
"""Training cells on either side, in a small table: the slope then has a relative error of about a seventh."""


def log_slopes(encoder: StateEncoder, table: Table, x: Tensor, observed: np.ndarray) -> np.ndarray:
    """Compute the logarithm of the slope of every cell that has a density; 0 of cells that have a probability.

    Numbers of a column with a grid (whole numbers, or steps) have their density by steps of it, so that it is the
    probability of a number, nearly. A number beyond the training cells has the slope of the nearest one.

    Arguments:
        encoder: of the model.
        table: (N, d) rows.
        x: (N, d) of :meth:`StateEncoder.forward`.
        observed: (N, d) bool.

    Returns:
        (N, d) float64.
    """
    slopes = np.zeros(observed.shape)
    for i, block in enumerate(encoder.blocks):
        if block.categories:
            continue
        knots = np.array(block.knots).reshape(-1, N_KNOTS)
        level = np.floor(x[:, i].double().cpu().numpy()).astype(np.int64).clip(0, len(knots) - 1)
        rows = np.flatnonzero(observed[:, i] & (knots[level, 0] < knots[level, -1]))
        if not len(rows):
            continue
        numbers = table.frame[block.name].to_numpy(dtype=np.float64)[rows]
        positions = encoder.schema[block.name].positions(numbers).clip(knots[0, 0], knots[-1, -1])
        if block.cells:
            slopes[rows, i] = _smooth(block, knots, positions)
        else:
            slopes[rows, i] = _of_level(knots[level[rows]], positions)
    return slopes


def _smooth(block: StateBlock, knots: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Logarithm of du/dx of a continuous column at positions (n,)."""
    cells = np.array(block.cells, dtype=np.float64)
    cells[list(block.repeated)] = 0
    below = np.cumsum(cells) - cells
    n_cells = cells.sum()
    ranks = ((below[:, None] + cells[:, None] * np.linspace(0, 1, N_KNOTS)) / n_cells).ravel()
    # Halves: the difference of two numbers may be beyond the largest float64, that of their halves is not.
    values = knots.ravel() / 2
    least = 0.5 / n_cells
    rank = np.interp(positions / 2, values, ranks).clip(least, 1 - least)
    window = max(LEAST_WINDOW, LEAST_WINDOW_CELLS / n_cells)
    low, high = (rank - window).clip(least, 1 - least), (rank + window).clip(least, 1 - least)
    distance = np.interp(high, ranks, values) - np.interp(low, ranks, values)
    score, above, below = (scipy.special.ndtri(each) for each in (rank, high, low))
    log_normal = -0.5 * score**2 - 0.5 * np.log(2 * np.pi)
    return np.asarray(np.log(above - below) - np.log(2) - np.log(distance) + log_normal)


def _of_level(knots: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Logarithm of the density (n,) of positions (n,) inside their levels of knots (n, N_KNOTS)."""
    rows = np.arange(len(positions))
    segment = ((positions[:, None] >= knots).sum(axis=1) - 1).clip(0, N_KNOTS - 2)
    width = knots[rows, segment + 1] / 2 - knots[rows, segment] / 2
    return np.asarray(-np.log(N_KNOTS - 1) - np.log(2) - np.log(width.clip(np.finfo(float).tiny)))
