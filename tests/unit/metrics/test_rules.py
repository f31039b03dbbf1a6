"""The metric of rules between columns, counted by hand."""

import numpy as np
import pandas as pd
import pytest

from src.metrics.base.scores import Scores
from src.metrics.quality.rules import KEPT, add_rules
from src.tables.reading.frames import understood
from src.tables.reading.understanding import Rules


def table_of(layout, rows):
    frame = pd.DataFrame(rows, columns=["a", "b", "total"], dtype=float)
    return layout.table(frame, layout.schema(None), "there")


def test_the_share_of_rows_that_keep_each_rule():
    a, b = np.arange(40.0), np.arange(40.0)[::-1] + 40
    frame = pd.DataFrame({"a": a, "b": b, "total": a + b + np.arange(40) % 3})
    layout = understood(frame, {}, Rules(between=("b >= a", "total >= a + b"))).layout
    real = table_of(layout, frame.to_numpy())
    synthetic = table_of(layout, [(1, 45, 46), (50, 41, 100), (9, 50, 40), (50, np.nan, 1)])
    scores = Scores()
    add_rules(scores, real, synthetic, layout.rules)
    assert scores.details[KEPT]["broken"] == {
        "b >= a": {"real": 0.0, "synthetic": 0.25},
        "total >= a + b": {"real": 0.0, "synthetic": 0.25},
    }
    assert scores.values[KEPT] == pytest.approx(0.75)
    assert scores.reasons[KEPT] == "b >= a is broken by 25.0% of the rows, and by 0.0% of the real ones"


def test_nothing_is_said_of_rules_that_every_row_keeps():
    frame = pd.DataFrame({"a": np.arange(40.0), "b": np.arange(40.0) + 1, "total": np.arange(40.0)[::-1]})
    layout = understood(frame, {}, Rules(between=("b >= a",))).layout
    table, scores = table_of(layout, frame.to_numpy()), Scores()
    add_rules(scores, table, table, layout.rules)
    assert scores.values[KEPT] == 1
    assert KEPT not in scores.reasons
