"""What every metric is: heading, which end is good, bounds, what it says and what it cannot see.

The one place the terminal table, ``report.json`` and the report pages read it from. A metric is
found by its name in ``report.json`` with :func:`describe`.
"""

from src.errors import MetricError
from src.metrics.base.metric import SDMETRICS, UNIT, Best, Bounds, Metric
from src.metrics.imputation.catalogue import METRICS as IMPUTATION_METRICS

QUALITY = f"The quality score (equal to that of SDMetrics {SDMETRICS})"
PAIRS_ONLY = "anything beyond pairs of columns; copied training rows"

METRICS = (
    Metric(
        "fidelity/overall",
        "fidelity",
        Best.HIGH,
        UNIT,
        f"{QUALITY} with thresholds 0, as in the paper: the mean of column shapes and column pair trends.",
        f"{PAIRS_ONLY}, and of these little: independent draws of every column score high (the reference marginals)",
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
        "How alike each pair of columns is: 1 - half the difference of Pearson correlations, or 1 - total variation "
        "distance of the contingency tables; mean over all pairs.",
        f"{PAIRS_ONLY}; most pairs hardly depend, so that independent draws score high",
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
    Metric(
        "dependence/weighted_nmi",
        "dependence",
        Best.HIGH,
        UNIT,
        "How much of the dependence between columns is kept: the smaller over the larger normalised mutual information "
        "of a pair in the two tables, mean over pairs weighted by the real one. Independent draws come near 0.",
        "the direction or form of a dependence; anything beyond pairs; each column's own distribution; copied rows",
    ),
    Metric(
        "detection/xgboost",
        "detection",
        Best.HIGH,
        UNIT,
        "1 if gradient-boosted trees cannot tell synthetic rows from real ones, 0 if they always can: "
        "1 - 2 max(AUC - .5, 0), out of fold.",
        "copied training rows",
    ),
    Metric(
        "detection/logistic",
        "logistic",
        Best.HIGH,
        UNIT,
        "As detection, by logistic regression on standardised numbers and one-hot categories.",
        "every dependence between columns: the model is linear; copied training rows",
    ),
    Metric(
        "coverage/alpha_precision",
        "precision",
        Best.HIGH,
        UNIT,
        "Whether synthetic rows lie as far from the centre as real rows: 1 - twice the mean gap between alpha and the "
        "share of synthetic rows within the ball that holds a share alpha of the real rows.",
        "in which direction from the centre a row lies; copied training rows",
    ),
    Metric(
        "coverage/beta_recall",
        "recall",
        Best.HIGH,
        UNIT,
        "Whether every real row has a synthetic row as near as its next real row: 1 - twice the mean gap between beta "
        "and the share of real rows covered by the central share beta of the synthetic rows. Fresh real rows get "
        "about .5; more means copies.",
        "whether the rest of the synthetic rows are like any real row",
    ),
    Metric(
        "privacy/dcr_share",
        "closer",
        Best.HALF,
        UNIT,
        "Share of synthetic rows nearer to a training row than to any hold-out row, scaled to .5 for rows that know "
        "as little of both (the plain share where both are equally many): above .5 training rows were memorised.",
        "who is exposed, or what can be inferred; .5 or less is no proof of privacy",
    ),
    Metric(
        "privacy/copies",
        "copies",
        Best.LOW,
        UNIT,
        "Share of synthetic rows equal to some training row in every cell. Read it beside the same share of fresh "
        "real rows (real_holdout): few columns with few values repeat by chance.",
        "near copies; equality after rounding",
    ),
    Metric(
        "holes/share",
        "hole share",
        Best.HIGH,
        UNIT,
        "How alike the share of holes of each column is: 1 - the difference of the two shares, mean over the columns. "
        "Of synthetic tables that have holes.",
        "which rows have the holes",
    ),
    Metric(
        "holes/co_occurrence",
        "hole pairs",
        Best.HIGH,
        UNIT,
        "How alike pairs of columns are in missing together: the smaller over the larger of the two shares of rows "
        "that miss both, each summed over the pairs.",
        "three holes in a row and more; columns that are never missing together; what holes depend on",
    ),
    Metric(
        "holes/dependence",
        "hole dependence",
        Best.HIGH,
        UNIT,
        "How much of what a hole depends on is kept: as dependence, between whether a cell is missing and the observed "
        "values of another column, over the pairs that depend in the real table beyond chance.",
        "the direction or form of a dependence; a dependence on the value that is missing",
    ),
    Metric(
        "truth/d2_error",
        "D2 error",
        Best.LOW,
        UNIT,
        "Largest error of an entry of the synthetic P(D2 | C1, C2, D1) against the network's own.",
        "the other columns",
    ),
    Metric(
        "truth/d2_sampling_error",
        "(chance)",
        Best.LOW,
        (0.0, None),
        "Standard error of that entry in a perfect sample with as many rows in its situation.",
        "the synthetic values: it measures the ruler",
    ),
    Metric(
        "truth/d3_error",
        "D3 error",
        Best.LOW,
        UNIT,
        "Largest error of an entry of the synthetic P(D3 | D2) against the network's own.",
        "the other columns",
    ),
    Metric(
        "truth/d3_sampling_error",
        "(chance)",
        Best.LOW,
        (0.0, None),
        "Standard error of that entry in a perfect sample with as many rows in its situation.",
        "the synthetic values: it measures the ruler",
    ),
)
CATALOGUE = {metric.name: metric for metric in (*METRICS, *IMPUTATION_METRICS)}

MODELS = {
    "xgboost": "gradient-boosted trees (XGBoost)",
    "decision_tree": "a decision tree",
    "adaboost": "AdaBoost",
    "logistic_regression": "logistic regression",
    "linear_regression": "linear regression",
    "mlp": "a multi-layer perceptron",
    "random_forest": "a random forest",
    "mean": "the mean over the downstream models",
}
CLASSIFIER_BLIND = "columns that do not help to predict the target"
UTILITY: dict[str, tuple[str, Best, Bounds, str, str]] = {
    "accuracy": ("accuracy", Best.HIGH, UNIT, "Share of real test rows classified correctly", "rare classes"),
    "auroc": (
        "AUROC",
        Best.HIGH,
        UNIT,
        "Area under the ROC curve on real test rows",
        "whether probabilities are right",
    ),
    "f1": (
        "F1",
        Best.HIGH,
        UNIT,
        "F1 of the second class on real test rows",
        "the rows of the first class it gets right",
    ),
    "macro_f1": ("macro F1", Best.HIGH, UNIT, "F1 on real test rows, mean over the classes", "how common a class is"),
    "weighted_f1": (
        "weighted F1",
        Best.HIGH,
        UNIT,
        "The paper's weighted F1 on real test rows: sum of (1 - p_i) / (K - 1) F1_i",
        "common classes: it gives them little weight",
    ),
    "rmse": (
        "RMSE",
        Best.LOW,
        (0.0, None),
        "Root mean squared error on real test rows, in units of the target",
        "bias",
    ),
    "r2": ("R2", Best.HIGH, (None, 1.0), "Share of the target's variance explained on real test rows", "bias"),
}
SUFFIXES = {
    "_by_own": ("by itself", "; hyperparameters chosen by the metric's own validation value"),
    "_by_f1": ("by F1", "; hyperparameters chosen by F1"),
    "_by_raw_target": ("by raw target", "; hyperparameters chosen by logged predictions against targets as they are"),
    "_log": ("log", "; of the logarithm of the target"),
}


def describe(name: str) -> Metric:
    """The metric of a name in ``report.json``: one of :data:`CATALOGUE` or ``utility/<model>/<metric>``.

    Raises:
        MetricError: no metric has this name.
    """
    if name in CATALOGUE:
        return CATALOGUE[name]
    family, _, rest = name.partition("/")
    model, _, measure = rest.partition("/")
    marks, readings = [], []
    for suffix, (mark, reading) in SUFFIXES.items():  # in the order they are stripped: choice, then scale
        if measure.endswith(suffix):
            measure = measure.removesuffix(suffix)
            marks.append(mark)
            readings.append(reading)
    if family != "utility" or model not in MODELS or measure not in UTILITY:
        raise MetricError(
            f"no metric is called {name!r}; there are {', '.join(CATALOGUE)} and utility/<model>/<metric> with a model "
            f"of {', '.join(MODELS)}, a metric of {', '.join(UTILITY)} and perhaps suffixes of {', '.join(SUFFIXES)}"
        )
    heading, best, bounds, meaning, blind = UTILITY[measure]
    prefix = "" if model == "xgboost" else f"{model} "
    return Metric(
        name,
        f"{prefix}{heading}{''.join(f' ({mark})' for mark in reversed(marks))}",
        best,
        bounds,
        f"{meaning}; model trained on the table: {MODELS[model]}{''.join(readings)}.",
        f"{blind}; {CLASSIFIER_BLIND}",
    )
