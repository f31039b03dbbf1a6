import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from src.results.page.charts import column_chart, curve_chart, pair_chart, seconds_chart
from src.results.page.page import page_text, write_page
from src.results.page.page_tables import make_site, result_tables
from src.results.page.tables import paper_tables, setting_tables
from src.results.sweep.runs import Cell, ResultTable, read_runs
from tests.unit.results.sweep_factory import write_run, write_sweep

VOID = {"meta", "link", "input", "br"}
ODD = "a<b> & \"c\" 'd' </script>"


class Page(HTMLParser):
    """Every element with its attributes; fails where one is not closed in its turn."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.texts = [], [], {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, self.getpos()

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    def all(self, name):
        return [attrs[name] for _, attrs in self.elements if name in attrs]


def tables_of(runs):
    return [*paper_tables(runs), *setting_tables(runs)]


@pytest.fixture
def sweep(tmp_path):
    root = write_sweep(tmp_path / "a sweep=1")
    write_run(
        root,
        "native",
        None,
        dataset="own",
        overrides=["network.channels=8"],
        per_column={ODD: 0.5, "x": 0.9},
        per_pair={f"{ODD} | x": 0.7},
        warnings=[ODD],
    )
    return root


def drawn(html):
    """Data and layout that a chart's HTML gives to plotly."""
    decoder = json.JSONDecoder()
    rest = html[html.index("Plotly.newPlot(") :]
    data, end = decoder.raw_decode(rest, rest.index("[{"))
    layout, _ = decoder.raw_decode(rest, rest.index("{", end))
    return data, layout


def test_the_page_is_well_formed_and_refers_to_nothing_outside(sweep):
    runs = read_runs(sweep)
    out = sweep / "report"
    out.mkdir()
    text = page_text(out, runs, tables_of(runs), ODD)
    page = Page(text)
    assert page.texts["title"] == [ODD]
    assert page.texts["h1"] == [ODD]
    assert len(page.all("id")) == len(set(page.all("id")))
    assert page.all("src") == []
    assert "default-src 'none'" in next(attrs["content"] for _, attrs in page.elements if "http-equiv" in attrs)
    (style,) = page.texts["style"]
    assert not re.search(r"@import|url\((?!data:)", style)
    for link in page.all("href"):
        if link.startswith("#"):
            assert link[1:] in page.all("id")
        elif not link.startswith("data:") and link != "figures/":
            assert (out / unquote(link) / "DONE").exists()


def test_every_run_is_listed_with_its_folder(sweep):
    runs = read_runs(sweep)
    page = Page(page_text(sweep / "report", runs, [], "t"))
    folders = {(sweep / "report" / unquote(link)).resolve() for link in page.all("href") if link.startswith("..")}
    assert folders == {run.folder.resolve() for run in runs}


def test_tables_have_headings_for_readers_who_do_not_see_them(sweep):
    runs = read_runs(sweep)
    page = Page(page_text(sweep / "report", runs, tables_of(runs), "t"))
    tags = [tag for tag, _ in page.elements]
    assert tags.count("caption") == tags.count("table") == len(tables_of(runs)) + 2
    assert all(attrs.get("scope") in ("col", "row") for tag, attrs in page.elements if tag == "th")


def hand_made(tmp_path):
    folders = [write_run(tmp_path, seed=seed) for seed in (3, 5)]
    runs = read_runs(tmp_path)
    row = (
        Cell((0.8, 0.9), tuple(folders), paper=0.806, paper_bold=True),
        Cell((), (), reason="no row is complete", paper_reason="not applicable"),
        Cell((0.7,), tuple(folders), reason="one failed"),
        Cell(),
        Cell((0.99,), tuple(folders)),
    )
    names = ("missdiff", "diff_delete", "diff_mean", "other", "real_holdout")
    table = ResultTable("t", "Title", "fidelity/overall", "high", names, 1, (("row-0.2", row),), ("a note",))
    return make_site(tmp_path / "out", runs, [table]), table


def cells_of(text):
    body = re.search(r"<tbody>(.*?)</tbody>", text, re.DOTALL)[1]
    return re.findall(r"<td.*?</td>", body)


def test_a_cell_shows_mean_deviation_seeds_and_the_papers_number(tmp_path):
    site, table = hand_made(tmp_path)
    ours, paper, none, paper_none, single, absent, reference = cells_of(result_tables(site, [table]))
    links = '<small>n 2: <a href="#r0">3</a> <a href="#r1">5</a></small>'
    assert ours == f'<td data-order="0.85"><b>0.850</b> <span class="std">± 0.071</span>{links}</td>'
    assert paper == '<td class="paper" data-order="0.806"><b>0.806</b></td>'
    assert none == '<td data-order=""><span class="none" title="no row is complete">-</span></td>'
    assert paper_none == '<td class="paper" data-order=""><span class="none" title="not applicable">-</span></td>'
    assert single.startswith('<td data-order="0.7">0.700<small>n 1 of 2: ')
    assert absent == '<td data-order=""></td>'
    assert reference == '<td class="ref" data-order="0.99">0.990<small>n 1</small></td>'


def test_columns_of_numbers_are_sorted_as_numbers(tmp_path):
    site, table = hand_made(tmp_path)
    text = result_tables(site, [table])
    assert '<th scope="col" class="value">missdiff</th>' in text
    assert '<th scope="col">setting</th>' in text
    assert '<details class="result" id="t" open>' in text
    assert "a note" in text


def test_the_figures_get_four_digits_and_means_over_seeds(tmp_path):
    for seed, value in enumerate((0.123456, 0.323456)):
        per_pair = {"a | b": value}
        write_run(
            tmp_path,
            seed=seed,
            metrics={"fidelity/overall": value},
            per_column={"a": value, "b": 1.0},
            per_pair=per_pair,
        )
    runs = read_runs(tmp_path)
    (method, ceiling, floor), _ = drawn(curve_chart(runs, "c"))
    assert (method["x"], method["y"], method["error_y"]["array"]) == ([0.2], [0.2235], [0.1414])
    assert [series["y"] for series in (ceiling, floor)] == [[0.98], [0.95]]
    assert [series["name"] for series in (ceiling, floor)] == ["real_holdout (ceiling)", "marginals (floor)"]
    (points,), layout = drawn(seconds_chart(runs, "s"))
    assert points["y"] == [0.1235, 0.3235]
    assert points["x"] == [100, 100]
    assert layout["xaxis"]["type"] == "log"
    (columns,), _ = drawn(column_chart(runs, "m"))
    assert (columns["x"], columns["z"], columns["zmin"]) == (["a", "b"], [[0.2235, 1.0]], 0.2)
    (pairs,), _ = drawn(pair_chart(runs, "p"))
    assert pairs["z"] == [[None, None], [0.2235, None]]


def test_a_menu_entry_has_the_numbers_of_its_dataset_and_metric(tmp_path):
    write_sweep(tmp_path)
    write_run(tmp_path, "mar", 0.2, dataset="own", metrics={"fidelity/overall": 0.5})
    _, layout = drawn(curve_chart(read_runs(tmp_path), "c"))
    (menu,) = layout["updatemenus"]
    labels = [button["label"] for button in menu["buttons"]]
    assert labels[0] == "census: fidelity/overall"
    assert labels[-1] == "own: fidelity/overall"
    data, words = menu["buttons"][-1]["args"]
    assert words["title.text"] == "fidelity/overall on own"
    assert [y for y in data["y"] if y] == [[0.5], [0.98], [0.95]]
    assert len({len(values) for values in data.values()}) == 1


def test_names_are_shown_as_they_are(tmp_path):
    write_run(tmp_path, per_column={ODD: 0.5, "x": 0.9}, per_pair={f"{ODD} | x": 0.7})
    html = column_chart(read_runs(tmp_path), "m")
    assert html.count("</script>") == html.count("<script")
    (columns,), _ = drawn(html)
    assert columns["x"][0] == "a&lt;b&gt; &amp; \"c\" 'd' &lt;/script&gt;"


def test_a_chart_without_numbers_is_no_chart(tmp_path):
    write_run(tmp_path, reason="no row is complete")
    runs = read_runs(tmp_path)
    for chart in (curve_chart, seconds_chart, column_chart, pair_chart):
        assert chart(runs, "x") == ""


@pytest.mark.integration
def test_the_page_stays_small_with_many_runs_and_is_the_same_each_time(tmp_path):
    write_sweep(tmp_path, mechanisms=("row", "column", "mar"), ratios=(0.1, 0.2, 0.5), seeds=range(10))
    runs = read_runs(tmp_path)
    libraries = len(page_text(tmp_path / "out", [], [], "t"))
    few = len(page_text(tmp_path / "out", runs[:90], [], "t")) - libraries
    page = page_text(tmp_path / "out", runs, [], "t")
    assert len(page) - libraries < 4 * few
    assert page_text(tmp_path / "out", runs, [], "t") == page


@pytest.mark.integration
def test_write_page_returns_what_it_wrote(tmp_path):
    write_run(tmp_path / "runs")
    runs = read_runs(tmp_path / "runs")
    page, *figures = write_page(tmp_path / "out", runs, tables_of(runs), "t")
    assert page == tmp_path / "out" / "report.html"
    assert {Path(file).parent for file in figures} == {tmp_path / "out" / "figures"}
    assert all(file.stat().st_size for file in (page, *figures))
