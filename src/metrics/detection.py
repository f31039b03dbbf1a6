r"""Detection: can XGBoost tell synthetic rows from real ones?

Trees (100 of depth 6) are fitted to "real" against "synthetic" on equally many rows of both, five
folds, and every row is judged by the model that has not seen it. With AUC the area under the ROC
curve of those out-of-fold probabilities, the score is

.. math:: 1 - 2 \max(\mathrm{AUC} - 0.5,\; 0)

Best 1 (indistinguishable), bounds 0..1. What it cannot see: rows copied from the training table.
"""

import numpy as np
import xgboost
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from src.metrics.features import tree_features
from src.metrics.scores import Scores
from src.metrics.utility import DEPTH, N_TREES
from src.tables import Table

NAME = "detection/xgboost"
N_FOLDS = 5


def add_detection(scores: Scores, real: Table, synthetic: Table, n_rows: int, seed: int, n_threads: int) -> None:
    """Add ``detection/xgboost`` on at most ``n_rows`` complete rows of either side, drawn by ``seed``."""
    if not synthetic.observed.all():
        scores.undefined([NAME], "the table has holes; they would give it away")
        return
    rng = np.random.default_rng(seed)
    frames = real.frame.dropna(), synthetic.frame
    n = min(n_rows, *(len(frame) for frame in frames))
    if n < N_FOLDS:
        scores.undefined([NAME], f"{n} rows are too few for {N_FOLDS} folds")
        return
    names = real.schema.names
    sides = [tree_features(f.iloc[rng.permutation(len(f))[:n]], real.schema, names) for f in frames]
    x, y = np.concatenate(sides), np.repeat([0, 1], n)
    model = xgboost.XGBClassifier(
        n_estimators=N_TREES, max_depth=DEPTH, tree_method="hist", random_state=seed, n_jobs=n_threads
    )
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed)
    probability = cross_val_predict(model, x, y, cv=folds, method="predict_proba")[:, 1]
    scores.add(NAME, detection_score(roc_auc_score(y, probability)))


def detection_score(auc: float) -> float:
    """1 - 2 max(AUC - 0.5, 0)."""
    return 1 - 2 * max(auc - 0.5, 0.0)
