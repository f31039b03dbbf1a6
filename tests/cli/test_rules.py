"""Rules between columns through the commands: declared, kept in drawn rows on any number of devices, and in fills."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.cli.command import command, only_run, train
from tests.unit.tables.test_rules import STATES, orders

RULES = "dataset.rules=[end >= `start day`,total = net + tax,state = f(city)]"


def dollars(texts):
    return texts.str.replace("[$,]", "", regex=True).astype(float)


def assert_kept(rows):
    assert (rows.end >= rows["start day"]).all()
    assert (rows.city.map(STATES) == rows.state).all()
    cents = [(100 * numbers).round().astype(int) for numbers in (dollars(rows.net), rows.tax, rows.total)]
    assert (cents[0] + cents[1] == cents[2]).all()


@pytest.mark.slow
def test_rules_hold_in_the_rows_of_a_run_and_in_a_filled_file(tmp_path):
    file = tmp_path / "orders.csv"
    frame = orders()
    money = ["net", "tax", "total"]  # with the widest ranges: what is computed from two others lies inside them
    frame.loc[0, money], frame.loc[1, money] = ["$0.00", 0.0, 0.0], ["$1,999.99", 1999.99, 3999.98]
    frame.to_csv(file, index=False)
    done = train(
        *("dataset=table", f"dataset.path={file}", "missing=native", f"outputs_dir={tmp_path / 'out'}", RULES),
        *("training.n_steps=200", "network.channels=16", "evaluation.references=false"),
    )
    assert done.returncode == 0, done.stderr
    run = only_run(tmp_path / "out")
    assert_kept(pd.read_csv(run / "synthetic.csv"))
    report = json.loads((run / "report.json").read_text())
    assert "kept in every row that is drawn or filled: end >= `start day`" in " ".join(report["notes"])
    assert report["metrics"]["rules/kept"] > 0.5
    assert report["metrics"]["holes/share"] > 0.9
    assert "total = net + tax" in (run / "card.md").read_text()
    files = {}
    for devices, n_rows in ((1, 2500), (2, 2500), (1, 100)):
        out = tmp_path / f"rows-{devices}-{n_rows}.csv"
        sampled = command(
            *("src.sample", f"run={run}", f"n_rows={n_rows}", f"out={out}", f"devices={devices}", "accelerator=cpu")
        )
        assert sampled.returncode == 0, sampled.stderr
        files[devices, n_rows] = pd.read_csv(out)
    assert_kept(files[1, 2500])
    pd.testing.assert_frame_equal(files[1, 2500], files[2, 2500])
    pd.testing.assert_frame_equal(files[1, 2500].head(100), files[1, 100])
    out = tmp_path / "filled.csv"
    filled = command("src.impute", f"run={run}", "dataset=table", f"dataset.path={file}", f"out={out}")
    assert filled.returncode == 0, filled.stderr
    rows, read = pd.read_csv(out), pd.read_csv(file)
    assert_kept(rows)
    assert rows.where(read.notna()).equals(read)
    frame.loc[[4, 9], ["city", "state"]] = ["LA", "NY"]
    frame.to_csv(file, index=False)
    refused = train("dataset=table", f"dataset.path={file}", "missing=native", f"run_dir={tmp_path / 'no'}", RULES)
    assert refused.returncode == 2
    assert "rule 'state = f(city)': 2 of 400 rows" in refused.stderr
    assert np.isin(["5,", "10;"], refused.stderr.split()).all()
