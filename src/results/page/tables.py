"""The tables of a sweep: those of the paper, and one for every dataset and metric."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import fmean

from src.metrics.base.metric import Best
from src.metrics.catalogue import describe
from src.results.sweep.origin import IMPUTE, commands, mechanism_order, method_order, origin, settings
from src.results.sweep.paper import TITLES, PaperNumber, paper_numbers
from src.results.sweep.runs import Cell, ResultTable, Run, best_cell, best_columns, cell, shown
from src.results.sweep.selection import family_of, measuring, runs_of

REFERENCE_METHODS = ("complete", "marginals")
"""Methods that are a ceiling and a floor, not rivals: read beside the others, never best."""
FLOOR = "marginals"
FIGURE_1 = "figure_1"
NOTEWORTHY = 0.02
"""Difference of the realised ratio from the one asked for that a table mentions."""


@dataclass(frozen=True)
class Column:
    """A column of a table: a method's variant, or a reference row.

    Attributes:
        heading: as printed.
        method: the paper's name of the method; None for a reference row.
        name: the variant, or the name of the reference row; None for a method without a run.
        first: whether it is its method's first column, which carries the paper's number.
    """

    heading: str
    method: str | None
    name: str | None
    first: bool = True

    def cell(self, runs: Sequence[Run], metric: str) -> Cell:
        """The cell of the runs of one place."""
        if self.method is None:
            return _reference_cell(runs, str(self.name), metric)
        return cell([run for run in runs if run.variant == self.name], metric)


@dataclass(frozen=True)
class Row:
    """A row of a table: what is measured, and where."""

    heading: str
    metric: str
    missingness: str


def paper_tables(runs: Sequence[Run]) -> list[ResultTable]:
    """Every table of the paper of which the runs hold at least one cell, the paper's numbers in the cells."""
    tables = []
    for number, group in groupby(paper_numbers(), key=lambda n: n.table):
        printed = list(group)
        chosen = measuring(runs_of(runs, printed), [n.metric for n in printed])
        if chosen:
            table = _paper_table(number, printed, chosen)
            n_methods = len(table.columns) - table.references
            if any(cell.values for _, cells in table.rows for cell in cells[:n_methods]):
                tables.append(table)
    return tables


def setting_tables(runs: Sequence[Run]) -> list[ResultTable]:
    """For every dataset and metric: a row for each place, a column for each variant, then the references."""
    tables = []
    for dataset in sorted({run.dataset for run in runs}):
        here = [run for run in runs if run.dataset == dataset]
        for metric in sorted({name for run in here for name in run.report["metrics"]}):
            name = re.sub(r"[^\w.-]", "-", f"{dataset}-{metric}")
            tables.append(_setting_table(name, f"{dataset}: {metric}", metric, measuring(here, [metric]))[0])
    return tables


def figure_1(runs: Sequence[Run]) -> list[ResultTable]:
    """The numbers of the paper's Figure 1, which prints none; empty with fewer than two ratios."""
    chosen = [
        run
        for run in measuring(runs, ["fidelity/overall"])
        if run.dataset == "bayesian_network" and run.missing in ("row", "column", "independent")
    ]
    if len({run.ratio for run in chosen}) < 2:
        return []
    title = "Figure 1. Fidelity on the Bayesian network against the missing ratio"
    table, columns = _setting_table(FIGURE_1, title, "fidelity/overall", chosen)
    notes = (*_standing_of_missdiff(table, columns), *_below_the_floor(table, columns), *table.notes)
    return [replace(table, notes=notes, above=tuple(origin(chosen)), commands=tuple(commands(chosen)))]


def _setting_table(name: str, title: str, metric: str, runs: Sequence[Run]) -> tuple[ResultTable, list[Column]]:
    examples = sorted(
        {run.missingness: run for run in runs}.values(), key=lambda run: (mechanism_order(run.missing), run.ratio or 0)
    )
    columns, n_references = _columns(runs, ())
    headings = tuple(column.heading for column in columns)
    table = ResultTable(name, title, metric, describe(metric).best, headings, n_references, rows=())
    return _table(table, [Row(run.missingness, metric, run.missingness) for run in examples], columns, runs), columns


def _paper_table(number: int, printed: Sequence[PaperNumber], runs: Sequence[Run]) -> ResultTable:
    metrics = list(dict.fromkeys(n.metric for n in printed))
    columns, n_references = _columns(runs, tuple(dict.fromkeys(n.method for n in printed)))
    rows: dict[tuple[str, str], Row] = {}
    numbers: dict[tuple[str, str, str], PaperNumber] = {}
    for n in printed:
        missingness = n.missingness
        heading = missingness if len(metrics) == 1 else f"{missingness} {n.metric.rpartition('/')[2]}"
        rows.setdefault((n.metric, missingness), Row(heading, n.metric, missingness))
        numbers[n.metric, missingness, n.method] = n
    table = ResultTable(
        name=f"table_{number}",
        title=f"Table {number}. {TITLES[number]}",
        metric=metrics[0] if len(metrics) == 1 else None,
        best=describe(metrics[0]).best,
        columns=tuple(column.heading for column in columns),
        references=n_references,
        rows=(),
        above=tuple(origin(runs)),
        commands=tuple(commands(runs)),
    )
    table = _table(table, list(rows.values()), columns, runs, numbers)
    notes = (*_standing_of_missdiff(table, columns), *_below_the_floor(table, columns), *table.notes)
    return replace(table, notes=notes)


def _columns(runs: Sequence[Run], printed: Sequence[str]) -> tuple[list[Column], int]:
    """Columns of a table and how many of the last are references: the paper's methods, others, floors and ceilings."""
    methods = {family_of(run.method) for run in runs}
    rivals = [*printed, *sorted(methods.difference(printed, REFERENCE_METHODS), key=method_order)]
    references = list(dict.fromkeys(name for run in runs for name in run.report["references"]))
    columns = [column for family in rivals for column in _variants(runs, family, "")]
    reference_columns = [c for f in REFERENCE_METHODS if f in methods for c in _variants(runs, f, " (run)")]
    reference_columns += [Column(name, None, name) for name in references]
    return [*columns, *reference_columns], len(reference_columns)


def _variants(runs: Sequence[Run], family: str, mark: str) -> list[Column]:
    """A column for each variant of a method, headed by what tells it from the method's others."""
    columns: list[Column] = []
    for method in sorted({run.method for run in runs if family_of(run.method) == family}, key=method_order):
        settings_of = {run.variant: settings(run) for run in runs if run.method == method}
        shared = set.intersection(*(set(of_variant) for of_variant in settings_of.values()))
        for variant, of_variant in sorted(settings_of.items(), key=lambda item: (len(item[1]), item[0])):
            difference = ", ".join(setting for setting in of_variant if setting not in shared)
            name = method.removeprefix(IMPUTE)
            columns.append(Column(f"{name}{mark} {difference}".strip(), family, variant, first=not columns))
    return columns or [Column(family, family, None)]


def _table(
    table: ResultTable,
    rows: Sequence[Row],
    columns: Sequence[Column],
    runs: Sequence[Run],
    printed: Mapping[tuple[str, str, str], PaperNumber] | None = None,
) -> ResultTable:
    """``table`` with its rows, and the notes that they call for."""
    at: dict[str, list[Run]] = {row.missingness: [] for row in rows}
    for run in runs:
        at.setdefault(run.missingness, []).append(run)
    filled = []
    for row in rows:
        cells = []
        for column in columns:
            cell = column.cell(at[row.missingness], row.metric)
            number = (printed or {}).get((row.metric, row.missingness, column.method or ""))
            if number is not None and column.first:
                dash = "not applicable" if number.value is None else None
                cell = replace(cell, paper=number.value, paper_bold=number.bold, paper_reason=dash)
            cells.append(cell)
        filled.append((row.heading, tuple(cells)))
    table = replace(table, rows=tuple(filled))
    return replace(table, notes=(*table.notes, *_notes(table, rows, columns, at)))


def _reference_cell(runs: Sequence[Run], name: str, metric: str) -> Cell:
    """A reference row of the masks of one place: one value a seed, whichever run of the seed has it."""
    by_seed = {run.seed: run for run in reversed(runs) if name in run.report["references"]}
    chosen = [by_seed[seed] for seed in sorted(by_seed)]
    values = [run.reference(name, metric) for run in chosen]
    reasons = [run.report.get("reference_reasons", {}).get(name, {}).get(metric) for run in chosen]
    return Cell(
        values=tuple(value for value in values if value is not None),
        folders=tuple(run.folder for run in chosen),
        reason=next((reason for reason in reasons if reason), None),
    )


def _standing_of_missdiff(table: ResultTable, columns: Sequence[Column]) -> list[str]:
    """In which rows the method is not first: a sentence, generated so that nobody forgets it."""
    missdiff = {i for i, column in enumerate(columns) if column.method == "missdiff"}
    behind, shared, n_rows = [], [], 0
    for heading, cells in table.rows:
        best = best_columns(table, cells)
        missdiff_cells = [cells[i] for i in sorted(missdiff) if cells[i].mean is not None]
        others = [c for i, c in enumerate(cells[: len(cells) - table.references]) if i not in missdiff and c.values]
        if not best or not missdiff_cells or not others:
            continue
        n_rows += 1
        if best & missdiff and best - missdiff:
            shared.append(heading)
        if not best & missdiff:
            first = min(best)
            means = [shown(cell.mean or 0) for cell in (cells[first], best_cell(table, missdiff_cells))]
            behind.append(f"{heading} ({columns[first].heading} {', not '.join(means)})")
    if behind:
        return [f"missdiff is not first in: {'; '.join(behind)}."]
    ties = f"; shared in {', '.join(shared)}" if shared else ""
    everywhere = f"missdiff is first in every row with a rival ({n_rows} of {len(table.rows)} rows{ties})."
    return [everywhere] if n_rows else []


def _below_the_floor(table: ResultTable, columns: Sequence[Column]) -> list[str]:
    """In which rows the method is worse than independent draws, which a first place among the methods would hide."""
    floors = [i for i, column in enumerate(columns) if (column.method, column.name) == (None, FLOOR)]
    missdiff = [i for i, column in enumerate(columns) if column.method == "missdiff"]
    below = []
    for heading, cells in table.rows:
        floor = next((mean for i in floors if (mean := cells[i].mean) is not None), None)
        missdiff_cells = [cells[i] for i in missdiff if cells[i].mean is not None]
        if floor is None or not missdiff_cells:
            continue
        best_missdiff, distance = best_cell(table, missdiff_cells), Best(table.best).distance
        if distance(best_missdiff.mean or 0, best_missdiff.level) > distance(floor, best_missdiff.level):
            below.append(f"{heading} ({shown(best_missdiff.mean or 0)}, {FLOOR} {shown(floor)})")
    return [f"missdiff is worse than independent draws in: {'; '.join(below)}."] if below else []


def _notes(
    table: ResultTable, rows: Sequence[Row], columns: Sequence[Column], at: Mapping[str, Sequence[Run]]
) -> list[str]:
    """What a reader must know: unequal seeds, cells without a value, warnings, references that disagree."""
    notes: list[str] = []
    without: dict[str, list[str]] = {}
    for heading, cells in table.rows:
        rivals = list(zip(columns, cells, strict=True))[: len(cells) - table.references]
        counts = {column.heading: len(rival.folders) for column, rival in rivals if rival.folders}
        if len(set(counts.values())) > 1:
            listed = ", ".join(f"{name} {count}" for name, count in counts.items())
            notes.append(f"Warning: {heading}: not all have the same number of seeds ({listed}).")
        for column, rival in rivals:
            if n_without := len(rival.folders) - len(rival.values):
                part = f" ({n_without} of {len(rival.folders)} seeds)" if rival.values else ""
                without.setdefault(rival.reason or "undefined", []).append(f"{column.heading} at {heading}{part}")
    notes += [f"No value: {', '.join(where)}: {reason}." for reason, where in without.items()]
    masks = list(dict.fromkeys(row.missingness for row in rows))
    notes += _realised(at, masks)
    notes += _warnings([run for missingness in masks for run in at[missingness]], columns)
    for row in rows:
        for column in columns:
            if column.method is None and _disagree(at[row.missingness], str(column.name), row.metric):
                notes.append(
                    f"Warning: {row.heading}: runs of one seed carry different {column.name} rows (other settings of "
                    "the dataset or the evaluation); the first run's is shown."
                )
    return notes


def _realised(at: Mapping[str, Sequence[Run]], masks: Sequence[str]) -> list[str]:
    """Where the share of cells that went missing is not the one asked for, as where rows lose whole cells."""
    realised = {}
    for missingness in masks:
        shares = [run.report["realised_ratio"]["overall"] for run in at[missingness]]
        ratio = at[missingness][0].ratio if at[missingness] else None
        if ratio is not None and abs(fmean(shares) - ratio) > NOTEWORTHY:
            realised[missingness] = fmean(shares)
    listed = ", ".join(f"{share:.2f} at {missingness}" for missingness, share in realised.items())
    return [f"Share of cells that are missing: {listed}."] if realised else []


def _warnings(runs: Sequence[Run], columns: Sequence[Column]) -> list[str]:
    """The warnings of runs, one sentence for those that differ in their numbers alone."""
    headings = {column.name: column.heading for column in columns}
    alike: dict[str, list[tuple[Run, str]]] = {}
    for run in runs:
        for text in run.report["warnings"]:
            alike.setdefault(re.sub(r"\d+", "N", text), []).append((run, text))
    notes = []
    for warned in alike.values():
        places: dict[str, dict[str, None]] = {}
        for run, _ in warned:
            places.setdefault(headings.get(run.variant, run.variant), {})[run.missingness] = None
        where = "; ".join(f"{heading} at {', '.join(at)}" for heading, at in places.items())
        runs_of = "1 run" if len(warned) == 1 else f"{len(warned)} runs, the first one's words"
        notes.append(f"Warning ({runs_of}): {where}: {warned[0][1]}.")
    return notes


def _disagree(runs: Sequence[Run], name: str, metric: str) -> bool:
    by_seed: dict[int, set[float | None]] = {}
    for run in runs:
        if name in run.report["references"]:
            by_seed.setdefault(run.seed, set()).add(run.reference(name, metric))
    return any(len(values) > 1 for values in by_seed.values())
