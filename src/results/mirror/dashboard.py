"""The dashboard of a sweep on W&B: a workspace with a section for each family of metrics.

:func:`describe_dashboard` says what is shown, as plain values; :func:`workspace_of` makes the library's objects of it;
:func:`keep_dashboard` writes the description beside the report and, online, saves the workspace. ``wandb-workspaces``
is optional (extra ``dashboard``), imported on use, and used by its public calls alone.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from src.results.record.files import write_json
from src.results.sweep.runs import ResultTable, Run

Description = dict[str, Any]
ORDER = ("fidelity", "utility", "detection")
QUALITY = ("fidelity/overall", "detection/xgboost")
PICTURES = ("marginals", "pair_trends", "training_curve")
FEWEST_SHOWN, MOST_SHOWN = 10, 100


def describe_dashboard(
    entity: str, project: str, runs: Sequence[Run], tables: Sequence[ResultTable], ids: Sequence[str]
) -> Description:
    """What the dashboard of a sweep shows, as plain values; the same arguments give the same description.

    Runs are grouped by setting (``<dataset>/<missing>-<ratio>``) and by method with what differs from its defaults, so
    that every bar is a mean over seeds. Only metrics that a run has get a panel.

    Arguments:
        entity: W&B user or team; empty where nobody is logged in.
        project: W&B project.
        runs: runs of the sweep.
        tables: tables of the report, logged as ``tables/<name>`` by a run among ``ids``.
        ids: W&B ids to show: those of the sweep's runs and of the report's.
    """
    n_groups = len({(run.dataset, run.missingness, run.variant) for run in runs})
    families = metric_families(runs)
    panels = {
        "sweep": [{"type": "text", "markdown": _summary(runs, tables)}],
        **{family: [_bars(name) for name in names] for family, names in families.items()},
        "tables": [{"type": "table", "name": f"tables/{table.name}"} for table in tables],
        "training": [{"type": "line", "title": "training loss", "metric": "train/loss", "x": "epoch"}],
        "quality and cost": _cost_panels(families),
        "samples": [
            {"type": "pictures", "title": "pictures of the runs", "names": [f"figures/{name}" for name in PICTURES]},
            {"type": "table", "name": "synthetic"},
        ],
    }
    return {
        "entity": entity,
        "project": project,
        "name": f"MissDiff: {', '.join(sorted({run.dataset for run in runs}))}",
        "ids": list(ids),
        "n_shown": min(max(n_groups + 1, FEWEST_SHOWN), MOST_SHOWN),
        "pinned": [*(names[0] for names in families.values()), "time/total_s"],
        "sections": [
            {"name": name, "is_open": name in ("sweep", *ORDER), "panels": of_section}
            for name, of_section in panels.items()
            if of_section
        ],
    }


def metric_families(runs: Sequence[Run]) -> dict[str, list[str]]:
    """Names of the metrics that any run has a number for, by the part before the first slash."""
    names = dict.fromkeys(name for run in runs for name, value in run.report["metrics"].items() if value is not None)
    families: dict[str, list[str]] = {}
    for name in names:
        families.setdefault(name.split("/")[0], []).append(name)
    order = [*(family for family in ORDER if family in families), *(f for f in families if f not in ORDER)]
    return {family: families[family] for family in order}


def workspace_of(description: Description) -> Any:
    """The ``wandb_workspaces.workspaces.Workspace`` of a description; opens no connection.

    Raises:
        ImportError: wandb-workspaces is not installed.
    """
    import wandb_workspaces.workspaces as ws

    return ws.Workspace(entity=description["entity"], project=description["project"], **_contents(description))


def keep_dashboard(description: Description, file: Path, online: bool) -> str | None:
    """Write the description to ``file`` and, online, save the workspace on W&B.

    A dashboard of the same project whose address an earlier save left in ``file`` is updated in place; otherwise every
    report would add another one.

    Returns:
        The address of the saved workspace; None if not online.

    Raises:
        ImportError: wandb-workspaces is not installed.
    """
    workspace = workspace_of(description)
    earlier = _earlier_address(file, description)
    address = _save(workspace, description, earlier) if online else earlier
    write_json(file, {"url": address, **description})
    return address if online else None


def _save(workspace: Any, description: Description, earlier: str | None) -> str:
    """Save the workspace, in place of the one at ``earlier`` if W&B still has that, and return its address."""
    import wandb_workspaces.workspaces as ws

    if earlier is not None:
        try:
            saved = ws.Workspace.from_url(earlier)
        except Exception as error:  # a deleted workspace and a server's refusal come in many types
            print(f"W&B: the dashboard {earlier} cannot be read ({error!r}); a new one is made")
        else:
            for attribute, value in _contents(description).items():
                setattr(saved, attribute, value)
            workspace = saved
    workspace.save()
    return str(workspace.url)


def _earlier_address(file: Path, description: Description) -> str | None:
    """Address of the dashboard that an earlier report of the same project saved."""
    try:
        earlier = json.loads(file.read_text()) if file.exists() else {}
    except json.JSONDecodeError:  # the file is about to be written anew, whatever it was
        return None
    same = all(earlier.get(key) == description[key] for key in ("entity", "project"))
    return earlier.get("url") if same else None


def _contents(description: Description) -> dict[str, Any]:
    """Name, sections and settings of a workspace, as the library's objects."""
    import wandb_workspaces.workspaces as ws
    from wandb_workspaces import expr

    n_shown = description["n_shown"]
    sections = [
        ws.Section(
            name=section["name"],
            panels=[_panel(panel, n_shown) for panel in section["panels"]],
            is_open=section["is_open"],
        )
        for section in description["sections"]
    ]
    return {
        "name": description["name"],
        "sections": sections,
        "settings": ws.WorkspaceSettings(max_runs=n_shown),
        "runset_settings": ws.RunsetSettings(
            filters=f"Metric('ID') in {description['ids']!r}",
            groupby=[expr.Metric("Group"), expr.Config("variant")],
            order=[expr.Ordering(expr.Metric("Name"), ascending=True)],
            pinned_columns=[f"summary:{name}" for name in description["pinned"]],
        ),
    }


def _panel(panel: Mapping[str, Any], n_shown: int) -> Any:
    """The library's panel of a described one."""
    import wandb_workspaces.reports.v2 as untyped

    wr: Any = untyped
    kind = panel["type"]
    if kind == "text":
        return wr.MarkdownPanel(markdown=panel["markdown"])
    if kind == "bars":
        return wr.BarPlot(
            title=panel["metric"],
            metrics=[panel["metric"]],
            groupby_aggfunc="mean",
            groupby_rangefunc="stddev",
            max_runs_to_show=n_shown,
            max_bars_to_show=n_shown,
        )
    if kind == "scatter":
        x, y = wr.SummaryMetric(panel["x"]), wr.SummaryMetric(panel["y"])
        return wr.ScatterPlot(title=panel["title"], x=x, y=y, log_x=True)
    if kind == "line":
        return wr.LinePlot(
            title=panel["title"],
            x=panel["x"],
            y=[panel["metric"]],
            log_y=True,
            title_x=panel["x"],
            max_runs_to_show=n_shown,
        )
    if kind == "pictures":
        return wr.MediaBrowser(title=panel["title"], media_keys=panel["names"], num_columns=len(panel["names"]))
    return wr.WeavePanelSummaryTable(table_name=panel["name"])


def _bars(name: str) -> Description:
    return {"type": "bars", "metric": name}


def _cost_panels(families: Mapping[str, Sequence[str]]) -> list[Description]:
    """Quality against seconds, then seconds and memory."""
    known = {name for names in families.values() for name in names}
    scatter = [
        {"type": "scatter", "title": f"{name} and seconds", "x": "time/total_s", "y": name}
        for name in QUALITY
        if name in known
    ]
    return [*scatter, _bars("time/total_s"), _bars("peak_memory_mb")]


def _summary(runs: Sequence[Run], tables: Sequence[ResultTable]) -> str:
    n_done = sum(run.done for run in runs)
    settings = len({(run.dataset, run.missingness) for run in runs})
    methods = ", ".join(sorted({run.method for run in runs}))
    lines = [
        f"**{len(runs)} runs**, {n_done} with scores, {settings} settings. Methods: {methods}.",
        "Bars are means over seeds; the source of every number is the `report.json` of its run.",
        *(f"- {table.title}" for table in tables),
    ]
    return "\n\n".join(lines[:2]) + "\n\n" + "\n".join(lines[2:])
