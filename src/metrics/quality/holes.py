r"""Holes: are the synthetic table's where and when the real table's are?

Of a synthetic table that has holes of its own, or of further rows of a model that learns the holes of a table; complete
rows say nothing of them.

* ``holes/share``: with :math:`r_c` and :math:`s_c` the share of holes of column c in the real and the synthetic
  table, :math:`1 - \mathrm{mean}_c |r_c - s_c|`.
* ``holes/co_occurrence``: with :math:`r_p` and :math:`s_p` the share of rows that miss both columns of pair p,
  :math:`\sum_p \min(r_p, s_p) / \sum_p \max(r_p, s_p)`. A difference of shares, averaged, would be near 1 for any
  two tables, since most pairs are hardly ever missing together.
* ``holes/dependence``: the sum of :mod:`src.metrics.quality.dependence` over pairs of a column that has holes and
  another column: of the normalised mutual information between whether the first is missing and the value of the second,
  on rows where the second is observed, equally many of either table. Counted are the pairs whose mutual information
  in the real table is beyond chance, 2 n I above the chi-squared quantile of 1 % over all pairs: where holes depend
  on nothing there is nothing to keep, and the ratio of two noises would be a number without a meaning.

Best 1, bounds 0..1. What they cannot see: a hole that depends on the value that is missing (no table shows it);
three columns missing together; the values themselves.
"""

from itertools import permutations

import numpy as np
from scipy.stats import chi2

from src.metrics.base.measure import Comparison, Measure
from src.metrics.base.metric import UNIT, Best, Metric
from src.metrics.base.scores import Scores
from src.metrics.base.settings import QuickEvaluation
from src.metrics.quality.counting import column_pairs, mutual_information, sampled_pairs
from src.metrics.quality.dependence import (
    binned_columns,
    equally_many,
    normalised_mutual_information,
    weighted_similarity,
)
from src.tables import Schema, Table

SHARE, TOGETHER, DEPENDENCE = "holes/share", "holes/co_occurrence", "holes/dependence"
NAMES = [SHARE, TOGETHER, DEPENDENCE]
LEVEL = 0.01
MOST_DRAWN = 50_000
"""Most rows that are drawn with their holes for these metrics."""


class Holes(Measure):
    """Where and when a synthetic table with holes has them."""

    metrics = (
        Metric(
            SHARE,
            "hole share",
            Best.HIGH,
            UNIT,
            "How alike the share of holes of each column is: 1 - the difference of the two shares, mean over the "
            "columns. Of synthetic rows that are drawn with holes.",
            "which rows have the holes",
        ),
        Metric(
            TOGETHER,
            "hole pairs",
            Best.HIGH,
            UNIT,
            "How alike pairs of columns are in missing together: the smaller over the larger of the two shares of rows "
            "that miss both, each summed over the pairs.",
            "three holes in a row and more; columns that are never missing together; what holes depend on",
        ),
        Metric(
            DEPENDENCE,
            "hole dependence",
            Best.HIGH,
            UNIT,
            "How much of what a hole depends on is kept: as dependence, between whether a cell is missing and the "
            "observed values of another column, over the pairs that depend in the real table beyond chance.",
            "the direction or form of a dependence; a dependence on the value that is missing",
        ),
    )

    def names(self, schema: Schema, evaluation: QuickEvaluation) -> list[str]:
        """None: complete synthetic tables have no such metric."""
        return []

    def add(self, scores: Scores, comparison: Comparison) -> None:
        synthetic, draw = comparison.synthetic, comparison.draw_with_holes
        if draw is not None:
            synthetic = draw(min(comparison.real.n_rows, MOST_DRAWN))
        if comparison.score_holes and synthetic.unknown.any():
            add_holes(scores, comparison.real, synthetic, comparison.seed_of("holes"))


def add_holes(scores: Scores, real: Table, synthetic: Table, seed: int) -> None:
    """Add the metrics :data:`NAMES`, and the shares of every column in ``scores.details``.

    ``seed`` draws the rows beyond the smaller table's or 50,000, and the pairs beyond 20,000 (for dependence alone).
    """
    if real.observed.all() and synthetic.observed.all():
        scores.undefined(NAMES, "neither table has a hole")
        return
    _add_shares(scores, real, synthetic)
    _add_co_occurrence(scores, real, synthetic, seed)
    _add_dependence(scores, real, synthetic, seed)


def _add_shares(scores: Scores, real: Table, synthetic: Table) -> None:
    of_real, of_synthetic = (1 - table.observed.mean(axis=0) for table in (real, synthetic))
    differences = np.abs(of_real - of_synthetic)
    scores.add(SHARE, 1 - float(differences.mean()))
    names = real.schema.names
    scores.details[SHARE] = {
        "per_column": {
            name: {"real": float(r), "synthetic": float(s)}
            for name, r, s in zip(names, of_real, of_synthetic, strict=True)
        }
    }
    worst = int(differences.argmax())
    if differences[worst] > 0:
        cells = f"{of_real[worst]:.1%} of the real and {of_synthetic[worst]:.1%} of the synthetic cells"
        scores.remark(SHARE, f"farthest apart in {names[worst]!r}: {cells}")


def _add_co_occurrence(scores: Scores, real: Table, synthetic: Table, seed: int) -> None:
    pairs, sampled = column_pairs(range(real.n_columns), seed)
    if not pairs:
        scores.undefined([TOGETHER], "one column has no pairs")
        return
    first, second = np.array(pairs).T
    shares = []
    for table in (real, synthetic):
        missing = (~table.observed).astype(float)
        shares.append((missing.T @ missing)[first, second] / table.n_rows)
    if not np.any(shares):
        scores.undefined([TOGETHER], "no row of either table misses two cells")
        return
    scores.add(TOGETHER, float(np.minimum(*shares).sum() / np.maximum(*shares).sum()))
    if sampled:
        scores.remark(TOGETHER, sampled)


def _add_dependence(scores: Scores, real: Table, synthetic: Table, seed: int) -> None:
    if real.observed.all():
        scores.undefined([DEPENDENCE], "the real table has no holes that could depend on anything")
        return
    codes, observed = binned_columns(*equally_many(real, synthetic, seed))
    holed = [name for name in real.schema.names if not observed[name][0].all()]
    all_pairs = [(hole, other) for hole, other in permutations(real.schema.names, 2) if hole in set(holed)]
    pairs, sampled = sampled_pairs(all_pairs, seed)
    strengths = []
    for hole, other in pairs:
        rows = [np.flatnonzero(side) for side in observed[other]]
        n = min(map(len, rows))
        sides = [
            (observed[hole][side][positions[:n]].astype(int), codes[other][side][positions[:n]])
            for side, positions in enumerate(rows)
        ]
        if n > 1 and _beyond_chance(*sides[0], LEVEL / len(pairs)):
            strengths.append([normalised_mutual_information(*side) for side in sides])
    if not strengths:
        scores.undefined([DEPENDENCE], "no hole of the real table depends on another column's values beyond chance")
        return
    scores.add(DEPENDENCE, weighted_similarity(*np.array(strengths).T))
    scores.remark(DEPENDENCE, f"{len(strengths)} of {len(pairs)} pairs of a hole and a column depend beyond chance")
    if sampled:
        scores.remark(DEPENDENCE, sampled)


def _beyond_chance(first: np.ndarray, second: np.ndarray, level: float) -> bool:
    """Whether (n,) codes depend by the likelihood-ratio test of independence."""
    degrees = (len(np.unique(first)) - 1) * (len(np.unique(second)) - 1)
    return bool(degrees and chi2.sf(2 * len(first) * mutual_information(first, second), degrees) < level)
