"""Fidelity by SDMetrics' QualityReport: marginals (Column Shapes) and dependence (Column Pair Trends).

Two readings, because SDMetrics 0.27 changed the overall score: with both thresholds at 0 every pair
counts (the meaning of the paper's numbers); with the library's defaults only pairs that depend in
the real table do (|correlation| > 0.5, association > 0.3). Best 1, bounds 0..1.

What it cannot see: anything beyond pairs of columns, and with thresholds 0 hardly even those: draws
from independent marginals score about .956 on Census.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
from sdmetrics.reports import QualityReport

from src.metrics.scores import Scores
from src.tables import Schema, Table

NAMES = [
    "fidelity/overall",
    "fidelity/column_shapes",
    "fidelity/column_pair_trends",
    "fidelity/overall_default",
    "fidelity/column_pair_trends_default",
]
SHAPES, TRENDS = "Column Shapes", "Column Pair Trends"


def add_fidelity(scores: Scores, real: Table, synthetic: Table, seed: int) -> None:
    """Add the metrics :data:`NAMES`, the score of every column and of every pair.

    Both tables are scored on their complete rows: SDMetrics gives NaN a different meaning in each
    pair metric. ``seed`` fixes the rows it draws when a table has more than 50,000.
    """
    real_frame, synthetic_frame = real.frame.dropna(), synthetic.frame.dropna()
    if not synthetic.observed.all():
        scores.undefined(NAMES, "the table has holes; fidelity is defined on complete tables")
        return
    if len(real_frame) < 2 or len(synthetic_frame) < 2:
        scores.undefined(NAMES, f"too few complete rows: {len(real_frame)} real, {len(synthetic_frame)} synthetic")
        return
    every_pair = quality_report(real_frame, synthetic_frame, real.schema, seed, every_pair=True)
    shapes, trends = _properties(every_pair)
    scores.add("fidelity/column_shapes", shapes)
    if real.n_columns < 2:
        scores.undefined([name for name in NAMES if name not in scores.values], "one column has no pairs")
    else:
        default = quality_report(real_frame, synthetic_frame, real.schema, seed, every_pair=False)
        scores.add("fidelity/overall", (shapes + trends) / 2)
        scores.add("fidelity/column_pair_trends", trends)
        shapes_default, trends_default = _properties(default)
        if np.isnan(trends_default):
            names = ["fidelity/overall_default", "fidelity/column_pair_trends_default"]
            scores.undefined(names, "no pair of columns depends enough in the real table to count")
        else:
            scores.add("fidelity/overall_default", (shapes_default + trends_default) / 2)
            scores.add("fidelity/column_pair_trends_default", trends_default)
    details = every_pair.get_details(SHAPES, table_name="table")
    scores.per_column = _known_or_none(details["Column"], details["Score"])
    if real.n_columns > 1:
        pairs = every_pair.get_details(TRENDS, table_name="table")
        names = pairs["Column 1"] + " | " + pairs["Column 2"]
        scores.per_pair = _known_or_none(names, pairs["Score"])
        left_out = [name for name, score in scores.per_pair.items() if score is None]
        if left_out and scores.values["fidelity/overall"] is not None:
            reason = f"pairs SDMetrics cannot score (a constant column?) are left out: {', '.join(left_out)}"
            scores.reasons |= {"fidelity/overall": reason, "fidelity/column_pair_trends": reason}


def quality_report(
    real: pd.DataFrame, synthetic: pd.DataFrame, schema: Schema, seed: int, every_pair: bool
) -> QualityReport:
    """SDMetrics' report on two complete frames, with thresholds 0 or the library's own."""
    report = QualityReport()
    if every_pair:
        report.real_correlation_threshold = 0
        report.real_association_threshold = 0
    columns = {column.name: {"sdtype": column.kind} for column in schema.columns}
    with warnings.catch_warnings(), _global_numpy_seed(seed):
        warnings.simplefilter("ignore")
        report.generate(
            {"table": real}, {"table": synthetic}, {"tables": {"table": {"columns": columns}}}, verbose=False
        )
    return report


def _known_or_none(names: pd.Series, values: pd.Series) -> dict[str, float | None]:
    pairs = zip(names, values, strict=True)
    return {str(name): None if np.isnan(value) else float(value) for name, value in pairs}


def _properties(report: QualityReport) -> tuple[float, float]:
    table = report.get_properties().set_index("Property")["Score"]
    return float(table[SHAPES]), float(table.get(TRENDS, np.nan))


@contextmanager
def _global_numpy_seed(seed: int) -> Iterator[None]:
    """Seed NumPy's global stream, which SDMetrics draws from, and put it back afterwards."""
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)
