"""Infer the format of a column's cells; :mod:`src.tables.formats.cell_format` lists the formats."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd

from src.errors import TableError
from src.tables.cells.distinct import distinct_cells
from src.tables.cells.number_style import LARGEST_EXACT
from src.tables.cells.object_cells import class_and_zone, zone_text
from src.tables.formats.cell_format import MIDNIGHT, CellFormat
from src.tables.formats.dates import coarsest, integer_dates_of
from src.tables.formats.numbers import sufficient_digits, with_range
from src.tables.formats.texts import Wishes, infer_text_format, say_integer_dates, wishes_of
from src.tables.text.delimited import Dialect


def infer_cell_format(
    cells: pd.Series, dialect: Dialect | None, where: str, wishes: Wishes | None = None
) -> CellFormat:
    """Infer the format of a column that has at least one value.

    Arguments:
        cells: (N,), holes NaN or None; from a text file, a categorical of its texts.
        dialect: dialect of the text file; None for cells of another origin.
        where: name of the column in messages.
        wishes: what the user says; None = nothing.

    Raises:
        TableError: the cells are of several types, or of a type without a format; names the row.
    """
    wishes = wishes_of(None, None, dialect, str) if wishes is None else wishes
    _refuse_collections(cells, where)
    distinct, codes = distinct_cells(cells)
    dtype = str(cells.dtype)
    if dialect is not None:
        return infer_text_format(distinct, int((codes >= 0).sum()), str(cells.name), where, wishes)
    if isinstance(cells.dtype, pd.CategoricalDtype):
        categories = cells.cat.categories
        texts, inner = tuple(map(str, categories)), str(categories.dtype)
        odd = next((value for value in categories if not isinstance(value, str | Number | np.bool_ | datetime)), None)
        if odd is not None:
            raise TableError(
                f"{where}: {type(odd).__name__} {_short(odd)} is no category that can be written; as texts they are"
            )
        return CellFormat("text", dtype, dtype_categories=texts, category_dtype=inner, ordered=bool(cells.cat.ordered))
    if isinstance(cells.dtype, pd.DatetimeTZDtype) or "tz=" in dtype:
        zoned = _object_format(distinct, cells, where, codes, wishes)
        return replace(zoned, dtype=_plain_zone(dtype), zone_name=_zone_name(cells))
    return _object_format(distinct, cells, where, codes, wishes)


def _object_format(
    distinct: Sequence[Any], cells: pd.Series, where: str, codes: np.ndarray, wishes: Wishes
) -> CellFormat:
    """Infer the format of distinct Python objects; ``codes`` (N,) are their positions by row, for messages."""
    dtype, name = str(cells.dtype), str(cells.name)
    kinds = {type(value) for value in distinct}
    if kinds <= {bool, np.bool_}:
        return CellFormat("truth value", dtype)
    if all(issubclass(kind, str) for kind in kinds):
        inferred = infer_text_format(distinct, int((codes >= 0).sum()), name, where, wishes)
        return replace(inferred, dtype=dtype, as_text=inferred.content != "text")
    if all(issubclass(kind, Decimal) for kind in kinds):
        decimals = max(-int(value.as_tuple().exponent) for value in distinct)
        return CellFormat("number", dtype, objects="Decimal", decimals=max(decimals, 0))
    if all(issubclass(kind, Number) and not issubclass(kind, complex) for kind in kinds):
        return _numbers(distinct, dtype, where, codes, name, wishes)
    if all(issubclass(kind, datetime | np.datetime64) for kind in kinds):
        spans = [_span(value) for value in distinct]
        objects, zone_name = class_and_zone(distinct) if dtype == "object" else ("", "")
        return CellFormat("date", dtype, objects=objects, zone_name=zone_name, unit=coarsest(spans))
    if all(issubclass(kind, date) and not issubclass(kind, datetime) for kind in kinds):
        return CellFormat("date", dtype, objects="date", unit="days")
    if all(issubclass(kind, time) for kind in kinds):
        spans = [datetime.combine(MIDNIGHT.date(), value) - MIDNIGHT for value in distinct]
        return CellFormat("time", dtype, objects="time", unit=coarsest(spans))
    if all(issubclass(kind, timedelta | np.timedelta64) for kind in kinds):
        return CellFormat(
            "duration", dtype, unit=coarsest([pd.Timedelta(value).to_pytimedelta() for value in distinct])
        )
    most_frequent = max(kinds, key=lambda kind: sum(type(value) is kind for value in distinct))
    odd = next((i for i, value in enumerate(distinct) if type(value) is not most_frequent), 0)
    row = int((codes == odd).argmax()) + 1
    names = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise TableError(
        f"{where}, row {row}: {type(distinct[odd]).__name__} {_short(distinct[odd])}; a column holds numbers, texts, "
        f"truth values, dates or times, one of them, and this one holds {names}"
    )


def _zone_name(cells: pd.Series) -> str:
    """Name the zone of a column, or its offset such as ``+01:00``."""
    zone = cells.dtype.tz if isinstance(cells.dtype, pd.DatetimeTZDtype) else None
    if zone is None:  # an Arrow dtype
        return str(cells.dtype).split("tz=")[1].rstrip("]").split("]")[0]
    return zone_text(zone)


def _plain_zone(dtype: str) -> str:
    return dtype.split(",")[0] + "]" if dtype.startswith("datetime64") else dtype


def _refuse_collections(cells: pd.Series, where: str) -> None:
    if cells.dtype != object:
        return
    for row, cell in enumerate(cells):
        if isinstance(cell, list | dict | set | np.ndarray):
            raise TableError(
                f"{where}, row {row + 1}: {type(cell).__name__} {_short(cell)}; a cell holds one value, not several: "
                "leave the column out (exclude) or make a column of each"
            )


def _numbers(
    distinct: Sequence[Any], dtype: str, where: str, codes: np.ndarray, name: str, wishes: Wishes
) -> CellFormat:
    numbers = np.array([float(value) for value in distinct])
    if np.isinf(numbers).any():
        row = int((codes == int(np.isinf(numbers).argmax())).argmax()) + 1
        raise TableError(f"{where}, row {row}: an infinite number; leave the cell empty")
    are_integers = all(isinstance(value, int | np.integer) for value in distinct)
    if wishes.kind in (None, "date") and (are_integers or dtype != "object"):
        dates = integer_dates_of(numbers, least=1 if wishes.kind == "date" else None)
        if dates is not None:
            say_integer_dates(name, int(distinct[0]), wishes)
            return replace(dates, dtype=dtype)
    if are_integers:
        if np.abs(numbers).max() > LARGEST_EXACT:
            return CellFormat("text", dtype, objects="int")
        return with_range(CellFormat("number", dtype, objects="int" if dtype == "object" else "", decimals=0), numbers)
    if (numbers == numbers.round()).all() and np.abs(numbers).max() <= LARGEST_EXACT:
        return with_range(CellFormat("number", dtype, decimals=0), numbers)
    decimals = sufficient_digits([str(value) for value in distinct], numbers)
    return with_range(CellFormat("number", dtype, decimals=decimals), numbers)


def _span(value: Any) -> timedelta:
    moment: datetime = pd.Timestamp(value).to_pydatetime(warn=False)
    return moment.astimezone(UTC).replace(tzinfo=None) - MIDNIGHT if moment.tzinfo else moment - MIDNIGHT


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
