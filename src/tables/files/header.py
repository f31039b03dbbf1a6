"""Find out whether the first line of a text file, which was taken for the names of columns, looks like data."""

import numpy as np
import pandas as pd

from src.tables.columns.kinds import is_number
from src.tables.formats.dates import date_patterns, reads
from src.tables.text.delimited import Dialect

LONGEST_LINE = 60
MOST_OF_CELLS = 0.9
LEAST_INCREASING = 4


def looks_like_data(frame: pd.DataFrame, dialect: Dialect) -> str | None:
    """Say why the names of the columns look like cells of a row; None if they do not.

    Most of them are numbers inside the range of their column, dates as their column holds them, or texts that their
    column holds. Numbers that count or increase from column to column (0, 1, 2; 2019, 2020, 2021) are names.

    Arguments:
        frame: (N, d), categoricals of the texts of the file.
        dialect: its dialect.
    """
    named = [i for i, name in enumerate(dialect.names) if name.strip()]
    numbers = [_number(dialect.names[i], dialect) for i in named]
    are_names = _count_on([number for number in numbers if number is not None])
    n_cells = 0
    for i, number in zip(named, numbers, strict=True):
        cells = [text for text in map(str.strip, frame.iloc[:, i].cat.categories) if text]
        if number is not None:
            n_cells += not are_names and _is_inside(number, cells, dialect)
        else:
            n_cells += _is_cell(dialect.names[i].strip(), cells)
    if n_cells <= len(named) / 2:
        return None
    line = dialect.header if len(dialect.header) <= LONGEST_LINE else f"{dialect.header[:LONGEST_LINE]}…"
    return f"({line!r}) looks like data: {n_cells:,} of its {len(named):,} fields could be cells of their columns"


def _number(text: str, dialect: Dialect) -> float | None:
    plain = text.replace(",", ".") if dialect.decimal_comma else text
    return float(plain) if is_number(plain) else None


def _count_on(numbers: list[float]) -> bool:
    """Tell whether numbers count from column to column, or increase over many columns."""
    steps = np.diff(numbers)
    if not len(steps) or not (steps > 0).all():
        return False
    is_even = bool(np.allclose(steps, steps[0]))
    return len(numbers) >= LEAST_INCREASING or (is_even and (len(numbers) > 2 or steps[0] == 1))


def _is_inside(number: float, cells: list[str], dialect: Dialect) -> bool:
    values = [value for value in (_number(cell, dialect) for cell in cells) if value is not None]
    return len(values) >= max(MOST_OF_CELLS * len(cells), 1) and min(values) <= number <= max(values)


def _is_cell(name: str, cells: list[str]) -> bool:
    if name in cells:
        return True
    patterns = date_patterns(name) if name[0].isdigit() else []
    return any(
        sum(reads(cell, pattern) for cell in cells) >= max(MOST_OF_CELLS * len(cells), 1) for pattern in patterns
    )
