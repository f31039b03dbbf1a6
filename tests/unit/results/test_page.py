import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.results.page.page import embedded, page_text, write_page
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


def data_of(text):
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])


def test_the_page_is_well_formed_and_refers_to_nothing_outside(sweep):
    runs = read_runs(sweep)
    out = sweep / "report"
    out.mkdir()
    text = page_text(out, runs, tables_of(runs), ODD)
    page = Page(text)
    assert page.texts["title"] == [ODD]
    assert page.texts["h1"] == [ODD]
    assert len(page.all("id")) == len(set(page.all("id")))
    assert not re.search(r"https?:|//www|@import|url\(", text.replace("http://www.w3.org/2000/svg", ""))
    assert page.all("src") == []
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
    assert ours == f'<td data-v="0.85"><b>0.850</b> <span class="std">± 0.071</span>{links}</td>'
    assert paper == '<td class="paper" data-v="0.806"><b>0.806</b></td>'
    assert none == '<td><span class="none" title="no row is complete">-</span></td>'
    assert paper_none == '<td class="paper"><span class="none" title="not applicable">-</span></td>'
    assert single.startswith('<td data-v="0.7">0.700<small>n 1 of 2: ')
    assert absent == "<td></td>"
    assert reference == '<td class="ref" data-v="0.99">0.990<small>n 1</small></td>'


def test_rows_and_columns_say_what_they_can_be_filtered_by(tmp_path):
    site, table = hand_made(tmp_path)
    text = result_tables(site, [table])
    assert '<tr data-dataset="0" data-missing="0" data-ratio="0">' in text
    assert '<th scope="col" data-method="0">missdiff</th>' in text
    assert '<details class="result" id="t" data-metric="0" open>' in text
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
    data = data_of(page_text(tmp_path / "out", read_runs(tmp_path), [], "t"))
    assert [run["metrics"] for run in data["runs"]] == [[0.1235], [0.3235]]
    (dataset,) = data["datasets"]
    assert dataset["columns"] == ["a", "b"]
    assert [(m["columns"], m["pairs"]) for m in dataset["maps"]] == [([0.2235, 1.0], [0.2235])]
    method, ceiling, floor = dataset["curves"][0]
    assert method == [0, 0, 0, [[0.2, 0.2235, 0.1414, 2]]]
    assert (ceiling[1:3], floor[1:3]) == ([1, 0], [1, 1])


def test_the_page_stays_small_with_many_runs(tmp_path):
    write_sweep(tmp_path, mechanisms=("row", "column", "mar"), ratios=(0.1, 0.2, 0.5), seeds=range(10))
    runs = read_runs(tmp_path)
    few = len(page_text(tmp_path / "out", runs[:90], [], "t"))
    assert len(page_text(tmp_path / "out", runs, [], "t")) < 4 * few


@settings(max_examples=50)
@given(st.recursive(st.text() | st.none() | st.floats(allow_nan=False, allow_infinity=False), st.lists))
def test_embedded_numbers_cannot_end_their_script_and_come_back_whole(value):
    text = embedded(value)
    assert "<" not in text
    assert json.loads(text) == value


@pytest.mark.integration
def test_write_page_returns_what_it_wrote(tmp_path):
    write_run(tmp_path / "runs")
    runs = read_runs(tmp_path / "runs")
    page, *figures = write_page(tmp_path / "out", runs, tables_of(runs), "t")
    assert page == tmp_path / "out" / "report.html"
    assert {Path(file).parent for file in figures} == {tmp_path / "out" / "figures"}
    assert all(file.stat().st_size for file in (page, *figures))
