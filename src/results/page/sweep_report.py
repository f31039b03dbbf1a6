"""What ``python -m src.report`` writes: the report of a sweep, and the page of the paper's tables."""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import quote

from src.results.record.files import write_whole
from src.results.sweep.formats import cells_csv, code, latex, latex_document, markdown, runs_csv, text_in_markdown
from src.results.sweep.origin import commands, mixtures, origin
from src.results.sweep.paper import TITLES
from src.results.sweep.runs import ResultTable, Run
from src.system.quoting import command

PICTURES = re.compile("curve-.*-fidelity-overall|seconds-.*")
HOW_TO_READ = (
    "Each cell is mean ± standard deviation over the seeds (number of seeds); bold is the best method of a row, equal "
    'as printed. "-": no value (the reason stands below the table, or the paper prints "-"); blank: no run. '
    "A column headed paper is the number the paper prints for the method to its left, in bold where the paper "
    "has it in bold. The columns after the methods are no rivals: floors and ceilings of the same masks, and methods "
    "headed (run) that see the complete table or no dependence."
)
REFERENCES = (
    "real_holdout: real rows not trained on, the ceiling; hot_deck: holes filled by random observed cells; marginals: "
    "every cell drawn independently, the floor; mean_mode: holes filled by mean or mode; complete_rows: only the rows "
    "without a hole; holed_table: the table as it is, holes included."
)


def write_report(
    out: Path, runs: Sequence[Run], paper: Sequence[ResultTable], others: Sequence[ResultTable], title: str
) -> list[Path]:
    """Write ``report.md``, ``latex/*.tex``, ``cells.csv`` and ``runs.csv`` below ``out``.

    Arguments:
        out: folder to write to; files of an earlier report are replaced.
        runs: the finished runs the tables were made of.
        paper: tables of the paper.
        others: a table for every dataset and metric.
        title: first line of the report.
    """
    tables = [*paper, *others]
    texts = {
        "report.md": _report(runs, paper, others, title, out),
        "cells.csv": cells_csv(tables),
        "runs.csv": runs_csv(runs),
        "latex/report.tex": latex_document([table.name for table in tables]),
        **{f"latex/{table.name}.tex": latex(table) for table in tables},
    }
    return [_write(out / name, text) for name, text in texts.items()]


def write_results(
    file: Path,
    runs: Sequence[Run],
    paper: Sequence[ResultTable],
    others: Sequence[ResultTable],
    sweep: Sequence[Path],
    figures: Sequence[Path],
    departures: Mapping[Path, Sequence[str]],
) -> Path:
    """Write the page of the paper's tables, e.g. ``docs/results.md``: all of it comes from the runs.

    Arguments:
        file: the page.
        runs: the finished runs the tables were made of.
        paper: tables of the paper.
        others: of which those of imputation are shown, beyond the paper's one measure of it.
        sweep: folders the runs were read from, for the command that makes the page.
        figures: PNG files of the report; those of :data:`PICTURES` are copied beside the page and shown.
        departures: by folder of a run whose printed command gives other settings here than were recorded, the keys.
    """
    paper, others = ([_with_departures(table, runs, departures) for table in tables] for tables in (paper, others))
    pictures = [_copied(png, file.parent / "figures") for png in figures if PICTURES.fullmatch(png.stem)]
    sources = ",".join(map(str, sweep))
    made_by = code(command("report", sweep=sources, results=str(file)))
    imputation = [table for table in others if (table.metric or "").startswith("imputation/")]
    lines = [
        "# Results: the tables of the paper",
        f"Written by {made_by} from {len(runs)} finished runs; nothing on this page is typed by hand. {HOW_TO_READ}",
        REFERENCES,
        *mixtures(runs),
        *(part for table in paper for part in _section(table, "##")),
        *(["## Imputation by other measures"] if imputation else []),
        *(part for table in imputation for part in _section(table, "###")),
        *(f"![{png.stem}]({_link(png, file.parent)})" for png in pictures),
        f"Not here, for want of runs: Table {absent_tables(paper) or 'nothing'}.",
    ]
    return _write(file, "\n\n".join(lines) + "\n")


def _with_departures(table: ResultTable, runs: Sequence[Run], departures: Mapping[Path, Sequence[str]]) -> ResultTable:
    """The table, with a sentence above it where its commands make other runs at this commit."""
    folders = {folder for _, cells in table.rows for cell in cells for folder in cell.folders} & set(departures)
    if not folders:
        return table
    keys = sorted({key for folder in folders for key in departures[folder]})
    commits = sorted({str(run.report["commit"]) for run in runs if run.folder in folders})
    sentence = (
        f"The commands give the settings of {len(folders)} of these runs only at the commit of the runs: "
        f"{', '.join(f'git checkout {commit}' for commit in commits)}. Here they differ in {', '.join(keys)}."
    )
    return replace(table, above=(sentence, *table.above))


def report_summary(
    runs: Sequence[Run], n_unfinished: int, paper: Sequence[ResultTable], others: Sequence[ResultTable]
) -> str:
    """What was read and built, and what is missing, for the terminal."""
    n_done = sum(run.done for run in runs)
    counted = [f"{n_done} with scores"]
    counted += [f"{len(runs) - n_done} not applicable"] if n_done < len(runs) else []
    lines = [
        f"{len(runs)} finished runs ({', '.join(counted)}), {n_unfinished} unfinished",
        f"tables of the paper   {', '.join(table.name.removeprefix('table_') for table in paper) or 'none'}"
        f" (no run for: {absent_tables(paper) or 'none'})",
        f"tables by metric      {len(others)}",
        *mixtures(runs),
    ]
    for table in paper:
        absent = []
        for i, column in enumerate(table.columns):
            holes = [name for name, cells in table.rows if cells[i].paper is not None and not cells[i].folders]
            places = dict.fromkeys(name.partition(" ")[0] for name in holes)
            absent += [f"{column}: {', '.join(places)}"] if holes else []
        if absent:
            lines.append(f"{table.name} has no run of {'; '.join(absent)}")
    return "\n".join(lines)


def absent_tables(paper: Sequence[ResultTable]) -> str:
    """Numbers of the paper's tables that are not among the given ones."""
    built = {table.name for table in paper}
    return ", ".join(str(number) for number in TITLES if f"table_{number}" not in built)


def _report(
    runs: Sequence[Run], paper: Sequence[ResultTable], others: Sequence[ResultTable], title: str, out: Path
) -> str:
    lines = [f"# {title}", HOW_TO_READ, REFERENCES, *mixtures(runs)]
    lines += [part for table in paper for part in _section(table, "##")]
    for dataset in dict.fromkeys(run.dataset for run in runs):
        here = [run for run in runs if run.dataset == dataset]
        lines += [f"## {dataset}", *_origin(origin(here), commands(here))]
        of_dataset = [table for table in others if table.title.startswith(f"{dataset}: ")]
        lines += [part for table in of_dataset for part in _section(table, "###")]
    return "\n\n".join([*lines, "## Runs", _runs(runs, out)]) + "\n"


def _section(table: ResultTable, heading: str) -> list[str]:
    notes = "\n".join(f"* {text_in_markdown(note)}" for note in table.notes)
    title = f"{heading} {text_in_markdown(table.title)} ({table.good})"
    return [title, *_origin(table.above, table.commands), markdown(table), *([notes] if notes else [])]


def _origin(above: Sequence[str], made_by: Sequence[str]) -> list[str]:
    parts = []
    if made_by:
        parts.append("```\n" + "\n".join(made_by) + "\n```")
    if above:
        parts.append("\n".join(f"* {text_in_markdown(sentence)}" for sentence in above))
    return parts


def _runs(runs: Sequence[Run], out: Path) -> str:
    """A line for each setting with a link to the folder of every seed."""
    folders: dict[tuple[str, str, str], list[str]] = {}
    for run in runs:
        link = f"[{run.seed}]({_link(run.folder, out)})"
        folders.setdefault((run.dataset, run.missingness, run.variant), []).append(link)
    lines = ["| dataset | place | variant | seeds |", "| --- | --- | --- | --- |"]
    for setting, links in folders.items():
        lines.append(f"| {' | '.join(text_in_markdown(part) for part in setting)} | {', '.join(links)} |")
    return "\n".join(lines)


def _copied(file: Path, folder: Path) -> Path:
    copy = folder / file.name
    write_whole(copy, lambda partial: shutil.copyfile(file, partial))
    return copy


def _link(target: Path, start: Path) -> str:
    return quote(os.path.relpath(target, start).replace(os.sep, "/"))


def _write(file: Path, text: str) -> Path:
    write_whole(file, partial(_write_text, text=text))
    return file


def _write_text(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", newline="")
