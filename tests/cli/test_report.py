"""python -m src.report on hand-made runs."""

import pytest

from tests.cli.command import ROOT, command
from tests.unit.results.sweep_factory import write_run, write_sweep


def report(*arguments):
    return command("src.report", *arguments)


def test_a_sweep_becomes_a_report_and_a_page(tmp_path):
    root = tmp_path / "a sweep=1"
    write_sweep(root)
    (root / "census" / "row-0.2" / "missdiff" / "seed7").mkdir()
    (root / "census" / "row-0.2" / "missdiff" / "seed7" / "config.yaml").touch()
    done = report(f"sweep={root}", f"results={root / 'docs' / 'results.md'}")
    assert done.returncode == 0, done.stderr
    assert "24 finished runs (20 with scores, 4 not applicable), 1 unfinished" in done.stdout
    assert str(root / "report" / "report.md") in done.stdout
    for name in ("report.html", "figures/seconds-census.png", "report.md", "cells.csv", "runs.csv", "latex/report.tex"):
        assert (root / "report" / name).stat().st_size
    assert "Table 1" in (root / "docs" / "results.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("form", ["{},{}", "[{},{}]", "[{}, {}]"])
def test_several_sweeps_make_one_report(tmp_path, form):
    for i, name in enumerate(("one", "two")):
        write_run(tmp_path / name, seed=i)
    done = report(f"sweep={form.format(tmp_path / 'one', tmp_path / 'two')}", f"out={tmp_path / 'out'}")
    assert done.returncode == 0, done.stderr
    assert "2 finished runs" in done.stdout
    assert "0.900 ± 0.000 (2)" in (tmp_path / "out" / "report.md").read_text()
    assert not (tmp_path / "one" / "report").exists()


@pytest.mark.slow
def test_a_wrong_request_or_a_damaged_report_is_one_message(tmp_path):
    for arguments, message in (
        ([], "sweep=DIR is missing"),
        (["sweep=nowhere"], "sweep=nowhere is no folder"),
        ([f"sweep={tmp_path},nowhere"], "sweep=nowhere is no folder"),
        ([f"sweep={tmp_path}"], "no finished run"),
        ([f"sweep={tmp_path}", f"out={ROOT / 'README.md'}"], "README.md is no folder"),
        ([f"sweep={tmp_path}", f"results={ROOT / 'README.md' / 'x.md'}"], "README.md is no folder"),
        ([f"sweep={tmp_path}", "result=x.md"], "unknown setting result; did you mean results?"),
        ([f"sweep={tmp_path}", "results=docs"], "results=docs is a page of Markdown to write"),
    ):
        done = report(*arguments)
        assert done.returncode == 2, message
        assert message in done.stderr
        assert "Traceback" not in done.stderr
    damaged = write_run(tmp_path) / "report.json"
    damaged.write_text("{")
    done = report(f"sweep={tmp_path}")
    assert done.returncode == 2
    assert f"{damaged} is not the report of a run" in done.stderr
    assert not (tmp_path / "report").exists()


@pytest.mark.slow
def test_help_is_for_newcomers():
    done = report("--help")
    assert done.returncode == 0
    assert "python -m src.report sweep=outputs" in done.stdout
