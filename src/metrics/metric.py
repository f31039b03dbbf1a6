"""What a metric is."""

from dataclasses import dataclass
from typing import Any, Literal

Best = Literal["high", "low", "half", "level"]
Bounds = tuple[float | None, float | None]


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: its key in ``report.json``.
        heading: short name, for the head of a table's column.
        best: ``high`` or ``low`` values are good, or ``half``: 0.5 is, in both directions; or ``level``: 0.9 is.
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


UNIT: Bounds = (0.0, 1.0)
