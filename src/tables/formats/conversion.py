"""Convert the values of one format to those of another format of the same content."""

import pandas as pd

from src.tables.cells.date_patterns import UNITS
from src.tables.formats.cell_format import CellFormat
from src.tables.formats.dates import OFFSET

MICROSECONDS_OF_A_MINUTE = UNITS["minutes"]


def converted(values: pd.Series, own: CellFormat, to: CellFormat) -> pd.Series | None:
    """Convert parsed values to another format: dates to its unit, truth values to 0 and 1 and back.

    Dates of two offsets from UTC are made moments of the same clock; dates without an offset stay as they are.

    Arguments:
        values: (N,) values of ``own``, NaN in a hole.
        own: the format that they were parsed by.
        to: the format whose values are wanted; its content is not ``text``.

    Returns:
        (N,) values of ``to``; None if the formats have different contents.
    """
    if own.content == to.content:
        return _in_unit(values, own, to) if own.unit else values
    if (own.content, to.content) == ("truth value", "number"):
        return values.astype(float)
    if (own.content, to.content) == ("number", "truth value") and values.dropna().isin([0, 1]).all():
        return values.map(bool, na_action="ignore").astype(object)
    return None


def _in_unit(values: pd.Series, own: CellFormat, to: CellFormat) -> pd.Series:
    own_offset, to_offset = _offset(own), _offset(to)
    shift = 0 if own_offset is None else (to_offset or 0) - own_offset
    return (values * UNITS[own.unit] + shift) / UNITS[to.unit]


def _offset(cell_format: CellFormat) -> int | None:
    """Find the offset from UTC, in microseconds, that a pattern of dates ends with; None if it ends with none."""
    match = OFFSET.search(cell_format.pattern) if cell_format.content == "date" else None
    if match is None:
        return None
    digits = match[0].strip("Z+-").replace(":", "") or "0000"
    minutes = 60 * int(digits[:2]) + int(digits[2:])
    return (-1 if match[0].startswith("-") else 1) * minutes * MICROSECONDS_OF_A_MINUTE
