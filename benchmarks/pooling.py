"""Coverage of pooled intervals: simulated tables with holes, imputed several times, analysed, pooled by Rubin's rules.

  python -m benchmarks.pooling [--runs 200] [--rows 500] [--draws 20] [--out outputs/pooling.jsonl]

y = 1 + x1 - x2 + e, all normal, x1 and x2 correlated by .5. Of x2 and y three tenths are missing, at random (mcar) or
the likelier the larger x1 is, which is always observed (mar). A line of the file is one simulation; those that are
there are not run again. Beside it: the rows without holes alone, and one table of best values taken for a real one.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from src.api import MissDiff, pool

TRUTH = {"x1": 1.0, "x2": -1.0}
FORMULA = "y ~ x1 + x2"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("outputs/pooling.jsonl"))
    asked = parser.parse_args()
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.loads(line) for line in asked.out.read_text().splitlines()] if asked.out.exists() else []
    done = {(line["mechanism"], line["seed"], line["rows"], line["draws"]) for line in lines}
    with asked.out.open("a") as stream:
        for seed in tqdm(range(asked.runs), file=sys.stderr):
            for mechanism in ("mcar", "mar"):
                if (mechanism, seed, asked.rows, asked.draws) not in done:
                    line = simulation(mechanism, seed, asked.rows, asked.draws)
                    stream.write(json.dumps(line) + "\n")
                    stream.flush()
                    lines.append(line)
    print(summary([line for line in lines if (line["rows"], line["draws"]) == (asked.rows, asked.draws)]))


def simulation(mechanism: str, seed: int, n_rows: int, n_draws: int) -> dict[str, object]:
    """One table: by method and coefficient the estimate, its standard error, and whether the interval has the truth."""
    rng = np.random.default_rng(seed)
    x = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], n_rows)
    full = pd.DataFrame({"x1": x[:, 0], "x2": x[:, 1], "y": 1 + x[:, 0] - x[:, 1] + rng.normal(size=n_rows)})
    odds = np.full(n_rows, 0.3) if mechanism == "mcar" else 1 / (1 + np.exp(1.1 - 1.5 * x[:, 0]))
    holed = full.copy()
    for name in ("x2", "y"):
        holed.loc[rng.random(n_rows) < odds, name] = np.nan
    model = MissDiff(rules=None, seed=seed).fit(holed)
    complete = holed.dropna()
    methods = {
        "missdiff": model.impute(holed, n_draws),
        "complete cases": [complete, complete],
        "best values": [model.impute(holed)] * 2,
    }
    found = {}
    for method, tables in methods.items():
        pooled = pool(tables, FORMULA)
        found[method] = {
            name: [row.estimate, row.std_error, bool(row.lower <= TRUTH[name] <= row.upper)]
            for name, row in pooled.loc[list(TRUTH)].iterrows()
        }
    return {"mechanism": mechanism, "seed": seed, "rows": n_rows, "draws": n_draws, "found": found}


def summary(lines: list[dict]) -> str:
    """A line for each mechanism, method and coefficient: bias, standard errors, coverage of 95 % intervals."""
    rows = [
        "| holes | method | | mean - truth | standard deviation | standard error | coverage | runs |",
        "|---" * 8 + "|",
    ]
    for mechanism in ("mcar", "mar"):
        runs = [line["found"] for line in lines if line["mechanism"] == mechanism]
        for method in runs[0] if runs else ():
            for name, truth in TRUTH.items():
                values = np.array([run[method][name] for run in runs], dtype=float)
                cells = [values[:, 0].mean() - truth, values[:, 0].std(), values[:, 1].mean(), values[:, 2].mean()]
                shown = " | ".join(f"{cell:.3f}" for cell in cells)
                rows.append(f"| {mechanism} | {method} | {name} | {shown} | {len(runs)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
