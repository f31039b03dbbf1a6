"""The card says what the report says, and nothing when the report cannot be read."""

import json

import pytest

from src.errors import ConfigError
from src.results.page.card import LIMITS, model_card, write_card
from tests.cli.command import TINY, command, only_run, train


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    root = tmp_path_factory.mktemp("card")
    done = train(*TINY, f"outputs_dir={root}")
    assert done.returncode == 0, done.stderr
    return only_run(root)


@pytest.mark.slow
def test_every_run_has_a_card_with_its_data_holes_recipe_scores_and_limits(run):
    report = json.loads((run / "report.json").read_text())
    text = (run / "card.md").read_text()
    assert text == model_card(report)
    for heading in ("## Data", "## Holes", "## Recipe", "## Scores", "## Limits"):
        assert heading in text
    for name, value in report["metrics"].items():
        (line,) = (line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        assert ("-" if value is None else f"{value:.4f}") in line
    assert "cells missing in training: 20.0%" in text
    assert all(f"- {limit}" in text for limit in LIMITS)


@pytest.mark.slow
def test_warnings_stand_first_among_the_limits(run):
    report = json.loads((run / "report.json").read_text()) | {"warnings": ["half of | it is copied"]}
    limits = model_card(report).split("## Limits\n")[1]
    assert limits.startswith("- **half of \\| it is copied**")


@pytest.mark.integration
def test_notes_stand_among_the_limits_and_old_reports_have_none(run):
    report = json.loads((run / "report.json").read_text())
    assert "- not learned: \\| 'id'" in model_card(report | {"notes": ["not learned: | 'id'"]}).split("## Limits\n")[1]
    del report["notes"]
    assert "## Limits" in model_card(report)


@pytest.mark.slow
def test_the_command_writes_it_again(run):
    before = (run / "card.md").read_text()
    (run / "card.md").unlink()
    done = command("src.report", f"card={run}")
    assert done.returncode == 0, done.stderr
    assert (run / "card.md").read_text() == before


def test_a_run_that_was_not_applicable_says_why():
    config = {"method": {"name": "m"}, "dataset": {"name": "d"}, "missing": {"name": "row", "ratio": 0.9}}
    counts = {"n_train": 5, "n_used": 0, "realised_ratio": {}}
    text = model_card({"config": config, "status": "not_applicable", "reason": "no complete row is left", **counts})
    assert "**not_applicable**: no complete row is left" in text
    assert "## Scores" not in text


def test_a_damaged_report_is_named(tmp_path):
    for content in ("", "{", "[]", '{"config": 1}'):
        (tmp_path / "report.json").write_text(content)
        with pytest.raises(ConfigError, match=r"report\.json is damaged"):
            write_card(tmp_path)
    assert not (tmp_path / "card.md").exists()
