"""Truth: how far a synthetic table is from what is known of a simulated dataset."""

from src.metrics.base.measure import Comparison, Measure
from src.metrics.base.metric import UNIT, Best, Metric
from src.metrics.base.scores import Scores
from src.metrics.base.settings import QuickEvaluation
from src.tables import Schema


class KnownTruth(Measure):
    """Errors of the quantities that a simulated dataset knows of itself (``Dataset.truth``)."""

    metrics = (
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

    def names(self, schema: Schema, evaluation: QuickEvaluation) -> list[str]:
        """None: only simulated datasets have these metrics."""
        return []

    def add(self, scores: Scores, comparison: Comparison) -> None:
        if comparison.truth is not None and comparison.synthetic.observed.all():
            for name, value in comparison.truth(comparison.synthetic.frame).items():
                scores.add(f"truth/{name}", value)
