"""Summarise the columns of a file in a table, which commands print before training."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from src.tables.cells.distinct import distinct_cells
from src.tables.columns.forms import Form
from src.tables.grid import described

LONGEST_HOLDS = 60
LONGEST_NAME = 32
NAMED_VALUES = 4


@dataclass(frozen=True)
class ColumnSummary:
    """The summary of one column, a line of the table.

    Attributes:
        name: name of the column.
        kind: kind of its form.
        n_distinct: number of distinct values.
        missing: share of holes among its cells.
        holds: range of numbers, or the most frequent values.
    """

    name: str
    kind: str
    n_distinct: int
    missing: float
    holds: str


def summarise(form: Form, cells: pd.Series) -> ColumnSummary:
    """Summarise a column whose holes are NaN."""
    distinct, codes = distinct_cells(cells)
    missing = float((codes < 0).mean())
    if not distinct:
        return ColumnSummary(form.name, form.kind, 0, missing, "nothing")
    return ColumnSummary(form.name, form.kind, len(distinct), missing, _holds(form, cells, distinct))


def summary_table(summaries: Sequence[ColumnSummary], most: int = 60) -> str:
    """Write the table of at most ``most`` columns, and a line that counts the others by kind."""
    head = ("column", "kind", "distinct", "missing", "range or most frequent values")
    shown = summaries[:most]
    rows = [(_cut(s.name, LONGEST_NAME), s.kind, f"{s.n_distinct:,}", f"{s.missing:.1%}", s.holds) for s in shown]
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(4)]
    lines = []
    for row in (head, *rows):
        name, kind, distinct, missing, holds = row
        cells = (name.ljust(widths[0]), kind.ljust(widths[1]), distinct.rjust(widths[2]), missing.rjust(widths[3]))
        lines.append("  ".join((*cells, holds)).rstrip())
    if len(summaries) > most:
        kinds = pd.Series([s.kind for s in summaries[most:]]).value_counts()
        more = ", ".join(f"{n} {kind}" for kind, n in kinds.items())
        lines.append(f"and {len(summaries) - most} more columns: {more}")
    return "\n".join(lines)


def _holds(form: Form, cells: pd.Series, distinct: list[object]) -> str:
    if form.kind == "id":
        return f"{_cut(str(distinct[0]), 24)}, ..."
    if form.kind == "ordered":
        return _cut(" < ".join(map(str, form.values)), LONGEST_HOLDS)
    if form.cells.is_number and form.kind != "category":
        ends = form.cells.write(pd.Series([form.cells.low, form.cells.high]), for_text_file=True)
        on_grid = f", {described(form.cells.grid, form.cells.unit)}" if form.cells.grid else ""
        return ends[0] if ends[0] == ends[1] else f"{ends[0]} .. {ends[1]}{on_grid}"
    counts = cells.value_counts().head(NAMED_VALUES)
    more = f", {len(distinct) - NAMED_VALUES:,} more" if len(distinct) > NAMED_VALUES else ""
    return _cut(", ".join(_cut(str(value), 24) for value in counts.index), LONGEST_HOLDS) + more


def _cut(text: str, length: int) -> str:
    text = " ".join(text.split()) or text
    return text if len(text) <= length else f"{text[: length - 1]}…"
