"""Named metric results: a number, or the reason why there is none."""

import math
from dataclasses import dataclass, field


@dataclass
class Scores:
    """Results of scoring one synthetic table.

    Attributes:
        values: metric name -> number, None where undefined.
        reasons: metric name -> why it is undefined, or what it had to leave out.
        per_column: column -> share of its real marginal recovered (0..1), None where undefined.
        per_pair: "a | b" -> share of the pair's dependence recovered (0..1), None where undefined.
    """

    values: dict[str, float | None] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    per_column: dict[str, float | None] = field(default_factory=dict)
    per_pair: dict[str, float | None] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        """Record a value; a NaN is undefined, never a number."""
        if math.isfinite(value):
            self.values[name] = float(value)
        else:
            self.undefined([name], f"the metric came to {value}")

    def undefined(self, names: list[str], reason: str) -> None:
        """Record that metrics have no value, and why."""
        for name in names:
            self.values[name] = None
            self.reasons[name] = reason
