"""What a metric is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Best = Literal["high", "low", "half", "level"]
Bounds = tuple[float | None, float | None]


def distance(best: str, value: float, level: float | None = None) -> float:
    """How far a value is from the best one; for ``high`` and ``low`` up to a constant.

    Arguments:
        best: which values are good, see :class:`Metric`.
        value: of the metric.
        level: of the run; with ``best`` = ``level`` alone. None = not known: nothing is near it.
    """
    if best == "level":
        return math.inf if level is None else abs(value - level)
    return {"high": -value, "low": value, "half": abs(value - 0.5)}[best]


def good(best: str, levels: Sequence[float] = ()) -> str:
    """Which values are good, in words, e.g. ``high is good``; ``levels`` are those of the runs."""
    if best != "level":
        return {"high": "high is good", "low": "low is good", "half": "0.5 is good"}[best]
    if len(levels) != 1:
        return "the level of its run is good"
    return f"{levels[0]:g} is good"


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: its key in ``report.json``.
        heading: short name, for the head of a table's column.
        best: ``high`` or ``low`` values are good, or ``half``: 0.5 is, in both directions; or ``level``: the
            ``evaluation.level`` of the run is.
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

    def note(self) -> dict[str, Any]:
        """Plain values for ``report.json``: everything but the name."""
        return {
            "heading": self.heading,
            "best": self.best,
            "bounds": list(self.bounds),
            "meaning": self.meaning,
            "blind": self.blind,
        }


SDMETRICS = "0.32"
"""Version of SDMetrics whose quality score fidelity is equal to; the tests compare the two."""
UNIT: Bounds = (0.0, 1.0)
