"""Distributions as frames, by the cells that values stand for."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from src.questions.cells import Distribution
from src.tables.columns.forms import RARE, Form

Cells = Callable[[pd.Series], Sequence[Any]]


def labelled(found: Distribution, form: Form, index: pd.Index, restored: Cells = list) -> pd.DataFrame:
    """Probabilities (N, K + I) of a distribution as a frame; its columns are values as cells, then intervals.

    Of a structural column a last one is NaN: the cell is missing. A category that stands for several rare values is
    divided among them by their number of cells.

    Arguments:
        found: the distribution.
        form: of the column.
        index: of the rows.
        restored: gives written cells the types that they had.
    """
    by_value: dict[Any, np.ndarray] = {}
    for k, value in enumerate(found.values):
        if form.rare and value == RARE:
            shares = np.array(form.rare_counts) / sum(form.rare_counts)
            by_value |= {rare: found.probability[:, k] * share for rare, share in zip(form.rare, shares, strict=True)}
        else:
            by_value[value] = found.probability[:, k]
    columns: dict[Any, np.ndarray] = dict(zip(_cells(form, restored, list(by_value)), by_value.values(), strict=True))
    of_intervals = found.probability[:, len(found.values) :].T
    columns |= dict(zip(_intervals(form, restored, found.intervals), of_intervals, strict=True))
    if form.structural:
        columns[np.nan] = found.missing
    frame = pd.DataFrame(dict(enumerate(columns.values())), index=index)
    frame.columns = pd.Index(list(columns), dtype=object)
    return frame


def _intervals(form: Form, restored: Cells, intervals: Sequence[tuple[float, float]]) -> list[pd.Interval]:
    """Intervals of cells, closed below, the last one above too; of numbers where cells are texts."""
    if not intervals:
        return []
    numbers = [*(low for low, _ in intervals), intervals[-1][1]]
    ends = _cells(form, restored, numbers)
    if not all(isinstance(end, int | float | np.number | pd.Timestamp | pd.Timedelta) for end in ends):
        ends = numbers
    closed = ["left"] * (len(intervals) - 1) + ["both"]
    return [pd.Interval(*part) for part in zip(ends[:-1], ends[1:], closed, strict=True)]


def _cells(form: Form, restored: Cells, values: Sequence[Any]) -> list[Any]:
    """Canonical values as cells of the column."""
    canonical = pd.Series(values, dtype=object if form.is_categorical else float)
    return list(restored(form.write(canonical, 0, len(canonical), np.random.default_rng(0), for_text_file=False)))
