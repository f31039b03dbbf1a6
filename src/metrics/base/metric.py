"""What a metric is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Bounds = tuple[float | None, float | None]


class Best(StrEnum):
    """Which values of a metric are good: high or low ones, 0.5, or the ``evaluation.level`` of the run."""

    HIGH = "high"
    LOW = "low"
    HALF = "half"
    LEVEL = "level"

    def distance(self, value: float, level: float | None = None) -> float:
        """How far a value is from the best one; of ``high`` and ``low`` up to a constant.

        Arguments:
            value: of the metric.
            level: of the run; None = not known: nothing is near it.
        """
        if self is Best.LEVEL:
            return math.inf if level is None else abs(value - level)
        if self is Best.HALF:
            return abs(value - 0.5)
        return -value if self is Best.HIGH else value

    def words(self, levels: Sequence[float] = ()) -> str:
        """Which values are good, e.g. ``high is good``; ``levels`` are those of the runs."""
        if self is Best.LEVEL:
            return f"{levels[0]:g} is good" if len(levels) == 1 else "the level of its run is good"
        return "0.5 is good" if self is Best.HALF else f"{self} is good"


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: its key in ``report.json``.
        heading: short name, for the head of a table's column.
        best: which values are good.
        bounds: smallest and largest possible value, None where there is none.
        meaning: what the number says, in one sentence.
        blind: what it cannot see.
    """

    name: str
    heading: str
    best: Best
    bounds: Bounds
    meaning: str
    blind: str

    def ideal(self, level: float | None = None) -> str:
        """The best value as text, ``high`` or ``low`` where there is no bound; ``level`` is that of the run."""
        low, high = self.bounds
        value = {Best.HIGH: high, Best.LOW: low, Best.HALF: 0.5, Best.LEVEL: level}[self.best]
        if value is None:
            return "-" if self.best is Best.LEVEL else str(self.best)
        return f"{value:g}"

    def note(self) -> dict[str, Any]:
        """Plain values for ``report.json``: everything but the name."""
        return {
            "heading": self.heading,
            "best": str(self.best),
            "bounds": list(self.bounds),
            "meaning": self.meaning,
            "blind": self.blind,
        }


SDMETRICS = "0.32"
"""Version of SDMetrics whose quality score fidelity is equal to; the tests compare the two."""
UNIT: Bounds = (0.0, 1.0)
