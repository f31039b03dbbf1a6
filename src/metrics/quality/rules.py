"""Rules between columns: the share of rows that keep the declared ones and those found in the real table."""

import numpy as np

from src.metrics.base.measure import Comparison, Measure
from src.metrics.base.metric import UNIT, Best, Metric
from src.metrics.base.scores import Scores
from src.metrics.base.settings import QuickEvaluation
from src.tables import Schema

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
        rules = () if layout is None else (*layout.rules, *layout.found)
        if not rules:
            return
        tables = {"real": comparison.real, "synthetic": comparison.synthetic}
        shares = {
            rule.text: {name: float(rule.broken(table.frame).mean()) for name, table in tables.items()}
            for rule in rules
        }
        scores.add(KEPT, 1 - float(np.mean([of_rule["synthetic"] for of_rule in shares.values()])))
        scores.details[KEPT] = {"broken": shares}
        worst = max(shares, key=lambda text: shares[text]["synthetic"])
        if shares[worst]["synthetic"] > 0:
            scores.remark(
                KEPT,
                f"{worst} is broken by {shares[worst]['synthetic']:.1%} of the rows, and by "
                f"{shares[worst]['real']:.1%} of the real ones",
            )
