"""The examples of the pages run as they stand."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "data.md"


@pytest.mark.slow
def test_the_example_of_holes_runs_and_does_what_it_says():
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    found = {}
    exec(compile(example.replace('"training.n_steps": 1000', '"training.n_steps": 500'), str(PAGE), "exec"), found)
    complete, holed, filled, frame = (found[name] for name in ("complete", "holed", "filled", "frame"))
    assert complete.age.notna().all()
    assert filled.age.notna().all()
    assert filled.cigarettes.isna().equals(frame.cigarettes.isna())
    assert 0.1 < holed.age.isna().mean() < 0.3
    for rows in (complete, holed):
        assert ((rows.smokes == "no") != rows.cigarettes.isna()).mean() < 0.02
