"""Find the grid of a column's values."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from src.tables.cells.date_patterns import UNITS
from src.tables.formats.cell_format import CellFormat
from src.tables.grid import grid_of_moments, grid_of_numbers


def with_grid(cell_format: CellFormat, values: Sequence[float], counts: np.ndarray) -> CellFormat:
    """Set the grid of a format of numbers, dates or times.

    Arguments:
        cell_format: the format, which :meth:`CellFormat.parse` gave the values.
        values: (n,) the distinct values, increasing.
        counts: (n,) cells of each.
    """
    numbers = np.array(values, dtype=float)
    if cell_format.content == "number":
        return replace(cell_format, grid=grid_of_numbers(numbers, counts, cell_format.decimals))
    per_day = UNITS["days"] // UNITS[cell_format.unit]
    grid = grid_of_moments(numbers, per_day, cell_format.content == "date", cell_format.zone_name)
    return replace(cell_format, grid=grid)
