"""Levels of a numerical column: intervals of increasing values, by the quantiles of their training cells."""

import numpy as np

N_KNOTS = 5
LARGEST_OFFSET = 0.999
"""Largest offset inside a level; added to the index of any level it stays below the next one in float32."""


def parts(counts: np.ndarray, n_parts: int) -> list[tuple[int, int]]:
    """Cut increasing values into ranges of about equally many cells; a value with more cells than that stays alone.

    Arguments:
        counts: (n,) number of cells of each value.
        n_parts: about how many ranges.

    Returns:
        Start and stop of each range.
    """
    share = counts.sum() / n_parts
    middle = (np.cumsum(counts) - counts / 2) / share  # in which of n_parts equal shares the value has its middle cell
    is_alone = counts > share
    begins = np.diff(middle.astype(np.int64), prepend=-1) != 0
    begins |= is_alone | np.concatenate([[False], is_alone[:-1]])
    starts = np.flatnonzero(begins)
    return list(zip(starts.tolist(), [*starts[1:].tolist(), len(counts)], strict=True))


def even_quantiles(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Compute evenly spaced quantiles (N_KNOTS,) of increasing values, weighted by their counts."""
    if len(values) == 1:
        return np.full(N_KNOTS, values[0])
    probabilities = (np.cumsum(counts) - counts / 2 - counts[0] / 2) / (counts.sum() - counts[0] / 2 - counts[-1] / 2)
    scale = max(np.abs(values).max(), 1.0)  # else the difference of two very large values would overflow
    knots = np.interp(np.linspace(0, 1, N_KNOTS), probabilities, values / scale) * scale
    return np.asarray(knots.clip(values[0], values[-1]))  # dividing and multiplying may round beyond either end


def closed(knots: np.ndarray) -> np.ndarray:
    """Move the ends of neighbouring intervals to the middle of the gap between them; knots are (L, N_KNOTS)."""
    is_interval = knots[:, 0] < knots[:, -1]
    meet = np.flatnonzero(is_interval[:-1] & is_interval[1:])
    middle = knots[meet, -1] / 2 + knots[meet + 1, 0] / 2  # the sum of two very large knots would overflow
    knots[meet, -1] = knots[meet + 1, 0] = middle
    return knots


def coordinate(knots: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Encode numbers (n,) as the index of their level plus their offset inside the level, in [0, 1).

    A number in the gap between two levels belongs to the end of the nearer one.

    Arithmetic is done on halves of the numbers: the difference of the smallest and the largest float64 is infinite, the
    difference of their halves is not. A ratio of two halved differences is the ratio of the differences.
    """
    last = len(knots) - 1
    level = (np.searchsorted(knots[:, 0], numbers, side="right") - 1).clip(0, last)
    above = (level + 1).clip(max=last)
    is_nearer_above = numbers / 2 - knots[level, -1] / 2 > knots[above, 0] / 2 - numbers / 2
    level = np.where((numbers > knots[level, -1]) & is_nearer_above, above, level)

    level_knots = knots[level]
    clipped = numbers.clip(level_knots[:, 0], level_knots[:, -1])
    segment = ((clipped[:, None] >= level_knots).sum(axis=1) - 1).clip(0, N_KNOTS - 2)  # between knots k and k + 1
    rows = np.arange(len(numbers))
    low, high = level_knots[rows, segment], level_knots[rows, segment + 1]
    width = high / 2 - low / 2
    has_width = width > 0  # half of the smallest float64 is 0
    share = np.where(
        has_width, (clipped / 2 - low / 2) / np.where(has_width, width, 1), 0.5
    )  # of one value: the middle
    return np.asarray(level + ((segment + share) / (N_KNOTS - 1)).clip(0, LARGEST_OFFSET))


def number(knots: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Decode offsets (n,) in [0, 1] inside levels of the knots (n, N_KNOTS); inverse of :func:`coordinate`."""
    position = offset.clip(0, 1) * (N_KNOTS - 1)
    segment = np.floor(position).astype(np.int64).clip(0, N_KNOTS - 2)
    rows = np.arange(len(offset))
    share = position - segment
    low, high = knots[rows, segment], knots[rows, segment + 1]
    return np.asarray((low * (1 - share) + high * share).clip(low, high))
