"""Counts of pairs of codes, dense where the table of cells is small and sparse where it is not."""

from collections.abc import Sequence
from itertools import combinations
from typing import TypeVar

import numpy as np

MAX_CELLS = 1_000_000
MAX_PAIRS = 20_000
Codes = np.ndarray
T = TypeVar("T")


def column_pairs(columns: Sequence[T], seed: int) -> tuple[list[tuple[T, T]], str | None]:
    """Pairs of columns to score: all up to :data:`MAX_PAIRS`, beyond that as many, drawn by ``seed``.

    Returns:
        The pairs in order, and a remark where some are left out.
    """
    return sampled_pairs(list(combinations(columns, 2)), seed)


def sampled_pairs(pairs: list[tuple[T, T]], seed: int) -> tuple[list[tuple[T, T]], str | None]:
    """These pairs of columns, or a sample of them: as :func:`column_pairs`."""
    if len(pairs) <= MAX_PAIRS:
        return pairs, None
    sample = np.sort(np.random.default_rng(seed).permutation(len(pairs))[:MAX_PAIRS])
    return [pairs[k] for k in sample], f"a sample of {MAX_PAIRS:,} of the {len(pairs):,} pairs of columns"


def joint_counts(real: tuple[Codes, Codes], synthetic: tuple[Codes, Codes]) -> tuple[np.ndarray, np.ndarray]:
    """Rows of either side in every pair of codes, as two aligned vectors.

    Codes are (n,) integers from 0; the two sides may differ in their number of rows.
    """
    width = 1 + max(int(second.max(initial=0)) for _, second in (real, synthetic))
    cells = [first.astype(np.int64) * width + second for first, second in (real, synthetic)]
    size = 1 + max(int(cell.max(initial=0)) for cell in cells)
    if size > MAX_CELLS:
        names, both = np.unique(np.concatenate(cells), return_inverse=True)
        cells, size = [both[: len(cells[0])], both[len(cells[0]) :]], len(names)
    return np.bincount(cells[0], minlength=size), np.bincount(cells[1], minlength=size)


def cell_counts(first: Codes, second: Codes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes of the first, codes of the second and number of rows of every cell that has a row."""
    width = 1 + int(second.max(initial=0))
    cells = first.astype(np.int64) * width + second
    if cells.max(initial=0) < MAX_CELLS:
        counts = np.bincount(cells)
        names = np.flatnonzero(counts)
        counts = counts[names]
    else:
        names, counts = np.unique(cells, return_counts=True)
    return names // width, names % width, counts


def cramers_v(first: Codes, second: Codes) -> float:
    r"""Cramer's V, :math:`\sqrt{\chi^2 / (n \min(r - 1, c - 1))}`, of two vectors of codes; NaN if one is constant.

    With :math:`o_{ij}` rows in a cell and :math:`o_{i.}, o_{.j}` in its row and column,
    :math:`\chi^2 / n = \sum_{ij} o_{ij}^2 / (o_{i.} o_{.j}) - 1`, which needs the cells with rows only.
    """
    i, j, n = cell_counts(first, second)
    of_first, of_second = np.bincount(first), np.bincount(second)
    smaller = min(np.count_nonzero(of_first), np.count_nonzero(of_second))
    if smaller < 2:
        return float("nan")
    phi_squared = float((n / of_first[i] * (n / of_second[j])).sum()) - 1
    return float(np.sqrt(max(phi_squared, 0.0) / (smaller - 1)))


def entropy(codes: Codes) -> float:
    """Shannon entropy of a vector of codes, nats."""
    shares = np.bincount(codes) / len(codes)
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum())


def mutual_information(first: Codes, second: Codes) -> float:
    """Mutual information of two vectors of codes by their empirical shares, nats, at least 0."""
    i, j, n = cell_counts(first, second)
    total = len(first)
    ratio = n / np.bincount(first)[i] * (total / np.bincount(second)[j])
    return max(float((n / total * np.log(ratio)).sum()), 0.0)
