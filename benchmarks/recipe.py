"""Finished runs as one Markdown table, a line for each setting.

  python -m benchmarks.recipe DIR [DIR ...] [--metrics NAME ...]

Mean and standard deviation over the seeds, with floors and ceilings of the same seeds on lines of their own.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path
from statistics import mean, stdev
from typing import Any

METRICS = (
    "fidelity/overall",
    "fidelity/overall_default",
    "utility/xgboost/accuracy",
    "utility/xgboost/auroc",
    "detection/xgboost",
    "privacy/dcr_share",
)
REFERENCES = ("real_holdout", "hot_deck", "marginals")
Rows = dict[str, dict[int, dict[str, Any]]]
"""Scores by setting and seed."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", help="folders of finished runs")
    parser.add_argument("--metrics", nargs="+", default=list(METRICS), help="names as in report.json")
    asked = parser.parse_args()
    groups: dict[str, Rows] = defaultdict(lambda: defaultdict(dict))
    references: dict[str, Rows] = defaultdict(lambda: defaultdict(dict))
    for root in asked.folders:
        for done in sorted(root.rglob("DONE")):
            report = json.loads((done.parent / "report.json").read_text())
            setting, group = done.parent.parent.name, done.parent.parent.parent
            name = f"{group.parent.name} {group.name}"
            if not set(asked.metrics) & report["metrics"].keys():
                continue
            groups[name][setting][report["seed"]] = {**report["metrics"], "seconds": _seconds(report)}
            for reference, scores in report["references"].items():
                if reference in REFERENCES:
                    references[name][reference][report["seed"]] = scores
    columns = [*asked.metrics, "seconds"]
    print("| | | " + " | ".join(columns) + " | runs |")
    print("|---" * (len(columns) + 3) + "|")
    for group_name in sorted(groups):
        for rows in (groups[group_name], references[group_name]):
            for setting, found in sorted(rows.items()):
                cells = [_cell(found, column) for column in columns]
                print(f"| {group_name} | {setting} | " + " | ".join(cells) + f" | {len(found)} |")


def _seconds(report: dict[str, Any]) -> float:
    return float(report["time"]["train_s"] + report["time"]["sample_s"])


def _cell(found: dict[int, dict[str, Any]], column: str) -> str:
    values = [float(each[column]) for each in found.values() if each.get(column) is not None]
    if not values:
        return ""
    digits = 0 if column == "seconds" else 4
    spread = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{spread}"


if __name__ == "__main__":
    main()
