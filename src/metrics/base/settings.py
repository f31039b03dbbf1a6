"""Which metrics are computed, and on how many rows."""

from dataclasses import dataclass, field

from src.errors import ConfigError

DOWNSTREAM_MODELS = {
    "binary": ("decision_tree", "adaboost", "logistic_regression", "mlp", "random_forest", "xgboost"),
    "multiclass": ("decision_tree", "mlp", "random_forest", "xgboost"),
    "regression": ("linear_regression", "mlp", "random_forest", "xgboost"),
}
ALL_MODELS = (
    "decision_tree",
    "adaboost",
    "logistic_regression",
    "linear_regression",
    "mlp",
    "random_forest",
    "xgboost",
)
CHOICES = ("own", "f1")


@dataclass(frozen=True)
class QuickEvaluation:
    """``evaluation=quick``: fidelity, dependence, XGBoost utility, detection, coverage, privacy.

    Attributes:
        detection_rows: rows of either side that the detectors see and that distances are taken between.
        references: whether the floors and ceilings are scored on the same mask, and cached.
        more_rows: utility is also measured of so many times the synthetic rows, since more cost little; 1 = it is not.
    """

    detection_rows: int = 4000
    references: bool = True
    more_rows: int = 1

    def __post_init__(self) -> None:
        if self.detection_rows < 10:
            raise ConfigError(f"evaluation.detection_rows is at least 10, got {self.detection_rows}")
        if self.more_rows < 1:
            raise ConfigError(f"evaluation.more_rows is at least 1, got {self.more_rows}")


@dataclass(frozen=True)
class PaperEvaluation(QuickEvaluation):
    """``evaluation=paper``: as quick, with the utility of tuned models (:mod:`src.metrics.downstream.tuned`).

    The three options about the choice of the grid point are sound by default; the published
    pipeline is ``evaluation=paper_published``.

    Attributes:
        models: downstream models; those that the task does not have are not run.
        choose_by: what decides the grid point that a classification metric is read from: ``own``,
            its own validation value, or ``f1``, the F1 for every metric (published).
        log_target: fit regression to ln(clip(y, 1, 20000)) (published) in place of y.
        raw_validation_target: with ``log_target``, compare the logged predictions with validation
            targets that are not logged (published).
        max_rows: rows of each table that are used, drawn by the seed.
    """

    models: list[str] = field(default_factory=lambda: list(ALL_MODELS))
    choose_by: str = "own"
    log_target: bool = False
    raw_validation_target: bool = False
    max_rows: int = 50_000

    def __post_init__(self) -> None:
        super().__post_init__()
        allowed = sorted({name for names in DOWNSTREAM_MODELS.values() for name in names})
        unknown = [name for name in self.models if name not in allowed]
        if unknown or not self.models or len(set(self.models)) < len(self.models):
            raise ConfigError(f"evaluation.models are one or more of {allowed}, each once, got {self.models}")
        if self.choose_by not in CHOICES:
            raise ConfigError(f"evaluation.choose_by is one of {sorted(CHOICES)}, got {self.choose_by!r}")
        if self.raw_validation_target and not self.log_target:
            raise ConfigError("evaluation.raw_validation_target=true needs evaluation.log_target=true")
        if self.max_rows < 10:
            raise ConfigError(f"evaluation.max_rows is at least 10, got {self.max_rows}")


@dataclass(frozen=True)
class ImputationEvaluation:
    """``evaluation=imputation``: how filled holes are scored (:mod:`src.metrics.imputation.scores`).

    Attributes:
        n_draws: draws for each hole, of an imputer that draws: more sharpen means, medians and intervals.
        level: probability that intervals are to cover, in (0, 1).
        in_sample_rows: training rows whose holes are scored, the first so many; 0 = none.
    """

    n_draws: int = 20
    level: float = 0.9
    in_sample_rows: int = 4000

    def __post_init__(self) -> None:
        if self.n_draws < 1:
            raise ConfigError(f"evaluation.n_draws is at least 1, got {self.n_draws}")
        if not 0 < self.level < 1:
            raise ConfigError(f"evaluation.level is between 0 and 1, got {self.level}")
        if self.in_sample_rows < 0:
            raise ConfigError(f"evaluation.in_sample_rows is not negative, got {self.in_sample_rows}")


Evaluation = QuickEvaluation | ImputationEvaluation
EVALUATIONS: dict[str, type[Evaluation]] = {
    "quick": QuickEvaluation,
    "paper": PaperEvaluation,
    "paper_published": PaperEvaluation,
    "imputation": ImputationEvaluation,
}


def of_synthetic_rows(evaluation: Evaluation) -> QuickEvaluation:
    """The evaluation, if it is one of synthetic tables.

    Raises:
        ConfigError: it is one of imputations.
    """
    if isinstance(evaluation, ImputationEvaluation):
        raise ConfigError("evaluation=imputation scores filled holes; that is python -m src.impute")
    return evaluation
