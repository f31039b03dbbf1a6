"""The page of the field's tables, from the finished runs of ``experiment=field``.

  python -m benchmarks.field DIR [DIR ...] [--out docs/field.md]

Mean and standard deviation over the seeds, beside fresh real rows and floors of the same seeds.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path
from statistics import mean, stdev
from typing import Any

HOLES = ("native", "row-0.2", "independent-0.3", "mar-0.3", "nmar-0.3", "independent-0.5")
REFERENCES = {
    "real_holdout": "fresh real rows",
    "hot_deck": "hot deck (real rows, holes filled from others)",
    "marginals": "independent columns",
}
METRICS = {
    "detection/xgboost": "detection",
    "utility/xgboost/auroc": "AUROC",
    "utility_more/xgboost/auroc": "AUROC, 5 n",
    "utility/xgboost/accuracy": "accuracy",
    "utility_more/xgboost/accuracy": "accuracy, 5 n",
    "utility/xgboost/rmse": "RMSE",
    "utility_more/xgboost/rmse": "RMSE, 5 n",
    "dependence/weighted_nmi": "NMI",
    "fidelity/column_shapes": "shapes",
    "fidelity/column_pair_trends": "trends",
    "privacy/dcr_share": "dcr share",
}
SECONDS = {"train_s": "train s", "sample_s": "draw s"}
HEAD = """# The default recipe on tables of the field
One set of defaults for every table; nothing is chosen by table. `FIELD_TABLES=FOLDER python -m src.train
experiment=field` trains the models of this page (a run that is finished is not run again), `python -m
benchmarks.field outputs` writes it. {runs} at commit {commits}, {device}.

Mean ± standard deviation over the seeds. *detection*: 1 = XGBoost (100 trees of depth 6, 5 folds) cannot tell
synthetic rows from real ones, 0 = it always can. *AUROC*, *accuracy*, *RMSE*: XGBoost trained on synthetic rows,
tested on real ones; *5 n*: on five times as many synthetic rows as training rows. *NMI*: share of the dependence
between columns that is kept. *shapes*, *trends*: fidelity with thresholds 0. *dcr share*: .5 is best. "complete" is
the table as it is; "row .2" takes a fifth of the cells of every row, "independent" each cell by chance, "mar" and
"nmar" cells of some columns, by the values of others or their own.

**The tables.** `conf/field_table/` has source, file and target of each: `magic`, `shoppers`, `default`, `beijing`,
`diabetes`, `letter` of the UCI repository (CC BY 4.0) as Parquet files, texts as categories and numbers as numbers
(codes such as SEX or PAY_0 as texts; the two ids of diabetes left out; rows of beijing without a target left out),
and the two halves of Adult that the authors of TabularARGN trained and tested their rivals on (repository
mostly-ai/paper-tabular-argn).
"""
PUBLISHED = """## Published, on the complete tables
Means of five trained models as the authors of TabPC report them (repository april-tools/tabpc, commit 3f92668).
**Their detector is another XGBoost classifier and their splits are 90/10, Adult is the whole table and TSTR of
beijing is on another scale: they say where the field is, and are no comparison.** Seconds are on a GPU.

| | | adult | default | shoppers | magic | beijing | diabetes |
|---|---|---|---|---|---|---|---|
| detection | independent columns | .016 | .000 | .021 | .005 | .017 | .050 |
| | TabSyn | .794 | .402 | .655 | .760 | .527 | .522 |
| | TabDiff | .841 | .591 | .736 | .773 | .772 | .562 |
| | TabPC | .855 | .262 | .894 | .860 | .570 | .792 |
| trends | TabDiff | .9846 | .9726 | .9809 | .9916 | .9741 | .9686 |
| | TabPC | .9856 | .9496 | .9822 | .9830 | .9781 | .9810 |
| AUROC (beijing: RMSE) | TabDiff | .9130 | .7625 | .9170 | .9358 | .564 | .6806 |
| | TabPC | .9162 | .7442 | .8970 | .9324 | .656 | .6873 |
| training, s | TabSyn | 3,083 | 3,439 | 2,441 | 2,271 | 3,321 | 6,506 |
| | TabDiff | 11,605 | 13,899 | 10,321 | 11,643 | 14,418 | 32,069 |
| | TabPC | 272 | 78 | 51 | 39 | 582 | 248 |
"""

Scores = dict[int, dict[str, Any]]
"""Scores by seed."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", help="folders of finished runs")
    parser.add_argument("--out", type=Path, default=Path("docs/field.md"), help="the page")
    asked = parser.parse_args()
    reports = [json.loads((done.parent / "report.json").read_text()) for root in asked.folders for done in _done(root)]
    reports = [report for report in reports if report["config"]["evaluation"].get("more_rows") == 5]
    if not reports:
        parser.error("no finished run with evaluation.more_rows=5 is in these folders")
    asked.out.write_text(page(reports))
    print(f"{len(reports)} runs: {asked.out}")


def _done(root: Path) -> list[Path]:
    return sorted(root.rglob("DONE"))


def page(reports: list[dict[str, Any]]) -> str:
    """Write the page of report.json contents."""
    tables: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for report in reports:
        tables[Path(report["config"]["dataset"]["path"]).stem].append(report)
    commits = ", ".join(sorted({report["commit"][:10] for report in reports}))
    devices = "; ".join(sorted({report["device"] for report in reports}))
    parts = [HEAD.format(runs=f"{len(reports)} runs", commits=commits, device=devices)]
    parts += [_section(name, found) for name, found in sorted(tables.items())]
    return "\n".join([*parts, PUBLISHED])


def _section(name: str, reports: list[dict[str, Any]]) -> str:
    """The table of one table: a line for each kind of holes, then references by the complete table."""
    ours: dict[str, Scores] = defaultdict(dict)
    references: dict[str, Scores] = defaultdict(dict)
    for report in reports:
        holes = _holes(report)
        ours[holes][report["seed"]] = {**report["metrics"], **report["time"]}
        for key in REFERENCES:
            scores = report["references"].get(key)
            if scores is not None and (key == "hot_deck") == (holes == "independent-0.3"):
                references[key].setdefault(report["seed"], scores)
    columns = [key for key in METRICS if any(key in scores for found in ours.values() for scores in found.values())]
    headings = [METRICS[key] for key in columns] + list(SECONDS.values())
    lines = [f"## {name}", f"| | {' | '.join(headings)} | seeds |", "|---" * (len(headings) + 2) + "|"]
    for holes in sorted(ours, key=lambda holes: HOLES.index(holes) if holes in HOLES else len(HOLES)):
        lines.append(_line(holes.replace("native", "complete").replace("-0", " "), ours[holes], columns))
    lines += [_line(f"*{REFERENCES[key]}*", references[key], columns) for key in REFERENCES if references[key]]
    return "\n".join([*lines, ""])


def _holes(report: dict[str, Any]) -> str:
    missing = report["config"]["missing"]
    return f"{missing['name']}-{missing['ratio']:g}" if "ratio" in missing else str(missing["name"])


def _line(label: str, found: Scores, columns: list[str]) -> str:
    cells = [_cell(found, key, 1 if key.endswith("rmse") else 3) for key in columns]
    cells += [_cell(found, key, 0) for key in SECONDS]
    return f"| {label} | {' | '.join(cells)} | {len(found)} |"


def _cell(found: Scores, key: str, digits: int) -> str:
    values = [float(scores[key]) for scores in found.values() if scores.get(key) is not None]
    if not values:
        return ""
    spread = f" ± {stdev(values):.{digits}f}" if len(values) > 1 and digits else ""
    return f"{mean(values):.{digits}f}{spread}"


if __name__ == "__main__":
    main()
