"""The page of a sweep: one HTML file with its tables, its figures and the numbers behind them.

Tables are plain HTML and read without JavaScript. plotly draws the figures and DataTables sorts and filters the tables;
both stand in the page. Nothing is loaded from anywhere, and the page's content security policy forbids it.
"""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from plotly.offline import get_plotlyjs

from src.results.page.charts import column_chart, curve_chart, pair_chart, seconds_chart
from src.results.page.page_tables import facts, glossary, make_site, result_tables, run_list
from src.results.page.sweep_figures import draw_sweep
from src.results.page.sweep_series import shared_settings
from src.results.record.files import write_whole
from src.results.sweep.runs import ResultTable, Run

ASSETS = Path(__file__).with_name("assets")
NO_FIGURE = '<p class="say">No run has the numbers of this figure.</p>'


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
    datatables = files("itables") / "html"
    return Template((ASSETS / "report.html").read_text(encoding="utf-8")).substitute(
        title=escape(title),
        css=(ASSETS / "report.css").read_text(encoding="utf-8"),
        datatables_css=(datatables / "dt_bundle.css").read_text(encoding="utf-8"),
        datatables=b64encode((datatables / "dt_bundle.js").read_bytes()).decode(),
        plotly=get_plotlyjs(),
        facts=facts(runs, shared_settings(runs)),
        curves=curve_chart(runs, "chart-curves") or NO_FIGURE,
        tables=result_tables(site, tables),
        columns=column_chart(runs, "chart-columns") or NO_FIGURE,
        pairs=pair_chart(runs, "chart-pairs") or NO_FIGURE,
        seconds=seconds_chart(runs, "chart-seconds") or NO_FIGURE,
        runs=run_list(site),
        glossary=glossary(site),
    )
