"""Named metric results: a number, or the reason why there is none."""

import math
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Scores:
    """Results of scoring one synthetic table.

    Attributes:
        values: metric name -> number, None where undefined.
        reasons: metric name -> why it is undefined, or what it had to leave out.
        per_column: column -> share of its real marginal recovered (0..1), None where undefined.
        per_pair: "a | b" -> share of the pair's dependence recovered (0..1), None where undefined.
        dependent_pairs: those of ``per_pair`` that count with SDMetrics' default thresholds.
        details: metric name -> plain values that say how it came about.
    """

    values: dict[str, float | None] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    per_column: dict[str, float | None] = field(default_factory=dict)
    per_pair: dict[str, float | None] = field(default_factory=dict)
    dependent_pairs: list[str] = field(default_factory=list)
    details: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        """Record a value; a NaN is undefined, never a number."""
        if math.isfinite(value):
            self.values[name] = float(value)
        else:
            self.undefined([name], f"the metric came to {value}")

    def remark(self, name: str, remark: str) -> None:
        """Add what a metric that has a value had to leave out; nothing where it is undefined."""
        if self.values.get(name) is not None:
            self.reasons[name] = "; ".join(filter(None, [self.reasons.get(name), remark]))

    def undefined(self, names: list[str], reason: str) -> None:
        """Record that metrics have no value, and why."""
        for name in names:
            self.values[name] = None
            self.reasons[name] = reason
