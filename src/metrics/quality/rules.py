"""Rules between columns: the share of rows that keep the declared ones and those found in the real table."""

from collections.abc import Sequence

import numpy as np

from src.metrics.base.measure import Comparison, Measure
from src.metrics.base.metric import UNIT, Best, Metric
from src.metrics.base.scores import Scores
from src.metrics.base.settings import QuickEvaluation
from src.tables import Schema, Table
from src.tables.rules.rule import Rule

KEPT = "rules/kept"


class KeptRules(Measure):
    """Whether a synthetic table keeps the rules of the real one."""

    metrics = (
        Metric(
            KEPT,
            "rules kept",
            Best.HIGH,
            UNIT,
            "Share of the rows that keep a rule between columns, mean over the rules that are declared or that every "
            "real row keeps. A row with a hole in a column of a rule keeps it.",
            "rules that are neither declared nor found; how the rows are distributed that keep them",
        ),
    )

    def names(self, schema: Schema, evaluation: QuickEvaluation) -> list[str]:
        """None: most tables have no rules."""
        return []

    def add(self, scores: Scores, comparison: Comparison) -> None:
        layout = comparison.split.layout
        if layout is not None and (rules := (*layout.rules, *layout.found)):
            add_rules(scores, comparison.real, comparison.synthetic, rules)


def add_rules(scores: Scores, real: Table, synthetic: Table, rules: Sequence[Rule]) -> None:
    """Add the metric :data:`KEPT`, and by rule the shares of rows that break it in ``scores.details``."""
    tables = {"real": real, "synthetic": synthetic}
    shares = {
        rule.text: {name: float(rule.broken(table.frame).mean()) for name, table in tables.items()} for rule in rules
    }
    scores.add(KEPT, 1 - float(np.mean([of_rule["synthetic"] for of_rule in shares.values()])))
    scores.details[KEPT] = {"broken": shares}
    worst = max(shares, key=lambda text: shares[text]["synthetic"])
    if shares[worst]["synthetic"] > 0:
        scores.remark(
            KEPT,
            f"{worst} is broken by {shares[worst]['synthetic']:.1%} of the rows, and by {shares[worst]['real']:.1%} of "
            "the real ones",
        )
