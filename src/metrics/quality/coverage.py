r"""Alpha-precision and beta-recall (Alaa et al., "How Faithful is your Synthetic Data?", ICML 2022).

The variant: no learned embedding (the "naive" one), points of :func:`src.metrics.base.features.coordinates`,
one ball around the mean, integrated over 30 values of alpha from 0 to 1.

* Alpha-precision. Let :math:`R_\alpha` be the radius around the mean of the real rows that holds a
  share alpha of them, :math:`P(\alpha)` the share of synthetic rows and :math:`A(\alpha)` that of real
  rows within it (alpha itself, unless distances tie). The score is
  :math:`1 - \sum_\alpha |P - A| / \sum_\alpha A`.
* Beta-recall. A real row is covered if its closest synthetic row is no farther than its closest other
  real row. With :math:`S_\beta` the radius around the mean of the synthetic rows that holds a share beta
  of them, :math:`C(\beta)` is the share of real rows that are covered by a row within it and
  :math:`B(\beta)` the share of synthetic rows within it. The score is
  :math:`1 - \sum_\beta |C - B| / \sum_\beta B`.

(The authors write alpha and beta where A and B stand; tables of categories tie, and there the table
itself would not score 1.) Best 1, bounds 0..1, but see what fresh real rows get: beta-recall is about .5
for them, as a fresh row is as likely nearer as farther than the next real row. More means copies.

Of tables with holes only the complete rows have distances, of either side.

What they cannot see: precision knows distance from the centre, not direction; copied training rows
raise recall.
"""

import numpy as np

from src.metrics.base.features import coordinates
from src.metrics.base.measure import Comparison, Measure
from src.metrics.base.metric import UNIT, Best, Metric
from src.metrics.base.scores import Scores
from src.metrics.quality.neighbours import MIN_ROWS, complete_rows, nearest, only_complete
from src.tables import Table

PRECISION, RECALL = "coverage/alpha_precision", "coverage/beta_recall"
NAMES = [PRECISION, RECALL]
N_STEPS = 30


class Coverage(Measure):
    """Alpha-precision and beta-recall."""

    metrics = (
        Metric(
            PRECISION,
            "precision",
            Best.HIGH,
            UNIT,
            "Whether synthetic rows lie as far from the centre as real rows: 1 - twice the mean gap between alpha and "
            "the share of synthetic rows within the ball that holds a share alpha of the real rows.",
            "in which direction from the centre a row lies; copied training rows",
        ),
        Metric(
            RECALL,
            "recall",
            Best.HIGH,
            UNIT,
            "Whether every real row has a synthetic row as near as its next real row: 1 - twice the mean gap between "
            "beta and the share of real rows covered by the central share beta of the synthetic rows. Fresh real rows "
            "get about .5; more means copies.",
            "whether the rest of the synthetic rows are like any real row",
        ),
    )

    def add(self, scores: Scores, comparison: Comparison) -> None:
        n_rows, seed = comparison.evaluation.detection_rows, comparison.seed_of("coverage")
        add_coverage(scores, comparison.real, comparison.synthetic, n_rows, seed)


def add_coverage(scores: Scores, real: Table, synthetic: Table, n_rows: int, seed: int) -> None:
    """Add the metrics :data:`NAMES` on at most ``n_rows`` complete rows of either side, drawn by ``seed``."""
    sides = [complete_rows(table) for table in (real, synthetic)]
    n = min(n_rows, *(side.n_rows for side in sides))
    if n < MIN_ROWS:
        scores.undefined(NAMES, f"{n} complete rows are too few; {MIN_ROWS} of either side are needed")
        return
    rng = np.random.default_rng(seed)
    to_points = coordinates(sides[0])
    points, drawn = (to_points(table.take(rng.permutation(table.n_rows)[:n])) for table in sides)
    scores.add(PRECISION, alpha_precision(points, drawn))
    scores.add(RECALL, beta_recall(points, drawn))
    for table, side, kind in zip((real, synthetic), sides, ("real", "synthetic"), strict=True):
        if remark := only_complete(table, side, kind):
            for name in NAMES:
                scores.remark(name, remark)


def alpha_precision(real: np.ndarray, synthetic: np.ndarray) -> float:
    """Alpha-precision of points (m, width) against real points (n, width); see the module."""
    centre = real.mean(axis=0)
    within = _distances(real, centre)
    radii = _radii(within)
    return _agreement(_shares(_distances(synthetic, centre), radii), _shares(within, radii))


def beta_recall(real: np.ndarray, synthetic: np.ndarray) -> float:
    """Beta-recall of points (m, width) against real points (n, width); see the module."""
    within = _distances(synthetic, synthetic.mean(axis=0))
    radii = _radii(within)
    closest, to_synthetic, _ = nearest(real, synthetic)
    _, to_real, _ = nearest(real, real, same=True)
    covered = to_synthetic <= to_real
    used = np.where(covered, within[closest], np.inf)
    return _agreement(_shares(used, radii), _shares(within, radii))


def _distances(points: np.ndarray, centre: np.ndarray) -> np.ndarray:
    # rounded as in neighbours: equal distances have to compare equal
    return np.asarray(np.linalg.norm(points - centre, axis=1).round(9))


def _radii(distances: np.ndarray) -> np.ndarray:
    return np.asarray(np.quantile(distances, np.linspace(0, 1, N_STEPS), method="inverted_cdf"))


def _shares(distances: np.ndarray, radii: np.ndarray) -> np.ndarray:
    return np.asarray((distances[:, None] <= radii).mean(axis=0))


def _agreement(shares: np.ndarray, expected: np.ndarray) -> float:
    return 1 - float(np.abs(shares - expected).sum() / expected.sum())
