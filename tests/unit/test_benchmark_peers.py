"""Whole runs beside peers: which run reached what, and peers' rows as a table."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.peer_worker import Numbers, Task
from benchmarks.peers import (
    DONE,
    METRICS,
    fastest_as_good,
    finished,
    printed,
    reached_by,
    table_of_rows,
)
from src.errors import TableError
from src.tables import Column, Schema

SCHEMA = Schema(
    (
        Column("age", "numerical", "int64", integer=True),
        Column("weight", "numerical", "float64"),
        Column("colour", "categorical", "object", categories=("blue", " red ")),
    ),
    "colour",
)


def run(fidelity, default, auroc, seconds, **more):
    metrics = dict.fromkeys(METRICS, 0.5)
    metrics |= {"fidelity/overall": fidelity, "fidelity/overall_default": default, "utility/xgboost/auroc": auroc}
    facts = {"status": DONE, "metrics": metrics, "wall_s": seconds + 1, "peak_memory_mb": 100.0, "rows_dropped": 0}
    return {"name": "missdiff", "train_s": seconds - 1, "sample_s": 1, **facts, **more}


RUNS = [
    run(0.80, 0.80, 0.70, 2, steps=100),
    run(0.90, 0.85, 0.80, 4, steps=200),
    run(0.95, 0.93, 0.90, 10, steps=1000),
    {"name": "missdiff", "steps": 4000, "status": "failed: no memory", "wall_s": 3},
]


@pytest.mark.parametrize(
    ("peer", "steps"),
    [
        ((0.80, 0.80, 0.70), (100, 100, 100)),
        ((0.85, 0.80, 0.70), (200, 200, 100)),
        ((0.85, 0.90, 0.75), (1000, 1000, 200)),
        ((0.70, 0.70, 0.95), (None, 100, None)),
        ((0.70, 0.70, None), (100, 100, 100)),
    ],
)
def test_the_fastest_run_that_is_as_good_as_the_peer(peer, steps):
    reached = reached_by(run(*peer, 20, name="peer"), RUNS)
    found = [reached[quality] and reached[quality]["steps"] for quality in ("all", "fidelity", "auroc")]
    assert found == list(steps)


def test_ratios_are_of_the_seconds_of_training_and_sampling():
    reached = reached_by(run(0.85, 0.80, 0.70, 20, name="peer"), RUNS)
    assert reached["seconds"] == 20
    assert reached["all"] == {"steps": 200, "seconds": 4, "ratio": 5}
    assert reached["auroc"] == {"steps": 100, "seconds": 2, "ratio": 10}


def test_a_run_without_a_value_reaches_nothing():
    assert fastest_as_good(RUNS[0], [run(0.9, 0.9, None, 1)], ("utility/xgboost/auroc",)) is None


def test_every_run_has_a_line_of_one_width():
    peer = run(0.70, 0.70, 0.95, 20, name="peer")
    lines = printed([*RUNS, peer], [reached_by(peer, RUNS)]).splitlines()
    assert len(lines) == 2 + len(RUNS) + 1
    assert len({len(line) for line in lines}) == 1
    assert "not reached" in lines[-1]
    assert "failed: no memory" in lines[-2]


def test_rows_of_a_peer_are_rounded_not_clipped_and_dropped_where_they_lack_a_value():
    frame = pd.DataFrame(
        {
            "colour": [" red ", "blue", "blue", None],
            "age": [17.6, -250.0, np.inf, 3.0],
            "weight": [0.25, 1e9, 1.0, 1.0],
        }
    )
    table, n_dropped = table_of_rows(frame, SCHEMA)
    assert n_dropped == 2
    assert table.frame.to_dict("list") == {"age": [18, -250], "weight": [0.25, 1e9], "colour": [" red ", "blue"]}


@pytest.mark.parametrize("colour", ["red", "green"])
def test_a_category_outside_the_schema_is_refused(colour):
    frame = pd.DataFrame({"age": [1.0], "weight": [1.0], "colour": [colour]})
    with pytest.raises(TableError, match="none of its 2 categories"):
        table_of_rows(frame, SCHEMA)


def test_numbers_and_back():
    table = pd.DataFrame(
        {"age": [1.0, 2.0, np.nan, 4.0], "colour": [" red ", "blue", " red ", None], "weight": [0.5, 0.25, 1.0, 2.0]}
    )
    columns = [{"name": c.name, "kind": c.kind, "integer": c.integer} for c in SCHEMA.columns]
    numbers = Numbers(Task(table, columns, 4, 0, 1, 1.0, None, []))
    assert numbers.names == ["colour", "age", "weight"]
    np.testing.assert_array_equal(numbers.x[:, 0], [0, 1, 0, np.nan])
    pd.testing.assert_frame_equal(numbers.frame(numbers.x)[table.columns], table.replace({None: np.nan}))


def test_how_a_command_ends(tmp_path):
    log = tmp_path / "log.txt"
    assert finished(["sh", "-c", "exit 0"], {}, log, 10) == DONE
    assert finished(["sh", "-c", "echo why >&2; exit 3"], {}, log, 10) == "failed: why"
    assert finished(["sh", "-c", "kill -9 $$"], {}, log, 10) == "failed: killed by signal 9"
    assert finished(["sh", "-c", "sleep 60 & wait"], {}, log, 0.2) == "not finished in 0.2 s"
