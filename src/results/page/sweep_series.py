"""The numbers behind the figures of a sweep: curves against the ratio, heat maps, looks.

The PNG files and the page draw the same objects, so that they cannot disagree.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from src.errors import MetricError
from src.metrics.base.metric import Best, Metric
from src.metrics.catalogue import describe
from src.results.sweep.origin import MECHANISMS, settings
from src.results.sweep.runs import Run
from src.results.sweep.selection import MEAN, MODELS, n_models

MAIN_METRIC = "fidelity/overall"
# Okabe and Ito's palette, told apart with any colour vision; yellow is left out, it vanishes on white.
COLORS = {
    "missdiff": "#0072b2",
    "diff_delete": "#e69f00",
    "diff_mean": "#009e73",
    "stasy_missdiff": "#56b4e9",
    "stasy_delete": "#d55e00",
    "stasy_mean": "#cc79a7",
    "complete": "#7a7a7a",
    "marginals": "#a6761d",
}
OTHER_COLORS = ("#7b4ab5", "#882255", "#6b8e23", "#2f7f86", "#b8860b", "#4a5fc1")
MARKERS = ("o", "s", "^", "D", "v", "X")
DASHES = ("", "6 3", "2 3", "8 3 2 3")


@dataclass(frozen=True)
class Reference:
    """A reference table that is drawn beside the methods: its role in the legend, and its colour."""

    role: str
    color: str


REFERENCES = {"real_holdout": Reference("ceiling", "#555555"), "marginals": Reference("floor", "#999999")}


@dataclass(frozen=True)
class Look:
    """How a variant of a method is drawn everywhere: its label, colour (#rrggbb), marker and dashes."""

    variant: str
    method: str
    label: str
    color: str
    marker: str
    dash: str


@dataclass(frozen=True)
class Point:
    """Mean and standard deviation (n - 1; 0 with one seed) of ``n`` seeds at a ratio."""

    ratio: float
    mean: float
    std: float
    n: int


@dataclass(frozen=True)
class Curve:
    """One metric of one variant, or of one reference table, against the ratio under one mechanism."""

    missing: str
    series: str
    reference: bool
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Map:
    """Scores of the columns and pairs of a synthetic table, mean over the seeds.

    Attributes:
        dataset, place, missing, variant: the setting.
        ratio: as in :class:`Run`.
        columns: (d,) score of each column of the table; None where undefined.
        pairs: (d (d - 1) / 2,) score of each pair, the pairs (0, 1), (0, 2), ..., (1, 2), ...
    """

    dataset: str
    missingness: str
    missing: str
    ratio: float | None
    variant: str
    columns: tuple[float | None, ...]
    pairs: tuple[float | None, ...]


def metric(name: str) -> Metric:
    """What the catalogue says about a metric; a report of another version may hold one it does not know."""
    try:
        return describe(name)
    except MetricError:
        return Metric(name, name, Best.HIGH, (None, None), "This version does not describe it.", "not described")


def metric_names(runs: Sequence[Run]) -> list[str]:
    """Every metric some run has a number of, as the reports order them, the headline first."""
    names = dict.fromkeys(name for run in runs for name, value in run.report["metrics"].items() if value is not None)
    return sorted(names, key=lambda name: name != MAIN_METRIC)


def by_known(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Distinct names, those of ``known`` in its order and the others after them by the alphabet."""
    order = {name: i for i, name in enumerate(known)}
    return sorted(set(names), key=lambda name: (order.get(name, len(order)), name))


def shared_settings(runs: Sequence[Run]) -> list[str]:
    """Settings that differ from the defaults in every run: said once for the whole sweep, and left out of labels."""
    if not runs:
        return []
    common = set.intersection(*(set(settings(run)) for run in runs))
    return [part for part in settings(runs[0]) if part in common]


def looks(runs: Sequence[Run]) -> dict[str, Look]:
    """The look of every variant; a method keeps its colour, its variants differ in markers and dashes."""
    methods = by_known((run.method for run in runs), COLORS)
    others = [method for method in methods if method not in COLORS]
    colors = COLORS | {method: OTHER_COLORS[i % len(OTHER_COLORS)] for i, method in enumerate(others)}
    first = {method: i for i, method in enumerate([*COLORS, *others])}
    shared = set(shared_settings(runs))
    result = {}
    for method in methods:
        by_variant = {run.variant: run for run in runs if run.method == method}
        for i, variant in enumerate(
            sorted(by_variant, key=lambda variant: (len(settings(by_variant[variant])), variant))
        ):
            parts = [
                part for part in settings(by_variant[variant]) if part not in shared and not part.startswith(MODELS)
            ]
            label = " ".join([method, *parts])
            marker, dash = MARKERS[(first[method] + i) % len(MARKERS)], DASHES[i % len(DASHES)]
            result[variant] = Look(variant, method, label, colors[method], marker, dash)
    return result


def curves(runs: Sequence[Run], dataset: str, name: str) -> list[Curve]:
    """Curves of one metric, mechanisms in the paper's order, variants before references.

    Runs without a ratio (native holes only) and settings without a number have no place on a curve. Runs
    of one mask share their reference rows: they count once a seed. Of means over downstream models those
    over the most models are drawn.
    """
    if name.startswith(MEAN):
        most = max(map(n_models, runs), default=0)
        runs = [run for run in runs if n_models(run) == most]
    values: dict[tuple[str, bool, str], dict[float, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    for run in runs:
        if run.dataset != dataset or run.ratio is None or not run.done:
            continue
        measured = [
            (False, run.variant, run.metric(name)),
            *((True, row, run.reference(row, name)) for row in REFERENCES),
        ]
        for reference, series, value in measured:
            if value is not None:
                values[run.missing, reference, series][run.ratio].setdefault(run.seed, value)
    mechanisms = by_known((key[0] for key in values), MECHANISMS)
    rank = [*looks(runs), *REFERENCES]
    order = sorted(values, key=lambda key: (mechanisms.index(key[0]), key[1], rank.index(key[2])))
    return [
        Curve(key[0], key[2], key[1], tuple(_point(ratio, values[key][ratio]) for ratio in sorted(values[key])))
        for key in order
    ]


def _point(ratio: float, values: dict[int, float]) -> Point:
    numbers = list(values.values())
    return Point(ratio, fmean(numbers), stdev(numbers) if len(numbers) > 1 else 0.0, len(numbers))


def table_columns(runs: Sequence[Run], dataset: str) -> list[str]:
    """Column names of a dataset, in the order of its table."""
    return list(dict.fromkeys(name for run in runs if run.dataset == dataset for name in run.report["per_column"]))


def heat_maps(runs: Sequence[Run], dataset: str) -> list[Map]:
    """One map for each place and variant of a dataset that has scores of columns."""
    columns = table_columns(runs, dataset)
    groups: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in runs:
        if run.dataset == dataset and run.report["per_column"]:
            groups[run.missingness, run.variant].append(run)
    pairs = [(a, b) for i, a in enumerate(columns) for b in columns[i + 1 :]]
    variants = list(looks(runs))
    missing = by_known((run.missing for run in runs), MECHANISMS)
    maps = []
    for (missingness, variant), group in groups.items():
        single = [run.report["per_column"] for run in group]
        double = [run.report["per_pair"] for run in group]
        maps.append(
            Map(
                dataset,
                missingness,
                group[0].missing,
                group[0].ratio,
                variant,
                tuple(_mean(scores.get(name) for scores in single) for name in columns),
                tuple(_mean(scores.get(f"{a} | {b}", scores.get(f"{b} | {a}")) for scores in double) for a, b in pairs),
            )
        )
    return sorted(maps, key=lambda m: (missing.index(m.missing), m.ratio or 0.0, variants.index(m.variant)))


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
