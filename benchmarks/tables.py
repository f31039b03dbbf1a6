"""Fill the tables of docs/results.md from finished runs: python -m benchmarks.tables outputs

Between the markers ``<!-- table NAME -->`` and ``<!-- end -->`` of the page stands what the
``report.json`` files of the folder's finished runs say; the text around is left alone.
"""

import argparse
import json
import re
from collections import defaultdict
from pathlib import Path

from benchmarks.summary import cell

PAGE = Path(__file__).resolve().parents[1] / "docs" / "results.md"
MECHANISMS = ("row", "column", "independent", "mar", "nmar")
RATIOS = (0.2, 0.5, 0.8)
METHODS = (
    "missdiff",
    "diff_delete",
    "diff_mean",
    "stasy_missdiff",
    "stasy_delete",
    "stasy_mean",
    "complete",
    "marginals",
)
REFERENCES = ("real_holdout", "hot_deck", "mean_mode", "complete_rows")
BAYESIAN_NETWORK = {
    "bayesian_network_fidelity": "fidelity/overall",
    "bayesian_network_fidelity_default": "fidelity/overall_default",
    "bayesian_network_auroc": "utility/xgboost/auroc",
    "bayesian_network_d2_error": "truth/d2_error",
}
CENSUS = {
    "fidelity/overall": "fidelity (0)",
    "fidelity/overall_default": "fidelity (default)",
    "utility/xgboost/accuracy": "accuracy",
    "utility/xgboost/auroc": "AUROC",
    "detection/xgboost": "detection",
}


def finished(folder: Path) -> list[dict]:
    return [json.loads(done.with_name("report.json").read_text()) for done in sorted(folder.rglob("DONE"))]


def lines(header: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows])


def place(report: dict) -> tuple[str, str, float | None, str, int]:
    config = report["config"]
    missing = config["missing"]
    return (config["dataset"]["name"], missing["name"], missing.get("ratio"), config["method"]["name"], report["seed"])


def by_place(reports: list[dict]) -> dict[tuple, dict]:
    found = {}
    for report in reports:
        if place(report) in found:
            raise SystemExit(f"two runs of {place(report)} with different settings; name a folder that holds one sweep")
        found[place(report)] = report
    return found


def bayesian_network(reports: dict[tuple, dict], metric: str) -> str:
    values = defaultdict(list)
    for (dataset, mechanism, ratio, method, seed), report in reports.items():
        if dataset != "bayesian_network":
            continue
        if report["status"] == "done":
            values[mechanism, ratio, method].append(report["metrics"].get(metric))
        if method == "marginals":  # one run of each mask carries the references
            for name in REFERENCES:
                values[mechanism, ratio, name].append(report["references"].get(name, {}).get(metric))
        values[mechanism, ratio, "seeds"].append(seed)
    rows = []
    for mechanism in MECHANISMS:
        for ratio in RATIOS:
            if (mechanism, ratio, "seeds") in values:
                names = (*METHODS, *REFERENCES)
                rows.append([f"{mechanism} {ratio}", *(cell(values[mechanism, ratio, name]) for name in names)])
    return lines(["", *METHODS, *REFERENCES], rows)


def census(reports: dict[tuple, dict], mechanism: str) -> str:
    chosen = {key[3]: report for key, report in reports.items() if key[:2] == ("census", mechanism)}
    rows = []
    for name in METHODS:
        if name not in chosen:
            continue
        report = chosen[name]
        if report["status"] != "done":
            rows.append([name, *["-"] * (len(CENSUS) + 6)])
            continue
        scores = [cell([report["metrics"][metric]]) for metric in CENSUS]
        took = [f"{report['time'][part]:.0f}" for part in ("train_s", "sample_s", "total_s")]
        memory = f"{report['peak_memory_mb']:.0f}"
        rows.append([name, f"{report['n_used']:,}", *scores, f"{report['n_evaluations']:.0f}", *took, memory])
    if chosen:
        references = next(report for report in chosen.values() if report["references"])["references"]
        for name, metrics in references.items():
            rows.append([f"*{name}*", "", *(cell([metrics.get(metric)]) for metric in CENSUS), *[""] * 5])
    header = ["", "rows", *CENSUS.values(), "evaluations a row", "training s", "sampling s", "in all s", "peak MiB"]
    return lines(header, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="root of the run folders")
    folder = parser.parse_args().folder
    reports = by_place(finished(folder))
    if not reports:
        parser.error(f"no finished run below {folder}")
    tables = {name: bayesian_network(reports, metric) for name, metric in BAYESIAN_NETWORK.items()}
    tables |= {"census": census(reports, "independent"), "stasy_complete": census(reports, "native")}
    commits = sorted({str(report["commit"]) for report in reports.values()})
    tables["provenance"] = f"{len(reports)} finished runs; commits: {', '.join(commits)}."
    page = PAGE.read_text()
    for name, table in tables.items():
        pattern = re.compile(rf"(<!-- table {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not pattern.search(page):
            raise SystemExit(f"{PAGE} has no place for table {name}")
        page = pattern.sub(lambda match, text=table: f"{match[1]}\n{text}\n\n{match[2]}", page)
    PAGE.write_text(page)
    print(f"{len(tables)} tables of {len(reports)} runs written to {PAGE}")


if __name__ == "__main__":
    main()
