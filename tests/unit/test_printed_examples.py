"""The examples of the pages run as they stand."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "data.md"


def examples():
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.slow
def test_the_example_of_holes_runs_and_does_what_it_says():
    example = examples()[0]
    found = {}
    exec(compile(example.replace('"training.n_steps": 1000', '"training.n_steps": 500'), str(PAGE), "exec"), found)
    complete, holed, filled, frame = (found[name] for name in ("complete", "holed", "filled", "frame"))
    assert complete.age.notna().all()
    assert filled.age.notna().all()
    assert filled.cigarettes.isna().equals(frame.cigarettes.isna())
    assert 0.1 < holed.age.isna().mean() < 0.3
    for rows in (complete, holed):
        assert ((rows.smokes == "no") != rows.cigarettes.isna()).mean() < 0.02


@pytest.mark.slow
def test_the_example_of_rules_runs_and_does_what_it_says():
    _, example = examples()
    found = {}
    exec(compile(example.replace("300}", '300, "network.channels": 32}'), str(PAGE), "exec"), found)
    for rows in (found["rows"], found["filled"]):
        assert (rows.net + rows.tax == rows.total).all()
    assert len(found["rows"]) == 2000
    frame, filled = found["frame"], found["filled"]
    assert filled.where(frame.notna()).equals(frame)
