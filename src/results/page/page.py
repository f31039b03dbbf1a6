"""The page of a sweep: one HTML file with its tables, its figures and the numbers behind them.

Tables are plain HTML and read without JavaScript; scripts add sorting, filters and the figures, which
they draw from numbers embedded in the page. Nothing is loaded from anywhere, and the page's content
security policy forbids it.
"""

import json
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import matplotlib
from matplotlib.colors import to_hex

from src.results.page.page_tables import Site, facts, filter_controls, glossary, make_site, result_tables, run_list
from src.results.page.sweep_figures import HEAT, draw_sweep, heat_floor
from src.results.page.sweep_series import (
    MAIN_METRIC,
    REFERENCES,
    Curve,
    curves,
    heat_maps,
    metric,
    shared_settings,
    table_columns,
)
from src.results.record.files import write_whole
from src.results.sweep.runs import ResultTable, Run

ASSETS = Path(__file__).with_name("assets")
HEAT_STOPS = 9
DIGITS = 4


def write_page(out: Path, runs: Sequence[Run], tables: Sequence[ResultTable], title: str) -> list[Path]:
    """Write ``out/report.html`` and ``out/figures/*.png``; returns what was written, the page first.

    Arguments:
        out: folder of the report; links to run folders are relative to it.
        runs: every run of the sweep.
        tables: made from these runs.
        title: heading of the page.
    """
    page = out / "report.html"
    text = page_text(out, runs, tables, title)
    write_whole(page, lambda partial: partial.write_text(text, encoding="utf-8"))
    return [page, *draw_sweep(out / "figures", runs)]


def page_text(out: Path, runs: Sequence[Run], tables: Sequence[ResultTable], title: str) -> str:
    """The HTML of the page; ``out`` is only where links start from."""
    site = make_site(out, runs, tables)

    def asset(name: str) -> str:
        return (ASSETS / name).read_text(encoding="utf-8")

    return Template(asset("report.html")).substitute(
        title=escape(title),
        css=asset("report.css"),
        facts=facts(runs, shared_settings(runs)),
        filters=filter_controls(site),
        tables=result_tables(site, tables),
        runs=run_list(site),
        glossary=glossary(site),
        data=embedded(page_data(site)),
        scripts="\n".join(asset(name) for name in ("draw.js", "figures.js", "tables.js")),
    )


def embedded(data: Any) -> str:
    """JSON that may stand inside a script element: no ``<`` can end it early."""
    text = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def page_data(site: Site) -> dict[str, Any]:
    """The numbers behind the figures, four significant digits each.

    Scores of columns and pairs are means over seeds, so that the page stays small with many runs. A number
    that stands for a name is its position in ``choices``, ``variants`` or ``references``.
    """
    names, variants = site.choices["metric"], list(site.look)
    numbers = {variant: i for i, variant in enumerate(variants)}
    return {
        "main": MAIN_METRIC,
        "choices": site.choices,
        "metrics": {
            name: {"heading": about.heading, "good": about.best.words(), "meaning": about.meaning}
            for name, about in ((name, metric(name)) for name in names)
        },
        "variants": [
            {"label": look.label, "method": site.choices["method"].index(look.method)}
            | {"color": look.color, "marker": look.marker, "dash": look.dash}
            for look in site.look.values()
        ],
        "references": [
            {"label": f"{name} ({reference.role})", "color": reference.color} for name, reference in REFERENCES.items()
        ],
        "runs": [_run(site, run, numbers[run.variant]) for run in site.runs],
        "datasets": [_dataset(site, dataset, numbers) for dataset in site.choices["dataset"]],
        "heat": [to_hex(matplotlib.colormaps[HEAT](i / (HEAT_STOPS - 1))) for i in range(HEAT_STOPS)],
    }


def _run(site: Site, run: Run, variant: int) -> dict[str, Any]:
    return {
        "folder": site.link(run.folder),
        "dataset": site.choices["dataset"].index(run.dataset),
        "missing": site.choices["missing"].index(run.missing),
        "ratio": _ratio(site, run.ratio),
        "place": run.place,
        "variant": variant,
        "seed": run.seed,
        "train_s": _short(run.report["time"].get("train_s")),
        "total_s": _short(run.report["time"].get("total_s")),
        "metrics": [_short(run.metric(name)) for name in site.choices["metric"]],
    }


def _dataset(site: Site, dataset: str, numbers: dict[str, int]) -> dict[str, Any]:
    own = [run for run in site.runs if run.dataset == dataset]
    maps = heat_maps(own, dataset)
    return {
        "columns": table_columns(own, dataset),
        "floor": heat_floor(maps),
        "maps": [
            {"place": m.place, "missing": site.choices["missing"].index(m.missing), "ratio": _ratio(site, m.ratio)}
            | {"variant": numbers[m.variant]}
            | {"columns": _all_short(m.columns), "pairs": _all_short(m.pairs)}
            for m in maps
        ],
        "curves": [[_curve(site, c, numbers) for c in curves(own, dataset, name)] for name in site.choices["metric"]],
    }


def _ratio(site: Site, ratio: float | None) -> int | None:
    return None if ratio is None else site.choices["ratio"].index(f"{ratio:g}")


def _curve(site: Site, curve: Curve, numbers: dict[str, int]) -> list[Any]:
    series = list(REFERENCES).index(curve.series) if curve.reference else numbers[curve.series]
    points = [[point.ratio, _short(point.mean), _short(point.std), point.n] for point in curve.points]
    return [site.choices["missing"].index(curve.missing), int(curve.reference), series, points]


def _all_short(values: Iterable[float | None]) -> list[float | None]:
    return [_short(value) for value in values]


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")
