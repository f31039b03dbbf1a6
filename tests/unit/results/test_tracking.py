import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from src.errors import ConfigError
from src.results.mirror.tracking import CsvLogger, Mirror, WandbLogger, mirrored_as, open_mirror, open_run, wandb_table
from src.results.record.figures import draw_figures
from src.results.record.report import Report
from tests.conftest import random_table
from tests.unit.results.wandb_file import only

LOGGER = WandbLogger("missdiff", None, ["mine"])
GROUP = "census/row-0.2"
CONFIG = {"seed": 3, "budget": {"name": "small", "share": 1.0}, "dataset": {"name": "census"}}


def report(status="done", **changes):
    base = Report(status, None, CONFIG, 3, None, {}, 100)
    base.metrics = {"fidelity/overall": 0.9, "utility/xgboost/auroc": None}
    base.reasons = {"utility/xgboost/auroc": "one class only"}
    base.references = {"hot_deck": {"fidelity/overall": 0.95, "utility/xgboost/auroc": 0.8}}
    base.per_column = {"age": 0.75, "colour": None}
    base.time = {"train_s": 1.5, "total_s": 2.0}
    base.realised_ratio = {"overall": 0.25}
    return base.to_dict() | changes


def epochs(mirror, losses):
    for epoch, loss in enumerate(losses):
        mirror.epoch({"epoch": epoch, "step": 10 * (epoch + 1), "train/loss": loss})


@pytest.fixture(autouse=True)
def _offline(monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)


class Broken:
    def log(self, *args, **kwargs):
        raise ConnectionError("gone")


def test_losing_the_mirror_is_said_once_and_changes_nothing(capsys):
    mirror = Mirror(Broken())
    epochs(mirror, [1.0, 1.0, 1.0])
    mirror.finish({}, {}, None)
    assert not mirror.active
    assert capsys.readouterr().err.count("goes on without its mirror") == 1


def test_csv_logger_and_disabled_mirror_nothing(tmp_path, monkeypatch):
    assert not open_mirror(CsvLogger(), tmp_path, GROUP, "missdiff", CONFIG).active
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert not open_mirror(LOGGER, tmp_path, GROUP, "missdiff", CONFIG).active
    assert list(tmp_path.iterdir()) == []


def test_a_project_must_be_named():
    with pytest.raises(ConfigError, match=r"logger\.project is empty"):
        WandbLogger("", None, [])


@pytest.mark.integration
def test_a_run_shows_up_with_group_config_curve_metrics_tables_and_pictures(tmp_path, capsys):
    folder = tmp_path / "missdiff-budget=small" / "seed3"
    folder.mkdir(parents=True)
    table = random_table(150)
    curve = [{"epoch": 0, "train/loss": 2.0}, {"epoch": 1, "train/loss": 1.0}]
    figures = draw_figures(folder / "figures", table.schema, table.frame, table.frame, {"age | height": 0.9}, curve)
    mirror = open_mirror(LOGGER, folder, GROUP, "missdiff", CONFIG)
    epochs(mirror, [2.0, 1.0])
    mirror.finish(report(), figures, table.frame)
    written = only(folder)

    run = written.run
    assert (run.project, run.run_group, run.job_type) == ("missdiff", GROUP, "missdiff")
    assert run.display_name == "missdiff-budget=small-seed3"
    assert set(run.tags) == {"census", "row-0.2", "missdiff", "budget=small", "mine"}
    assert written.config.items() >= {**CONFIG, "variant": "missdiff-budget=small"}.items()
    assert [(row["_step"], row["train/loss"]) for row in written.history] == [(10, 2.0), (20, 1.0)]
    expected = {
        "status": "done",
        "fidelity/overall": 0.9,
        "reference/hot_deck/utility/xgboost/auroc": 0.8,
        "time/total_s": 2.0,
        "realised_ratio": 0.25,
    }
    assert written.summary.items() >= expected.items()
    assert "utility/xgboost/auroc" not in written.summary
    assert written.table("scores") == {
        "columns": ["metric", "synthetic", "hot_deck", "reason"],
        "data": [["fidelity/overall", 0.9, 0.95, None], ["utility/xgboost/auroc", None, 0.8, "one class only"]],
    }
    assert written.table("per_column")["data"] == [["age", 0.75], ["colour", None]]
    assert written.table("synthetic")["columns"] == list(table.frame.columns)
    assert len(written.table("synthetic")["data"]) == 100
    for name, file in figures.items():
        assert written.media(f"figures/{name}").read_bytes() == file.read_bytes()
    assert written.exit_code == 0
    assert mirrored_as(folder, "missdiff") == (run.run_id, True)
    assert mirrored_as(folder, "another") is None
    said = capsys.readouterr()
    assert said.out.count("\n") == 1
    assert "wandb sync" in said.out
    assert said.err == ""


@pytest.mark.integration
def test_runs_of_one_process_side_by_side_keep_to_themselves(tmp_path):
    def whole(seed):
        folder = tmp_path / f"seed{seed}"
        folder.mkdir()
        mirror = open_mirror(LOGGER, folder, GROUP, "missdiff", CONFIG | {"seed": seed})
        epochs(mirror, [float(seed)] * 3)
        return mirror

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(whole, (1, 2))
    second.abandon()
    first.finish(report("not_applicable", reason="no complete row"), {}, None)
    one, two = only(tmp_path / "seed1"), only(tmp_path / "seed2")
    assert one.run.run_id != two.run.run_id
    assert [row["train/loss"] for row in one.history] == [1.0] * 3
    assert [row["train/loss"] for row in two.history] == [2.0] * 3
    assert one.summary.items() >= {"status": "not_applicable", "reason": "no complete row"}.items()
    assert (one.exit_code, two.exit_code) == (0, 1)
    assert mirrored_as(tmp_path / "seed2", "missdiff") is None


@pytest.mark.integration
def test_names_longer_than_wandb_allows_are_cut(tmp_path):
    run = open_run(LOGGER, tmp_path, "g" * 200, "j" * 200, "n" * 200, ["t" * 100, "t" * 100, "u"], {})
    run.finish()
    written = only(tmp_path).run
    assert (len(written.run_group), len(written.job_type), len(written.display_name)) == (128, 64, 128)
    assert sorted(written.tags) == ["mine", "t" * 64, "u"]


def test_a_cut_name_keeps_the_seed(tmp_path):
    folder = tmp_path / f"missdiff-{'x' * 140}" / "seed3"
    folder.mkdir(parents=True)
    open_mirror(LOGGER, folder, GROUP, "missdiff", CONFIG, say=False).abandon()
    written = only(folder)
    assert len(written.run.display_name) == 128
    assert written.run.display_name.endswith("x-seed3")
    assert written.config["variant"] == folder.parent.name


def test_an_account_without_an_answering_server_logs_offline(tmp_path, monkeypatch, capsys):
    import wandb

    begun, init = [], wandb.init

    def no_server(**settings):
        begun.append(settings["mode"])
        if settings["mode"] == "online":
            raise ConnectionError("no route to host")
        return init(**settings)

    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.setattr(wandb, "login", lambda **_: True)
    monkeypatch.setattr(wandb, "init", no_server)
    run = open_run(LOGGER, tmp_path, "g", "j", "n", [], {})
    run.finish()
    assert run.offline
    open_run(LOGGER, tmp_path, "g", "j", "n", [], {}).finish()
    assert begun == ["online", "offline", "offline"]
    assert "no route to host" in capsys.readouterr().err
    monkeypatch.setenv("WANDB_MODE", "online")
    assert not open_mirror(LOGGER, tmp_path, GROUP, "missdiff", CONFIG).active
    assert begun[3:] == ["online"]


def test_tables_take_what_frames_hold():
    frame = pd.DataFrame(
        {
            "whole": pd.array([1, None], dtype="Int64"),
            "flag": pd.array([None, True], dtype="boolean"),
            "kind": pd.Categorical(["a", None]),
            "mixed": ["x", 3],
            7: [np.nan, 0.5],
        }
    )
    table = wandb_table(frame)
    assert table.columns == ["whole", "flag", "kind", "mixed", "7"]
    assert table.data == [[1, None, "a", "x", None], [None, True, None, 3, 0.5]]


def test_a_damaged_mark_is_no_mark(tmp_path, capsys):
    mark = tmp_path / "wandb" / "mirror.json"
    mark.parent.mkdir()
    for text in ("{", "[]", json.dumps({"project": "missdiff"})):
        mark.write_text(text)
        assert mirrored_as(tmp_path, "missdiff") is None
    assert capsys.readouterr().err.count("is damaged") == 3
