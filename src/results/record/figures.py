"""Pictures of a run: marginals, differences of pairwise trends, the training curve."""

import math
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from src.results.record.files import write_whole
from src.tables import Column, Schema

matplotlib.use("agg")

REAL, SYNTHETIC = "#888888", "#c2410c"
MOST_BARS = 12
MOST_COLUMNS = 60
N_BINS = 30
DPI = 110


def draw_figures(
    folder: Path,
    schema: Schema,
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    per_pair: Mapping[str, float | None],
    curve: Sequence[Mapping[str, float]],
) -> dict[str, Path]:
    """Write ``marginals.png``, ``pair_trends.png`` and ``training_curve.png``; name -> file."""
    figures = {"marginals": _marginals(schema, real, synthetic), "training_curve": _training_curve(curve)}
    if per_pair:
        figures["pair_trends"] = _pair_trends(schema.names, per_pair)
    files = {}
    for name, figure in figures.items():
        files[name] = folder / f"{name}.png"
        with warnings.catch_warnings():
            # Names in a script that the font lacks are drawn as boxes; the numbers stand in report.json.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            write_whole(files[name], partial(figure.savefig, dpi=DPI, format="png"))
    return files


def _marginals(schema: Schema, real: pd.DataFrame, synthetic: pd.DataFrame) -> Figure:
    columns = schema.columns[:MOST_COLUMNS]
    n_across = min(4, len(columns))
    n_down = math.ceil(len(columns) / n_across)
    figure = Figure(figsize=(3.6 * n_across, 2.6 * n_down), layout="constrained")
    axes = figure.subplots(n_down, n_across, squeeze=False).flat
    for column, axis in zip(columns, axes, strict=False):
        sides = real[column.name].dropna(), synthetic[column.name].dropna()
        if column.kind == "numerical":
            _histogram(axis, *sides)
        else:
            _bars(axis, column, *sides)
        axis.set_title(_plain(column.name), fontsize=9)
        axis.tick_params(labelsize=7)
    for axis in list(axes):
        axis.set_axis_off()
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2, fontsize=9)
    of_all = (
        f"; the first {len(columns)} of {len(schema.columns)} columns" if len(columns) < len(schema.columns) else ""
    )
    figure.suptitle(f"Share of rows, real and synthetic{of_all}", fontsize=11, x=0.01, ha="left")
    return figure


def _histogram(axis: Axes, real: pd.Series, synthetic: pd.Series) -> None:
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            edges = np.histogram_bin_edges(np.concatenate([real, synthetic]).astype(float), N_BINS)
    except ValueError:  # NumPy finds no finite bin width; the plot says so in place of bars
        axis.text(0.5, 0.5, "range too large or too small to draw", ha="center", fontsize=7, transform=axis.transAxes)
        return
    for values, label, color in ((real, "real", REAL), (synthetic, "synthetic", SYNTHETIC)):
        weights = np.full(len(values), 1 / len(values))
        filled = label == "real"
        axis.hist(
            values.astype(float),
            edges.tolist(),
            weights=weights,
            label=label,
            color=color,
            histtype="stepfilled" if filled else "step",
            alpha=0.6 if filled else 1.0,
            linewidth=0 if filled else 1.4,
        )


def _bars(axis: Axes, column: Column, real: pd.Series, synthetic: pd.Series) -> None:
    shares = real.value_counts(normalize=True).reindex(list(column.categories), fill_value=0)
    shown = shares.sort_values(ascending=False).index[:MOST_BARS]
    other = synthetic.value_counts(normalize=True).reindex(shown, fill_value=0)
    position = np.arange(len(shown))
    axis.bar(position - 0.2, shares[shown], 0.4, label="real", color=REAL, alpha=0.6)
    axis.bar(position + 0.2, other, 0.4, label="synthetic", color=SYNTHETIC)
    labels = [_plain(str(category)[:14]) for category in shown]
    axis.set_xticks(position, labels, rotation=60, ha="right")
    if len(shown) < len(column.categories):
        axis.set_xlabel(f"the {len(shown)} most frequent of {len(column.categories)}", fontsize=7)


def _pair_trends(names: Sequence[str], per_pair: Mapping[str, float | None]) -> Figure:
    shown = names[:MOST_COLUMNS]
    difference = np.full((len(shown), len(shown)), np.nan)
    for (i, a), (j, b) in combinations(enumerate(shown), 2):
        value = per_pair.get(f"{a!r} | {b!r}", per_pair.get(f"{a} | {b}"))
        difference[i, j] = difference[j, i] = np.nan if value is None else 1 - value
    of_all = f", the first {len(shown)} of {len(names)} columns" if len(shown) < len(names) else ""
    names = [_plain(name) for name in shown]
    size = 2.5 + 0.42 * len(names)
    figure = Figure(figsize=(size + 1, size), layout="constrained")
    axis = figure.subplots()
    image = axis.imshow(difference, cmap="magma_r", vmin=0, vmax=np.nanmax([0.2, *difference.flat]))
    axis.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=8)
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.set_title(f"Difference of pairwise trends (0 = as in the real table){of_all}", fontsize=10)
    figure.colorbar(image, shrink=0.8)
    return figure


def _training_curve(curve: Sequence[Mapping[str, float]]) -> Figure:
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axis = figure.subplots()
    axis.plot([row["epoch"] + 1 for row in curve], [row["train/loss"] for row in curve], color=SYNTHETIC)
    axis.set(xlabel="epoch", ylabel="masked denoising score matching loss", yscale="log")
    axis.set_title("Training", fontsize=10)
    axis.grid(alpha=0.3)
    return figure


def _plain(text: str) -> str:
    """A text of the user's as matplotlib draws it letter by letter: a dollar sign starts no formula."""
    return text.replace("$", r"\$")
