"""Mean and standard deviation over seeds of the runs below a folder: python -m benchmarks.summary outputs

One Markdown line for each dataset, mechanism, ratio and method, from ``report.json`` files alone;
reference rows are averaged the same way.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path
from statistics import mean, stdev

METRICS = {
    "fidelity/overall": "fidelity (0)",
    "fidelity/overall_default": "fidelity (default)",
    "utility/xgboost/accuracy": "accuracy",
    "utility/xgboost/auroc": "AUROC",
    "detection/xgboost": "detection",
    "truth/d2_error": "D2 error",
    "truth/d2_sampling_error": "its sampling error",
    "truth/d3_error": "D3 error",
    "truth/d3_sampling_error": "its sampling error",
}


def cell(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    return f"{mean(known):.3f}" + (f" ± {stdev(known):.3f}" if len(known) > 1 else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="root of the run folders")
    folder = parser.parse_args().folder
    rows: dict[tuple[str, str], list[dict]] = defaultdict(list)
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for file in sorted(folder.rglob("report.json")):
        report = json.loads(file.read_text())
        group, method = "/".join(file.parts[-5:-3]), file.parts[-3]
        rows[group, method].append(report["metrics"])  # not applicable: no metric, shown as "-"
        times[group, method].append(report["time"].get("total_s", 0.0))
        for name, metrics in report["references"].items():
            rows[group, name].append(metrics)
    if not rows:
        parser.error(f"no finished run below {folder}")
    names = [name for name in METRICS if any(name in metrics for runs in rows.values() for metrics in runs)]
    print("| table | row | runs | " + " | ".join(METRICS[name] for name in names) + " | seconds |")
    print("|---" * (len(names) + 4) + "|")
    for (group, method), runs in sorted(
        rows.items(), key=lambda item: (item[0][0], (item[0] not in times), item[0][1])
    ):
        cells = [cell([metrics.get(name) for metrics in runs]) for name in names]
        seconds = f"{mean(times[group, method]):.0f}" if (group, method) in times else ""
        print(f"| {group} | {method} | {len(runs)} | " + " | ".join(cells) + f" | {seconds} |")


if __name__ == "__main__":
    main()
