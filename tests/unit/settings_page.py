"""Every option and key as ``docs/settings.md`` lists them; ``python -m tests.unit.settings_page`` writes the page."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from src.config.compose import OUTSIDE_GROUPS
from src.config.options import ABSENT, CLASSES, class_of, option, option_names, option_text, settings_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"
COMMANDS = {"config": "train"}
HEAD = """# Every setting

Made from the classes of the settings and the files in `conf/`. A group's option is chosen by `group=option`, a key set
by `group.key=value`; `python -m src.train --help` shows the keys of what is chosen, with their values.
"""


def page() -> str:
    """The text of the page."""
    return "\n".join([HEAD, *_outside(), *_groups()])


def _outside() -> Iterator[str]:
    """The keys of each command that stand in no group."""
    for name, kinds in OUTSIDE_GROUPS.items():
        settings = [one for kind in kinds for one in settings_of(kind)]
        rows = [f"| `{one.key}` | {_shown(one.default)} | {_escaped(one.text)} |" for one in settings]
        head = f"## python -m src.{COMMANDS.get(name, name)}\n\n| key | default | |\n|---|---|---|\n"
        yield head + "\n".join(rows) + "\n"


def _groups() -> Iterator[str]:
    for group in CLASSES:
        names = option_names(group)
        yield f"## {group}\n\n" + "\n".join(f"- `{group}={name}`: {option_text(group, name)}" for name in names) + "\n"
        alike: dict[tuple[tuple[str, str], ...], list[str]] = {}
        for name in names:
            keys = tuple((one.key, one.text) for one in settings_of(class_of(group, option(group, name)["name"])))
            alike.setdefault(keys, []).append(name)
        yield from (_table(group, keys, options) for keys, options in alike.items() if keys)


def _table(group: str, keys: tuple[tuple[str, str], ...], options: list[str]) -> str:
    """Keys and texts, with a column of values for each of the options that have them."""
    values = [option(group, name) for name in options]
    head = f"| {group}. | {' | '.join(options)} | |\n|---|{'---|' * len(options)}---|\n"
    rows = []
    for key, text in keys:
        row = " | ".join(_shown(_value(each, key)) for each in values)
        rows.append(f"| `{key}` | {row} | {_escaped(text)} |")
    return head + "\n".join(rows) + "\n"


def _value(values: Any, key: str) -> Any:
    for part in key.split("."):
        values = values.get(part, ABSENT)
    return values


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _shown(value: Any) -> str:
    return "" if value == ABSENT else f"`{value if isinstance(value, str) else json.dumps(value)}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
