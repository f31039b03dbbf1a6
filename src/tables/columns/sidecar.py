"""Sidecars: YAML files with the user's choices about the columns of a table, in the folder of the table.

```yaml
target: income          # column to predict; optional
rules: ["end >= start"] # rules between columns; optional
columns:
  "size": {kind: ordered, order: ["S", "M", "L"]}
  "seen": {kind: date, pattern: "%d/%m/%Y"}
  "rank": {kind: integer, holes: [-999]}
  "country": {kind: category, values: ["NA"]}
  "cost": {decimal: ","}
```

All scalars are read as texts: ``NO`` is not false.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import yaml

from src.errors import ConfigError
from src.tables.columns.choice import ColumnChoice
from src.tables.columns.forms import Form
from src.tables.columns.kinds import check_names
from src.tables.columns.summary import ColumnSummary
from src.tables.text.dialect import KNOWN

KEYS = ("target", "columns", "rules")
LONGEST_REMARK = 90
LONGEST_KEY = 1000


@dataclass(frozen=True)
class Sidecar:
    """The contents of a sidecar: target, choices by column, and rules between columns."""

    target: str | None = None
    columns: dict[str, ColumnChoice] = field(default_factory=dict)
    rules: list[str] = field(default_factory=list)

    def merged(self, configured: Mapping[str, ColumnChoice]) -> dict[str, ColumnChoice]:
        """Override the kinds and orders of the sidecar by those of the configuration."""
        said = {name: self.columns.get(name, ColumnChoice()) for name in configured}
        merged = {name: replace(said[name], kind=c.kind, order=c.order, pattern=None) for name, c in configured.items()}
        return {**self.columns, **merged}


def sidecar_of(file: Path) -> Path:
    """Return the path of a table's sidecar: that of ``table.csv`` is ``table.columns.yaml`` in the same folder."""
    suffix = next((known for known in KNOWN if file.name.lower().endswith(known)), file.suffix)
    return file.with_name(f"{file.name[: len(file.name) - len(suffix)]}.columns.yaml")


def read_sidecar(file: Path) -> Sidecar:
    """Read and check a sidecar.

    Raises:
        ConfigError: the file cannot be read, or has an unknown key or kind; names the file and the key.
    """
    try:  # the base loader reads scalars as texts
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{file} cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict) or not isinstance(content.get("columns", {}), dict):
        raise ConfigError(
            f"{file}: expected the keys target and columns, the second with the columns' names below it, and rules"
        )
    check_names(f"{file}", content, KEYS)
    allowed = [key.name for key in fields(ColumnChoice)]
    if not isinstance(content.get("target", ""), str):
        raise ConfigError(f"{file}: target is the name of a column, got {content['target']!r}")
    rules = content.get("rules") or []
    if not isinstance(rules, list) or not all(isinstance(rule, str) for rule in rules):
        raise ConfigError(f"{file}: rules is a list of texts, e.g. ['end >= start'], got {rules!r}")
    columns = {}
    for name, choice in (content.get("columns") or {}).items():
        where = f"{file}, column {name!r}"
        if not isinstance(choice, dict):
            raise ConfigError(f"{where}: expected keys such as kind: category, got {choice!r}")
        check_names(where, choice, allowed)
        for key in ("kind", "pattern", "decimal"):
            if not isinstance(choice.get(key, "text"), str) or not choice.get(key, "text"):
                raise ConfigError(f"{where}: {key} is a text, got {choice[key]!r}")
        for key in ("order", "holes", "values"):
            items = choice.get(key, [])
            if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
                raise ConfigError(f"{where}: {key} is a list, e.g. [a, b], got {choice[key]!r}")
        columns[name] = ColumnChoice(**{**choice, **_truths(choice, where)})
        columns[name].check(where)
    return Sidecar(content.get("target") or None, columns, rules)


def sidecar_text(
    table: str,
    forms: Sequence[Form],
    summaries: Sequence[ColumnSummary],
    remedies: Mapping[str, Sequence[str]] | None = None,
    rules: Sequence[str] = (),
    found: Mapping[str, str] | None = None,
) -> str:
    """Write a sidecar of the inferred kinds, with comments about the contents of the columns.

    Arguments:
        table: name of the file.
        forms: forms of its columns.
        summaries: summaries of its columns.
        remedies: by column, sentences on keys that may correct it.
        rules: rules between columns that are declared.
        found: further rules that every row keeps, with a remark.
    """
    lines = [
        f"# The columns of {table} as they were found. Correct a kind, delete what needs no correction.",
        "# kind: integer, real, date, time, boolean, category, ordered (with order: [small, ..., large]),",
        "#       id (not learned, new ones are written), constant, empty, drop (left out of the synthetic table)",
        '# further keys: holes: [-999] (what else marks a hole), values: ["NA"] (what is a value, not a hole),',
        '#       pattern: "%d/%m/%Y" (how dates are written), decimal: "," (which sign is the decimal one),',
        "#       merge_spellings: true (Yes and yes are one category),",
        "#       structural: true (where it is missing it does not apply: no value is missing)",
        "# target: NAME     (column to predict; without one there is no utility among the scores)",
        "columns:",
    ]
    for form, summary in zip(forms, summaries, strict=True):
        choice: dict[str, Any] = {"kind": form.kind}
        if form.kind == "ordered":
            choice["order"] = [str(value) for value in form.values]
        if form.structural:
            choice["structural"] = True
        if form.cells.pattern and form.kind == "date" and not form.cells.zone:
            choice["pattern"] = form.cells.pattern
        inner = ", ".join(f"{key}: {_yaml(value)}" for key, value in choice.items())
        remark = f"{summary.missing:.1%} missing; {summary.holds}".replace("\n", " ")
        remark = "".join(sign if sign.isprintable() else "?" for sign in remark[:LONGEST_REMARK])
        name = _yaml(form.name)
        lines.append(
            f"  {name}: {{{inner}}}  # {remark}" if len(name) < LONGEST_KEY else f"  ? {name}\n  : {{{inner}}}"
        )
        lines += [f"    # {remedy}" for remedy in (remedies or {}).get(form.name, ())]
    if rules:
        lines += ["rules:", *(f"  - {json.dumps(rule)}" for rule in rules)]
    if found:
        remark = "further rules, kept in synthetic rows and fills if they stand below rules:"
        lines += [f"# {remark}" if rules else f"# {remark}\n# rules:"]
        lines += [f"#   - {json.dumps(rule)}  # {why}" for rule, why in found.items()]
    return "\n".join(lines) + "\n"


def _truths(choice: Mapping[str, Any], where: str) -> dict[str, bool]:
    """Read ``merge_spellings`` and ``structural``, where they are there."""
    given = {key: choice[key] for key in ("merge_spellings", "structural") if key in choice}
    for key, value in given.items():
        if value not in ("true", "false"):
            raise ConfigError(f"{where}: {key} is true or false, got {value!r}")
    return {key: value == "true" for key, value in given.items()}


def _yaml(value: Any) -> str:
    if isinstance(value, str) and value.isidentifier() and value.isascii():
        return value
    return json.dumps(value, ensure_ascii=isinstance(value, str) and not value.isprintable())
