"""The quality report of SDMetrics itself: the reference :mod:`src.metrics.quality.fidelity` is tested against.

Much slower; nothing but the tests and the benchmark runs it.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
from sdmetrics.reports import QualityReport

from src.tables import Schema

SHAPES, TRENDS = "Column Shapes", "Column Pair Trends"


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
        warnings.simplefilter("ignore")  # of constant columns: the report's score says so too
        report.generate(
            {"table": real}, {"table": synthetic}, {"tables": {"table": {"columns": columns}}}, verbose=False
        )
    return report


@contextmanager
def _global_numpy_seed(seed: int) -> Iterator[None]:
    """Seed NumPy's global stream, which SDMetrics draws from, and put it back afterwards."""
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)
