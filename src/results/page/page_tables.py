"""The parts of a sweep's page that are plain HTML: result tables, the list of runs, what the metrics mean."""

import json
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from src.results.page.card import ROLES
from src.results.page.sweep_series import MAIN_METRIC, Look, by_known, looks, metric, metric_names
from src.results.sweep.runs import Cell, ResultTable, Run, best_columns, shown

OPEN_TABLES = 8
RESULT_TABLE = {
    "layout": {"topStart": {"buttons": ["colvis"]}, "topEnd": "search", "bottomStart": None, "bottomEnd": None}
}
SEARCHED_TABLE = {"layout": {"topStart": "search", "topEnd": None, "bottomStart": None, "bottomEnd": None}}
"""Options of DataTables: columns of a table of results can be hidden."""


@dataclass(frozen=True)
class Site:
    """What the parts of a page share.

    Attributes:
        out: folder of the page; links are relative to it.
        runs: of the sweep; run ``i`` has the anchor ``#r<i>``.
        look: the look of every variant.
        metrics: names of the metrics of the runs and tables.
        index: run folder -> number of the run.
    """

    out: Path
    runs: Sequence[Run]
    look: Mapping[str, Look]
    metrics: Sequence[str]
    index: Mapping[Path, int] = field(default_factory=dict)

    def link(self, folder: Path) -> str:
        """Path of a run folder from the page's folder, quoted for a link."""
        return quote(Path(os.path.relpath(folder, self.out)).as_posix()) + "/"


def make_site(out: Path, runs: Sequence[Run], tables: Sequence[ResultTable]) -> Site:
    """Collect what the parts of a page share."""
    metrics = dict.fromkeys([*metric_names(runs), *(table.metric for table in tables if table.metric)])
    return Site(out, runs, looks(runs), list(metrics), {run.folder: i for i, run in enumerate(runs)})


def result_tables(site: Site, tables: Sequence[ResultTable]) -> str:
    """Every result table, the first few unfolded."""
    return "".join(_table(site, table, i < OPEN_TABLES) for i, table in enumerate(tables))


def _table(site: Site, table: ResultTable, unfolded: bool) -> str:
    with_paper = [any(row[i].paper is not None or row[i].paper_reason for _, row in table.rows) for i, _ in _ids(table)]
    head = ['<th scope="col">setting</th>']
    for i, name in _ids(table):
        head.append(_heading(table, i, name))
        if with_paper[i]:
            head.append(f'<th scope="col" class="value paper">paper<span class="sr"> on {escape(name)}</span></th>')
    body = []
    for name, row in table.rows:
        best = best_columns(table, row)
        cells = [
            _cell(site, cell, i in best, _is_reference(table, i)) + (_paper(cell) if with_paper[i] else "")
            for i, cell in enumerate(row)
        ]
        body.append(f'<tr><th scope="row">{escape(name)}</th>{"".join(cells)}</tr>')
    above = "".join(f"<p>{escape(text)}</p>" for text in table.above)
    above = f'<div class="above">{above}</div>' if above else ""
    commands = f"<pre><code>{escape(chr(10).join(table.commands))}</code></pre>" if table.commands else ""
    notes = "".join(f"<p>{escape(text)}</p>" for text in table.notes)
    return (
        f'<details class="result" id="{escape(table.name)}"{" open" if unfolded else ""}>'
        f"<summary><h3>{escape(table.title)}</h3></summary>{_about(table)}{above}{commands}"
        f'{_grid(table.title, "", head, body, RESULT_TABLE)}<div class="notes">{notes}</div></details>'
    )


def _grid(label: str, kind: str, head: Sequence[str], body: Sequence[str], options: Mapping[str, Any]) -> str:
    """A table that scrolls in a box of its own, so that the page never scrolls sideways; with options of DataTables."""
    settings = escape(json.dumps(options))
    return (
        f'<div class="scroll {kind}" tabindex="0" role="region" aria-label="{escape(label)}">'
        f'<table data-options="{settings}">'
        f'<caption class="sr">{escape(label)}</caption><thead><tr>{"".join(head)}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def _ids(table: ResultTable) -> list[tuple[int, str]]:
    return list(enumerate(table.columns))


def _is_reference(table: ResultTable, i: int) -> bool:
    return i >= len(table.columns) - table.references


def _heading(table: ResultTable, i: int, name: str) -> str:
    if not _is_reference(table, i):
        return f'<th scope="col" class="value">{escape(name)}</th>'
    role = escape(ROLES.get(name, "reference table"))
    return f'<th scope="col" class="value ref" title="{role}">{escape(name)}</th>'


def _about(table: ResultTable) -> str:
    if table.metric is None:
        return ""
    about = metric(table.metric)
    return (
        f'<p class="about"><code>{escape(table.metric)}</code>, {table.good}. {escape(about.meaning)} '
        f"Blind to: {escape(about.blind)}.</p>"
    )


def _cell(site: Site, cell: Cell, best: bool, reference: bool) -> str:
    classes = f' class="ref" data-order="{_order(cell.mean)}"' if reference else f' data-order="{_order(cell.mean)}"'
    indices = [] if reference else [site.index[folder] for folder in cell.folders if folder in site.index]
    links = [f'<a href="#r{i}">{site.runs[i].seed}</a>' for i in indices]
    if cell.mean is None:
        if not cell.folders and not cell.reason:
            return f"<td{classes}></td>"
        reason = f' title="{escape(cell.reason)}"' if cell.reason else ""
        return f'<td{classes}><span class="none"{reason}>-</span>{_seeds("", links)}</td>'
    decimals = len(shown(cell.mean).partition(".")[2])
    std = "" if cell.std is None else f' <span class="std">± {cell.std:.{decimals}f}</span>'
    value = f"<b>{shown(cell.mean)}</b>" if best else shown(cell.mean)
    count = str(len(cell.values)) + (f" of {len(links)}" if links and len(links) != len(cell.values) else "")
    return f"<td{classes}>{value}{std}{_seeds(f'n {count}', links)}</td>"


def _seeds(count: str, links: Sequence[str]) -> str:
    text = ": ".join(part for part in (count, " ".join(links)) if part)
    return f"<small>{text}</small>" if text else ""


def _paper(cell: Cell) -> str:
    if cell.paper is None and cell.paper_reason is None:
        return '<td class="paper" data-order=""></td>'
    if cell.paper is None:
        reason = f' title="{escape(cell.paper_reason)}"' if cell.paper_reason else ""
        return f'<td class="paper" data-order=""><span class="none"{reason}>-</span></td>'
    digits = f"{cell.paper:.5g}"
    number = f"<b>{digits}</b>" if cell.paper_bold else digits
    return f'<td class="paper" data-order="{_order(cell.paper)}">{number}</td>'


def run_list(site: Site) -> str:
    """One row a run, with a link to its folder."""
    rows = []
    for i, run in enumerate(site.runs):
        took, warnings = run.report["time"], run.report["warnings"]
        state = (
            "done"
            if run.done
            else f'<span class="none" tabindex="0" title="{escape(str(run.report["reason"]))}">not applicable</span>'
        )
        folder = f'<a href="{escape(site.link(run.folder))}">{escape(site.look[run.variant].label)}</a>'
        realised = run.report["realised_ratio"].get("overall")
        cells = [
            f'<th scope="row" title="{escape(run.variant)}">{folder}</th>',
            *(f"<td>{escape(text)}</td>" for text in (run.dataset, run.missing, run.method)),
            _number(run.ratio, "g"),
            _number(realised, ".3f"),
            _number(run.seed, "d"),
            f"<td>{state}</td>",
            _number(run.metric(MAIN_METRIC), ".3f"),
            *(_number(took.get(key), ".0f") for key in ("train_s", "sample_s", "evaluate_s", "total_s")),
            _number(run.report["peak_memory_mb"] or None, ".0f"),
            f'<td data-order="{len(warnings)}" title="{escape(chr(10).join(warnings))}">{len(warnings) or ""}</td>',
            f"<td><code>{escape((run.report['commit'] or '')[:8])}</code></td>",
        ]
        rows.append(f'<tr id="r{i}">{"".join(cells)}</tr>')
    heads = {"run folder": "", "dataset": "choose", "mechanism": "choose", "method": "choose", "ratio": "value"}
    heads |= {"realised": "value", "seed": "value", "state": "choose", metric(MAIN_METRIC).heading: "value"}
    heads |= dict.fromkeys(["training s", "sampling s", "scoring s", "in all s", "memory MiB", "warnings"], "value")
    heads |= {"commit": "choose"}
    head = [f'<th scope="col" class="{kind}">{text}</th>' for text, kind in heads.items()]
    return _grid("Runs", "runs", head, rows, SEARCHED_TABLE)


def _number(value: float | None, form: str) -> str:
    text = '<span class="none">-</span>' if value is None else f"{value:{form}}"
    return f'<td data-order="{_order(value)}">{text}</td>'


def _order(value: float | None) -> str:
    """What DataTables sorts a cell by; empty where it has no value."""
    return "" if value is None else f"{value:.6g}"


def glossary(site: Site) -> str:
    """What every metric says, its bounds and what it cannot see; what the reference tables are."""
    rows = []
    for name in site.metrics:
        about = metric(name)
        low, high = ("unbounded" if bound is None else f"{bound:g}" for bound in about.bounds)
        texts = (about.heading, about.best.words(), f"{low} to {high}", about.meaning, about.blind)
        rows.append(
            f'<tr><th scope="row"><code>{escape(name)}</code></th>'
            + "".join(f"<td>{escape(text)}</td>" for text in texts)
            + "</tr>"
        )
    head = [f'<th scope="col">{text}</th>' for text in ("metric", "heading", "best", "bounds", "says", "is blind to")]
    roles = "".join(f"<dt>{escape(name)}</dt><dd>{escape(role)}</dd>" for name, role in ROLES.items())
    return f"{_grid('Metrics', 'words', head, rows, SEARCHED_TABLE)}<h3>Reference tables</h3><dl>{roles}</dl>"


def facts(runs: Sequence[Run], shared: Sequence[str]) -> str:
    """What the sweep is made of, in a few lines."""
    seeds, commits = (
        sorted({run.seed for run in runs}),
        by_known((run.report["commit"] or "unknown" for run in runs), ()),
    )
    versions: dict[str, set[str]] = defaultdict(set)
    for run in runs:
        for name, version in run.report["versions"].items():
            versions[name].add(version)
    libraries = ", ".join(f"{name} {'/'.join(sorted(versions[name]))}" for name in sorted(versions))
    lines = {
        "Runs": f"{len(runs)}, of them {sum(not run.done for run in runs)} not applicable",
        "Seeds": ", ".join(map(str, seeds)),
        "All runs with": ", ".join(shared),
        "Commits": ", ".join(commit[:12] + ("+changes" if "+" in commit else "") for commit in commits),
        "Versions": libraries,
    }
    return "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in lines.items() if text)
