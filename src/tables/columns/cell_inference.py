"""Infer how the cells of a column are written; the table in :mod:`src.tables.columns.cells` lists the ways.

A format is taken only if every cell reads back as it stands, so that ``007``, ``1,234`` or the 30th of
February make a column of texts.
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
from src.tables.columns.cells import LARGEST_EXACT, MIDNIGHT, UNITS, Cells, microseconds
from src.tables.columns.date_patterns import parsed, parsed_together
from src.tables.columns.distinct import distinct_cells
from src.tables.columns.object_cells import class_and_zone, zone_text
from src.tables.text.delimited import Dialect

NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
COMMA_NUMBER = re.compile(r"-?(\d+,?\d*|,\d+)([eE][+-]?\d+)?", re.ASCII)
INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
PADDED = re.compile(r"-?0\d+([.,]\d*)?")
OFFSET = re.compile(r"(Z|[+-]\d\d:?\d\d)$")
MOST_DECIMALS = 8
NEARLY_ALL = 0.9
MOST_LOOKED_AT = 10_000
DIGITS_OF_EXACT = 15
LONGEST_DATE = 40
DAYS = (
    *("%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y/%m/%d", "%m-%d-%Y", "%d-%m-%Y", "%m/%d/%y", "%d/%m/%y"),
    *("%d.%m.%y", "%Y.%m.%d", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%b %d %Y", "%d %B %Y", "%B %d, %Y"),
)
MONTHS = ("%Y-%m", "%m/%Y", "%b %Y", "%B %Y", "%b-%y", "%b-%Y")
CLOCKS = ("%H:%M:%S", "%H:%M", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p", "%H:%M:%S.%f", "%H.%M")


def infer_cells(cells: pd.Series, dialect: Dialect | None, where: str) -> Cells:
    """Format of a column of which at least one cell is no hole.

    Arguments:
        cells: (N,), holes NaN or None.
        dialect: of the text file that the cells, then a categorical of texts, are from; None of others.
        where: place of the column, for messages.

    Raises:
        TableError: the cells are of several types, or of one that is none of the table; names the row.
    """
    _refuse_collections(cells, where)
    distinct, codes = distinct_cells(cells)
    dtype = str(cells.dtype)
    if dialect is not None:
        found = infer_texts(distinct, dialect.decimal_comma, where)
        return replace(found, as_text=found.content in ("date", "time"))
    if isinstance(cells.dtype, pd.CategoricalDtype):
        categories = cells.cat.categories
        texts, inner = tuple(map(str, categories)), str(categories.dtype)
        odd = next((value for value in categories if not isinstance(value, str | Number | np.bool_ | datetime)), None)
        if odd is not None:
            raise TableError(
                f"{where}: {type(odd).__name__} {_short(odd)} is no category that can be written; as texts they are"
            )
        return Cells("text", dtype, dtype_categories=texts, category_dtype=inner, ordered=bool(cells.cat.ordered))
    if isinstance(cells.dtype, pd.DatetimeTZDtype) or "tz=" in dtype:
        found = _of_values(distinct, dtype, where, codes)
        return replace(found, dtype=_plain_zone(dtype), zone_name=_zone_name(cells))
    return _of_values(distinct, dtype, where, codes)


def infer_texts(texts: Sequence[str], comma: bool, where: str) -> Cells:
    """Format of the different texts of a column; ``dtype`` is what they have once read as numbers or truth values."""
    stripped = [text.strip() for text in texts]
    pattern = COMMA_NUMBER if comma and any("," in text for text in stripped) else NUMBER
    is_number = [pattern.fullmatch(text) or INFINITE.fullmatch(text) for text in stripped]
    if all(is_number) and not any(PADDED.fullmatch(text) for text in stripped):
        found = _number_texts(stripped, pattern is COMMA_NUMBER, where)
        if found is not None:
            return found
    truths = _truth_texts(stripped)
    if truths is not None:
        return truths
    return _date_texts(stripped) or Cells("text", "object")


def _of_values(distinct: Sequence[Any], dtype: str, where: str, codes: np.ndarray) -> Cells:
    kinds = {type(value) for value in distinct}
    if kinds <= {bool, np.bool_}:
        return Cells("truth value", dtype)
    if all(issubclass(kind, str) for kind in kinds):
        found = infer_texts(distinct, False, where)
        return replace(found, dtype=dtype, as_text=found.content != "text")
    if all(issubclass(kind, Decimal) for kind in kinds):
        decimals = max(-int(value.as_tuple().exponent) for value in distinct)
        return Cells("number", dtype, objects="Decimal", decimals=max(decimals, 0))
    if all(issubclass(kind, Number) and not issubclass(kind, complex) for kind in kinds):
        return _numbers(distinct, dtype, where, codes)
    if all(issubclass(kind, datetime | np.datetime64) for kind in kinds):
        spans = [_span(value) for value in distinct]
        objects, zone_name = class_and_zone(distinct) if dtype == "object" else ("", "")
        return Cells("date", dtype, objects=objects, zone_name=zone_name, unit=_coarsest(spans))
    if all(issubclass(kind, date) and not issubclass(kind, datetime) for kind in kinds):
        return Cells("date", dtype, objects="date", unit="days")
    if all(issubclass(kind, time) for kind in kinds):
        spans = [datetime.combine(MIDNIGHT.date(), value) - MIDNIGHT for value in distinct]
        return Cells("time", dtype, objects="time", unit=_coarsest(spans))
    if all(issubclass(kind, timedelta | np.timedelta64) for kind in kinds):
        return Cells("duration", dtype, unit=_coarsest([pd.Timedelta(value).to_pytimedelta() for value in distinct]))
    usual = max(kinds, key=lambda kind: sum(type(value) is kind for value in distinct))
    odd = next((i for i, value in enumerate(distinct) if type(value) is not usual), 0)
    row = int((codes == odd).argmax()) + 1
    names = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise TableError(
        f"{where}, row {row}: {type(distinct[odd]).__name__} {_short(distinct[odd])}; a column holds numbers, texts, "
        f"truth values, dates or times, one of them, and this one holds {names}"
    )


def _zone_name(cells: pd.Series) -> str:
    """Name of a column's zone, or its offset such as ``+01:00``."""
    zone = cells.dtype.tz if isinstance(cells.dtype, pd.DatetimeTZDtype) else None
    if zone is None:  # of Arrow
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


def _numbers(distinct: Sequence[Any], dtype: str, where: str, codes: np.ndarray) -> Cells:
    numbers = np.array([float(value) for value in distinct])
    if np.isinf(numbers).any():
        row = int((codes == int(np.isinf(numbers).argmax())).argmax()) + 1
        raise TableError(f"{where}, row {row}: an infinite number; leave the cell empty")
    if all(isinstance(value, int | np.integer) for value in distinct):
        if np.abs(numbers).max() > LARGEST_EXACT:
            return Cells("text", dtype, objects="int")
        return _with_range(Cells("number", dtype, objects="int" if dtype == "object" else "", decimals=0), numbers)
    if (numbers == numbers.round()).all() and np.abs(numbers).max() <= LARGEST_EXACT:
        return _with_range(Cells("number", dtype, decimals=0), numbers)
    return _with_range(
        Cells("number", dtype, decimals=_usual_digits([str(value) for value in distinct], numbers)), numbers
    )


def _number_texts(texts: list[str], comma: bool, where: str) -> Cells | None:
    numbers = np.array([float(text.replace(",", ".") if comma else text) for text in texts])
    if np.isinf(numbers).any():
        text = texts[int(np.isinf(numbers).argmax())]
        raise TableError(f"{where}: {text!r} is an infinite number; leave the cell empty, or say that it marks a hole")
    whole = bool((numbers == numbers.round()).all())
    whole_texts = (text for text in texts if len(text) > DIGITS_OF_EXACT and text.removeprefix("-").isdigit())
    if any(abs(int(text)) > LARGEST_EXACT for text in whole_texts):
        return None  # codes: as numbers they would be rounded
    plain = [text.replace(",", ".") for text in texts] if comma else texts
    written_whole = whole and np.abs(numbers).max() <= LARGEST_EXACT and all(_digits(text) == 0 for text in plain)
    most = 0 if written_whole else _usual_digits(plain, numbers)
    least = min(map(_digits, plain))
    if most is None:
        return _with_range(Cells("number", "float64", least_decimals=min(least, 1), comma=comma), numbers)
    dtype = "float64" if most else "int64"
    found = Cells("number", dtype, decimals=most, least_decimals=min(least, most), comma=comma)
    return _with_range(found, numbers)


def _with_range(cells: Cells, numbers: np.ndarray) -> Cells:
    return replace(cells, low=float(numbers.min()), high=float(numbers.max()))


def _usual_digits(texts: Sequence[str], numbers: np.ndarray) -> int | None:
    """Digits after the point that nearly all numbers get along with; None where that is many or hides small ones."""
    digits = np.array([_digits(text) for text in texts[:MOST_LOOKED_AT]])
    few = digits[digits <= MOST_DECIMALS]
    if len(few) < NEARLY_ALL * len(digits) or few.max() == 0:
        return None
    most = int(few.max())
    hidden = (numbers != 0) & (np.abs(numbers) < 10.0**-most / 2)
    return None if hidden.any() else most


def _truth_texts(texts: list[str]) -> Cells | None:
    by_meaning = {text.lower(): text for text in texts}
    if len(texts) > 2 or len(by_meaning) != len(texts) or not set(by_meaning) <= {"true", "false"}:
        return None
    style = str.upper if texts[0].isupper() else str.title if texts[0].istitle() else str.lower
    truths = (style("false"), style("true"))
    return Cells("truth value", "bool", truths=truths) if set(texts) <= set(truths) else None


def _date_texts(texts: list[str]) -> Cells | None:
    first = min(texts, key=len)
    if len(first) > LONGEST_DATE or not any(sign.isdigit() for sign in first):
        return None
    for pattern, is_clock in _patterns(first):
        if parsed_together(texts, pattern) is not None or all(reads(text, pattern) for text in texts):
            return patterned(texts, pattern, is_clock)
    offsets = {found[0] for text in texts if (found := OFFSET.search(text))}
    if len(offsets) > 1 and all(OFFSET.search(text) and _is_iso(text) for text in texts):
        spans = [parsed(text, "", zone=True) - MIDNIGHT for text in texts]
        unit = _coarsest(spans)
        clock = "%H:%M:%S" + {"milliseconds": ".%3f", "microseconds": ".%6f"}.get(unit, "")
        return Cells("date", "object", pattern=f"%Y-%m-%d{first[10]}{clock}+00:00", unit=unit, zone=True)
    return None


def patterned(texts: Sequence[str], pattern: str, is_clock: bool) -> Cells:
    """Format of texts that are all of a pattern, of dates or (``is_clock``) of times of the day."""
    moments = None if is_clock else parsed_together(list(texts), pattern)
    if moments is not None:
        unit = _unit_of(moments.to_numpy().astype("datetime64[us]").astype(np.int64))
    else:
        every = [parsed(text.strip(), pattern) for text in texts]
        start = datetime.combine(every[0].date(), time()) if is_clock else MIDNIGHT
        unit = _coarsest([moment - start for moment in every])
    return Cells("time" if is_clock else "date", "object", as_text=True, pattern=pattern, unit=unit)


def _patterns(text: str) -> Iterator[tuple[str, bool]]:
    """Patterns that a text is of, each with whether it is a time of the day alone."""
    offset = OFFSET.search(text)
    suffix = offset[0] if offset and len(text) > len("2000-01-01") else ""
    fraction = re.search(r":\d\d\.(\d{1,6})(?!\d)", text)
    clocks = [clock.replace(".%f", f".%{len(fraction[1])}f" if fraction else ".%f") for clock in CLOCKS]
    days = [*DAYS, *MONTHS, *(f"{day}{gap}{clock}{suffix}" for day, gap, clock in product(DAYS, " T", clocks))]
    for pattern, is_clock in [*((day, False) for day in days), *((clock, True) for clock in clocks)]:
        plain = re.sub(r"%([dmHI])", r"%-\1", pattern, count=0)
        for each in dict.fromkeys((pattern, plain, re.sub(r"%-([HI])", r"%\1", plain))):
            if reads(text, each):
                yield each, is_clock


def date_patterns(text: str) -> list[str]:
    """Patterns of dates and times that a text is of."""
    plausible = len(text) <= LONGEST_DATE and any(sign.isdigit() for sign in text)
    return [pattern for pattern, _ in _patterns(text.strip())] if plausible else []


def reads(text: str, pattern: str) -> bool:
    """Whether a text is of a pattern."""
    try:
        parsed(text, pattern)
    except (ValueError, OverflowError):
        return False
    return True


def _is_iso(text: str) -> bool:
    try:
        datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        return False
    return len(text) > len("2000-01-01")


def _span(value: Any) -> timedelta:
    moment: datetime = pd.Timestamp(value).to_pydatetime(warn=False)
    return moment.astimezone(UTC).replace(tzinfo=None) - MIDNIGHT if moment.tzinfo else moment - MIDNIGHT


def _coarsest(spans: Sequence[timedelta]) -> str:
    """The coarsest unit that all spans are whole multiples of, microseconds at the finest."""
    return _unit_of(np.array([microseconds(span) for span in spans]))


def _unit_of(lengths: np.ndarray) -> str:
    """The coarsest unit that all lengths, in microseconds, are whole multiples of."""
    return next(unit for unit, length in UNITS.items() if not (lengths % length).any())


def _digits(text: str) -> int:
    """Digits after the point of a number as it is written, exponent and all."""
    if "e" in text or "E" in text:
        return max(-int(Decimal(text).normalize().as_tuple().exponent), 0)
    return len(text.partition(".")[2])


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
