r"""Fidelity: SDMetrics' quality score, marginals (Column Shapes) and dependence (Column Pair Trends).

Computed here by the rules of SDMetrics 0.32 (:mod:`src.metrics.quality.sdmetrics_report` runs the library
itself; the tests hold the two equal to 1e-9), because the library takes most of a scoring:

* number: 1 - the Kolmogorov-Smirnov distance of the values rounded to 14 decimals;
* category: 1 - the total variation distance. A category that only the synthetic table has weighs
  1e-6 rows in the real one;
* two numbers: 1 - half the difference of their Pearson correlations, undefined where a column is
  constant or the real correlation is exactly 0;
* any other pair: 1 - the total variation distance of the contingency tables, a number cut into ten
  equal bins between the extremes *of its own table*; above 50,000 rows on 50,000 of either side.

Two readings, because SDMetrics 0.27 changed the overall score: with both thresholds at 0 every pair
counts (the meaning of the paper's numbers); with the library's defaults only pairs that depend in
the real table do (|correlation| > 0.5, Cramer's V > 0.3). Best 1, bounds 0..1.

Holes of either table: a column is compared on the rows observed in it, a pair on the rows observed
in both; SDMetrics itself gives a hole another meaning in each pair metric. What holes a table has is
for :mod:`src.metrics.quality.holes`.

What it cannot see: anything beyond pairs of columns, and with thresholds 0 hardly even those: draws
from independent marginals score high (the reference ``marginals``).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from src.metrics.base.features import coded_columns
from src.metrics.base.measure import Comparison, Measure
from src.metrics.base.metric import SDMETRICS, UNIT, Best, Metric
from src.metrics.base.scores import Scores
from src.metrics.quality.counting import column_pairs, cramers_v, joint_counts
from src.tables import Schema, Table

NAMES = [
    "fidelity/overall",
    "fidelity/column_shapes",
    "fidelity/column_pair_trends",
    "fidelity/overall_default",
    "fidelity/column_pair_trends_default",
]
CORRELATION_THRESHOLD = 0.5
ASSOCIATION_THRESHOLD = 0.3
MAX_ROWS = 50_000
DECIMALS = 14
ABSENT = 1e-6
QUALITY = f"The quality score (equal to that of SDMetrics {SDMETRICS})"
PAIRS_ONLY = "anything beyond pairs of columns; copied training rows"
Columns = Mapping[str, np.ndarray]
Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class PairScore:
    """Similarity of one pair (NaN where undefined), and whether it counts by the default thresholds."""

    score: float
    depends: bool


class Fidelity(Measure):
    """SDMetrics' quality score: marginals and dependence of pairs."""

    metrics = (
        Metric(
            "fidelity/overall",
            "fidelity",
            Best.HIGH,
            UNIT,
            f"{QUALITY} with thresholds 0, as in the paper: the mean of column shapes and column pair trends.",
            f"{PAIRS_ONLY}, and of these little: independent draws of every column score high "
            "(the reference marginals)",
        ),
        Metric(
            "fidelity/column_shapes",
            "shapes",
            Best.HIGH,
            UNIT,
            "How alike each column's distribution is: 1 - Kolmogorov-Smirnov distance of numbers, 1 - total variation "
            "distance of categories, mean over the columns.",
            "every dependence between columns; copied training rows",
        ),
        Metric(
            "fidelity/column_pair_trends",
            "trends",
            Best.HIGH,
            UNIT,
            "How alike each pair of columns is: 1 - half the difference of Pearson correlations, or 1 - total "
            "variation distance of the contingency tables; mean over all pairs.",
            f"{PAIRS_ONLY}; most pairs hardly depend, so that independent draws score high",
        ),
        Metric(
            "fidelity/overall_default",
            "fidelity*",
            Best.HIGH,
            UNIT,
            f"{QUALITY} with the library's thresholds: only pairs that depend in the real table count.",
            PAIRS_ONLY,
        ),
        Metric(
            "fidelity/column_pair_trends_default",
            "trends*",
            Best.HIGH,
            UNIT,
            "As column pair trends, over the pairs that depend in the real table: |correlation| above .5, Cramer's V "
            "above .3.",
            PAIRS_ONLY,
        ),
    )

    def add(self, scores: Scores, comparison: Comparison) -> None:
        add_fidelity(scores, comparison.real, comparison.synthetic, comparison.seed_of("fidelity"))


def add_fidelity(scores: Scores, real: Table, synthetic: Table, seed: int) -> None:
    """Add the metrics :data:`NAMES`, the score of every column and pair, and the pairs that count by default.

    ``seed`` fixes the rows drawn of tables above 50,000 rows.
    """
    if real.n_rows < 2 or synthetic.n_rows < 2:
        scores.undefined(NAMES, f"too few rows: {real.n_rows} real, {synthetic.n_rows} synthetic")
        return
    arrays = coded_columns(real), coded_columns(synthetic)
    shapes = column_shapes(real.schema, *arrays)
    pairs = pair_trends(real.schema, *arrays, seed)
    scores.per_column = {name: _or_none(value) for name, value in shapes.items()}
    scores.per_pair = {name: _or_none(pair.score) for name, pair in pairs.items()}
    scores.dependent_pairs = [name for name, pair in pairs.items() if pair.depends]
    shape = _mean(list(shapes.values()))
    if np.isnan(shape):
        scores.undefined(NAMES, "no column has an observed cell in both tables")
        return
    scores.add("fidelity/column_shapes", shape)
    if not pairs:
        scores.undefined([name for name in NAMES if name not in scores.values], "one column has no pairs")
    else:
        trends = _mean([pair.score for pair in pairs.values()])
        if np.isnan(trends):
            names = ["fidelity/overall", "fidelity/column_pair_trends"]
            scores.undefined(names, "SDMetrics can score no pair of columns (constant columns?)")
        else:
            scores.add("fidelity/overall", (shape + trends) / 2)
            scores.add("fidelity/column_pair_trends", trends)
        if scores.dependent_pairs:
            trends = _mean([pair.score for pair in pairs.values() if pair.depends])
            scores.add("fidelity/overall_default", (shape + trends) / 2)
            scores.add("fidelity/column_pair_trends_default", trends)
        else:
            names = ["fidelity/overall_default", "fidelity/column_pair_trends_default"]
            scores.undefined(names, "no pair of columns depends enough in the real table to count")
    _add_left_out(scores, real, synthetic)
    if remark := column_pairs(real.schema.names, seed)[1]:
        for name in NAMES:
            if name != "fidelity/column_shapes":
                scores.remark(name, remark)


def _add_left_out(scores: Scores, real: Table, synthetic: Table) -> None:
    """Say which columns and pairs have no score, and how many rows have holes."""
    unseen = [name for name, score in scores.per_column.items() if score is None]
    if unseen:
        for name in NAMES:
            scores.remark(name, f"columns without an observed cell in one table are left out: {', '.join(unseen)}")
    left_out = [name for name, score in scores.per_pair.items() if score is None]
    if left_out:
        reason = f"pairs SDMetrics cannot score (a constant column?) are left out: {', '.join(left_out)}"
        for name in ("fidelity/overall", "fidelity/column_pair_trends"):
            scores.remark(name, reason)
    for kind, table in (("real", real), ("synthetic", synthetic)):
        holed = int((~table.observed.all(axis=1)).sum())
        if holed:
            for name in NAMES:
                scores.remark(
                    name,
                    f"{holed} of {table.n_rows} {kind} rows have holes: a column is compared on the rows observed in "
                    f"it (at least {int(table.observed.sum(axis=0).min())}), a pair on those observed in both",
                )


def column_shapes(schema: Schema, real: Columns, synthetic: Columns) -> dict[str, float]:
    """Column -> similarity of its two distributions; NaN for a column without an observed cell in one of the tables."""
    shapes = {}
    for column in schema.columns:
        sides = [side[column.name][~np.isnan(side[column.name])] for side in (real, synthetic)]
        compare = ks_complement if column.kind == "numerical" else tv_complement
        shapes[column.name] = compare(*sides) if all(map(len, sides)) else np.nan
    return shapes


def ks_complement(real: np.ndarray, synthetic: np.ndarray) -> float:
    """1 - the largest gap between the empirical distribution functions of (n,) and (m,) numbers."""
    with np.errstate(over="ignore"):
        real, synthetic = np.sort(real.round(DECIMALS)), np.sort(synthetic.round(DECIMALS))
    steps = np.concatenate([real, synthetic])
    gaps = [np.searchsorted(side, steps, side="right") / len(side) for side in (real, synthetic)]
    return 1 - float(np.abs(gaps[0] - gaps[1]).max())


def tv_complement(real: np.ndarray, synthetic: np.ndarray) -> float:
    """1 - half the sum of differences of the shares of (n,) and (m,) category codes."""
    size = 1 + int(max(real.max(), synthetic.max()))
    counts, drawn = (np.bincount(side.astype(int), minlength=size).astype(float) for side in (real, synthetic))
    counts[(counts == 0) & (drawn > 0)] = ABSENT
    return 1 - 0.5 * float(np.abs(counts / counts.sum() - drawn / drawn.sum()).sum())


def pair_trends(schema: Schema, real: Columns, synthetic: Columns, seed: int) -> dict[str, PairScore]:
    """``a | b`` -> similarity of every pair of columns; see the module for the rules."""
    codes, drawn_codes = _binned(schema, real), _binned(schema, synthetic)
    rng = np.random.RandomState(seed)  # the library draws from NumPy's older stream
    results = {}
    for a, b in column_pairs(schema.columns, seed)[0]:
        both = [~np.isnan(side[a.name]) & ~np.isnan(side[b.name]) for side in (real, synthetic)]
        numbers = a.kind == b.kind == "numerical"
        sources = (real, synthetic) if numbers else (codes, drawn_codes)
        if any(name not in source for source in sources for name in (a.name, b.name)) or not all(map(np.any, both)):
            pair = PairScore(np.nan, False)
        else:
            of_real, of_synthetic = (
                (source[a.name][rows], source[b.name][rows]) for source, rows in zip(sources, both, strict=True)
            )
            pair = (
                _compare_correlations(of_real, of_synthetic) if numbers else _compare_cells(of_real, of_synthetic, rng)
            )
        label = f"{a.name} | {b.name}"
        results[label if label not in results else f"{a.name!r} | {b.name!r}"] = pair
    return results


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson correlation of two (n,) vectors; NaN for fewer than two rows or a constant vector.

    Step by step as ``scipy.stats.pearsonr`` computes it: a correlation of exactly 0 has no score.
    """
    if len(first) < 2 or any(values.min() == values.max() for values in (first, second)):
        return np.nan
    if len(first) == 2:
        return float(np.sign(first[1] - first[0]) * np.sign(second[1] - second[0]))
    units = []
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for values in (first, second):
            centred = values - values.mean()
            largest = np.abs(centred).max()
            units.append(centred / (largest * np.linalg.norm(centred / largest)))
        return float(np.clip(np.vecdot(*units), -1, 1))


def _compare_correlations(real: Pair, synthetic: Pair) -> PairScore:
    of_real = correlation(*real)
    score = 1 - abs(of_real - correlation(*synthetic)) / 2 if of_real != 0 else np.nan
    return PairScore(score, not np.isnan(score) and abs(of_real) > CORRELATION_THRESHOLD)


def _compare_cells(real: Pair, synthetic: Pair, rng: np.random.RandomState) -> PairScore:
    if max(len(real[0]), len(synthetic[0])) > MAX_ROWS:
        real, synthetic = (_sample(side, rng) for side in (real, synthetic))
    counts, drawn = joint_counts(real, synthetic)
    distance = np.abs(counts / len(real[0]) - drawn / len(synthetic[0])).sum() / 2
    return PairScore(1 - float(distance), cramers_v(*real) > ASSOCIATION_THRESHOLD)


def _sample(codes: Pair, rng: np.random.RandomState) -> Pair:
    n = len(codes[0])
    rows = rng.choice(n, size=min(MAX_ROWS, n), replace=False)
    return codes[0][rows], codes[1][rows]


def _binned(schema: Schema, columns: Columns) -> Columns:
    """Column -> (N,) integer codes (any in a hole), without the columns the library cannot cut into bins."""
    codes = {}
    for column in schema.columns:
        values = columns[column.name]
        if column.kind == "categorical":
            codes[column.name] = np.nan_to_num(values).astype(int)
            continue
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                codes[column.name] = np.digitize(values, np.histogram_bin_edges(values[~np.isnan(values)]))
        except (
            ValueError
        ):  # as in the library, its pairs with categories have no score: the range is too small or large
            continue
    return codes


def _mean(values: list[float]) -> float:
    """Mean of the values that are defined, NaN if none is."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else np.nan


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
