"""The model card of a run: its ``report.json`` as Markdown for whoever is handed the model or its rows."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from src.errors import ConfigError
from src.metrics.catalogue import describe
from src.results.record.files import write_whole
from src.results.sweep.formats import code
from src.results.sweep.origin import IMPUTE
from src.system.quoting import command, hydra_value

ROLES = {
    "real_holdout": "ceiling: fresh real rows (utility: trained on the complete table)",
    "hot_deck": "holes filled at random",
    "marginals": "floor: no dependence",
    "marginals_small": "floor of as many rows as real_holdout has",
    "mean_mode": "holes filled by mean or mode",
    "complete_rows": "only rows without a hole",
    "holed_table": "the holes as they are",
}
LIMITS = (
    "The rows are drawn from a model: a pattern of the training table may be weaker in them, a rare one absent.",
    "Rules between columns (a total is the sum of its parts, say) that are not declared are learned as far as they are "
    "frequent, not kept.",
    "Holes are taken to be missing at random given the columns that have none; what is missing because of its own "
    "value is not recovered (docs/theory.md).",
    "No number here is a proof of privacy: copies and distances are means over rows, and say nothing of a single one.",
    "Scores are those of one seed on one split; compare seeds before you trust a difference.",
)


def model_card(report: Mapping[str, Any]) -> str:
    """The card.

    Arguments:
        report: content of a ``report.json``.
    """
    config = report["config"]
    lines = [
        f"# Model card: {config['method']['name']} on {_table_name(config['dataset'])}",
        "",
        "Synthetic rows by a diffusion model trained on a table with holes. Made from `report.json`, which has every "
        "number.",
        "",
        "## Data",
        *_facts(
            {
                "table": _table_name(config["dataset"]),
                "training rows": f"{report['n_train']:,}",
                "rows trained on": f"{report['n_used']:,}",
                "files": ", ".join(f"`{name}` ({digest[:12]})" for name, digest in config.get("data", {}).items()),
            }
        ),
        "",
        "## Holes",
        *_holes(report),
    ]
    if report["status"] != "done":
        return "\n".join([*lines, "", f"**{report['status']}**: {report['reason']}", ""])
    return "\n".join([*lines, "", *_recipe(report), "", *_scores(report), "", *_limits(report), ""])


def write_card(folder: Path) -> Path:
    """Write ``card.md`` of a run from its ``report.json``.

    Raises:
        ConfigError: there is no report in the folder, or it is damaged.
    """
    file = folder / "report.json"
    try:
        text = model_card(json.loads(file.read_text()))
    except FileNotFoundError as error:
        raise ConfigError(f"card={folder} holds no finished run (no report.json in it)") from error
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is damaged or of another version: {type(error).__name__}: {error}") from error
    card = folder / "card.md"
    _write(text, card)
    return card


def save_card(report: Mapping[str, Any], file: Path) -> None:
    """Write the card of a report."""
    _write(model_card(report), file)


def _write(text: str, file: Path) -> None:
    write_whole(file, lambda partial: partial.write_text(text, encoding="utf-8"))


def _table_name(dataset: Mapping[str, Any]) -> str:
    return str(dataset.get("path") or dataset["name"])


def _facts(facts: Mapping[str, Any]) -> list[str]:
    return [f"- {name}: {_line(value)}" for name, value in facts.items() if value not in (None, "")]


def _text(value: Any) -> str:
    """For a cell of a table, where a bar parts cells."""
    return _line(value).replace("|", "\\|")


def _line(value: Any) -> str:
    return str(value).replace("\n", " ")


def _holes(report: Mapping[str, Any]) -> list[str]:
    missing, realised = report["config"]["missing"], report["realised_ratio"]
    parameters = ", ".join(f"{key} {value}" for key, value in missing.items() if key != "name")
    lines = _facts({"mechanism": f"`{missing['name']}`" + (f" ({parameters})" if parameters else "")})
    if not realised:
        return lines
    columns = {name: share for name, share in realised["per_column"].items() if share}
    most = sorted(columns.items(), key=lambda item: -item[1])[:5]
    return lines + _facts(
        {
            "cells missing in training": f"{realised['overall']:.1%}",
            "most in": ", ".join(f"`{name}` {share:.1%}" for name, share in most),
        }
    )


def _recipe(report: Mapping[str, Any]) -> list[str]:
    config, took = report["config"], report["time"]
    return [
        "## Recipe",
        *_facts(
            {
                "method": f"`{config['method']['name']}` (holes: {config['method']['completion']})",
                "diffusion": f"`{config['diffusion']['name']}`",
                "network": _settings(config["network"]),
                "training": _settings(config["training"]),
                "made anew by": code(_command(report)),
                "seed": report["seed"],
                "commit": report["commit"],
                "versions": ", ".join(f"{name} {version}" for name, version in report["versions"].items()),
                "device": report["device"],
                "seconds": f"training {took['train_s']:.0f}, sampling {took['sample_s']:.0f}, "
                f"scoring {took['evaluate_s']:.0f}",
                "peak memory": f"{report['peak_memory_mb']:,.0f} MiB",
            }
        ),
    ]


def _settings(group: Mapping[str, Any]) -> str:
    set_ = ", ".join(f"{key} {value}" for key, value in group.items() if key != "name" and value is not None)
    return f"`{group['name']}` ({set_})"


def _command(report: Mapping[str, Any]) -> str:
    config = report["config"]
    name = config["method"]["name"]
    is_imputer = name.startswith(IMPUTE)
    method = {"imputer": name.removeprefix(IMPUTE)} if is_imputer else {"method": name}
    defaults = {key: config[key]["name"] for key in ("dataset", "missing")} | method | {"ratio": config["ratio"]}
    chosen = [f"{key}={hydra_value(value)}" for key, value in defaults.items()]
    return command("impute" if is_imputer else "train", *chosen, f"seed={report['seed']}", *report["overrides"])


def _scores(report: Mapping[str, Any]) -> list[str]:
    """Every metric beside the references: floors and ceilings."""
    references = report["references"]
    heads = ["metric", "these rows", *references, "best"]
    lines = [
        "## Scores",
        f"{report['n_synthetic']:,} rows drawn, beside rows that need no model: "
        + ("; ".join(f"`{name}` = {ROLES.get(name, name)}" for name in references) or "none were scored")
        + ".",
        "",
        f"| {' | '.join(heads)} |",
        f"|{' --- |' * len(heads)}",
    ]
    level = report["config"]["evaluation"].get("level")
    for name, value in report["metrics"].items():
        cells = [_number(value), *(_number(values.get(name)) for values in references.values())]
        lines.append(f"| `{name}` | {' | '.join(cells)} | {describe(name).ideal(level)} |")
    undefined = [f"- `{name}` is undefined: {_text(reason)}" for name, reason in report["reasons"].items()]
    return [*lines, *([""] if undefined else []), *undefined]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _limits(report: Mapping[str, Any]) -> list[str]:
    warnings = [f"- **{_text(warning)}**" for warning in report["warnings"]]
    notes = [f"- {_text(note)}" for note in report.get("notes", [])]
    worst = sorted((value, name) for name, value in report["per_column"].items() if value is not None)[:3]
    least = ", ".join(f"`{name}` {value:.3f}" for value, name in worst)
    return [
        "## Limits",
        *warnings,
        *notes,
        *(f"- {limit}" for limit in LIMITS),
        *([f"- Columns recovered least: {least} (1 = distributed as in the training table)."] if least else []),
    ]
