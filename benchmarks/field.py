"""The page of the field's tables, from the finished runs of ``experiment=field``.

  python -m benchmarks.field [DIR ...] [--out docs/field.md]

The scores of all runs in the folders join those in ``docs/field.jsonl``, one line a run, of which the page is made:
mean and standard deviation over the seeds, beside fresh real rows and floors of the same seeds. A sweep may so be run
in parts, on several machines.
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
SETTINGS = {
    "diffusion.name": "absorbing",
    "diffusion.order": "fitted",
    "diffusion.reads_values": True,
    "diffusion.encoding.numbers": "density",
    "network.gated": True,
    "training.n_steps": 5000,
    "training.growth_rows": 16000,
}
"""Settings that the page compares, and their defaults."""
COMPARED = ("detection/xgboost", "utility/xgboost/auroc", "utility/xgboost/accuracy", "utility/xgboost/rmse")
COMPARED += ("dependence/weighted_nmi",)
HEAD = """# The default recipe on tables of the field
One set of defaults for every table; nothing is chosen by table. `FIELD_TABLES=FOLDER python -m src.train
experiment=field` trains the models of this page (a run that is finished is not run again), `python -m
benchmarks.field outputs` writes it; the scores of every run are in
`docs/field.jsonl`. {runs} at commit {commits}, {device}.

Mean ± standard deviation over the seeds. *detection*: 1 = XGBoost (100 trees of depth 6, 5 folds) cannot tell
synthetic rows from real ones, 0 = it always can. *AUROC*, *accuracy*, *RMSE*: XGBoost trained on synthetic rows,
tested on real ones; *5 n*: on five times as many synthetic rows as training rows. *NMI*: share of the dependence
between columns that is kept. *shapes*, *trends*: fidelity with thresholds 0. *dcr share*: .5 is best. Seconds are
those of a machine that does other work too. "complete" is the table as it is; "row .2" takes a fifth of the cells of
every row, "independent" each cell by chance, "mar" and "nmar" cells of some columns, by the values of others or their
own.

**The tables.** `conf/field_table/` has source, file and target of each: `magic`, `shoppers`, `default`, `beijing`,
`diabetes`, `letter` of the UCI repository (CC BY 4.0) as Parquet files, texts as categories and numbers as numbers
(codes such as SEX or PAY_0 as texts; the two ids of diabetes left out; rows of beijing without a target left out),
and the two halves of Adult that the authors of TabularARGN trained and tested their rivals on (repository
mostly-ai/paper-tabular-argn).
"""
LEVERS = """## Levers
The difference that one changed setting makes, on the seeds that both have: `FIELD_TABLES=FOLDER python -m src.train
experiment=field SETTING`.
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

Run = dict[str, Any]
"""One line of the file: table, holes, seed, settings (those that are not the defaults), commit, device, scores."""
Scores = dict[int, dict[str, Any]]
"""Scores by seed."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*", help="folders of finished runs")
    parser.add_argument("--out", type=Path, default=Path("docs/field.md"), help="the page; the scores lie beside it")
    asked = parser.parse_args()
    file = asked.out.with_suffix(".jsonl")
    known = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    reports = [json.loads((done.parent / "report.json").read_text()) for root in asked.folders for done in _done(root)]
    found = [run(report) for report in reports if report["config"]["evaluation"].get("more_rows") == 5]
    runs = joined(known, found)
    if not runs:
        parser.error(f"{file} has no run, and no finished run with evaluation.more_rows=5 is in these folders")
    file.write_text("".join(json.dumps(one) + "\n" for one in runs))
    asked.out.write_text(page(runs))
    print(f"{len(found)} runs read, {len(runs)} in {file}: {asked.out}")


def _done(root: Path) -> list[Path]:
    return sorted(root.rglob("DONE"))


def run(report: dict[str, Any]) -> Run:
    """What the page needs of a report.json."""
    config, missing = report["config"], report["config"]["missing"]

    def kept(scores: dict[str, Any]) -> dict[str, float]:
        return {key: round(scores[key], 5) for key in (*METRICS, *SECONDS) if scores.get(key) is not None}

    return {
        "table": Path(config["dataset"]["path"]).stem,
        "holes": f"{missing['name']}-{missing['ratio']:g}" if "ratio" in missing else str(missing["name"]),
        "seed": report["seed"],
        "settings": {key: value for key in SETTINGS if (value := _setting(config, key)) not in (None, SETTINGS[key])},
        "commit": report["commit"][:10],
        "device": report["device"],
        "scores": kept({**report["metrics"], **report["time"]}),
        "references": {key: kept(report["references"][key]) for key in REFERENCES if report["references"].get(key)},
    }


def _setting(config: dict[str, Any], key: str) -> Any:
    """A setting by its dotted key; None = the configuration has no such setting."""
    value: Any = config
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def joined(known: list[Run], found: list[Run]) -> list[Run]:
    """Both lists as one, in a fixed order; a found run replaces a known one of the same table, holes and seed."""

    def key(one: Run) -> tuple[str, int, int, str]:
        return one["table"], _position(one["holes"]), one["seed"], json.dumps(one["settings"])

    by_key = {key(one): one for one in [*known, *found]}
    return [by_key[each] for each in sorted(by_key)]


def _position(holes: str) -> int:
    return HOLES.index(holes) if holes in HOLES else len(HOLES)


def page(runs: list[Run]) -> str:
    """Write the page of all runs."""
    default = [one for one in runs if not one["settings"]]
    commits = ", ".join(sorted({one["commit"] for one in default}))
    devices = "; ".join(sorted({one["device"] for one in default}))
    parts = [HEAD.format(runs=f"{len(default)} runs", commits=commits, device=devices)]
    parts += [_section(name, [one for one in default if one["table"] == name]) for name in _names(default)]
    if len(default) < len(runs):
        parts.append(_levers(runs))
    return "\n".join([*parts, PUBLISHED])


def _names(runs: list[Run]) -> list[str]:
    return sorted({one["table"] for one in runs})


def _section(name: str, runs: list[Run]) -> str:
    """The table of one table: a line for each kind of holes, then references by the complete table."""
    ours: dict[str, Scores] = defaultdict(dict)
    references: dict[str, Scores] = defaultdict(dict)
    for one in runs:
        ours[one["holes"]][one["seed"]] = one["scores"]
        for key, scores in one["references"].items():
            if (key == "hot_deck") == (one["holes"] == "independent-0.3"):
                references[key].setdefault(one["seed"], scores)
    columns = [key for key in METRICS if any(key in scores for found in ours.values() for scores in found.values())]
    headings = [METRICS[key] for key in columns] + list(SECONDS.values())
    lines = [f"## {name}", f"| | {' | '.join(headings)} | seeds |", "|---" * (len(headings) + 2) + "|"]
    lines += [_line(_shown(holes), ours[holes], columns) for holes in sorted(ours, key=_position)]
    lines += [_line(f"*{REFERENCES[key]}*", references[key], columns) for key in REFERENCES if references[key]]
    return "\n".join([*lines, ""])


def _shown(holes: str) -> str:
    return holes.replace("native", "complete").replace("-0", " ")


def _levers(runs: list[Run]) -> str:
    """What each changed setting does: mean difference from the default over the seeds that both have."""
    headings = " | ".join(f"{METRICS[key]}" for key in COMPARED)
    lines = [LEVERS, f"| setting | table | holes | {headings} | seeds |", "|---" * (len(COMPARED) + 4) + "|"]
    scores: dict[tuple[str, str, str], Scores] = defaultdict(dict)
    for one in runs:
        setting = " ".join(f"{key}={json.dumps(value)}" for key, value in one["settings"].items())
        scores[setting.replace('"', ""), one["table"], one["holes"]][one["seed"]] = one["scores"]
    for setting, name, holes in sorted(scores, key=lambda key: (key[0], key[1], _position(key[2]))):
        changed, default = scores[setting, name, holes], scores.get(("", name, holes), {})
        seeds = sorted(changed.keys() & default.keys())
        if setting and seeds:
            cells = [_difference(changed, default, seeds, key) for key in COMPARED]
            lines.append(f"| `{setting}` | {name} | {_shown(holes)} | {' | '.join(cells)} | {len(seeds)} |")
    return "\n".join([*lines, ""])


def _difference(changed: Scores, default: Scores, seeds: list[int], key: str) -> str:
    if any(key not in scores[seed] for scores in (changed, default) for seed in seeds):
        return ""
    digits = 1 if key.endswith("rmse") else 3
    values = [changed[seed][key] - default[seed][key] for seed in seeds]
    spread = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):+.{digits}f}{spread}"


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
