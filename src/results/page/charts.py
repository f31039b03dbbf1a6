"""The figures of a sweep's page, drawn by plotly: curves, heat maps, quality against seconds.

Each is one figure with a menu of what it shows; a menu entry carries the numbers of its choice. The PNG files
(:mod:`src.results.page.sweep_figures`) draw the same numbers.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import matplotlib
import plotly.graph_objects as go
import plotly.io
from matplotlib.colors import to_hex
from plotly.subplots import make_subplots

from src.results.page.sweep_figures import HEAT, heat_floor
from src.results.page.sweep_series import (
    REFERENCES,
    Curve,
    Look,
    Map,
    by_known,
    curves,
    heat_maps,
    looks,
    metric,
    metric_names,
    table_columns,
)
from src.results.sweep.origin import MECHANISMS
from src.results.sweep.runs import Run, shown

DIGITS = 4
MOST_NUMBERS = 24
"""Columns of a heat map up to which each cell says its number."""
PANELS_A_ROW = 3
PANEL_HEIGHT = 300
SYMBOLS = {"o": "circle", "s": "square", "^": "triangle-up", "D": "diamond", "v": "triangle-down", "X": "x"}
HEAT_STOPS = 9
INK, GRID = "#7d838a", "rgba(125, 131, 138, .25)"
"""Colours that are read on a light and on a dark page."""
Choice = tuple[str, str]
"""A dataset and a metric."""


def curve_chart(runs: Sequence[Run], div: str) -> str:
    """HTML of the curves against the missing ratio, a panel for each mechanism; empty where no run has a ratio."""
    choices = {(dataset, name): lines for dataset, name in _choices(runs) if (lines := curves(runs, dataset, name))}
    if not choices:
        return ""
    mechanisms = by_known((line.missing for lines in choices.values() for line in lines), MECHANISMS)
    styles = _styles(looks(runs))
    present = {(line.reference, line.series) for lines in choices.values() for line in lines}
    series = [key for key in styles if key in present]
    n_columns = min(len(mechanisms), PANELS_A_ROW)
    n_rows = -(-len(mechanisms) // n_columns)
    figure = make_subplots(n_rows, n_columns, subplot_titles=mechanisms, shared_yaxes="all")
    for i, _ in enumerate(mechanisms):
        for key in series:
            row, column = divmod(i, n_columns)
            trace = go.Scatter(**styles[key], x=[], y=[], showlegend=i == 0, hoverinfo="text")
            figure.add_trace(trace, row + 1, column + 1)

    def shows(choice: Choice, lines: Sequence[Curve]) -> list[dict[str, Any]]:
        by_trace = {(line.missing, (line.reference, line.series)): line for line in lines}
        in_order = [by_trace.get((missing, key)) for missing in mechanisms for key in series]
        data = {
            "x": [[point.ratio for point in line.points] if line else [] for line in in_order],
            "y": [[_short(point.mean) for point in line.points] if line else [] for line in in_order],
            "error_y.array": [_deviations(line) for line in in_order],
            "text": [_point_texts(line) if line else [] for line in in_order],
        }
        return [data, {"yaxis.title.text": _axis(choice[1]), "title.text": _escaped(f"{choice[1]} on {choice[0]}")}]

    _add_menu(
        figure, {f"{dataset}: {name}": shows((dataset, name), lines) for (dataset, name), lines in choices.items()}
    )
    figure.update_xaxes(
        title_text="missing ratio", tickvals=sorted({run.ratio for run in runs if run.ratio is not None})
    )
    return _html(figure, div, 120 + PANEL_HEIGHT * n_rows)


def seconds_chart(runs: Sequence[Run], div: str) -> str:
    """HTML of quality against seconds, a point a run; empty where no run has both."""
    timed = [run for run in runs if (run.report["time"].get("total_s") or 0) > 0]
    style = looks(runs)
    variants = [variant for variant in style if any(run.variant == variant for run in timed)]
    choices: dict[Choice, list[list[Run]]] = {}
    for dataset, name in _choices(timed):
        measured = [run for run in timed if run.dataset == dataset and run.metric(name) is not None]
        if measured:
            choices[dataset, name] = [[run for run in measured if run.variant == variant] for variant in variants]
    if not choices:
        return ""
    styles = _styles(style)
    figure = go.Figure()
    for variant in variants:
        figure.add_scatter(**styles[False, variant] | {"mode": "markers"}, x=[], y=[], hoverinfo="text")

    def shows(choice: Choice, by_variant: Sequence[Sequence[Run]]) -> list[dict[str, Any]]:
        dataset, name = choice
        data = {
            "x": [[_short(run.report["time"]["total_s"]) for run in of_variant] for of_variant in by_variant],
            "y": [[_short(run.metric(name)) for run in of_variant] for of_variant in by_variant],
            "text": [[_run_text(run, name, style) for run in of_variant] for of_variant in by_variant],
        }
        return [data, {"yaxis.title.text": _axis(name), "title.text": _escaped(f"{name} on {dataset}")}]

    _add_menu(
        figure, {f"{dataset}: {name}": shows((dataset, name), lines) for (dataset, name), lines in choices.items()}
    )
    figure.update_xaxes(title_text="seconds in all", type="log")
    return _html(figure, div, 120 + PANEL_HEIGHT)


def column_chart(runs: Sequence[Run], div: str) -> str:
    """HTML of a heat map for each dataset: the score of every column in every setting; empty without any."""
    style = looks(runs)
    maps = {dataset: of_dataset for dataset in _datasets(runs) if (of_dataset := heat_maps(runs, dataset))}
    entries = {}
    for dataset, of_dataset in maps.items():
        columns = [_escaped(name) for name in table_columns(runs, dataset)]
        rows = [_escaped(f"{style[m.variant].label}, {m.missingness}") for m in of_dataset]
        entries[dataset] = _heat(columns, rows, [_all_short(m.columns) for m in of_dataset], heat_floor(of_dataset))
    most = max((len(of_dataset) for of_dataset in maps.values()), default=0)
    return _heat_chart(entries, div, 300 + 22 * most)


def pair_chart(runs: Sequence[Run], div: str) -> str:
    """HTML of a heat map for each setting: the score of every pair of columns; empty without any."""
    style = looks(runs)
    entries = {}
    most = 0
    for dataset in _datasets(runs):
        maps = heat_maps(runs, dataset)
        columns = [_escaped(name) for name in table_columns(runs, dataset)]
        most = max(most, len(columns))
        for m in maps:
            label = f"{dataset}: {style[m.variant].label}, {m.missingness}"
            entries[label] = _heat(columns, columns, _square(m, len(columns)), heat_floor(maps))
    return _heat_chart(entries, div, 300 + 22 * most)


def _heat(columns: list[str], rows: list[str], scores: list[list[float | None]], floor: float) -> list[dict[str, Any]]:
    """Arguments of a menu's entry that shows (rows, columns) scores between ``floor`` and 1."""
    numbers = "%{z:.2f}" if len(columns) <= MOST_NUMBERS else ""
    return [{"x": [columns], "y": [rows], "z": [scores], "zmin": [floor], "texttemplate": [numbers]}, {}]


def _heat_chart(entries: dict[str, list[dict[str, Any]]], div: str, height: int) -> str:
    if not entries:
        return ""
    stops = [to_hex(matplotlib.colormaps[HEAT](i / (HEAT_STOPS - 1))) for i in range(HEAT_STOPS)]
    figure = go.Figure(
        go.Heatmap(colorscale=stops, zmax=1, hoverongaps=False, hovertemplate="%{y}<br>%{x}<br>%{z}<extra></extra>")
    )
    _add_menu(figure, entries)
    figure.update_yaxes(autorange="reversed")
    return _html(figure, div, height)


def _square(m: Map, n_columns: int) -> list[list[float | None]]:
    """(d, d) scores of pairs, below the diagonal."""
    scores: list[list[float | None]] = [[None] * n_columns for _ in range(n_columns)]
    pairs = iter(_all_short(m.pairs))
    for i in range(n_columns):
        for j in range(i + 1, n_columns):
            scores[j][i] = next(pairs)
    return scores


def _datasets(runs: Sequence[Run]) -> list[str]:
    return list(dict.fromkeys(run.dataset for run in runs))


def _choices(runs: Sequence[Run]) -> list[Choice]:
    """Every dataset with every metric that one of its runs has, the headline first."""
    return [
        (dataset, name)
        for dataset in _datasets(runs)
        for name in metric_names([run for run in runs if run.dataset == dataset])
    ]


def _styles(style: dict[str, Look]) -> dict[tuple[bool, str], dict[str, Any]]:
    """How each series is drawn: ``(False, variant)`` of a method, ``(True, name)`` of a reference table."""
    methods = {
        (False, look.variant): {
            "name": _escaped(look.label),
            "legendgroup": look.variant,
            "mode": "lines+markers",
            "line": {"color": look.color, "dash": _dash(look.dash)},
            "marker": {"color": look.color, "symbol": SYMBOLS[look.marker], "size": 8},
            "error_y": {"thickness": 1.2, "color": look.color},
        }
        for look in style.values()
    }
    references = {
        (True, name): {
            "name": f"{name} ({reference.role})",
            "legendgroup": f"reference {name}",
            "mode": "lines+markers",
            "line": {"color": reference.color, "dash": "dot", "width": 1.3},
            "marker": {"color": reference.color, "symbol": "line-ew-open", "size": 14},
        }
        for name, reference in REFERENCES.items()
    }
    return methods | references


def _dash(lengths: str) -> str:
    """Matplotlib's lengths of dashes as plotly's."""
    return ",".join(f"{length}px" for length in lengths.split()) or "solid"


def _deviations(line: Curve | None) -> list[float | None]:
    return [] if line is None or line.reference else [_short(point.std) for point in line.points]


def _point_texts(line: Curve) -> list[str]:
    return [
        _escaped(f"{line.series}, ratio {point.ratio:g}: {shown(point.mean)} ± {shown(point.std)} (n {point.n})")
        for point in line.points
    ]


def _run_text(run: Run, name: str, style: dict[str, Look]) -> str:
    value = run.metric(name)
    seconds = run.report["time"]["total_s"]
    label = f"{style[run.variant].label}, {run.missingness}, seed {run.seed}"
    return _escaped(f"{label}: {'-' if value is None else shown(value)} in {seconds:.0f} s")


def _axis(name: str) -> str:
    about = metric(name)
    return _escaped(f"{about.heading} ({about.best.words()})")


def _escaped(text: str) -> str:
    """Text that plotly, which reads some HTML, shows as it is."""
    return escape(text, quote=False)


def _add_menu(figure: go.Figure, entries: dict[str, list[dict[str, Any]]]) -> None:
    """A menu of the entries, the first of them shown; an entry has new data and a new layout."""
    buttons = [{"label": label, "method": "update", "args": args} for label, args in entries.items()]
    data, layout = next(iter(entries.values()))
    for name, values in data.items():
        for trace, value in zip(figure.data, values, strict=True):
            trace.update({name.replace(".", "_"): value})
    figure.update_layout({name.replace(".", "_"): value for name, value in layout.items()})
    if len(buttons) > 1:
        menu = {"buttons": buttons, "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "pad": {"b": 40}}
        figure.update_layout(updatemenus=[menu | {"bgcolor": "#e8e8e4", "font": {"color": "#1c1e21"}}])


def _html(figure: go.Figure, div: str, height: int) -> str:
    """The figure as a part of a page that has plotly; the same figure gives the same text."""
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": 60, "r": 10, "t": 110, "b": 50},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": INK, "family": "system-ui, sans-serif"},
        legend={"orientation": "h", "y": -0.2},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": INK},
        title={"x": 1, "xanchor": "right", "font": {"size": 13}},
    )
    figure.update_xaxes(gridcolor=GRID, zeroline=False, automargin=True)
    figure.update_yaxes(gridcolor=GRID, zeroline=False, automargin=True)
    return str(
        plotly.io.to_html(
            figure,
            include_plotlyjs=False,
            full_html=False,
            div_id=div,
            config={"displaylogo": False, "responsive": True},
        )
    )


def _all_short(values: Iterable[float | None]) -> list[float | None]:
    return [_short(value) for value in values]


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")
