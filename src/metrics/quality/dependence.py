r"""Dependence: how much of what each pair of columns knows about each other the synthetic table keeps.

With :math:`I` the mutual information and :math:`H` the entropy of two columns, their normalised
mutual information is :math:`\mathrm{NMI} = 2 I / (H_a + H_b)`, 0 for independent columns, 1 where each
decides the other. With :math:`r_p` that of pair p in the real and :math:`s_p` in the synthetic table,

.. math:: \sum_p w_p \frac{\min(r_p, s_p)}{\max(r_p, s_p)}, \qquad w_p = \frac{r_p}{\sum_q r_q}

so a pair counts by how much it depends in the real table, and the many pairs that hardly do cannot
lift the mean, as they lift Column Pair Trends. Best 1, bounds 0..1; independent draws come near 0.

Numbers are cut at the real column's deciles; a value that fills a whole decile gets a bin of its own.
The empirical NMI of few rows is too large, so both tables give equally many rows: of each pair as many as
are observed in both its columns in the table that has fewer of them.

What it cannot see: the direction or form of a dependence (only its strength), anything beyond pairs,
a wrong distribution of a column, copied training rows.
"""

import numpy as np

from src.metrics.base.features import coded_columns
from src.metrics.base.measure import Comparison, Measure
from src.metrics.base.metric import UNIT, Best, Metric
from src.metrics.base.scores import Scores
from src.metrics.quality.counting import column_pairs, entropy, mutual_information
from src.tables import Table

NAME = "dependence/weighted_nmi"
N_BINS = 10
MAX_ROWS = 50_000


class Dependence(Measure):
    """Mutual information of pairs of columns that the synthetic table keeps."""

    metrics = (
        Metric(
            NAME,
            "dependence",
            Best.HIGH,
            UNIT,
            "How much of the dependence between columns is kept: the smaller over the larger normalised mutual "
            "information of a pair in the two tables, mean over pairs weighted by the real one. "
            "Independent draws come near 0.",
            "the direction or form of a dependence; anything beyond pairs; each column's own distribution; copied rows",
        ),
    )

    def add(self, scores: Scores, comparison: Comparison) -> None:
        add_dependence(scores, comparison.real, comparison.synthetic, comparison.seed_of("dependence"))


def add_dependence(scores: Scores, real: Table, synthetic: Table, seed: int) -> None:
    """Add ``dependence/weighted_nmi``; a pair uses the rows observed in both columns, of either table.

    Rows beyond the smaller table's, or beyond 50,000, are left out by ``seed``.
    """
    if real.n_columns < 2:
        scores.undefined([NAME], "one column has no pairs")
        return
    if min(real.n_rows, synthetic.n_rows) < 2:
        scores.undefined([NAME], f"too few rows: {real.n_rows} real, {synthetic.n_rows} synthetic")
        return
    codes, observed = binned_columns(*equally_many(real, synthetic, seed))
    strengths, left_out = [], []
    pairs, sampled = column_pairs(real.schema.names, seed)
    for a, b in pairs:
        both = [observed[a][side] & observed[b][side] for side in (0, 1)]
        n_both = min(int(rows.sum()) for rows in both)
        if n_both < 2:
            left_out.append(f"{a} | {b}")
        sides = [(codes[a][side][rows][:n_both], codes[b][side][rows][:n_both]) for side, rows in enumerate(both)]
        strengths.append([normalised_mutual_information(*side) for side in sides])
    of_real, of_synthetic = (np.array(side) for side in zip(*strengths, strict=True))
    if len(left_out) == len(pairs):
        scores.undefined([NAME], "no pair of columns has two rows observed in both columns in either table")
        return
    if of_real.sum() == 0:
        scores.undefined([NAME], "no pair of columns depends in the real table")
        return
    scores.add(NAME, weighted_similarity(of_real, of_synthetic))
    if sampled:
        scores.remark(NAME, sampled)
    for kind, table in (("real", real), ("synthetic", synthetic)):
        if not table.observed.all():
            scores.remark(NAME, f"the {kind} table has holes: a pair is compared on the rows observed in both columns")
    if left_out:
        scores.remark(NAME, f"pairs with fewer than two such rows are left out: {', '.join(left_out)}")


def equally_many(real: Table, synthetic: Table, seed: int) -> tuple[Table, Table]:
    """As many rows of either table, at most :data:`MAX_ROWS`, drawn by ``seed``."""
    rng = np.random.default_rng(seed)
    n = min(real.n_rows, synthetic.n_rows, MAX_ROWS)
    first, second = (table.take(rng.permutation(table.n_rows)[:n]) for table in (real, synthetic))
    return first, second


def weighted_similarity(real: np.ndarray, synthetic: np.ndarray) -> float:
    """The module's sum over pairs, of (n_pairs,) NMI in 0..1, the real ones not all 0."""
    larger = np.maximum(real, synthetic)
    ratio = np.minimum(real, synthetic) / np.where(larger > 0, larger, 1)
    return float(real @ ratio / real.sum())


def normalised_mutual_information(first: np.ndarray, second: np.ndarray) -> float:
    """2 I / (H + H) of two (n,) vectors of codes; 0 where there is no row or both are constant."""
    if len(first) == 0:
        return 0.0
    total = entropy(first) + entropy(second)
    return min(2 * mutual_information(first, second) / total, 1.0) if total > 0 else 0.0


def decile_edges(values: np.ndarray) -> np.ndarray:
    """Edges that cut (n,) numbers into bins ``edge < x <= next edge``, ascending."""
    deciles = np.quantile(values, np.linspace(0, 1, N_BINS + 1), method="inverted_cdf")
    filling = deciles[1:][np.diff(deciles) == 0]
    return np.unique(np.concatenate([deciles[1:-1], np.nextafter(filling, -np.inf)]))


def binned_columns(real: Table, synthetic: Table) -> tuple[dict[str, list[np.ndarray]], dict[str, list[np.ndarray]]]:
    """Column -> (n,) integer codes of both tables, any in a hole; column -> (n,) bool, where they are observed."""
    tables = [coded_columns(table) for table in (real, synthetic)]
    codes, observed = {}, {}
    for column in real.schema.columns:
        sides = [table[column.name] for table in tables]
        known = [~np.isnan(values) for values in sides]
        if column.kind == "numerical" and known[0].any():
            edges = decile_edges(sides[0][known[0]])
            sides = [np.searchsorted(edges, values) for values in sides]
        codes[column.name] = [np.nan_to_num(values).astype(int) for values in sides]
        observed[column.name] = known
    return codes, observed
