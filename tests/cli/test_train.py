"""The real command in a process of its own."""

import json
import subprocess
import sys
import time

import pandas as pd
import pytest

from tests.cli.command import ROOT, TINY, environment, n_epochs, only_run, train, without_measurements
from tests.unit.results.wandb_file import only

MORE_ROWS = "evaluation.more_rows=3"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    root = tmp_path_factory.mktemp("single")
    done = train(*TINY, MORE_ROWS, f"outputs_dir={root}")
    assert done.returncode == 0, done.stderr
    return root, done


def test_single_run_leaves_the_folder_of_the_contract(finished):
    root, done = finished
    run = only_run(root)
    assert run.relative_to(root).parts[:2] == ("bayesian_network", "row-0.2")
    assert run.name == "seed0"
    names = {path.name for path in run.iterdir()}
    assert names >= {"config.yaml", "checkpoints", "synthetic.parquet", "metrics.csv", "figures", "report.json", "DONE"}
    assert {path.name for path in (run / "figures").iterdir()} == {
        "marginals.png",
        "pair_trends.png",
        "training_curve.png",
    }
    report = json.loads((run / "report.json").read_text())
    assert report["status"] == "done"
    assert (report["n_train"], report["n_used"], report["n_synthetic"]) == (300, 300, 300)
    assert report["realised_ratio"]["overall"] == pytest.approx(0.2)
    assert set(report["references"]) == {
        "real_holdout",
        "hot_deck",
        "marginals",
        "mean_mode",
        "complete_rows",
        "holed_table",
    }
    expected = {"fidelity/overall", "fidelity/overall_default", "detection/xgboost", "truth/d2_error"}
    assert expected | {"utility/xgboost/accuracy", "utility_more/xgboost/accuracy"} <= set(report["metrics"])
    assert set(report["time"]) == {"train_s", "sample_s", "evaluate_s", "total_s"}
    assert report["versions"]["scipy"]
    frame = pd.read_parquet(run / "synthetic.parquet")
    assert list(frame.columns) == ["C1", "C2", "D1", "D2", "D3"]
    assert [str(dtype) for dtype in frame.dtypes] == ["float64", "float64", "int64", "int64", "int64"]
    assert not frame.isna().any().any()
    assert "missdiff" in done.stdout
    assert str(run / "synthetic.parquet") in done.stdout


@pytest.mark.slow
def test_a_finished_run_is_left_alone_and_forced_anew_on_request(finished):
    root, _ = finished
    run = only_run(root)
    before = (run / "report.json").stat().st_mtime_ns
    again = train(*TINY, MORE_ROWS, f"outputs_dir={root}")
    assert again.returncode == 0
    assert "finished before" in again.stdout
    assert (run / "report.json").stat().st_mtime_ns == before
    report = json.loads((run / "report.json").read_text())
    table = pd.read_parquet(run / "synthetic.parquet")
    forced = train(*TINY, MORE_ROWS, f"outputs_dir={root}", "force=true")
    assert forced.returncode == 0, forced.stderr
    assert without_measurements(json.loads((run / "report.json").read_text())) == without_measurements(report)
    pd.testing.assert_frame_equal(pd.read_parquet(run / "synthetic.parquet"), table)


@pytest.mark.slow
def test_multirun_two_by_two(tmp_path):
    done = train("--multirun", *TINY, f"outputs_dir={tmp_path}", "missing=row,independent", "seed=0,1")
    assert done.returncode == 0, done.stderr
    reports = [json.loads(path.read_text()) for path in tmp_path.rglob("report.json")]
    assert {(r["config"]["missing"]["name"], r["seed"]) for r in reports} == {
        ("row", 0),
        ("row", 1),
        ("independent", 0),
        ("independent", 1),
    }


@pytest.mark.slow
def test_a_failing_run_does_not_stop_the_sweep(tmp_path):
    overrides = [*TINY, f"outputs_dir={tmp_path}", "missing=mar,row", "ratio=0.8", "evaluation.references=false"]
    done = train("--multirun", *overrides)
    assert done.returncode == 2
    assert "cannot be reached: ratio must be below 0.8" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.parents[2].name for path in tmp_path.rglob("DONE")] == ["row-0.8"]


@pytest.mark.slow
def test_a_committed_sweep_is_a_sweep_whose_axes_can_be_overridden(tmp_path):
    small = [argument for argument in TINY if not argument.startswith("training")]
    axes = ["method=marginals,diff_delete", "missing=row", "ratio=0.2", "seed=0,1"]
    done = train("experiment=methods_bayesian_network", *small, *axes, f"outputs_dir={tmp_path}/a=b")
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.rglob("DONE"))) == 4
    refused = train("experiment=methods_bayesian_network", *small, *axes, "trainer=ddp", f"outputs_dir={tmp_path}")
    assert refused.returncode == 2
    assert "sweep with one device a job" in refused.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("override", "message"),
    [
        (["ratio=abc"], "ratio is a number, got 'abc'"),
        (["ratoi=0.3"], "unknown setting ratoi; did you mean ratio?"),
        (
            ["diffusion.prediction=noise"],
            "unknown setting diffusion.prediction; it goes with diffusion=ddpm or diffusion=ve or diffusion=vp",
        ),
        (["missing=rows"], "missing=rows does not exist; missing is one of column, independent"),
        (["experiment=paper_table1"], "experiment=paper_table1 does not exist; experiment is one of field, imp"),
        (["+surprise=1"], "unknown setting surprise"),
        (["seed=0,1"], "add --multirun"),
        (["--multirun", "seed=0,x"], "seed is a whole number, got 'x'"),
        (["--multirun", "trainer=ddp", "seed=0,1"], "sweep with one device a job"),
        (["ratio"], "missing EQUAL"),
    ],
)
def test_a_wrong_request_is_one_message_exit_code_2_and_no_file(tmp_path, override, message):
    root = tmp_path / "out"
    done = train(*TINY, *override, f"outputs_dir={root}")
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not root.exists()


@pytest.mark.slow
def test_another_configuration_in_the_same_folder_is_refused(tmp_path):
    run_dir = f"run_dir={tmp_path / 'mine'}"
    assert train(*TINY, run_dir, "evaluation.references=false").returncode == 0
    (tmp_path / "mine" / "DONE").unlink()
    done = train(*TINY, run_dir, "evaluation.references=false", "seed=1")
    assert done.returncode == 2
    assert "seed: 0 there, 1 asked for" in done.stderr


@pytest.mark.slow
def test_a_finished_run_of_other_settings_is_not_taken_for_this_one(tmp_path):
    mine = ["method=marginals", "evaluation.references=false", f"run_dir={tmp_path / 'mine'}"]
    assert train(*TINY, *mine).returncode == 0
    assert "finished before" in train(*TINY, *mine).stdout
    done = train(*TINY, *mine, "seed=1")
    assert done.returncode == 2
    assert "seed: 0 there, 1 asked for" in done.stderr


@pytest.mark.slow
def test_a_second_command_on_the_same_run_is_refused(tmp_path):
    arguments = [*TINY, f"outputs_dir={tmp_path}", "training.epochs=100000"]
    command = [sys.executable, "-m", "src.train", *arguments]
    first = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=-1, stderr=-1)
    try:
        deadline = time.monotonic() + 120
        while not n_epochs(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.05)
        second = train(*arguments)
        assert second.returncode == 2
        assert f"another process ({first.pid} on " in second.stderr
        assert "choose another run_dir" in second.stderr
        assert first.poll() is None
    finally:
        first.kill()
        first.communicate()


@pytest.mark.slow
def test_two_processes_share_a_curriculum_and_fine_tuning(tmp_path):
    stasy = ["method=stasy_missdiff", "network.hidden=[8,8]", "training.fine_tuning_epochs=2", "training.batch_size=32"]
    tiny = [argument for argument in TINY if not argument.startswith(("network", "diffusion"))]
    arguments = [*tiny, *stasy, f"outputs_dir={tmp_path}", "evaluation.references=false"]
    done = train(*arguments, "trainer=ddp", "trainer.accelerator=cpu")
    assert done.returncode == 0, done.stderr
    report = json.loads((only_run(tmp_path) / "report.json").read_text())
    assert 2 <= len(report["validation_bits"]) <= 3


@pytest.mark.slow
def test_a_sweep_mirrored_offline_is_one_quiet_wandb_run_each(tmp_path):
    arguments = [*TINY, f"outputs_dir={tmp_path}", "logger=wandb", "evaluation.references=false"]
    done = train("--multirun", *arguments, "method=missdiff,marginals")
    assert done.returncode == 0, done.stderr
    mirrored = [only(file.parent) for file in tmp_path.rglob("DONE")]
    assert {written.run.job_type for written in mirrored} == {"missdiff", "marginals"}
    assert {written.run.run_group for written in mirrored} == {"bayesian_network/row-0.2"}
    assert all("fidelity/overall" in written.summary for written in mirrored)
    logs = [file.read_text() for file in sorted((tmp_path / ".sweeps").rglob("*.log"))]
    assert len(logs) == 2
    for printed in logs:
        said = [line for line in printed.splitlines() if "wandb:" in line or "W&B" in line]
        assert len(said) == 1, printed
        assert "upload it with `wandb sync" in said[0]
    assert "W&B" not in done.stdout + done.stderr


@pytest.mark.slow
def test_help_and_cfg_are_for_newcomers():
    shown = train("--help")
    assert shown.returncode == 0
    for word in ("missing: column, independent, mar, native, nmar, row", "ratio: 0.2", "Exit codes", "--multirun"):
        assert word in shown.stdout
    config = train("--cfg", "job")
    assert config.returncode == 0
    assert "n_groups: 64" in config.stdout
