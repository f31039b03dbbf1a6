import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.results.page.sweep_report import report_summary, write_report, write_results
from src.results.page.tables import paper_tables, setting_tables
from src.results.sweep.formats import (
    LATEX,
    cells_csv,
    escape,
    latex,
    latex_document,
    markdown,
    runs_csv,
    text_in_markdown,
)
from src.results.sweep.runs import Cell, ResultTable, read_runs
from tests.unit.results.sweep_factory import METRICS, write_run, write_sweep

TABLE = ResultTable(
    name="odd_table",
    title="50% of a_b & {c} #1 $x$ ^ ~ \\ <d>",
    metric="m",
    best="high",
    columns=("missdiff", "x|y [1,2]", "diff_mean", "hot_deck"),
    references=1,
    rows=(
        (
            "row-0.2",
            (
                Cell((0.9, 0.92), paper=0.8059),
                Cell((0.95,)),
                Cell((), (), "gone", paper_reason="not applicable"),
                Cell((0.99,)),
            ),
        ),
        ("[col]_0.2", (Cell((0.5,), paper=0.69475, paper_bold=True), Cell((), ("folder",), "none"), Cell(), Cell())),
    ),
    notes=("note_1 & 100%",),
)
COMMANDS = """
begin end centering caption label resizebox ifdim width linewidth else fi toprule midrule bottomrule textbf par
smallskip footnotesize pm textbackslash textasciitilde textasciicircum textless textgreater textbar
"""


def commands_of(text):
    """Names of LaTeX's commands in a text, and the text without them."""
    return re.findall(r"\\([a-zA-Z]+|.)", text), re.sub(r"\\([a-zA-Z]+|.)", "", text)


def test_markdown_shows_mean_std_seeds_paper_bold_dash_and_blank():
    assert markdown(TABLE).splitlines() == [
        "|  | missdiff | paper | x\\|y \\[1,2\\] | diff_mean | paper | hot_deck |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| row-0.2 | 0.910 ± 0.014 (2) | 0.8059 | **0.950 (1)** |  | - | 0.990 (1) |",
        "| \\[col\\]_0.2 | **0.500 (1)** | **0.69475** | - |  |  |  |",
    ]


def test_latex_has_as_many_cells_in_every_line():
    lines = latex(TABLE).splitlines()
    body = [line for line in lines if line.endswith(r"\\")]
    assert len(body) == 3
    for line in body:
        assert len(re.findall(r"(?<!\\)&", line)) == 6
    assert r"\begin{tabular}{lrrrrr|r}" in lines
    assert r"row-0.2 & 0.910 $\pm$ 0.014 (2) & 0.8059 & \textbf{0.950 (1)} &  & - & 0.990 (1) \\" in lines
    assert [line for line in lines if line.startswith((r"\top", r"\mid", r"\bottom"))] == [
        r"\toprule",
        r"\midrule",
        r"\bottomrule",
    ]


def test_latex_opens_and_closes_everything_and_uses_only_known_commands():
    text = latex(TABLE)
    names, rest = commands_of(text)
    known = {*re.findall(r"\w+", COMMANDS), *"\\&%$#_{}"}
    assert set(names) <= known
    assert rest.count("{") == rest.count("}")
    assert rest.count("$") % 2 == 0
    begun, ended = (re.findall(rf"\\{word}{{(\w+)}}", text) for word in ("begin", "end"))
    assert begun == ended[::-1] == ["table", "tabular"]
    assert not re.search(r"\\\\\n\[", text), "a line break followed by [ takes it for its own argument"


@given(st.text(alphabet=st.sampled_from('ab_&%$#{}~^\\<>|[]"± '), max_size=30))
def test_escaped_text_holds_no_active_character(text):
    _, rest = commands_of(escape(text).replace(r"$\pm$", ""))
    assert not set(rest) & set('_&%$#~^\\<>|"')
    assert rest.count("{") == rest.count("}")
    back = escape(text)
    for character, written in sorted(LATEX.items(), key=lambda item: -len(item[1])):
        if len(written) > 2:
            back = back.replace(written, f"\\{character}")
    assert re.sub(r"\\(.)", r"\1", back) == text


@given(st.text(alphabet=st.sampled_from("ab_|*<>[]`\\ "), max_size=20))
def test_markdown_text_reads_as_itself(text):
    assert re.sub(r"\\(.)", r"\1", text_in_markdown(text)) == text
    assert not re.search(r"(?<!\\)[|*<>\[\]`]", text_in_markdown(text).replace("\\\\", ""))


def test_the_document_inputs_every_table():
    text = latex_document(["a", "b"])
    assert text.count("\\input{") == 2
    assert "\\usepackage{booktabs,graphicx}" in text
    assert text.strip().endswith("\\end{document}")


def test_cells_as_csv():
    lines = list(csv.DictReader(io.StringIO(cells_csv([TABLE]))))
    assert len(lines) == 8
    first, second = lines[:2]
    assert float(first["mean"]) == pytest.approx(0.91)
    assert (first["n_seeds"], first["bold"], first["paper"], first["reference"]) == ("2", "False", "0.8059", "False")
    assert second["column"] == "x|y [1,2]"
    assert (second["std"], second["bold"]) == ("", "True")
    assert (lines[2]["paper"], lines[2]["mean"], lines[2]["reason"]) == ("-", "", "gone")
    assert lines[3]["reference"] == "True"
    assert (lines[4]["paper"], lines[4]["paper_bold"]) == ("0.69475", "True")


def test_runs_as_csv(tmp_path):
    write_run(tmp_path, seconds=50)
    write_run(tmp_path, "native", None, method="diff_delete", reason="no, row", metrics={})
    done, other = sorted(csv.DictReader(io.StringIO(runs_csv(read_runs(tmp_path)))), key=lambda line: line["status"])
    assert (done["fidelity/overall"], done["total_s"], done["ratio"]) == (str(METRICS["fidelity/overall"]), "50", "0.2")
    assert (other["reason"], other["fidelity/overall"], other["ratio"]) == ("no, row", "", "")


def test_every_file_of_a_report_is_written_and_links_are_good(tmp_path):
    write_sweep(tmp_path / "runs")
    runs = read_runs(write_run(tmp_path / "runs", overrides=["a.b=[1,2]"]).parents[3])
    paper, others = paper_tables(runs), setting_tables(runs)
    out = tmp_path / "out"
    written = write_report(out, runs, paper, others, "Report of runs")
    names = {str(file.relative_to(out)) for file in written}
    assert names >= {"report.md", "cells.csv", "runs.csv", "latex/report.tex", "latex/table_1.tex"}
    assert names == {str(file.relative_to(out)) for file in out.rglob("*") if file.is_file()}
    for name in re.findall(r"\\input{(.*)}", (out / "latex/report.tex").read_text()):
        assert (out / "latex" / f"{name}.tex").exists()
    text = (out / "report.md").read_text()
    links = re.findall(r"\[\d+\]\((.*?)\)", text)
    assert len(links) == len(runs)
    for link in links:
        assert (out / re.sub("%(..)", lambda match: chr(int(match[1], 16)), link) / "DONE").exists()
    again = {file: file.read_bytes() for file in written}
    write_report(out, runs, paper, others, "Report of runs")
    assert again == {file: file.read_bytes() for file in written}


def test_the_page_of_the_paper_is_generated_with_commands_and_figures(tmp_path):
    runs = read_runs(write_sweep(tmp_path / "runs"))
    page, figures = tmp_path / "docs" / "results.md", [tmp_path / f"{name}.png" for name in ("seconds-a", "pairs-a")]
    for figure in figures:
        figure.write_bytes(b"a picture")
    write_results(page, runs, paper_tables(runs), [], [tmp_path / "runs"], figures, {})
    text = page.read_text()
    assert "## Table 1. Fidelity on Census, MCAR (high is good)" in text
    assert "census: fidelity/overall" not in text
    assert "python -m src.train --multirun dataset=census missing=row,independent ratio=0.2 method=missdiff" in text
    assert "![seconds-a](figures/seconds-a.png)" in text
    assert [copy.name for copy in (page.parent / "figures").iterdir()] == ["seconds-a.png"]
    assert "Not here, for want of runs: Table 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18." in text


def test_the_summary_says_what_is_missing(tmp_path):
    runs = read_runs(write_sweep(tmp_path))
    text = report_summary(runs, 3, paper_tables(runs), setting_tables(runs))
    assert "24 finished runs (20 with scores, 4 not applicable), 3 unfinished" in text
    assert "tables of the paper   1, 2 (no run for: 3, 4, 5, 6, 7," in text
    absent = "missdiff: column-0.2; diff_delete: column-0.2; diff_mean: column-0.2; stasy_delete: column-0.2, "
    assert f"table_1 has no run of {absent}" in text
