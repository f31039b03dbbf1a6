"""The summary that a run prints: the method beside its floors and ceilings, and the files."""

import json
from collections.abc import Mapping
from typing import Any

from src.errors import ConfigError
from src.metrics.base.metric import SDMETRICS
from src.metrics.catalogue import describe
from src.results.page.card import ROLES
from src.results.record.run_folder import RunFolder

COLUMNS = (
    "fidelity/overall",
    "fidelity/overall_default",
    "fidelity/column_shapes",
    "fidelity/column_pair_trends",
    "dependence/weighted_nmi",
    "utility/xgboost/accuracy",
    "utility/xgboost/auroc",
    "utility/xgboost/rmse",
    "utility/xgboost/r2",
    "detection/xgboost",
    "truth/d2_error",
    "truth/d2_sampling_error",
    "truth/d3_error",
    "truth/d3_sampling_error",
)
HEADINGS = {name: describe(name).heading for name in COLUMNS}
NOTE = (
    f"fidelity: the quality score, equal to that of SDMetrics {SDMETRICS}, with thresholds 0, as in the paper; "
    "fidelity*: with the library's defaults. dependence: share of the dependence between columns that is kept. "
    "utility: XGBoost trained on the row's table, tested on real rows. "
    "detection: 1 = XGBoost cannot tell it from real rows. More metrics, and what each means, are in report.json."
)


def score_table(method: str, metrics: Mapping[str, Any], references: Mapping[str, Mapping[str, Any]]) -> str:
    """Text table with one line for the method and one per reference; "-" where undefined."""
    names = [name for name in HEADINGS if name in metrics]
    rows = [["", *(HEADINGS[name] for name in names), ""]]
    for label, values in [(method, metrics), *references.items()]:
        cells = ["-" if values.get(name) is None else f"{values[name]:.3f}" for name in names]
        rows.append([label, *cells, ROLES.get(label, "")])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:-1], widths[1:-1], strict=True))]
        lines.append("  ".join([*cells, row[-1]]).rstrip())
    lines.insert(1, "-" * max(len(line) for line in lines))
    lines.insert(3, lines[1])
    return "\n".join([*lines, "", NOTE])


def run_summary(folder: RunFolder, method: str) -> str:
    """What a finished run came to, read from its report, and where its files are.

    Raises:
        ConfigError: the report is damaged.
    """
    try:
        report = json.loads(folder.report.read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{folder.report} is damaged ({error}); force=true runs it anew") from error
    if report["status"] != "done":
        return f"{report['status']}: {report['reason']}\nreport: {folder.report}"
    took = report["time"]
    lines = [
        score_table(method, report["metrics"], report["references"]),
        "",
        f"{report['realised_ratio']['overall']:.1%} of the cells missing; {report['n_used']:,} rows trained on, "
        f"{report['n_synthetic']:,} rows drawn, {report['n_evaluations']:.0f} network evaluations each",
        *(f"warning: {warning}" for warning in report["warnings"]),
        f"training {took['train_s']:.0f} s, sampling {took['sample_s']:.0f} s, scoring {took['evaluate_s']:.0f} s, "
        f"in all {took['total_s']:.0f} s; peak memory {report['peak_memory_mb']:.0f} MiB",
        "",
        f"run folder       {folder.path}",
        f"synthetic table  {', '.join(str(file) for file in sorted(folder.path.glob('synthetic.*')))}",
        f"pictures         {', '.join(str(file) for file in sorted(folder.figures.glob('*.png')))}",
        f"report           {folder.report}",
        f"model card       {folder.card}",
    ]
    return "\n".join(lines)
