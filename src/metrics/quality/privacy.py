r"""Privacy: are synthetic rows nearer to the training rows than fresh rows would be?

* ``privacy/dcr_share``, distance to the closest record. With :math:`n` training and :math:`h` hold-out
  rows, let :math:`s` be the share of synthetic rows whose closest row is a training row (of equally close
  rows, the share that are). Rows that know as little of both come to :math:`c = n / (n + h)`, so the
  score is :math:`s / 2c` below :math:`c` and :math:`(1 + (s - c) / (1 - c)) / 2` above: the plain share
  where both are equally many. The hold-out was never trained on: .5 means the synthetic rows know no
  more of the training rows than of any others, 1 that each is nearer to a training row. Best .5,
  bounds 0..1. Distances are those of :func:`src.metrics.base.features.coordinates`.
* ``privacy/copies``: the share of synthetic rows that equal some training row in every cell, over all
  (complete) rows. Best 0, bounds 0..1. Where columns are few and coarse fresh rows repeat too: read it beside
  ``real_holdout``, the share of real rows never trained on that do.

Of tables with holes only the complete rows are compared, of every table; a synthetic table with holes needs
ten of them.

What they cannot see: who is exposed (a mean hides the single outlier), inference of one column from
others, near copies behind a rounded cell. No value is a proof of privacy.
"""

import numpy as np

from src.metrics.base.features import coded_columns, coordinates
from src.metrics.base.measure import Comparison, Measure
from src.metrics.base.metric import UNIT, Best, Metric
from src.metrics.base.scores import Scores
from src.metrics.quality.neighbours import MIN_ROWS, complete_rows, nearest, only_complete
from src.tables import Table

DCR, COPIES = "privacy/dcr_share", "privacy/copies"
NAMES = [DCR, COPIES]
TRAIN_FACTOR = 4
DEVIATIONS = 3.0


class Privacy(Measure):
    """Distances of synthetic rows to training rows, and copies of them."""

    metrics = (
        Metric(
            DCR,
            "closer",
            Best.HALF,
            UNIT,
            "Share of synthetic rows nearer to a training row than to any hold-out row, scaled to .5 for rows that "
            "know as little of both (the plain share where both are equally many): above .5 training rows "
            "were memorised.",
            "who is exposed, or what can be inferred; .5 or less is no proof of privacy",
        ),
        Metric(
            COPIES,
            "copies",
            Best.LOW,
            UNIT,
            "Share of synthetic rows equal to some training row in every cell. Read it beside the same share of fresh "
            "real rows (real_holdout): few columns with few values repeat by chance.",
            "near copies; equality after rounding",
        ),
    )

    def add(self, scores: Scores, comparison: Comparison) -> None:
        n_rows, seed = comparison.evaluation.detection_rows, comparison.seed_of("privacy")
        add_privacy(scores, comparison.real, comparison.split.test, comparison.synthetic, n_rows, seed)


def add_privacy(scores: Scores, train: Table, holdout: Table, synthetic: Table, n_rows: int, seed: int) -> None:
    """Add the metrics :data:`NAMES`.

    Arguments:
        scores: where to.
        train: rows the synthetic table was made from.
        holdout: rows of the same kind, not used to make it and no part of it.
        synthetic: table to score.
        n_rows: most hold-out and synthetic rows that distances are taken of, drawn by ``seed``; four
            times as many training rows.
        seed: fixes the draw.
    """
    all_rows = synthetic
    complete, fresh, synthetic = (complete_rows(table) for table in (train, holdout, all_rows))
    remark = only_complete(all_rows, synthetic, "synthetic")
    if remark and synthetic.n_rows < MIN_ROWS:
        scores.undefined(NAMES, f"{remark}; {MIN_ROWS} are needed")
        return
    left_out = f"only the {complete.n_rows} complete of {train.n_rows} training rows were compared"
    if complete.n_rows == 0:
        scores.undefined(NAMES, left_out)
        return
    scores.add(COPIES, share_of_copies(complete, synthetic))
    if min(complete.n_rows, fresh.n_rows) < MIN_ROWS:
        reason = f"{complete.n_rows} complete training and {fresh.n_rows} complete hold-out rows are too few"
        scores.undefined([DCR], f"{reason}; {MIN_ROWS} of either are needed")
    else:
        rng = np.random.default_rng(seed)
        n_train = TRAIN_FACTOR * n_rows
        to_points = coordinates(complete)
        drawn = [
            to_points(table.take(rng.permutation(table.n_rows)[:size]))
            for table, size in ((complete, n_train), (fresh, n_rows), (synthetic, n_rows))
        ]
        scores.add(DCR, dcr_share(*drawn))
        if complete.n_rows > n_train:
            scores.remark(DCR, f"{n_train} of the training rows were drawn; copies of the others are not seen")
    for name in NAMES:
        if complete.n_rows < train.n_rows:
            scores.remark(name, left_out)
        if remark:
            scores.remark(name, remark)


def dcr_share(train: np.ndarray, holdout: np.ndarray, synthetic: np.ndarray) -> float:
    """The module's score of synthetic points (m, width) against (n, width) training, (h, width) hold-out points."""
    _, to_train, n_train = nearest(synthetic, train)
    _, to_holdout, n_holdout = nearest(synthetic, holdout)
    chance = len(train) / (len(train) + len(holdout))
    tie = n_train / (n_train + n_holdout)
    closer = float(np.where(to_train == to_holdout, tie, to_train < to_holdout).mean())
    return closer / (2 * chance) if closer < chance else (1 + (closer - chance) / (1 - chance)) / 2


def share_of_copies(train: Table, synthetic: Table) -> float:
    """Share of synthetic rows equal to a training row in every cell; both tables are complete."""
    known = set(_rows(train))
    return float(np.mean([row in known for row in _rows(synthetic)]))


def more_copies(train: Table, holdout: Table, synthetic: Table) -> tuple[float, float] | None:
    """Shares of synthetic and of hold-out rows that are copies, where the first is larger beyond chance; else None.

    Only complete rows count. Beyond chance: by more than :data:`DEVIATIONS` standard errors of the difference of two
    shares.
    """
    known, fresh, synthetic = (complete_rows(table) for table in (train, holdout, synthetic))
    if not (known.n_rows and fresh.n_rows and synthetic.n_rows):
        return None
    of_synthetic, of_fresh = share_of_copies(known, synthetic), share_of_copies(known, fresh)
    counts = np.array([synthetic.n_rows, fresh.n_rows])
    pooled = float(np.array([of_synthetic, of_fresh]) @ counts / counts.sum())
    error = float(np.sqrt(pooled * (1 - pooled) * (1 / counts).sum()))
    return (of_synthetic, of_fresh) if of_synthetic - of_fresh > DEVIATIONS * error else None


def _rows(table: Table) -> list[bytes]:
    cells = np.stack(list(coded_columns(table).values()), axis=1) + 0.0  # -0.0 equals 0.0, but not in bytes
    return [row.tobytes() for row in cells]
