"""``python -m src.impute`` as a user calls it."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest
from hydra.errors import HydraException

from src.config.compose import compose, readable
from src.config.impute import build_impute_request
from src.errors import MissDiffError
from src.system.quoting import quoted_path
from tests.cli.command import TINY, command, only_run, train

TINY_IMPUTE = [argument for argument in TINY if not argument.startswith("evaluation")]
SMALL = ["training.n_steps=30", "network.channels=16", "evaluation.n_draws=4"]


def impute(*arguments, **more):
    return command("src.impute", *arguments, **more)


@pytest.mark.slow
def test_the_notes_of_filling_a_file_stand_in_the_report_of_its_model(tmp_path):
    file = holed_file(tmp_path)
    done = impute(
        *("dataset=table", f"dataset.path={file}", f"out={tmp_path / 'filled.csv'}", f"outputs_dir={tmp_path / 'out'}"),
        *("imputer=missdiff", "training.n_steps=1000", "training.most_epochs=2", *SMALL[1:]),
    )
    assert done.returncode == 0, done.stderr
    notes = json.loads((only_run(tmp_path / "out") / "report.json").read_text())["notes"]
    printed = [line.removeprefix("note: ") for line in done.stdout.splitlines() if line.startswith("note: ")]
    assert printed == notes
    assert any("training ends after" in note for note in notes)
    assert all(note in (only_run(tmp_path / "out") / "card.md").read_text() for note in notes)


def holed_file(folder, n=60, seed=0):
    """A text file with odd spellings, and its lines."""
    rng = np.random.default_rng(seed)
    lines = ['"id";sex ; height;"day";free text']
    for i in range(n):
        sex = rng.choice(["f", "m"])
        height = f"{160 + 15 * (sex == 'm') + rng.normal() * 5:.1f}".replace(".", ",")
        cells = [f'"P{i:03d}"', f" {sex}", rng.choice([height, f"{height}0"]), f'"{1 + i % 28:02d}.03.2021"', "x"]
        for k in (1, 2, 3):
            if rng.random() < 0.2:
                cells[k] = rng.choice(["", "NA", " ? "])
        lines.append(";".join(cells))
    file = folder / "survey.csv"
    file.write_bytes(("\r\n".join(lines)).encode("latin-1"))
    return file


def parts(file):
    return [line.split(b";") for line in file.read_bytes().split(b"\r\n")]


HOLES = (b"", b"NA", b" ? ", b'""')


def check_only_holes_changed(before, after):
    n_filled = 0
    for one, two in zip(parts(before), parts(after), strict=True):
        assert len(one) == len(two)
        for a, b in zip(one, two, strict=True):
            if a in HOLES:
                assert b.strip() not in (b"", b"NA", b"?")
                n_filled += 1
            else:
                assert a == b
    return n_filled


@pytest.mark.slow
def test_a_score_run_and_the_same_again(tmp_path):
    arguments = [*TINY_IMPUTE, "missing=mar", "ratio=0.3", "evaluation.n_draws=3", f"outputs_dir={tmp_path}"]
    first = impute(*arguments)
    assert first.returncode == 0, first.stderr
    assert "test rows" in first.stdout
    folder = only_run(tmp_path)
    assert folder.parts[-4:-1] == ("bayesian_network", "mar-0.3", folder.parent.name)
    assert folder.parent.name.startswith("impute_missdiff-")
    report = json.loads((folder / "report.json").read_text())
    for name in ("rmse", "mae", "rmse_standardised", "crps", "coverage", "categorical_error"):
        assert report["metrics"][f"imputation/{name}"] is not None
        assert report["metrics"][f"imputation/in_sample_{name}"] is not None
    assert set(report["details"]["imputation/categorical_error"]["per_column"]) <= {"C1", "C2", "C3", "D1", "D2", "D3"}
    again = impute(*arguments)
    assert again.returncode == 0
    assert "finished before" in again.stdout
    forced = impute(*arguments, "force=true")
    assert json.loads((folder / "report.json").read_text())["metrics"] == report["metrics"], forced.stderr


@pytest.mark.slow
def test_a_sweep_and_its_report_beside_the_paper(tmp_path):
    arguments = ["dataset.n_train=200", "dataset.n_test=100", "missing=independent", f"outputs_dir={tmp_path}"]
    swept = impute("--multirun", "imputer=mean_mode,hot_deck,mice_ordinal", "seed=0,1", *arguments)
    assert swept.returncode == 0, swept.stderr
    assert len(list(tmp_path.rglob("DONE"))) == 6
    results = tmp_path / "results.md"
    reported = command("src.report", f"sweep={tmp_path}", f"results={results}")
    assert reported.returncode == 0, reported.stderr
    text = results.read_text()
    assert "## Table 7" in text
    assert "python -m src.impute --multirun dataset=census" in text
    assert "imputation/categorical_error" in text
    assert "0.101" in text  # the paper's


@pytest.mark.slow
def test_only_holes_change_byte_for_byte_and_the_model_fills_another_file(tmp_path):
    source, out = holed_file(tmp_path), tmp_path / "filled.csv"
    common = ["dataset=table", f"outputs_dir={tmp_path / 'runs'}", *SMALL]
    filled = impute(f"dataset.path={source}", f"out={out}", "imputer=missdiff", "intervals=0.9", *common)
    assert filled.returncode == 0, filled.stderr
    n_filled = check_only_holes_changed(source, out)
    assert f"{n_filled} holes filled" in filled.stdout
    bounds = pd.read_csv(tmp_path / "filled.intervals.csv", dtype=str, keep_default_na=False)
    assert list(bounds) == ["row", "column", "value", "lower", "upper", "probability"]
    numbers = (
        bounds[bounds["column"] == " height"] if " height" in set(bounds["column"]) else bounds[bounds["lower"] != ""]
    )
    assert (numbers["lower"] != "").all()
    chances = bounds[bounds["probability"] != ""].groupby(["row", "column"])["probability"]
    total = chances.apply(lambda found: found.astype(float).sum())
    assert total.between(0.95, 1.001).all()  # improbable categories have no line

    assert "training" in filled.stderr
    again = impute(f"dataset.path={source}", f"out={tmp_path / 'best.csv.gz'}", *common, "estimate=median")
    assert again.returncode == 0, again.stderr
    assert "training" not in again.stderr  # the model is kept
    assert gzip.decompress((tmp_path / "best.csv.gz").read_bytes()) != out.read_bytes()

    run = only_run(tmp_path / "runs")
    (tmp_path / "new").mkdir()
    new, new_out = holed_file(tmp_path / "new", 20, seed=4), tmp_path / "new.csv"
    refilled = impute(f"run={run}", "dataset=table", f"dataset.path={new}", f"out={new_out}", "evaluation.n_draws=2")
    assert refilled.returncode == 0, refilled.stderr
    assert check_only_holes_changed(new, new_out) > 0
    sampled = command("src.sample", f"run={run}", "n_rows=5", f"out={tmp_path / 'drawn.csv'}")
    assert sampled.returncode == 0, sampled.stderr  # it is a model like any other


@pytest.mark.slow
def test_several_imputations_differ_in_holes_alone_and_repeat(tmp_path):
    source = holed_file(tmp_path)
    arguments = ["dataset=table", f"dataset.path={source}", "imputer=csdi_t", "n_imputations=3", *SMALL]
    files = []
    for run in ("one", "two"):
        done = impute(*arguments, f"out={tmp_path / run}.csv", f"outputs_dir={tmp_path / run}")
        assert done.returncode == 0, done.stderr
        files.append([tmp_path / f"{run}-{k}.csv" for k in (1, 2, 3)])
    contents = [[file.read_bytes() for file in of_run] for of_run in files]
    assert contents[0] == contents[1]
    assert len(set(contents[0])) == 3
    for file in files[0]:
        check_only_holes_changed(source, file)


def test_a_typed_file_keeps_its_types(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "n": pd.array(rng.integers(0, 9, 50), dtype="Int64"),
            "x": rng.normal(size=50).astype("float32"),
            "c": pd.Categorical(rng.choice(["a", "b"], 50)),
            "t": pd.date_range("2024-01-01", periods=50, freq="h"),
        }
    )
    holed = frame.mask(rng.random(frame.shape) < 0.2)
    source, out = tmp_path / "t.parquet", tmp_path / "filled.parquet"
    holed.to_parquet(source, index=False)
    done = impute("dataset=table", f"dataset.path={source}", f"out={out}", "imputer=boosted")
    assert done.returncode == 0, done.stderr
    filled, before = pd.read_parquet(out), pd.read_parquet(source)
    assert filled.dtypes.equals(before.dtypes)
    assert filled.notna().all(axis=None)
    for name in before:
        observed = before[name].notna()
        assert (filled[name][observed] == before[name][observed]).all()


@pytest.mark.slow
def test_a_generating_run_fills_holes_too(tmp_path):
    source = holed_file(tmp_path)
    settings = [argument for argument in SMALL if not argument.startswith("evaluation")]
    trained = train(
        "dataset=table", f"dataset.path={source}", "missing=native", f"outputs_dir={tmp_path / 'runs'}", *settings
    )
    assert trained.returncode == 0, trained.stderr
    run, out = only_run(tmp_path / "runs"), tmp_path / "filled.csv"
    filled = impute(f"run={run}", "dataset=table", f"dataset.path={source}", f"out={out}", "evaluation.n_draws=2")
    assert filled.returncode == 0, filled.stderr
    assert check_only_holes_changed(source, out) > 0
    other = impute(f"run={run}", "dataset=table", f"dataset.path={source}", f"out={out}", "imputer=csdi_t")
    assert other.returncode == 2
    assert "conditional" in other.stderr


@pytest.mark.slow
def test_a_file_without_holes_comes_back_as_it_is_and_nothing_is_trained(tmp_path):
    source, out = tmp_path / "whole.csv", tmp_path / "out.csv"
    source.write_text("a,b\n" + "".join(f"{i % 3},{i % 5}.50\n" for i in range(30)))
    done = impute("dataset=table", f"dataset.path={source}", f"out={out}", f"outputs_dir={tmp_path / 'runs'}")
    assert done.returncode == 0, done.stderr
    assert "no hole" in done.stdout
    assert out.read_bytes() == source.read_bytes()
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_bounds_have_the_draws_that_they_need(tmp_path):
    source, out = holed_file(tmp_path), tmp_path / "filled.csv"
    done = impute("dataset=table", f"dataset.path={source}", f"out={out}", "imputer=hot_deck", "intervals=0.95")
    assert done.returncode == 0, done.stderr
    assert "intervals=0.95 needs 39 draws" in done.stdout


FILE = "dataset=table dataset.path=FILE"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "missing=native takes no cell away"),
        ("missing=row n_imputations=2", "n_imputations=2 is about a file to fill"),
        ("missing=row evaluation=quick", "evaluation=quick scores synthetic rows"),
        ("missing=row imputer=none", "imputer is one of"),
        ("missing=row imputer.n_step=3", "did you mean imputer.n_steps"),
        ("missing=row imputer=csdi_t imputer.hidden=2.0", "share between 0 and 1"),
        ("out=x.csv", "out=FILE fills the holes of a file"),
        (f"{FILE} out=x.parquet", "name a .csv or .csv.gz file"),
        (f"{FILE} out=FILE", "name another"),
        (f"{FILE} out=x.csv missing=row", "takes cells away to score imputers"),
        (f"{FILE} out=x.csv dataset.n_rows=10", "dataset.n_rows is not for filling"),
        (f"{FILE} out=x.csv imputer=missforest n_imputations=3", "imputers that draw are hot_deck"),
        (f"{FILE} out=x.csv imputer=mice intervals=0.9", "one answer for each hole"),
        (f"{FILE} out=x.csv intervals=90", "intervals is between 0 and 1"),
        (f"{FILE} out=x.csv estimate=mode", "estimate is one of mean, median"),
        (f"{FILE} out=x.csv run=/nowhere", "holds no finished run"),
        ("missing=row imputer=csdi_t training=stasy", "training.fine_tuning_epochs=0"),
    ],
)
def test_a_wrong_request_is_refused_before_any_work(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    asked = [quoted_path(argument) for argument in arguments.replace("FILE", str(holed_file(tmp_path))).split()]
    with pytest.raises((MissDiffError, HydraException)) as refused:
        build_impute_request(compose(asked, "impute"))
    error = refused.value
    assert message in (str(error) if isinstance(error, MissDiffError) else readable(error, "impute"))


@pytest.mark.slow
def test_a_refusal_ends_with_code_2_and_leaves_nothing(tmp_path):
    done = impute("dataset=table", f"dataset.path={holed_file(tmp_path)}", "out=x.parquet", cwd=tmp_path)
    assert done.returncode == 2, done.stdout
    assert "name a .csv or .csv.gz file" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["survey.csv"]
    other = impute("experiment=paper_figure1", cwd=tmp_path)
    assert other.returncode == 2
    assert "python -m src.train" in other.stderr


@pytest.mark.slow
def test_help_says_how():
    done = impute("--help")
    assert done.returncode == 0
    for word in ("imputer=missdiff", "n_imputations", "intervals", "imputer: boosted", "experiment=paper_table7"):
        assert word in done.stdout


@pytest.mark.slow
def test_two_processes_train_and_one_imputes(tmp_path):
    arguments = [*TINY_IMPUTE, "missing=row", "imputer=csdi_t", "trainer=ddp", "trainer.devices=2"]
    done = impute(*arguments, "evaluation.n_draws=2", f"outputs_dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    report = json.loads((only_run(tmp_path) / "report.json").read_text())
    assert report["metrics"]["imputation/rmse"] is not None


@pytest.mark.slow
def test_nine_cells_in_ten_are_missing(tmp_path):
    arguments = [*TINY_IMPUTE, "evaluation.n_draws=2", f"outputs_dir={tmp_path}", "dataset.n_train=60"]
    done = impute(*arguments, "missing=independent", "ratio=0.9", "imputer=csdi_t")
    assert done.returncode == 0, done.stderr
