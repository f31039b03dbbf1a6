"""Utility: how good models are that were trained on the synthetic table and tested on the real test table.

``evaluation=quick`` fits XGBoost (:mod:`src.metrics.downstream.prediction`), ``evaluation=paper`` tunes the paper's
models (:mod:`src.metrics.downstream.tuned`). A metric is called ``utility/<model>/<metric>``, with a suffix for
another choice of the hyperparameters or another scale of the target; ``utility_more/xgboost/<metric>`` is of more
synthetic rows than there are real ones.
"""

from src.metrics.base.measure import Comparison, Measure
from src.metrics.base.metric import UNIT, Best, Bounds, Metric
from src.metrics.base.scores import Scores
from src.metrics.base.settings import PaperEvaluation, QuickEvaluation
from src.metrics.downstream.prediction import add_utility, utility_names
from src.metrics.downstream.tuned import add_tuned_utility, tuned_names
from src.tables import Schema

MORE = "utility_more"
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


class Utility(Measure):
    """Scores of downstream models, by the task of the target."""

    def describe(self, name: str) -> Metric | None:
        """The metric of a name ``utility/<model>/<metric>``, put together from its parts."""
        family, _, rest = name.partition("/")
        model, _, measure = rest.partition("/")
        marks, readings = [], []
        for suffix, (mark, reading) in SUFFIXES.items():  # the order in which names append them, reversed
            if measure.endswith(suffix):
                measure = measure.removesuffix(suffix)
                marks.append(mark)
                readings.append(reading)
        if family != "utility" or model not in MODELS or measure not in UTILITY:
            return None
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

    def names(self, schema: Schema, evaluation: QuickEvaluation) -> list[str]:
        """Names of the metrics of the schema's task; none without a target."""
        if isinstance(evaluation, PaperEvaluation):
            return tuned_names(schema, evaluation)
        return utility_names(schema)

    def add(self, scores: Scores, comparison: Comparison) -> None:
        rows, evaluation = comparison.rows, comparison.evaluation
        seed, n_threads = comparison.seed_of("utility"), comparison.n_threads
        if isinstance(evaluation, PaperEvaluation):
            add_tuned_utility(scores, rows, evaluation, seed, n_threads, comparison.on_fit)
        else:
            add_utility(scores, rows.test, rows.fitted, seed, n_threads)


class UtilityOfMore(Measure):
    """Scores of XGBoost fitted to ``evaluation.more_rows`` times the synthetic rows."""

    metrics = tuple(
        Metric(
            f"{MORE}/xgboost/{name}",
            f"{heading}, more rows",
            best,
            bounds,
            f"{meaning}; XGBoost trained on evaluation.more_rows times as many synthetic rows.",
            CLASSIFIER_BLIND if best is Best.HIGH else f"bias; {CLASSIFIER_BLIND}",
        )
        for name, (heading, best, bounds, meaning, _) in UTILITY.items()
    )

    def names(self, schema: Schema, evaluation: QuickEvaluation) -> list[str]:
        """None: tables without a model have no more rows."""
        return []

    def add(self, scores: Scores, comparison: Comparison) -> None:
        times, draw = comparison.evaluation.more_rows, comparison.draw
        if times == 1 or draw is None:
            return
        table = draw(times * comparison.synthetic.n_rows)
        add_utility(scores, comparison.rows.test, table, comparison.seed_of("utility"), comparison.n_threads, MORE)
