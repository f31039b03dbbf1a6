"""From a file with holes to complete rows, through the commands."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from tests.cli.command import ROOT, command, only_run, train

FAST = ["training.epochs=3", "network.channels=16", "evaluation.detection_rows=100"]


def frame_with_holes(n=240):
    rng = np.random.default_rng(0)
    age = rng.integers(18, 90, n)
    frame = pd.DataFrame(
        {
            "Patient ID": [f"P{i:05d}" for i in range(n)],
            "age": age,
            "weight, kg": (50 + 0.4 * age + rng.normal(0, 5, n)).round(1),
            "sex": rng.choice(["f", "m"], n),
            "seen": pd.to_datetime("2020-01-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D"),
            "ward": "A",
            "outcome": np.where(age + rng.normal(0, 10, n) > 60, "ill", "well"),
        }
    )
    frame["seen"] = frame["seen"].dt.strftime("%d.%m.%Y")
    holes = rng.random((n, 4)) < 0.15
    for i, name in enumerate(["age", "weight, kg", "sex", "seen"]):
        frame[name] = frame[name].astype(float if i < 2 else object).mask(holes[:, i])
    return frame.astype({"age": "Int64"})


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    file = folder / "patients, 2020.csv"
    frame_with_holes().to_csv(file, index=False, sep=";", decimal=",", na_rep="NA")
    done = train(
        "dataset=table",
        f"dataset.path={file}",
        "dataset.target=outcome",
        "missing=native",
        f"outputs_dir={folder / 'out'}",
        *FAST,
    )
    assert done.returncode == 0, done.stderr
    return file, only_run(folder / "out"), done.stdout


def sample(run, out, *more):
    return command("src.sample", f"run={run}", f"out={out}", *more)


def printed_notes(text):
    return [line.removeprefix("note: ") for line in text.splitlines() if line.startswith("note: ")]


@pytest.mark.slow
def test_every_note_that_is_printed_stands_in_the_report_and_among_the_limits_of_the_card(tmp_path):
    frame = frame_with_holes()
    frame["town"] = [f"town {i % 110}" for i in range(len(frame))]
    frame["empty"] = np.nan
    frame.to_csv(tmp_path / "t.csv", index=False)
    done = train(
        *("dataset=table", f"dataset.path={tmp_path / 't.csv'}", "missing=native", f"outputs_dir={tmp_path / 'out'}"),
        *("training.n_steps=100000", "training.most_epochs=2", "network.channels=16"),
        *("n_synthetic=50", "evaluation.references=false", "dataset.max_categories=100"),
    )
    assert done.returncode == 0, done.stderr
    run = only_run(tmp_path / "out")
    notes = json.loads((run / "report.json").read_text())["notes"]
    assert printed_notes(done.stdout) == notes
    for part in ("training ends after", "empty", "Patient ID", "town"):
        assert any(part in note for note in notes), part
    limits = (run / "card.md").read_text().split("## Limits")[1].replace("\\|", "|")
    assert all(f"- {note}" in limits for note in notes)


def test_the_columns_are_shown_and_the_table_is_written_like_the_file(trained):
    file, run, said = trained
    assert "Patient ID  id" in said
    assert "weight, kg  real" in said
    assert "not learned, because nearly every row has a value of its own: 'Patient ID'" in said
    assert str(run / "synthetic.csv") in said
    real, synthetic = file.read_text().splitlines(), (run / "synthetic.csv").read_text().splitlines()
    assert real[0] == synthetic[0]
    assert len(synthetic) == 1 + 192
    table, before = (pd.read_csv(f, sep=";", decimal=",") for f in (run / "synthetic.csv", file))
    assert not table.isna().any().any()
    assert table["seen"].str.fullmatch(r"\d\d\.\d\d\.2020").all()
    assert table["age"].between(before["age"].min(), before["age"].max()).all()
    assert not set(table["Patient ID"]) & set(before["Patient ID"])
    typed = pd.read_parquet(run / "synthetic.parquet")
    pd.testing.assert_frame_equal(typed, table)
    report = json.loads((run / "report.json").read_text())
    assert report["config"]["data"] == {file.name: report["config"]["data"][file.name]}
    assert report["metrics"]["utility/xgboost/accuracy"] is not None
    assert 0.05 < report["realised_ratio"]["overall"] < 0.15


@pytest.mark.slow
def test_the_same_command_again_has_nothing_to_do_until_the_file_changes(trained, tmp_path):
    file = tmp_path / "t.csv"
    text = trained[0].read_text()
    file.write_text(text)
    arguments = ["dataset=table", f"dataset.path={file}", "missing=row", f"outputs_dir={tmp_path / 'out'}", *FAST]
    first = train(*arguments, "ratio=0.3")
    assert first.returncode == 0, first.stderr
    report = json.loads((only_run(tmp_path / "out") / "report.json").read_text())
    assert report["realised_ratio"]["overall"] > 0.25  # on top of the native holes
    assert "nothing to do" in train(*arguments, "ratio=0.3").stdout
    sidecar = tmp_path / "t.columns.yaml"
    sidecar.write_text("columns: {ward: {kind: drop}}")
    corrected = train(*arguments, "ratio=0.3")
    assert (corrected.returncode, "t.columns.yaml is there now" in corrected.stderr) == (2, True)
    sidecar.unlink()
    file.write_text(text + text.splitlines()[5] + "\n")
    changed = train(*arguments, "ratio=0.3")
    assert changed.returncode == 2
    assert "t.csv has another content by now" in changed.stderr
    assert "force=true" in changed.stderr


@pytest.mark.slow
def test_rows_depend_on_the_seed_alone(trained, tmp_path):
    _, run, _ = trained
    outs = {
        "long.csv": ["n_rows=4500"],
        "two.csv": ["n_rows=4500", "devices=2", "accelerator=cpu"],
        "short.csv": ["n_rows=192"],
        "other.csv": ["n_rows=192", "seed=1"],
        "a.parquet": ["n_rows=4500"],
        "b.parquet": ["n_rows=4500", "chunk_rows=1000"],
    }
    for name, more in outs.items():
        done = sample(run, tmp_path / name, *more)
        assert done.returncode == 0, done.stderr
        assert f"written to {tmp_path / name}: {int(more[0].split('=')[1]):,} rows" in done.stdout
    texts = {name: (tmp_path / name).read_text() for name in outs if name.endswith(".csv")}
    assert texts["long.csv"] == texts["two.csv"]
    assert texts["long.csv"].startswith(texts["short.csv"])
    assert texts["short.csv"] == (run / "synthetic.csv").read_text()
    assert texts["short.csv"] != texts["other.csv"]
    frames = [pd.read_parquet(tmp_path / name) for name in ("a.parquet", "b.parquet")]
    pd.testing.assert_frame_equal(*frames)
    pd.testing.assert_frame_equal(frames[0], pd.read_csv(tmp_path / "long.csv", sep=";", decimal=","))


def test_fixed_columns_are_fixed_and_the_rest_follows(trained, tmp_path):
    out = tmp_path / "old.csv"
    where = '{"age": 80, "sex": "f", "seen": "01.05.2020"}'
    done = sample(trained[1], out, "n_rows=50", f"where={where}", "repeats=2")
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(out, sep=";", decimal=",")
    assert set(table["age"]) == {80}
    assert set(table["sex"]) == {"f"}
    assert set(table["seen"]) == {"01.05.2020"}
    assert table["weight, kg"].nunique() > 5


@pytest.mark.slow
def test_holes_like_those_of_training_rows(trained, tmp_path):
    out = tmp_path / "holed.csv"
    done = sample(trained[1], out, "n_rows=2000", "holes=like_training", 'where={"sex": "m"}', "repeats=1")
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(out, sep=";", decimal=",")
    missing = table.isna().mean()
    assert missing["sex"] == missing["outcome"] == missing["ward"] == 0
    assert missing[["age", "weight, kg", "seen"]].between(0.08, 0.24).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "message"),
    [
        (['where={"sex": "x"}'], "column 'sex' never has the value 'x' (values: f, m)"),
        (['where={"Sex": "f"}'], "where names 'Sex', which is not a column; did you mean 'sex'?"),
        (['where={"Patient ID": "P1"}'], "is not learned (kind id)"),
        (['where={"age": 300}'], "was seen from 18 to 89, got 300"),
        (["where=sex"], "is not JSON"),
        (['where={"sex": ["f", "m"]}'], "a column is fixed to one value"),
        (['where={"age": 40.5}'], "has no values as fine as 40.5"),
        (["--multirun", "seed=0,1"], "one command for each out=FILE"),
        (["n_steps=11"], "n_steps is at most 5, one for each learned column"),
        (["n_rows=0"], "n_rows is at least 1"),
        (["holes=yes"], "holes is one of none, like_training"),
        (["devices=0"], "devices is at least 1"),
        (["accelerator=gpu"], "torch sees 0 GPUs"),
        (["rows=5"], "unknown setting rows; did you mean n_rows?"),
    ],
)
def test_requests_that_cannot_be_served(trained, tmp_path, more, message):
    done = sample(trained[1], tmp_path / "x.csv", *more)
    assert (done.returncode, message in done.stderr) == (2, True), done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_requests_without_a_model_or_a_place(trained, tmp_path):
    assert "out=FILE is missing" in command("src.sample", f"run={trained[1]}").stderr
    assert "run=DIR is missing" in command("src.sample", "out=x.csv").stderr
    assert "holds no finished run" in sample(tmp_path, tmp_path / "x.csv").stderr
    assert "extension is none of" in sample(trained[1], tmp_path / "x.xlsx").stderr
    refused = sample(trained[1], trained[0])
    assert (refused.returncode, "the table the model was trained on" in refused.stderr) == (2, True)


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_sampling_leaves_nothing(trained, tmp_path, stop):
    out = tmp_path / "rows.csv"
    arguments = [sys.executable, "-m", "src.sample", f"run={trained[1]}", f"out={out}", "n_rows=100000000"]
    with subprocess.Popen(arguments, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not list(tmp_path.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(stop)
        try:
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 1
    assert "stopped;" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_describe_writes_a_sidecar_that_training_obeys(trained, tmp_path):
    file = tmp_path / "t.csv"
    file.write_text(trained[0].read_text())
    done = command("src.describe", str(file))
    assert done.returncode == 0, done.stderr
    sidecar = tmp_path / "t.columns.yaml"
    assert f"written to {sidecar}" in done.stdout
    assert '"Patient ID": {kind: id}' in sidecar.read_text()
    again = command("src.describe", str(file))
    assert (again.returncode, "force=true" in again.stderr) == (2, True)
    text = sidecar.read_text().replace('"Patient ID": {kind: id}', '"Patient ID": {kind: drop}')
    sidecar.write_text(text)
    run = train("dataset=table", f"dataset.path={file}", "missing=native", f"outputs_dir={tmp_path / 'out'}", *FAST)
    assert run.returncode == 0, run.stderr
    assert f"columns as {sidecar} says" in run.stdout
    folder = only_run(tmp_path / "out")
    assert (folder / "synthetic.csv").read_text().startswith("age;weight, kg;")
    sidecar.write_text(text + "\n")
    changed = train("dataset=table", f"dataset.path={file}", "missing=native", f"outputs_dir={tmp_path / 'out'}", *FAST)
    assert (changed.returncode, "t.columns.yaml has another content" in changed.stderr) == (2, True)


@pytest.mark.slow
def test_a_reader_that_leaves_early_is_no_bug():
    started = "import sys; from src.commands.cli.exit_codes import exit_codes\nwith exit_codes('config'):\n"
    code = f"{started}  [print('x' * 100) for _ in range(100_000)]"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1


def test_help_helps():
    for module in ("src.sample", "src.describe"):
        done = command(module, "--help")
        assert done.returncode == 0
        assert f"python -m {module}" in done.stdout
        assert "Exit codes" in done.stdout
