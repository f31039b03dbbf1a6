"""Infer the format of a column's cells; :mod:`src.tables.columns.cell_format` lists the formats.

A format fits only if it writes every parsed cell back unchanged: a column with ``007`` or the 30th of February is text.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import product
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd

from src.errors import TableError
from src.tables.columns.cell_format import LARGEST_EXACT, MIDNIGHT, CellFormat
from src.tables.columns.date_patterns import UNITS, clock_pattern, microseconds, parsed, parsed_together
from src.tables.columns.distinct import distinct_cells
from src.tables.columns.object_cells import class_and_zone, zone_text
from src.tables.text.delimited import Dialect

NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
COMMA_NUMBER = re.compile(r"-?(\d+,?\d*|,\d+)([eE][+-]?\d+)?", re.ASCII)
INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
PADDED = re.compile(r"-?0\d+([.,]\d*)?")
OFFSET = re.compile(r"(Z|[+-]\d\d:?\d\d)$")
MOST_DECIMALS = 8
NEARLY_ALL = 0.9  # of the numbers of a column
MOST_LOOKED_AT = 10_000
DIGITS_OF_EXACT = 15
LONGEST_DATE = 40
DAYS = (
    *("%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y/%m/%d", "%m-%d-%Y", "%d-%m-%Y", "%m/%d/%y", "%d/%m/%y"),
    *("%d.%m.%y", "%Y.%m.%d", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%b %d %Y", "%d %B %Y", "%B %d, %Y"),
)
MONTHS = ("%Y-%m", "%m/%Y", "%b %Y", "%B %Y", "%b-%y", "%b-%Y")
CLOCKS = ("%H:%M:%S", "%H:%M", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p", "%H:%M:%S.%f", "%H.%M")


def infer_cell_format(cells: pd.Series, dialect: Dialect | None, where: str) -> CellFormat:
    """Infer the format of a column that has at least one value.

    Arguments:
        cells: (N,), holes NaN or None; from a text file, a categorical of its texts.
        dialect: dialect of the text file; None for cells of another origin.
        where: name of the column in messages.

    Raises:
        TableError: the cells are of several types, or of a type without a format; names the row.
    """
    _refuse_collections(cells, where)
    distinct, codes = distinct_cells(cells)
    dtype = str(cells.dtype)
    if dialect is not None:
        inferred = infer_text_format(distinct, dialect.decimal_comma, where)
        return replace(inferred, as_text=inferred.content in ("date", "time"))
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
        zoned = _object_format(distinct, dtype, where, codes)
        return replace(zoned, dtype=_plain_zone(dtype), zone_name=_zone_name(cells))
    return _object_format(distinct, dtype, where, codes)


def infer_text_format(texts: Sequence[str], comma: bool, where: str) -> CellFormat:
    """Infer the format of the distinct texts of a column; its dtype is that of the parsed numbers or truth values."""
    stripped = [text.strip() for text in texts]
    pattern = COMMA_NUMBER if comma and any("," in text for text in stripped) else NUMBER
    is_number = [pattern.fullmatch(text) or INFINITE.fullmatch(text) for text in stripped]
    if all(is_number) and not any(PADDED.fullmatch(text) for text in stripped):
        numbers = _number_texts(stripped, pattern is COMMA_NUMBER, where)
        if numbers is not None:
            return numbers
    truths = _truth_texts(stripped)
    if truths is not None:
        return truths
    return _date_texts(stripped) or CellFormat("text", "object")


def _object_format(distinct: Sequence[Any], dtype: str, where: str, codes: np.ndarray) -> CellFormat:
    """Infer the format of distinct Python objects; ``codes`` (N,) are their positions by row, for messages."""
    kinds = {type(value) for value in distinct}
    if kinds <= {bool, np.bool_}:
        return CellFormat("truth value", dtype)
    if all(issubclass(kind, str) for kind in kinds):
        inferred = infer_text_format(distinct, False, where)
        return replace(inferred, dtype=dtype, as_text=inferred.content != "text")
    if all(issubclass(kind, Decimal) for kind in kinds):
        decimals = max(-int(value.as_tuple().exponent) for value in distinct)
        return CellFormat("number", dtype, objects="Decimal", decimals=max(decimals, 0))
    if all(issubclass(kind, Number) and not issubclass(kind, complex) for kind in kinds):
        return _numbers(distinct, dtype, where, codes)
    if all(issubclass(kind, datetime | np.datetime64) for kind in kinds):
        spans = [_span(value) for value in distinct]
        objects, zone_name = class_and_zone(distinct) if dtype == "object" else ("", "")
        return CellFormat("date", dtype, objects=objects, zone_name=zone_name, unit=_coarsest(spans))
    if all(issubclass(kind, date) and not issubclass(kind, datetime) for kind in kinds):
        return CellFormat("date", dtype, objects="date", unit="days")
    if all(issubclass(kind, time) for kind in kinds):
        spans = [datetime.combine(MIDNIGHT.date(), value) - MIDNIGHT for value in distinct]
        return CellFormat("time", dtype, objects="time", unit=_coarsest(spans))
    if all(issubclass(kind, timedelta | np.timedelta64) for kind in kinds):
        return CellFormat(
            "duration", dtype, unit=_coarsest([pd.Timedelta(value).to_pytimedelta() for value in distinct])
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


def _numbers(distinct: Sequence[Any], dtype: str, where: str, codes: np.ndarray) -> CellFormat:
    numbers = np.array([float(value) for value in distinct])
    if np.isinf(numbers).any():
        row = int((codes == int(np.isinf(numbers).argmax())).argmax()) + 1
        raise TableError(f"{where}, row {row}: an infinite number; leave the cell empty")
    if all(isinstance(value, int | np.integer) for value in distinct):
        if np.abs(numbers).max() > LARGEST_EXACT:
            return CellFormat("text", dtype, objects="int")
        return _with_range(CellFormat("number", dtype, objects="int" if dtype == "object" else "", decimals=0), numbers)
    if (numbers == numbers.round()).all() and np.abs(numbers).max() <= LARGEST_EXACT:
        return _with_range(CellFormat("number", dtype, decimals=0), numbers)
    decimals = _sufficient_digits([str(value) for value in distinct], numbers)
    return _with_range(CellFormat("number", dtype, decimals=decimals), numbers)


def _number_texts(texts: list[str], comma: bool, where: str) -> CellFormat | None:
    numbers = np.array([float(text.replace(",", ".") if comma else text) for text in texts])
    if np.isinf(numbers).any():
        text = texts[int(np.isinf(numbers).argmax())]
        raise TableError(f"{where}: {text!r} is an infinite number; leave the cell empty, or say that it marks a hole")
    are_integers = bool((numbers == numbers.round()).all())
    long_integers = (text for text in texts if len(text) > DIGITS_OF_EXACT and text.removeprefix("-").isdigit())
    if any(abs(int(text)) > LARGEST_EXACT for text in long_integers):
        return None  # codes, which as numbers would be rounded
    plain = [text.replace(",", ".") for text in texts] if comma else texts
    are_exact = are_integers and np.abs(numbers).max() <= LARGEST_EXACT and all(_digits(text) == 0 for text in plain)
    most = 0 if are_exact else _sufficient_digits(plain, numbers)
    least = min(map(_digits, plain))
    if most is None:
        return _with_range(CellFormat("number", "float64", least_decimals=min(least, 1), comma=comma), numbers)
    dtype = "float64" if most else "int64"
    inferred = CellFormat("number", dtype, decimals=most, least_decimals=min(least, most), comma=comma)
    return _with_range(inferred, numbers)


def _with_range(cell_format: CellFormat, numbers: np.ndarray) -> CellFormat:
    return replace(cell_format, low=float(numbers.min()), high=float(numbers.max()))


def _sufficient_digits(texts: Sequence[str], numbers: np.ndarray) -> int | None:
    """Count the digits after the point that suffice for nearly all numbers.

    None if these are 0 or more than :data:`MOST_DECIMALS`, or if rounding to them would make a small number 0.
    """
    digits = np.array([_digits(text) for text in texts[:MOST_LOOKED_AT]])
    few = digits[digits <= MOST_DECIMALS]
    if len(few) < NEARLY_ALL * len(digits) or few.max() == 0:
        return None
    most = int(few.max())
    hidden = (numbers != 0) & (np.abs(numbers) < 10.0**-most / 2)
    return None if hidden.any() else most


def _truth_texts(texts: list[str]) -> CellFormat | None:
    by_meaning = {text.lower(): text for text in texts}
    if len(texts) > 2 or len(by_meaning) != len(texts) or not set(by_meaning) <= {"true", "false"}:
        return None
    style = str.upper if texts[0].isupper() else str.title if texts[0].istitle() else str.lower
    truths = (style("false"), style("true"))
    return CellFormat("truth value", "bool", truths=truths) if set(texts) <= set(truths) else None


def _date_texts(texts: list[str]) -> CellFormat | None:
    first = min(texts, key=len)
    if len(first) > LONGEST_DATE or not any(sign.isdigit() for sign in first):
        return None
    for pattern, is_clock in _patterns(first):
        if parsed_together(texts, pattern) is not None or all(reads(text, pattern) for text in texts):
            return patterned(texts, pattern, is_clock)
    offsets = {match[0] for text in texts if (match := OFFSET.search(text))}
    if len(offsets) > 1 and all(OFFSET.search(text) and _is_iso(text) for text in texts):
        spans = [parsed(text, "", zone=True) - MIDNIGHT for text in texts]
        unit = _coarsest(spans)
        pattern = f"%Y-%m-%d{first[10]}{clock_pattern(unit)}+00:00"
        return CellFormat("date", "object", pattern=pattern, unit=unit, zone=True)
    return None


def patterned(texts: Sequence[str], pattern: str, is_clock: bool) -> CellFormat:
    """Create the format of texts that all have a pattern, of dates or (``is_clock``) of times of the day."""
    moments = None if is_clock else parsed_together(list(texts), pattern)
    if moments is not None:
        unit = _unit_of(moments.to_numpy().astype("datetime64[us]").astype(np.int64))
    else:
        parsed_texts = [parsed(text.strip(), pattern) for text in texts]
        start = datetime.combine(parsed_texts[0].date(), time()) if is_clock else MIDNIGHT
        unit = _coarsest([moment - start for moment in parsed_texts])
    return CellFormat("time" if is_clock else "date", "object", as_text=True, pattern=pattern, unit=unit)


def _patterns(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the patterns that a text has, and whether they are of times of the day without a date."""
    offset = OFFSET.search(text)
    suffix = offset[0] if offset and len(text) > len("2000-01-01") else ""
    fraction = re.search(r":\d\d\.(\d{1,6})(?!\d)", text)
    clocks = [clock.replace(".%f", f".%{len(fraction[1])}f" if fraction else ".%f") for clock in CLOCKS]
    days = [*DAYS, *MONTHS, *(f"{day}{gap}{clock}{suffix}" for day, gap, clock in product(DAYS, " T", clocks))]
    for pattern, is_clock in [*((day, False) for day in days), *((clock, True) for clock in clocks)]:
        unpadded = re.sub(r"%([dmHI])", r"%-\1", pattern, count=0)
        for candidate in dict.fromkeys((pattern, unpadded, re.sub(r"%-([HI])", r"%\1", unpadded))):
            if reads(text, candidate):
                yield candidate, is_clock


def date_patterns(text: str) -> list[str]:
    """List the patterns of dates and times that a text has."""
    plausible = len(text) <= LONGEST_DATE and any(sign.isdigit() for sign in text)
    return [pattern for pattern, _ in _patterns(text.strip())] if plausible else []


def reads(text: str, pattern: str) -> bool:
    """Tell whether a text has a pattern."""
    try:
        parsed(text, pattern)
    except (ValueError, OverflowError):  # it has not: that is the answer
        return False
    return True


def _is_iso(text: str) -> bool:
    try:
        datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):  # no ISO 8601, or beyond the years of datetime
        return False
    return len(text) > len("2000-01-01")


def _span(value: Any) -> timedelta:
    moment: datetime = pd.Timestamp(value).to_pydatetime(warn=False)
    return moment.astimezone(UTC).replace(tzinfo=None) - MIDNIGHT if moment.tzinfo else moment - MIDNIGHT


def _coarsest(spans: Sequence[timedelta]) -> str:
    """Return the coarsest unit that all time spans are multiples of, microseconds at the finest."""
    return _unit_of(np.array([microseconds(span) for span in spans]))


def _unit_of(lengths: np.ndarray) -> str:
    """Return the coarsest unit that all lengths, in microseconds, are multiples of."""
    return next(unit for unit, length in UNITS.items() if not (lengths % length).any())


def _digits(text: str) -> int:
    """Count the digits after the point of a written number, which may have an exponent."""
    if "e" in text or "E" in text:
        return max(-int(Decimal(text).normalize().as_tuple().exponent), 0)
    return len(text.partition(".")[2])


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
