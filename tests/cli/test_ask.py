"""Questions about the rows of a file, and holes that belong to a row, through the commands."""

import numpy as np
import pandas as pd
import pytest

from tests.cli.command import command, only_run, train

FAST = [
    "training.epochs=60",
    "training.batch_size=64",
    "network.channels=32",
    "evaluation.detection_rows=100",
    "evaluation.references=false",
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder, rng, n = tmp_path_factory.mktemp("ask"), np.random.default_rng(0), 600
    smokes = rng.choice(["no", "yes"], n)
    age = np.where(rng.random(n) < 0.2, np.nan, rng.integers(18, 80, n))
    cigarettes = np.where(smokes == "yes", rng.integers(1, 12, n), np.nan)
    file = folder / "survey.csv"
    pd.DataFrame({"smokes": smokes, "age": age, "cigarettes": cigarettes}).to_csv(file, index=False)
    done = train(
        *("dataset=table", f"dataset.path={file}", "dataset.structural=[cigarettes]", "missing=native"),
        *(f"outputs_dir={folder / 'out'}", *FAST),
    )
    assert done.returncode == 0, done.stderr
    return file, only_run(folder / "out")


def ask(trained, out, *more):
    return command("src.ask", f"run={trained[1]}", f"file={trained[0]}", f"out={out}", *more)


@pytest.mark.slow
def test_how_probable_rows_are(trained, tmp_path):
    done = ask(trained, tmp_path / "bits.csv")
    assert done.returncode == 0, done.stderr
    assert "bits a row on average" in done.stdout
    answers = pd.read_csv(tmp_path / "bits.csv")
    assert answers["row"].tolist() == list(range(1, 601))
    assert answers["log2_p"].between(-40, 0).all()
    again = ask(trained, tmp_path / "bits.parquet")
    assert again.returncode == 0, again.stderr
    np.testing.assert_allclose(pd.read_parquet(tmp_path / "bits.parquet")["log2_p"], answers["log2_p"])


@pytest.mark.slow
def test_how_a_column_is_distributed_that_the_file_may_lack(trained, tmp_path):
    frame = pd.read_csv(trained[0])
    frame.drop(columns="cigarettes").to_csv(tmp_path / "rows.csv", index=False)
    files = {"with": trained[0], "without": tmp_path / "rows.csv"}
    for name, file in files.items():
        done = ask((file, trained[1]), tmp_path / f"{name}.csv", "column=cigarettes")
        assert done.returncode == 0, done.stderr
    answers = pd.read_csv(tmp_path / "with.csv")
    pd.testing.assert_frame_equal(answers, pd.read_csv(tmp_path / "without.csv"))
    np.testing.assert_allclose(answers.drop(columns="row").sum(axis=1), 1, atol=1e-6)
    assert list(answers)[-1] == "missing"
    assert answers.missing[frame.smokes == "no"].mean() > 0.9
    assert answers.missing[frame.smokes == "yes"].mean() < 0.1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["column=cigarets"], "column is one of smokes, age, cigarettes"),
        (["out=x.xlsx"], "the extension is none of .csv, .parquet"),
        (["n_orders=0"], "n_orders is at least 1"),
        (["colum=age"], "unknown setting colum; did you mean column?"),
        (["--multirun", "seed=0,1"], "one command for each out=FILE"),
        (["run="], "run=DIR is missing"),
    ],
)
def test_requests_that_cannot_be_answered(trained, tmp_path, more, message):
    done = ask(trained, tmp_path / "x.csv", *more)
    assert (done.returncode, message in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "x.csv").exists()


@pytest.mark.slow
def test_structural_holes_stay_in_complete_and_in_filled_rows(trained, tmp_path):
    file, run = trained
    synthetic = pd.read_csv(run / "synthetic.csv")
    assert ((synthetic.smokes == "no") != synthetic.cigarettes.isna()).mean() < 0.05
    assert synthetic.age.notna().all()
    done = command("src.sample", f"run={run}", f"out={tmp_path / 'h.csv'}", "n_rows=2000", "holes=like_training")
    assert done.returncode == 0, done.stderr
    holed = pd.read_csv(tmp_path / "h.csv")
    assert holed.age.isna().mean() == pytest.approx(0.2, abs=0.08)
    assert ((holed.smokes == "no") != holed.cigarettes.isna()).mean() < 0.05
    filling = ["dataset=table", f"dataset.path={file}", f"out={tmp_path / 'f.csv'}"]
    done = command("src.impute", f"run={run}", *filling)
    assert done.returncode == 0, done.stderr
    assert "not filled: 'cigarettes': the column does not apply there (structural)" in done.stdout
    frame, filled = pd.read_csv(file), pd.read_csv(tmp_path / "f.csv")
    assert filled.age.notna().all()
    pd.testing.assert_series_equal(filled.cigarettes, frame.cigarettes)
