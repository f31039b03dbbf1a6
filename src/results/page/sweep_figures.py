"""Pictures of a sweep as PNG files: curves against the ratio, heat maps, quality against seconds."""

import math
import re
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.ticker import LogFormatter

from src.results.page.sweep_series import (
    MAIN_METRIC,
    REFERENCES,
    Curve,
    Look,
    Map,
    curves,
    heat_maps,
    looks,
    metric,
    metric_names,
    table_columns,
)
from src.results.record.files import write_whole
from src.results.sweep.runs import Run

matplotlib.use("agg")

DPI = 120
HEAT = "YlGnBu_r"
MOST_PANELS = 4
MOST_LABELS = 40
LABEL_WIDTH = 32
MOST_NUMBERS = 20
SPREAD = 0.5


def heat_floor(maps: Sequence[Map]) -> float:
    """Lower end of the colour scale of a dataset's maps: a multiple of .1, at most .5, so that small losses look small.

    The upper end is 1, as in the real table.
    """
    values = [value for m in maps for value in (*m.columns, *m.pairs) if value is not None]
    return math.floor(10 * min([SPREAD, *values])) / 10


@matplotlib.rc_context({"text.parse_math": False})  # a column may be called $x_$
def draw_sweep(folder: Path, runs: Sequence[Run]) -> list[Path]:
    """Write the figures of a sweep and return their files.

    ``curve-<dataset>-<metric>.png`` (that of the overall fidelity is the paper's Figure 1),
    ``columns-<dataset>-<mechanism>.png``, ``pairs-<dataset>-<place>.png``, ``seconds-<dataset>.png``.
    """
    style = looks(runs)
    files = []

    def save(name: str, figure: Figure) -> None:
        file = folder / f"{re.sub(r'[^A-Za-z0-9_.=+-]', '-', name)}.png"
        write_whole(file, partial(figure.savefig, dpi=DPI, format="png"))
        files.append(file)

    for dataset in dict.fromkeys(run.dataset for run in runs):
        of_dataset = [run for run in runs if run.dataset == dataset]
        for name in metric_names(of_dataset):
            if lines := curves(of_dataset, dataset, name):
                save(f"curve-{dataset}-{name}", _curves(lines, style, dataset, name))
        maps, columns = heat_maps(of_dataset, dataset), table_columns(of_dataset, dataset)
        floor = heat_floor(maps)
        for missing in dict.fromkeys(m.missing for m in maps):
            save(f"columns-{dataset}-{missing}", _columns(_of(maps, missing=missing), columns, style, floor))
        for missingness in dict.fromkeys(m.missingness for m in maps if m.pairs):
            save(f"pairs-{dataset}-{missingness}", _pairs(_of(maps, missingness=missingness), columns, style, floor))
        if timed := [run for run in of_dataset if run.done and "total_s" in run.report["time"]]:
            save(f"seconds-{dataset}", _seconds(timed, style, dataset))
    return files


def _of(maps: Iterable[Map], **wanted: str) -> list[Map]:
    return [m for m in maps if all(getattr(m, key) == value for key, value in wanted.items())]


def _grid(n_panels: int, width: float, height: float, share: bool = False) -> tuple[Figure, list[Axes]]:
    down = math.ceil(n_panels / MOST_PANELS)
    across = math.ceil(n_panels / down)
    figure = Figure(figsize=(max(width * across, 5.0), height * down + 0.8), layout="constrained")
    panels = list(figure.subplots(down, across, squeeze=False, sharey=share).flat)
    for extra in panels[n_panels:]:
        extra.remove()
    return figure, panels[:n_panels]


def _line(look: Look) -> dict[str, Any]:
    dash = (0, tuple(float(part) for part in look.dash.split())) if look.dash else "-"
    return {"color": look.color, "linestyle": dash, "marker": look.marker, "markersize": 5, "linewidth": 1.6}


def _legend(figure: Figure, style: Iterable[Look], references: Iterable[str], lines: bool = True) -> None:
    plain = {} if lines else {"linestyle": ""}
    entries = [Line2D([], [], label=fill(look.label, LABEL_WIDTH), **(_line(look) | plain)) for look in style]
    for row in references:
        label = f"{row} ({REFERENCES[row].role})"
        entries.append(Line2D([], [], label=label, color=REFERENCES[row].color, linestyle=(0, (2, 2)), linewidth=1))
    widest = max(len(line) for entry in entries for line in str(entry.get_label()).split("\n"))
    across = max(1, int(figure.get_figwidth() / (0.7 + 0.065 * widest)))
    figure.legend(handles=entries, loc="outside lower center", ncols=min(across, 4), fontsize=8, frameon=False)


def _curves(lines: Sequence[Curve], style: dict[str, Look], dataset: str, name: str) -> Figure:
    about = metric(name)
    mechanisms = list(dict.fromkeys(curve.missing for curve in lines))
    shown = [variant for variant in style if any(curve.series == variant for curve in lines if not curve.reference)]
    single = len({point.ratio for curve in lines for point in curve.points}) == 1
    figure, panels = _grid(len(mechanisms), 3.2, 2.9, share=True)
    for missing, axis in zip(mechanisms, panels, strict=True):
        for curve in (curve for curve in lines if curve.missing == missing):
            x = np.array([point.ratio for point in curve.points])
            y, std = (np.array([getattr(point, key) for point in curve.points]) for key in ("mean", "std"))
            if curve.reference:
                _reference(axis, curve.series, x, y)
            elif single:
                aside = (shown.index(curve.series) - (len(shown) - 1) / 2) * 0.6 / max(len(shown), 4)
                axis.errorbar(aside, y[0], std[0], capsize=2, **_line(style[curve.series]))
            else:
                axis.plot(x, y, **_line(style[curve.series]))
                axis.fill_between(x, y - std, y + std, color=style[curve.series].color, alpha=0.15, linewidth=0)
        ratios = sorted({point.ratio for curve in lines for point in curve.points})
        axis.set_xticks([0.0] if single else ratios, [f"{ratio:g}" for ratio in ratios])
        if single:
            axis.set_xlim(-0.5, 0.5)
        axis.set_title(missing, fontsize=10)
        axis.set_xlabel("missing ratio", fontsize=9)
        axis.tick_params(labelsize=8)
        axis.grid(alpha=0.25, linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel(f"{about.heading} ({_direction(name)})", fontsize=9)
    figure.suptitle(f"{dataset}: {name}, mean ± std over seeds", fontsize=11, x=0.01, ha="left")
    rows = [row for row in REFERENCES if any(curve.series == row for curve in lines if curve.reference)]
    _legend(figure, [style[variant] for variant in shown], rows)
    return figure


def _reference(axis: Axes, row: str, x: np.ndarray, y: np.ndarray) -> None:
    look: dict[str, Any] = {"color": REFERENCES[row].color, "linestyle": (0, (2, 2)), "linewidth": 1}
    if len(x) == 1:
        axis.axhline(y[0], **look)
    else:
        axis.plot(x, y, **look)


def _direction(name: str) -> str:
    return metric(name).best.words()


def _heat(
    axis: Axes, values: np.ndarray, floor: float, names: Sequence[str], rows: Sequence[str], numbers: bool
) -> AxesImage:
    image = axis.imshow(values, cmap=HEAT, vmin=floor, vmax=1.0, aspect="auto")
    small = len(names) > MOST_LABELS
    size = 6 if small else 8
    axis.set_xticks(
        range(len(names)),
        [name if len(name) <= 24 else f"{name[:23]}…" for name in names],
        rotation=90 if small else 60,
        fontsize=size,
    )
    for label in axis.get_xticklabels():
        label.set(ha="center" if small else "right", rotation_mode="default" if small else "anchor")
    axis.set_yticks(range(len(rows)), [fill(row, 2 * LABEL_WIDTH) for row in rows], fontsize=size)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    if numbers:
        for (i, j), value in np.ndenumerate(values):
            if np.isfinite(value):
                ink = "black" if (value - floor) / (1 - floor) > SPREAD else "white"
                axis.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=6.5, color=ink)
    return image


def _columns(maps: Sequence[Map], columns: Sequence[str], style: dict[str, Look], floor: float) -> Figure:
    values = np.array([[np.nan if value is None else value for value in m.columns] for m in maps])
    size = (3.2 + max(0.5 * len(columns), 3.0) if len(columns) <= MOST_LABELS else 16.0, 1.8 + 0.28 * len(maps))
    figure = Figure(figsize=size, layout="constrained")
    rows = [f"{style[m.variant].label}, {m.missingness}" for m in maps]
    image = _heat(figure.subplots(), values, floor, columns, rows, len(columns) <= MOST_NUMBERS)
    figure.suptitle(f"{maps[0].dataset}: score of each column (1 = as in the real table)", fontsize=11)
    figure.colorbar(image, shrink=0.9)
    return figure


def _pairs(maps: Sequence[Map], columns: Sequence[str], style: dict[str, Look], floor: float) -> Figure:
    side = 0.9 + min(0.34 * max(len(columns), 6), 8.0)
    figure, panels = _grid(len(maps), side + 0.8, side)
    upper = np.triu_indices(len(columns), 1)
    for m, axis in zip(maps, panels, strict=True):
        values = np.full((len(columns), len(columns)), np.nan)
        values[upper] = [np.nan if value is None else value for value in m.pairs]
        values = np.where(np.isnan(values), values.T, values)
        image = _heat(axis, values, floor, columns, columns, len(columns) <= MOST_NUMBERS // 2)
        axis.set_aspect("equal")
        axis.set_title(fill(style[m.variant].label, 2 * LABEL_WIDTH), fontsize=9)
        position = axis.get_subplotspec()
        if position is not None and not position.is_first_col():
            axis.tick_params(labelleft=False)
    title = f"{maps[0].dataset} {maps[0].missingness}: score of each pair (1 = as in the real table)"
    figure.suptitle(title, fontsize=11, x=0.01, ha="left")
    figure.colorbar(image, ax=panels, shrink=0.7)
    return figure


def _seconds(runs: Sequence[Run], style: dict[str, Look], dataset: str) -> Figure:
    names = metric_names(runs)
    second = next((name for name in names if name.startswith(("detection/", "utility/"))), None)
    chosen = [name for name in (MAIN_METRIC, second) if name in names] or names[:1]
    figure, panels = _grid(len(chosen), 4.2, 3.4)
    for name, axis in zip(chosen, panels, strict=True):
        for variant, look in style.items():
            of_variant = [run for run in runs if run.variant == variant and run.metric(name) is not None]
            x = np.array([run.report["time"]["total_s"] for run in of_variant], dtype=float)
            y = np.array([run.metric(name) for run in of_variant], dtype=float)
            axis.scatter(x, y, s=22, color=look.color, marker=look.marker, alpha=0.75, linewidths=0)
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1.0, 0.4)))
        axis.set_xlabel("seconds in all (log scale)", fontsize=9)
        axis.set_ylabel(f"{metric(name).heading} ({_direction(name)})", fontsize=9)
        axis.tick_params(labelsize=8, which="both")
        axis.grid(alpha=0.25, linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"{dataset}: quality against seconds, a point a run", fontsize=11, x=0.01, ha="left")
    _legend(
        figure, [look for look in style.values() if any(run.variant == look.variant for run in runs)], (), lines=False
    )
    return figure
