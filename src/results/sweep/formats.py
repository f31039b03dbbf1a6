"""A table as Markdown, LaTeX and lines of CSV."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from src.results.sweep.runs import Cell, ResultTable, Run, best_columns, shown

LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",
    "]": "{]}",
    '"': r"\textquotedbl{}",
    "±": r"$\pm$",
}
"""Characters that LaTeX reads as commands, or that start an option after a line break."""

CELL_FIELDS = (
    *("table", "metric", "best", "row", "column", "reference"),
    *("mean", "std", "n_seeds", "values", "bold"),
    *("paper", "paper_bold", "reason", "folders"),
)


@dataclass(frozen=True)
class Text:
    """What stands in one place of a printed table."""

    text: str
    bold: bool = False


def grid(table: ResultTable) -> list[list[Text]]:
    """The table as printed, heading first: mean ± std (seeds), the paper's number in the column after its method.

    "-" is a run without a value, blank no run.
    """
    with_paper = [
        any(cells[i].paper is not None or cells[i].paper_reason for _, cells in table.rows)
        for i in range(len(table.columns))
    ]
    heading = [Text("")]
    for name, has_paper in zip(table.columns, with_paper, strict=True):
        heading += [Text(name), *([Text("paper")] if has_paper else [])]
    lines = [heading]
    for name, cells in table.rows:
        best, line = best_columns(table, cells), [Text(name)]
        for i, (cell, has_paper) in enumerate(zip(cells, with_paper, strict=True)):
            line += [Text(cell_text(cell), i in best), *([_paper(cell)] if has_paper else [])]
        lines.append(line)
    return lines


def cell_text(cell: Cell) -> str:
    """``mean ± std (seeds)`` of a cell."""
    if cell.mean is None:
        return "-" if cell.folders else ""
    decimals = len(shown(cell.mean).partition(".")[2])
    spread = "" if cell.std is None else f" ± {cell.std:.{decimals}f}"
    return f"{shown(cell.mean)}{spread} ({len(cell.values)})"


def markdown(table: ResultTable) -> str:
    """The table as a pipe table of Markdown, bold where best."""
    lines = [[_markdown(entry) for entry in line] for line in grid(table)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def latex(table: ResultTable) -> str:
    """The table as a ``table`` of LaTeX, to be input where booktabs and graphicx are loaded."""
    head, *body = (
        " & ".join(rf"\textbf{{{escape(e.text)}}}" if e.bold else escape(e.text) for e in line) + r" \\"
        for line in grid(table)
    )
    n_columns = len(grid(table)[0])
    rule = n_columns - table.references
    return "\n".join(
        [
            r"\begin{table}[htbp]",
            r"\centering",
            rf"\caption{{{escape(table.title)}}}",
            rf"\label{{tab:{table.name.replace('_', '-')}}}",
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{l{'r' * (rule - 1)}{'|' if table.references else ''}{'r' * table.references}}}",
            r"\toprule",
            head,
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}}",
            *(rf"\par\smallskip\footnotesize {escape(note)}" for note in table.notes),
            r"\end{table}",
            "",
        ]
    )


def latex_document(names: Sequence[str]) -> str:
    """A document that inputs the tables of the given names from its own folder."""
    inputs = "\n".join(f"\\input{{{name}}}\n\\clearpage" for name in names)
    return (
        "\\documentclass{article}\n\\usepackage[T1]{fontenc}\n\\usepackage{booktabs,graphicx}\n"
        "\\usepackage[margin=2cm]{geometry}\n"
        f"\\begin{{document}}\n{inputs}\n\\end{{document}}\n"
    )


def text_in_markdown(text: str) -> str:
    """Text in which Markdown reads every character as itself; underscores inside words need nothing."""
    return re.sub(r"([\\|*<>\[\]`])", r"\\\1", text)


def code(text: str) -> str:
    """Text as code in Markdown, which may hold backticks itself."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence, gap = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{gap}{text}{gap}{fence}"


def escape(text: str) -> str:
    """Text in which LaTeX reads every character as itself."""
    return "".join(LATEX.get(character, character) for character in text)


def cells_csv(tables: Sequence[ResultTable]) -> str:
    """One line a cell of every table; values and folders of the seeds are separated by ";"."""
    lines: list[Sequence[object]] = [CELL_FIELDS]
    for table in tables:
        n_methods = len(table.columns) - table.references
        for heading, cells in table.rows:
            best = best_columns(table, cells)
            for i, (column, cell) in enumerate(zip(table.columns, cells, strict=True)):
                paper = "-" if cell.paper_reason else cell.paper
                lines.append(
                    [
                        *(table.name, table.metric, table.best, heading, column, i >= n_methods),
                        *(cell.mean, cell.std, len(cell.values), ";".join(map(str, cell.values)), i in best),
                        *(paper, cell.paper_bold, cell.reason, ";".join(map(str, cell.folders))),
                    ]
                )
    return _csv(lines)


def runs_csv(runs: Sequence[Run]) -> str:
    """One line a run with all its metrics."""
    metrics = sorted({name for run in runs for name in run.report["metrics"]})
    names = ["dataset", "missing", "ratio", "method", "variant", "seed"]
    fields = ["status", "reason", "commit", "device", "n_train", "n_used", "n_synthetic", "peak_memory_mb"]
    times = ["train_s", "sample_s", "evaluate_s", "total_s"]
    lines: list[Sequence[object]] = [[*names, *fields, *times, *metrics, "folder"]]
    for run in runs:
        lines.append(
            [
                *(getattr(run, name) for name in names),
                *(run.report.get(name) for name in fields),
                *(run.report["time"].get(name) for name in times),
                *(run.metric(name) for name in metrics),
                run.folder,
            ]
        )
    return _csv(lines)


def _paper(cell: Cell) -> Text:
    if cell.paper_reason:
        return Text("-")
    return Text("" if cell.paper is None else f"{cell.paper:.5g}", cell.paper_bold)


def _markdown(entry: Text) -> str:
    text = text_in_markdown(entry.text)
    return f"**{text}**" if entry.bold and text else text


def _csv(lines: Sequence[Sequence[object]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(lines)
    return out.getvalue()
