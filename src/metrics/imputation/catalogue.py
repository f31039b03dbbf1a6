"""What the metrics of imputations are; see :mod:`src.metrics.imputation.scores`."""

from src.metrics.base.metric import UNIT, Best, Bounds, Metric

IMPUTATION: dict[str, tuple[str, Best, Bounds, str, str]] = {
    "rmse": (
        "RMSE",
        Best.LOW,
        (0.0, None),
        "The measure of the paper's Table 7: root mean squared error of each numerical column on the scale of its "
        "range, of the mean of the draws; mean over the columns",
        "categories; a single outlier of a column with a long tail decides much of it",
    ),
    "rmse_standardised": (
        "RMSE std",
        Best.LOW,
        (0.0, None),
        "Root mean squared error of the mean of the draws over all numerical cells, in standard deviations",
        "categories; whether draws vary as the truth does",
    ),
    "mae": (
        "MAE",
        Best.LOW,
        (0.0, None),
        "Mean absolute error of the mean of the draws over all numerical cells, in standard deviations",
        "categories; whether draws vary as the truth does",
    ),
    "mae_median": (
        "MAE median",
        Best.LOW,
        (0.0, None),
        "As MAE, of the median of the draws, which the absolute error asks for",
        "categories; whether draws vary as the truth does",
    ),
    "crps": (
        "CRPS",
        Best.LOW,
        (None, None),
        "Continuous ranked probability score of the draws in standard deviations of the column: the absolute error "
        "less half the mean distance of two draws; the absolute error of an imputer with one answer",
        "categories; dependence between the cells of a row",
    ),
    "coverage": (
        "coverage",
        Best.LEVEL,
        UNIT,
        "Share of numerical cells inside their interval, bounds included; right is the level, 0.9 unless set, "
        "and more where many cells have one and the same value",
        "how wide the intervals are",
    ),
    "coverage_randomised": (
        "coverage*",
        Best.LEVEL,
        UNIT,
        "As coverage, a truth that equals draws counted by the part of its rank that lies inside: right is exactly the "
        "level, 0.9 unless set otherwise",
        "how wide the intervals are",
    ),
    "categorical_error": (
        "error",
        Best.LOW,
        UNIT,
        "Share of cells of a categorical column whose most frequent draw is wrong; mean over the columns",
        "rare categories; whether draws vary as the truth does",
    ),
}
WHERE = {"": ("", "held-back cells of test rows"), "in_sample_": (" (train)", "held-back cells of training rows")}
METRICS = tuple(
    Metric(f"imputation/{prefix}{key}", f"{heading}{mark}", best, bounds, f"{meaning}; {cells}.", blind)
    for prefix, (mark, cells) in WHERE.items()
    for key, (heading, best, bounds, meaning, blind) in IMPUTATION.items()
)
