"""Prose states no measured score: those stand in reports and in tables that a command made."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    file for folder in ("src", "conf") for kind in ("py", "yaml") for file in (ROOT / folder).rglob(f"*.{kind}")
)
SCORE = re.compile(r"(?:^|[\s(*])0?\.\d{2,4} (?:on|at|of|for) [A-Z]")


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_score_is_written_into_code_or_settings(file: Path) -> None:
    assert not SCORE.search(file.read_text(encoding="utf-8"))


def test_no_score_is_written_into_the_text_of_the_readme() -> None:
    text = re.sub(r"^```.*?^```$", "", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    prose = "\n".join(line for line in text.splitlines() if not line.startswith("|"))
    assert not SCORE.search(prose)


@pytest.mark.parametrize("file", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda file: file.stem)
def test_a_decision_is_twenty_short_lines(file):
    lines = file.read_text().splitlines()
    assert len(lines) <= 20
    assert [line for line in lines if len(line) > 120] == []
