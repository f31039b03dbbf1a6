"""The summary that an imputation run prints: errors on test and training rows, by column, and the files."""

import json
from collections.abc import Mapping
from typing import Any

from src.metrics.catalogue import describe
from src.results.record.run_folder import RunFolder
from src.results.sweep.runs import shown

MEASURES = (
    *("rmse", "rmse_standardised", "mae", "mae_median", "crps"),
    *("coverage", "coverage_randomised", "pit", "categorical_error"),
)
BY_COLUMN = ("rmse_standardised", "coverage_randomised", "pit", "categorical_error")
PARTS = {"test rows": "imputation/", "training rows": "imputation/in_sample_"}
NOTE = (
    "RMSE: mean over the numerical columns on the scale of their ranges, as in the paper's Table 7. RMSE std, MAE, "
    "CRPS: in standard deviations. coverage: of the intervals (coverage*: ties spread evenly). PIT: share of truths in "
    "the wrong tenth of their distribution. error: share of wrong categories, mean over the columns. What each means, "
    "and the histograms of PIT, are in report.json."
)


def imputation_summary(folder: RunFolder) -> str:
    """Text read from the report of a finished run."""
    report = json.loads(folder.report.read_text())
    if report["status"] != "done":
        return f"{report['status']}: {report['reason']}\nreport: {folder.report}"
    metrics, took = report["metrics"], report["time"]
    parts = {label: prefix for label, prefix in PARTS.items() if f"{prefix}rmse" in metrics}
    rows = [["", *(describe(f"imputation/{name}").heading for name in MEASURES)]]
    rows += [[label, *(_number(metrics.get(prefix + name)) for name in MEASURES)] for label, prefix in parts.items()]
    evaluations = (
        f", {report['n_evaluations']:,.0f} network evaluations a row and draw" if report["n_evaluations"] else ""
    )
    return "\n".join(
        [
            _aligned(rows),
            "",
            _columns(report["details"]),
            "",
            NOTE,
            "",
            f"{report['realised_ratio']['overall']:.1%} of the training cells missing; "
            f"fitted in {took['train_s']:.0f} s, imputed in {took['sample_s']:.0f} s, "
            f"in all {took['total_s']:.0f} s{evaluations}; peak memory {report['peak_memory_mb']:.0f} MiB",
            f"run folder  {folder.path}",
            f"report      {folder.report}",
        ]
    )


def _columns(details: Mapping[str, Any]) -> str:
    """By column, on test rows: error, coverage and PIT of numbers, the share of wrong categories."""
    of = {name: details.get(f"imputation/{name}", {}).get("per_column", {}) for name in BY_COLUMN}
    columns = dict.fromkeys(column for per_column in of.values() for column in per_column)
    rows = [["column", *(describe(f"imputation/{name}").heading for name in BY_COLUMN)]]
    rows += [[column, *(_number(of[name].get(column)) for name in BY_COLUMN)] for column in columns]
    return _aligned(rows)


def _number(value: float | None) -> str:
    return "-" if value is None else shown(value)


def _aligned(rows: list[list[str]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join([row[0].ljust(widths[0]), *cells]).rstrip())
    return "\n".join(lines)
