"""The dashboard of a sweep: a W&B workspace with a section a family of metrics, and how it is kept.

``wandb-workspaces`` is optional (extra ``dashboard``) and imported on use. Building a specification
is pure; only :func:`keep_dashboard` with ``online`` talks to a server.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from src.results.record.files import write_json
from src.results.sweep.runs import ResultTable, Run

ORDER = ("fidelity", "utility", "detection")
QUALITY = ("fidelity/overall", "detection/xgboost")
PICTURES = ("marginals", "pair_trends", "training_curve")
FEWEST_SHOWN, MOST_SHOWN = 10, 100


def build_dashboard(
    entity: str, project: str, runs: Sequence[Run], tables: Sequence[ResultTable], ids: Sequence[str]
) -> Any:
    """The ``wandb_workspaces.workspaces.Workspace`` of a sweep; the same arguments give the same specification.

    Runs are grouped by setting (``<dataset>/<missing>-<ratio>``) and by method with what differs
    from its defaults, so that every bar is a mean over seeds; panels exist for metrics that a run has.

    Arguments:
        entity: W&B user or team; may be empty for a specification that is not saved.
        project: W&B project.
        runs: runs of the sweep.
        tables: tables of the report, logged as ``tables/<name>`` by a run among ``ids``.
        ids: W&B ids to show: those of the sweep's runs and of the report's.

    Raises:
        ImportError: wandb-workspaces is not installed.
    """
    import wandb_workspaces.workspaces as ws
    from wandb_workspaces import expr

    shown = min(max(len({(run.dataset, run.place, run.variant) for run in runs}) + 1, FEWEST_SHOWN), MOST_SHOWN)
    metrics = metric_families(runs)
    first = [name for names in metrics.values() for name in names[:1]]
    workspace: Any = ws.Workspace(
        entity=entity,
        project=project,
        name=f"MissDiff: {', '.join(sorted({run.dataset for run in runs}))}",
        sections=_sections(runs, tables, metrics, shown),
        settings=ws.WorkspaceSettings(max_runs=shown),
        runset_settings=ws.RunsetSettings(
            filters=f"Metric('ID') in {list(ids)!r}",
            groupby=[expr.Metric("Group"), expr.Config("variant")],
            order=[expr.Ordering(expr.Metric("Name"), ascending=True)],
            pinned_columns=[f"summary:{name}" for name in [*first, "time/total_s"]],
        ),
    )
    # The library draws random identities; these make the specification a function of the sweep.
    for section in workspace.sections:
        for place, panel in enumerate(section.panels):
            panel._id = hashlib.sha256(f"{section.name}/{place}".encode()).hexdigest()[:12]
    return workspace


def metric_families(runs: Sequence[Run]) -> dict[str, list[str]]:
    """Names of the metrics that any run has a number for, by the part before the first slash."""
    names = dict.fromkeys(name for run in runs for name, value in run.report["metrics"].items() if value is not None)
    families: dict[str, list[str]] = {}
    for name in names:
        families.setdefault(name.split("/")[0], []).append(name)
    order = [*(family for family in ORDER if family in families), *(f for f in families if f not in ORDER)]
    return {family: families[family] for family in order}


def keep_dashboard(workspace: Any, file: Path, online: bool) -> str | None:
    """Write the specification to ``file`` and, online, save the workspace on W&B.

    A ``file`` of the same project that an earlier save left is updated in place, there and on W&B;
    otherwise every report would add another dashboard.

    Returns:
        The address of the saved workspace; None if not online.
    """
    before = _read(file)
    if all(before.get(key) == getattr(workspace, key) for key in ("entity", "project")):
        workspace._internal_name, workspace._internal_id = before["name"], before["id"]
    if online:
        workspace.save()
    write_json(file, specification(workspace))
    return str(workspace.url) if online else None


def specification(workspace: Any) -> dict[str, Any]:
    """What W&B is sent for a workspace, as plain values."""
    return dict(json.loads(workspace._to_model().model_dump_json(by_alias=True, exclude_none=True)))


def _read(file: Path) -> Mapping[str, Any]:
    try:
        before = json.loads(file.read_text()) if file.exists() else {}
    except json.JSONDecodeError:
        return {}  # whatever the file was, it is about to be a specification
    return before if isinstance(before, dict) and {"name", "id"} <= set(before) else {}


def _sections(
    runs: Sequence[Run], tables: Sequence[ResultTable], metrics: Mapping[str, Sequence[str]], shown: int
) -> list[Any]:
    import wandb_workspaces.reports.v2 as untyped
    import wandb_workspaces.workspaces as ws

    wr: Any = untyped

    def bars(name: str) -> Any:
        return wr.BarPlot(
            title=name,
            metrics=[name],
            groupby_aggfunc="mean",
            groupby_rangefunc="stddev",
            max_runs_to_show=shown,
            max_bars_to_show=shown,
        )

    def scatter(name: str) -> Any:
        total = wr.SummaryMetric("time/total_s")
        return wr.ScatterPlot(title=f"{name} and seconds", x=total, y=wr.SummaryMetric(name), log_x=True)

    known = {name for names in metrics.values() for name in names}
    loss = wr.LinePlot(
        title="training loss", x="epoch", y=["train/loss"], log_y=True, title_x="epoch", max_runs_to_show=shown
    )
    cost = [*(scatter(name) for name in QUALITY if name in known), bars("time/total_s"), bars("peak_memory_mb")]
    pictures = wr.MediaBrowser(
        title="pictures of the runs", media_keys=[f"figures/{name}" for name in PICTURES], num_columns=3
    )
    panels: dict[str, list[Any]] = {
        "sweep": [wr.MarkdownPanel(markdown=_words(runs, tables))],
        **{family: [bars(name) for name in names] for family, names in metrics.items()},
        "tables": [wr.WeavePanelSummaryTable(table_name=f"tables/{table.name}") for table in tables],
        "training": [loss],
        "quality and cost": cost,
        "samples": [pictures, wr.WeavePanelSummaryTable(table_name="synthetic")],
    }
    return [
        ws.Section(name=name, panels=shown_here, is_open=name in ("sweep", *ORDER))
        for name, shown_here in panels.items()
        if shown_here
    ]


def _words(runs: Sequence[Run], tables: Sequence[ResultTable]) -> str:
    n_done = sum(run.done for run in runs)
    settings = len({(run.dataset, run.place) for run in runs})
    methods = ", ".join(sorted({run.method for run in runs}))
    lines = [
        f"**{len(runs)} runs**, {n_done} with scores, {settings} settings. Methods: {methods}.",
        "Bars are means over seeds; the source of every number is the `report.json` of its run.",
        *(f"- {table.title}" for table in tables),
    ]
    return "\n\n".join(lines[:2]) + "\n\n" + "\n".join(lines[2:])
