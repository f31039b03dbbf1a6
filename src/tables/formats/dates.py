"""Infer the format of texts that are dates or times of the day."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from itertools import product

import numpy as np

from src.tables.cells.date_patterns import UNITS, WHOLE, clock_pattern, microseconds, parsed, parsed_together
from src.tables.formats.cell_format import MIDNIGHT, CellFormat

OFFSET = re.compile(r"(Z|[+-]\d\d:?\d\d)$")
LONGEST_DATE = 40
DAYS = (
    *("%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y/%m/%d", "%m-%d-%Y", "%d-%m-%Y", "%m/%d/%y", "%d/%m/%y"),
    *("%d.%m.%y", "%Y.%m.%d", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%b %d %Y", "%d %B %Y", "%B %d, %Y"),
)
MONTHS = ("%Y-%m", "%m/%Y", "%b %Y", "%B %Y", "%b-%y", "%b-%Y")
CLOCKS = ("%H:%M:%S", "%H:%M", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p", "%H:%M:%S.%f", "%H.%M")

OPEN_ENDS = (99991231, 99990101)
"""Dates that stand for no end."""
DIGIT_PATTERNS = {"%Y%m%d": (19000101, 21001231, 3), "%Y%m": (190001, 210012, 12)}
"""Patterns of integers that are dates: smallest, largest, and how many different ones are no coincidence."""


def infer_date(texts: list[str]) -> CellFormat | None:
    """Infer the format of the distinct texts of a column of dates or times; None if they are none."""
    first = min(texts, key=len)
    if len(first) > LONGEST_DATE or not any(sign.isdigit() for sign in first):
        return None
    for pattern, is_clock in _patterns(first):
        if parsed_together(texts, pattern) is not None or all(reads(text, pattern) for text in texts):
            return patterned(texts, pattern, is_clock)
    offsets = {match[0] for text in texts if (match := OFFSET.search(text))}
    if len(offsets) > 1 and all(OFFSET.search(text) and _is_iso(text) for text in texts):
        spans = [parsed(text, "", zone=True) - MIDNIGHT for text in texts]
        unit = coarsest(spans)
        pattern = f"%Y-%m-%d{first[10]}{clock_pattern(unit)}+00:00"
        return CellFormat("date", "object", as_text=True, pattern=pattern, unit=unit, zone=True)
    return None


def infer_integer_date(texts: Sequence[str], least: int | None = None) -> CellFormat | None:
    """Infer the format of distinct texts that are integers such as 20240131 or 202401, or such with ``.0`` behind.

    Arguments:
        texts: plain numbers.
        least: smallest number of distinct dates; None = :data:`DIGIT_PATTERNS` has it.
    """
    tail = WHOLE if texts[0].endswith(WHOLE) else ""
    if len(texts[0]) - len(tail) not in (len("20240131"), len("202401")):
        return None
    digits = [text.removesuffix(tail) for text in texts]
    if not all(
        text.isdigit() and len(other) == len(text) + len(tail) for text, other in zip(digits, texts, strict=True)
    ):
        return None
    dates = integer_dates_of(np.array(digits, dtype=float), least)
    if dates is None or not tail:
        return dates
    return replace(dates, pattern=f"{dates.pattern}{tail}", dtype="float64")


def integer_dates_of(numbers: np.ndarray, least: int | None = None) -> CellFormat | None:
    """Infer the format of distinct numbers that are dates such as 20240131; see :func:`infer_integer_date`."""
    for pattern, (low, high, usual) in DIGIT_PATTERNS.items():
        dated = numbers[~np.isin(numbers, OPEN_ENDS)]
        is_possible = len(dated) >= (least or usual) and low <= dated.min() and dated.max() <= high
        if is_possible and (dated % 1 == 0).all():
            texts = [str(int(number)) for number in numbers]
            if parsed_together([str(int(number)) for number in dated], pattern) is not None:
                return replace(patterned(texts, pattern, is_clock=False), as_text=False, dtype="int64")
    return None


def patterned(texts: Sequence[str], pattern: str, is_clock: bool) -> CellFormat:
    """Create the format of texts that all have a pattern, of dates or (``is_clock``) of times of the day."""
    moments = None if is_clock else parsed_together(list(texts), pattern)
    if moments is not None:
        unit = _unit_of(moments.to_numpy().astype("datetime64[us]").astype(np.int64))
    else:
        parsed_texts = [parsed(text.strip(), pattern) for text in texts]
        start = datetime.combine(parsed_texts[0].date(), time()) if is_clock else MIDNIGHT
        unit = coarsest([moment - start for moment in parsed_texts])
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


def coarsest(spans: Sequence[timedelta]) -> str:
    """Return the coarsest unit that all time spans are multiples of, microseconds at the finest."""
    return _unit_of(np.array([microseconds(span) for span in spans]))


def _unit_of(lengths: np.ndarray) -> str:
    """Return the coarsest unit that all lengths, in microseconds, are multiples of."""
    return next(unit for unit, length in UNITS.items() if not (lengths % length).any())
