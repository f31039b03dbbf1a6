import ast
import builtins
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from src.results.mirror import upload
from src.results.mirror.dashboard import describe_dashboard, keep_dashboard, metric_families, workspace_of
from src.results.mirror.tracking import CsvLogger, WandbLogger, mirrored_as
from src.results.mirror.upload import mirror_runs, upload_report
from src.results.record.figures import draw_figures
from src.results.record.report import Report
from src.results.record.run_folder import RunFolder
from src.results.sweep.runs import Cell, ResultTable, Run, read_runs
from tests.conftest import random_table
from tests.unit.results.wandb_file import only

ROOT = Path(__file__).resolve().parents[3]
LOGGER = WandbLogger("missdiff", None, [])
TABLES = [
    ResultTable(
        name="table_1",
        title="Fidelity on Census",
        metric="fidelity/overall",
        best="high",
        columns=("missdiff", "diff_delete"),
        references=0,
        rows=(("row 0.2", (Cell((0.8, 0.9), (), None, 0.79), Cell((), (), "no complete row"))),),
    )
]


@pytest.fixture(autouse=True)
def _offline(monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "data"))


def write_run(root, method, seed, status="done", ratio=0.2):
    config = {
        "seed": seed,
        "dataset": {"name": "census"},
        "missing": {"name": "row", "ratio": ratio},
        "method": {"name": method},
        "training": {"epochs": 1},
        "budget": {"name": "full", "share": 1.0},
        "evaluation": {"name": "quick"},
    }
    folder = RunFolder(root / "census" / f"row-{ratio:g}" / method / f"seed{seed}")
    folder.open(config, force=False)
    report = Report(status, None if status == "done" else "no complete row", config, seed, None, {}, 100)
    report.realised_ratio = {"overall": ratio}
    if status == "done":
        report.metrics = {"detection/xgboost": 0.5, "utility/xgboost/auroc": None, "fidelity/overall": 0.8}
        report.time = {"train_s": 1.0, "sample_s": 0.5, "evaluate_s": 0.5, "total_s": 2.0}
        folder.curve.write_text("epoch,step,train/loss\n0,5,2.0\n1,10,1.5\n")
        table = random_table(40)
        draw_figures(folder.figures, table.schema, table.frame, table.frame, {}, [{"epoch": 0, "train/loss": 2.0}])
        table.frame.to_parquet(folder.synthetic)
    folder.finish(report.to_dict())


@pytest.fixture
def sweep(tmp_path):
    root = tmp_path / "outputs"
    write_run(root, "missdiff", 0)
    write_run(root, "diff_delete", 0, status="not_applicable")
    return root, read_runs(root)


def write_report(out):
    out.mkdir()
    picture, page, text = out / "pictures" / "ratio.png", out / "report.html", out / "table_1.csv"
    picture.parent.mkdir()
    table = random_table(30)
    figures = draw_figures(out, table.schema, table.frame, table.frame, {}, [{"epoch": 0, "train/loss": 2.0}])
    figures["marginals"].rename(picture)
    page.write_text("<html><body>Sweep</body></html>")
    text.write_text("a,b\n1,2\n")
    return [picture, page, text]


@pytest.mark.integration
def test_a_report_shows_up_with_its_runs_tables_pictures_pages_and_files(sweep, tmp_path, capsys):
    root, runs = sweep
    out = tmp_path / "report"
    files = write_report(out)
    upload_report(LOGGER, out, runs, TABLES, files)
    written = only(out)
    assert (written.run.run_group, written.run.job_type) == ("census", "report")
    assert written.exit_code == 0
    assert written.table("tables/table_1") == {
        "columns": ["setting", "method", "mean", "std", "n", "paper", "reason"],
        "data": [
            ["row 0.2", "missdiff", pytest.approx(0.85), pytest.approx(0.0707107), 2, 0.79, None],
            ["row 0.2", "diff_delete", None, None, 0, None, "no complete row"],
        ],
    }
    assert written.media("figures/ratio").read_bytes() == files[0].read_bytes()
    assert "Sweep" in written.media("pages/report").read_text()
    assert written.summary.items() >= {"n_runs": 2, "n_scored": 1, "n_tables": 1, "n_files": 3}.items()
    for file in files:
        assert (written.files / file.relative_to(out)).read_bytes() == file.read_bytes()

    ids = [mirrored_as(run.folder, "missdiff")[0] for run in runs]
    missdiff = only(next(run.folder for run in runs if run.method == "missdiff"))
    assert missdiff.run.run_group == "census/row-0.2"
    assert [row["train/loss"] for row in missdiff.history] == [2.0, 1.5]
    assert len(missdiff.table("synthetic")["data"]) == 40
    said = capsys.readouterr()
    assert said.err == ""
    assert f"find {root / 'census' / 'row-0.2'} -name 'offline-run-*' -exec wandb sync {{}} +" in said.out
    if (out / "wandb_dashboard.json").exists():
        assert json.loads((out / "wandb_dashboard.json").read_text())["ids"] == [*ids, written.run.run_id]


@pytest.mark.integration
def test_runs_are_mirrored_late_once_per_project(sweep):
    _, runs = sweep
    first = mirror_runs(LOGGER, runs)
    assert len(set(first)) == 2
    assert mirror_runs(LOGGER, runs) == first
    other = mirror_runs(WandbLogger("another", None, []), runs)
    assert set(other).isdisjoint(first)


@pytest.mark.integration
def test_a_mirror_that_fails_ends_mirroring_and_is_said(sweep, monkeypatch, capsys):
    import wandb

    root, runs = sweep
    (known,) = mirror_runs(LOGGER, runs[1:])
    write_run(root, "marginals", 0)
    runs = sorted(read_runs(root), key=lambda run: run.method)
    asked = []

    def fail(**settings):
        asked.append(settings["name"])
        raise ConnectionError("gone")

    monkeypatch.setattr(wandb, "init", fail)
    assert mirror_runs(LOGGER, runs) == [known]
    assert asked == ["diff_delete-seed0"]
    assert "2 of 3 runs are not mirrored" in capsys.readouterr().err


@pytest.mark.integration
def test_a_failed_upload_is_said_and_leaves_the_report_alone(sweep, tmp_path, capsys):
    out = tmp_path / "report"
    files = write_report(out)
    before = [file.read_bytes() for file in files]
    upload_report(LOGGER, out, sweep[1], TABLES, [*files, out / "gone.png"])
    assert "the report is complete" in capsys.readouterr().err
    assert [file.read_bytes() for file in files] == before
    assert only(out).exit_code == 1


@pytest.mark.integration
def test_without_wandb_workspaces_all_but_the_dashboard_is_uploaded(sweep, tmp_path, monkeypatch, capsys):
    usual = builtins.__import__

    def absent(name, *args, **kwargs):
        if name.startswith("wandb_workspaces"):
            raise ModuleNotFoundError(f"No module named {name!r}")
        return usual(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    out = tmp_path / "report"
    upload_report(LOGGER, out, sweep[1], TABLES, write_report(out))
    said = capsys.readouterr().err
    assert "wandb_workspaces" in said
    assert upload.INSTALL in said
    assert len(only(out).table("tables/table_1")["data"]) == 2
    assert not (out / "wandb_dashboard.json").exists()


@pytest.mark.integration
def test_disabled_and_csv_upload_nothing(sweep, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    upload_report(LOGGER, tmp_path, sweep[1], TABLES, [])
    upload_report(CsvLogger(), tmp_path, sweep[1], TABLES, [])
    assert not (tmp_path / "wandb").exists()
    assert capsys.readouterr() == ("", "")


def a_run(method="missdiff", variant=None, seed=0, **metrics):
    report = {"status": "done", "reason": None, "metrics": metrics, "references": {}}
    return Run(Path("nowhere"), "census", "row", 0.2, method, variant or method, seed, report)


RUNS = [
    a_run(**{"truth/d2_error": 0.1, "fidelity/overall": 0.9, "fidelity/column_shapes": None}),
    a_run("diff_mean", **{"detection/xgboost": 0.4, "fidelity/overall": 0.7, "fidelity/column_shapes": 0.6}),
]


def test_families_start_with_fidelity_and_leave_out_what_no_run_has():
    families = metric_families([*RUNS, a_run(**{"utility/lr/auroc": None})])
    assert list(families) == ["fidelity", "detection", "truth"]
    assert families["fidelity"] == ["fidelity/overall", "fidelity/column_shapes"]


@pytest.fixture
def no_network(monkeypatch):
    pytest.importorskip("wandb_workspaces")

    def refuse(*_):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def server(monkeypatch):
    """W&B's views by name: what the library sends and reads goes here instead of to a server."""
    from wandb_workspaces.workspaces import interface, internal

    views = {}

    def upsert(view):
        views[view.name] = json.loads(view.spec.model_dump_json(by_alias=True, exclude_none=True))
        return {"upsertView": {"view": {"name": view.name, "id": f"id of {view.name}"}}}

    def read(entity, project, name):
        spec = views[internal._url_query_str_to_internal_name(name)]
        return {"spec": json.dumps(spec), "displayName": "x", "id": f"id of {name}"}

    monkeypatch.setattr(internal, "upsert_view2", upsert)
    monkeypatch.setattr(internal, "get_view_dict", read)
    monkeypatch.setattr(interface, "get_app_url", lambda api: "https://wandb.test")
    monkeypatch.setattr(interface.wandb, "Api", lambda: None)
    return views


def describe(entity="me", runs=RUNS, tables=TABLES, ids=("id1", "id2")):
    return describe_dashboard(entity, "missdiff", runs, tables, ids)


def panels_of(view):
    bank = view["section"]["panelBankConfig"]["sections"]
    return {section["name"]: section["panels"] for section in bank}


@pytest.mark.integration
def test_the_dashboard_has_a_section_a_family_and_only_this_sweep(no_network, server, tmp_path):
    keep_dashboard(describe(), tmp_path / "wandb_dashboard.json", online=True)
    (view,) = server.values()
    panels = panels_of(view)
    assert list(panels) == [
        "sweep",
        "fidelity",
        "detection",
        "truth",
        "tables",
        "training",
        "quality and cost",
        "samples",
    ]
    assert [panel["config"]["metrics"] for panel in panels["fidelity"]] == [
        ["fidelity/overall"],
        ["fidelity/column_shapes"],
    ]
    assert {panel["viewType"] for panel in panels["fidelity"]} == {"Bar Chart"}
    (loss,) = panels["training"]
    assert (loss["viewType"], loss["config"]["metrics"], loss["config"]["xAxis"]) == (
        "Run History Line Plot",
        ["train/loss"],
        "epoch",
    )
    scatter = panels["quality and cost"][0]
    assert (scatter["config"]["xAxis"], scatter["config"]["yAxis"]) == (
        "summary:time/total_s",
        "summary:fidelity/overall",
    )
    (runset,) = view["section"]["runSets"]
    assert runset["filters"]["filters"] == [
        {"key": {"section": "run", "name": "name"}, "op": "IN", "value": ["id1", "id2"], "disabled": False}
    ]
    assert runset["grouping"] == [
        {"section": "run", "name": "group"},
        {"section": "config", "name": "variant.value"},
    ]
    assert "tables/table_1" in json.dumps(panels["tables"])
    assert "2 runs" in panels["sweep"][0]["config"]["value"]


def test_the_description_is_a_function_of_the_sweep_and_plain():
    assert describe() == describe()
    assert json.loads(json.dumps(describe())) == describe()


def test_every_method_of_a_large_sweep_is_shown(no_network):
    many = [a_run(variant=f"missdiff-budget={i}", **{"fidelity/overall": 0.5}) for i in range(30)]
    workspace = workspace_of(describe("", many, [], ["id"]))
    (bars,) = next(section for section in workspace.sections if section.name == "fidelity").panels
    assert bars.max_bars_to_show == 31
    assert workspace.settings.max_runs == 31


def test_offline_the_description_is_kept_and_no_connection_is_tried(no_network, tmp_path):
    file = tmp_path / "wandb_dashboard.json"
    file.write_text("{")
    assert keep_dashboard(describe(""), file, online=False) is None
    assert json.loads(file.read_text()) == {"url": None, **describe("")}


def test_online_one_dashboard_is_updated(no_network, server, tmp_path, capsys):
    file = tmp_path / "wandb_dashboard.json"
    first = keep_dashboard(describe(), file, online=True)
    assert first.startswith("https://wandb.test/me/missdiff?nw=")
    assert keep_dashboard(describe(ids=["id3"]), file, online=False) is None
    assert keep_dashboard(describe(ids=["id3"]), file, online=True) == first
    (view,) = server.values()
    assert view["section"]["runSets"][0]["filters"]["filters"][0]["value"] == ["id3"]
    assert panels_of(view)["fidelity"]

    assert keep_dashboard(describe("other"), file, online=True) != first
    assert len(server) == 2
    server.clear()
    assert keep_dashboard(describe("other"), file, online=True)
    assert "cannot be read" in capsys.readouterr().out
    assert len(server) == 1


def test_only_public_names_of_wandb_are_used():
    for file in (ROOT / "src" / "results" / "mirror").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
                assert isinstance(node.value, ast.Name), (file, node.lineno)
                assert node.value.id == "self", (file, node.lineno)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("wandb"):
                assert not any(
                    part.startswith("_") for part in [*node.module.split("."), *(a.name for a in node.names)]
                )


@pytest.mark.integration
def test_wandb_is_imported_only_where_it_is_asked_for(tmp_path):
    code = (
        "import sys; from pathlib import Path; import src.results.mirror.upload as upload\n"
        "from src.results.mirror import tracking\n"
        "upload.upload_report(tracking.CsvLogger(), Path(sys.argv[1]), [], [], [])\n"
        "assert not tracking.open_mirror(tracking.CsvLogger(), Path(sys.argv[1]), 'g/m', 'x', {'seed': 0}).active\n"
        "assert not {'wandb', 'wandb_workspaces'} & set(sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
