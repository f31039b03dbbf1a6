"""Distributions of the values in the holes of one column, each given the observed cells of its row."""

from dataclasses import dataclass

import numpy as np

PROBABILITIES = np.array(
    [0, 0.001, 0.005, 0.01, *np.arange(1, 40).dot(0.025).round(3), 0.99, 0.995, 0.999, 1], dtype=np.float64
)
"""Probabilities, increasing, at which the quantiles of numbers are kept, Q of them."""
MOST_CATEGORIES = 20
"""The most probable categories, so many, are kept."""


@dataclass(frozen=True)
class NumberDistribution:
    """Of the holes of a numerical column.

    Attributes:
        mean: (n,) means.
        quantiles: (n, Q) quantiles at :data:`PROBABILITIES`, increasing.
    """

    mean: np.ndarray
    quantiles: np.ndarray

    def quantile(self, probability: float) -> np.ndarray:
        """Return the quantiles (n,) at a probability, interpolated between those that are kept."""
        above = int(np.searchsorted(PROBABILITIES, probability).clip(1, len(PROBABILITIES) - 1))
        low, high = PROBABILITIES[above - 1], PROBABILITIES[above]
        share = (probability - low) / (high - low)
        return np.asarray(self.quantiles[:, above - 1] * (1 - share) + self.quantiles[:, above] * share)

    def ranks(self, values: np.ndarray) -> np.ndarray:
        """Return the probabilities of less than each value, and of at most it, (2, n).

        They differ where a value has a probability of its own.
        """
        rows = np.arange(len(values))
        n_below = (self.quantiles < values[:, None]).sum(axis=1)
        n_up_to = (self.quantiles <= values[:, None]).sum(axis=1)
        last = len(PROBABILITIES) - 1
        below, above = (n_below - 1).clip(0, last), n_below.clip(0, last)
        low, high = self.quantiles[rows, below], self.quantiles[rows, above]
        share = np.where(high > low, (values - low) / np.where(high > low, high - low, 1), 0).clip(0, 1)
        between = PROBABILITIES[below] * (1 - share) + PROBABILITIES[above] * share
        equals = n_up_to > n_below
        first = np.where(equals, PROBABILITIES[above], between)
        return np.stack([first, np.where(equals, PROBABILITIES[(n_up_to - 1).clip(0, last)], between)])

    def crps(self, values: np.ndarray) -> np.ndarray:
        r"""Compute the continuous ranked probability score (n,) of each value t.

        It is :math:`2 \int_0^1 (1\{t \le q_p\} - p)(q_p - t)\, dp` (Gneiting and Ranjan 2011, section 2.2), by the
        trapezoid rule over the quantiles that are kept.
        """
        distance = self.quantiles - values[:, None]
        scores = ((distance >= 0) - PROBABILITIES) * distance
        return np.asarray(2 * np.trapezoid(scores, PROBABILITIES, axis=1))


@dataclass(frozen=True)
class CategoryDistribution:
    """Of the holes of a categorical column.

    Attributes:
        codes: (n, M) int64 positions of the most probable categories in the schema's list, the most probable first.
        probability: (n, M) theirs.
    """

    codes: np.ndarray
    probability: np.ndarray

    def of_all(self, n_categories: int) -> np.ndarray:
        """Return the probabilities (n, K) of all categories; those that are not kept have 0."""
        found = np.zeros((len(self.codes), n_categories))
        np.put_along_axis(found, self.codes, self.probability, axis=1)
        return found


Distribution = NumberDistribution | CategoryDistribution


def most_probable(probability: np.ndarray, codes: np.ndarray) -> CategoryDistribution:
    """Keep the most probable categories.

    Arguments:
        probability: (n, L).
        codes: (L,) positions of the L categories in the schema's list.
    """
    order = np.argsort(-probability, axis=1, kind="stable")[:, :MOST_CATEGORIES]
    return CategoryDistribution(codes[order], np.take_along_axis(probability, order, axis=1))
