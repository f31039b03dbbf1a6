"""What a class of metrics is: texts and computation together, registered once.

A new metric is one subclass of :class:`Measure` and one entry in :data:`src.metrics.catalogue.MEASURES`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from src.metrics.base.metric import Metric
from src.metrics.base.scores import Scores
from src.metrics.base.settings import QuickEvaluation
from src.seeding import derive_int32
from src.tables import Schema, Split, Table

Truth = Callable[..., dict[str, float]]
"""Known quantities of a simulated dataset: metric name -> value, from a complete frame."""


@dataclass(frozen=True)
class Downstream:
    """Rows that downstream models are fitted to, chosen on and tested on: tables of one schema.

    Attributes:
        fitted: the table whose utility is measured.
        validation: real training rows that the grid point is chosen on.
        test: real test rows.
        train: all real training rows; they give the bounds that features are scaled by.
    """

    fitted: Table
    validation: Table
    test: Table
    train: Table


@dataclass(frozen=True)
class Comparison:
    """A synthetic table and the real one: everything that a metric is computed from.

    Attributes:
        split: real rows, before any cell was removed.
        synthetic: table to score, of the same schema.
        evaluation: options of the metrics.
        seed: of the run.
        n_threads: threads of the downstream models.
        rows: of the downstream models.
        truth: of a simulated dataset; None = no quantity is known.
        on_fit: called after every fit of ``evaluation=paper``.
        score_holes: whether the holes of ``synthetic`` are a result with scores of its own.
        draw: draws so many synthetic rows; None = there is no model to draw from.
        draw_with_holes: draws so many together with their holes; None = there is no model that learns holes.
    """

    split: Split
    synthetic: Table
    evaluation: QuickEvaluation
    seed: int
    n_threads: int
    rows: Downstream
    truth: Truth | None = None
    on_fit: Callable[[], object] = lambda: None
    score_holes: bool = True
    draw: Callable[[int], Table] | None = None
    draw_with_holes: Callable[[int], Table] | None = None

    @property
    def real(self) -> Table:
        """The training table, before any cell was removed."""
        return self.split.train

    def seed_of(self, measure: str) -> int:
        """Seed of the random draws of one measure: they do not depend on which others are computed."""
        return derive_int32(self.seed, measure)


class Measure(ABC):
    """Metrics that one computation gives.

    Attributes:
        metrics: text, bounds and best end of each, in the order of ``report.json``.
    """

    metrics: tuple[Metric, ...] = ()

    def describe(self, name: str) -> Metric | None:
        """The metric of this name; None if this measure has none."""
        return next((metric for metric in self.metrics if metric.name == name), None)

    def names(self, schema: Schema, evaluation: QuickEvaluation) -> list[str]:
        """Names of the metrics that every scored table of a schema gets."""
        return [metric.name for metric in self.metrics]

    @abstractmethod
    def add(self, scores: Scores, comparison: Comparison) -> None:
        """Compute the metrics and add them to ``scores``, or the reason why one is undefined."""
