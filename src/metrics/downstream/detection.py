r"""Detection: can a classifier tell synthetic rows from real ones (two-sample test, C2ST)?

It is fitted to "real" against "synthetic" on equally many rows of both, five folds, and every row is
judged by the model that has not seen it. With AUC the area under the ROC curve of those out-of-fold
probabilities, the score is

.. math:: 1 - 2 \max(\mathrm{AUC} - 0.5,\; 0)

* ``detection/xgboost``: 100 trees of depth 6. Sees dependence between columns.
* ``detection/logistic``: logistic regression (L2, C = 1) on standardised numbers and one-hot
  categories. Sees shifted means and shares only; a table that fails it fails plainly.

A synthetic table with holes of its own is judged as it is: a hole is a value that both sides may have, NaN
to the trees and a coordinate of its own to the regression.

Where only real rows have holes, each synthetic row gets the holes of a real row drawn at random, so that a
hole gives nothing away. (Under MAR or NMAR holes depend on values and the drawn ones do not: a perfect
table then scores below 1.)

Best 1 (indistinguishable), bounds 0..1. What it cannot see: rows copied from the training table.
"""

import numpy as np
import xgboost
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from src.metrics.base.features import coordinates, tree_features
from src.metrics.base.measure import Comparison, Measure
from src.metrics.base.metric import UNIT, Best, Metric
from src.metrics.base.scores import Scores
from src.metrics.downstream.prediction import DEPTH, N_TREES
from src.tables import Table

XGBOOST, LOGISTIC = "detection/xgboost", "detection/logistic"
NAMES = [XGBOOST, LOGISTIC]
N_FOLDS = 5
NEWTON_WIDTH = 500


class Detection(Measure):
    """How well classifiers tell synthetic rows from real ones."""

    metrics = (
        Metric(
            XGBOOST,
            "detection",
            Best.HIGH,
            UNIT,
            "1 if gradient-boosted trees cannot tell synthetic rows from real ones, 0 if they always can: "
            "1 - 2 max(AUC - .5, 0), out of fold.",
            "copied training rows",
        ),
        Metric(
            LOGISTIC,
            "logistic",
            Best.HIGH,
            UNIT,
            "As detection, by logistic regression on standardised numbers and one-hot categories.",
            "every dependence between columns: the model is linear; copied training rows",
        ),
    )

    def add(self, scores: Scores, comparison: Comparison) -> None:
        n_rows, seed = comparison.evaluation.detection_rows, comparison.seed_of("detection")
        add_detection(scores, comparison.real, comparison.synthetic, n_rows, seed, comparison.n_threads)


def add_detection(scores: Scores, real: Table, synthetic: Table, n_rows: int, seed: int, n_threads: int) -> None:
    """Add the metrics :data:`NAMES` on at most ``n_rows`` rows of either side, drawn by ``seed``."""
    n = min(n_rows, real.n_rows, synthetic.n_rows)
    if n < N_FOLDS:
        scores.undefined(NAMES, f"{n} rows are too few for {N_FOLDS} folds")
        return
    own_holes = bool(synthetic.unknown.any())
    rng = np.random.default_rng(seed)
    real, synthetic = (table.take(rng.permutation(table.n_rows)[:n]) for table in (real, synthetic))
    if not own_holes:
        synthetic = synthetic.with_holes(~real.unknown)
    y = np.repeat([0, 1], n)
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed)
    trees = xgboost.XGBClassifier(
        n_estimators=N_TREES, max_depth=DEPTH, tree_method="hist", random_state=seed, n_jobs=n_threads
    )
    to_points = coordinates(real, (real, synthetic))
    width = to_points(real.take(np.arange(1))).shape[1]
    # Newton's method needs few steps, each of width^2 memory; the optimum is the same
    linear = LogisticRegression(solver="newton-cholesky" if width <= NEWTON_WIDTH else "lbfgs", max_iter=1000)
    names = real.schema.names
    for name, model, features in (
        (XGBOOST, trees, lambda table: tree_features(table.frame, real.frame, table.schema, names)),
        (LOGISTIC, linear, to_points),
    ):
        x = np.concatenate([features(table) for table in (real, synthetic)])
        probability = cross_val_predict(model, x, y, cv=folds, method="predict_proba")[:, 1]
        scores.add(name, detection_score(roc_auc_score(y, probability.round(9))))
        holed, drawn = (int((~table.complete).sum()) for table in (real, synthetic))
        if own_holes:
            scores.remark(name, f"{holed} of the {n} real and {drawn} of the {n} synthetic rows drawn have holes")
        elif holed:
            scores.remark(name, f"{holed} of the {n} real rows drawn have holes; synthetic rows were given the same")


def detection_score(auc: float) -> float:
    """1 - 2 max(AUC - 0.5, 0)."""
    return 1 - 2 * max(auc - 0.5, 0.0)
