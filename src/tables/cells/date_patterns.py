"""Parse and write texts that are dates or times, by patterns that write every parsed text back unchanged.

Patterns are those of ``strftime``, with ``%-d`` for a day without leading zero and ``%3f`` for milliseconds.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

UNITS = {
    "days": 86_400_000_000,
    "hours": 3_600_000_000,
    "minutes": 60_000_000,
    "seconds": 1_000_000,
    "milliseconds": 1_000,
    "microseconds": 1,
}
"""Microseconds of the units, coarse to fine."""
FIRST_MOMENT, LAST_MOMENT = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The years 1 to 9999, which Python's datetime covers, in microseconds since 1970."""
WHOLE = ".0"
"""What follows an integer that a program wrote as a float."""
FRACTION = re.compile(r"%([1-6])f")
SHAPES = {
    **dict.fromkeys(("%d", "%m", "%H", "%M", "%S", "%y", "%I"), r"\d\d"),
    **dict.fromkeys(("%-d", "%-m", "%-H", "%-I"), r"(?:[1-9]\d|\d)"),
    "%Y": r"\d{4}",
    "%b": "[A-Z][a-z]{2}",
    "%B": "[A-Z][a-z]{2,8}",
    "%p": "[AP]M",
    "%f": r"\d{6}",
}


def parsed(text: str, pattern: str, zone: bool = False) -> datetime:
    """Parse a date or time.

    Arguments:
        text: the text.
        pattern: its pattern.
        zone: whether the text is ISO 8601 with an offset from UTC, instead of the pattern; it is converted to UTC.

    Raises:
        ValueError: the text is not of the pattern.
    """
    if zone:
        moment = datetime.fromisoformat(text)  # without an offset: UTC, not the zone of this machine
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    if not shape(pattern).fullmatch(text):
        raise ValueError(text)
    return datetime.strptime(text, as_strptime(pattern))


def parsed_together(texts: list[str], pattern: str) -> pd.Series | None:
    """Parse many dates of a pattern at once; None if one is not of the pattern or is beyond 64-bit nanoseconds."""
    matches = shape(pattern).fullmatch
    if not all(matches(text.strip()) for text in texts):
        return None
    moments = pd.to_datetime(pd.Series(texts).str.strip(), format=as_strptime(pattern), errors="coerce")
    return None if moments.isna().any() else moments


@cache  # every column of texts is compared with some nine hundred patterns
def shape(pattern: str) -> re.Pattern[str]:
    """Compile the regular expression of a pattern; it matches only texts that the pattern writes back unchanged."""
    parts = re.split(r"(%-?[A-Za-z]|%[1-6]f)", pattern)
    return re.compile("".join(SHAPES.get(part) or _shape(part) for part in parts))


def _shape(part: str) -> str:
    return rf"\d{{{part[1]}}}" if FRACTION.fullmatch(part) else re.escape(part)


def as_strptime(pattern: str) -> str:
    """Convert a pattern to one of ``strptime``, which parses numbers with and without leading zeros."""
    return FRACTION.sub("%f", pattern).replace("%-", "%")


def formatted(moment: datetime, pattern: str) -> str:
    """Write a date or time by a pattern; inverse of :func:`parsed`."""
    digits = f"{moment.microsecond:06d}"
    pattern = FRACTION.sub(lambda match: digits[: int(match[1])], pattern)
    return moment.strftime(pattern.replace("%Y", f"{moment.year:04d}"))


def default_pattern(content: str, unit: str) -> str:
    """Choose the pattern for dates or times (``content``) that were no texts, down to their unit."""
    clock = clock_pattern(unit)
    if content == "time":
        return clock
    return "%Y-%m-%d" if unit == "days" else f"%Y-%m-%d {clock}"


def clock_pattern(unit: str) -> str:
    """Choose the pattern for times of the day down to a unit, seconds at the coarsest."""
    return "%H:%M:%S" + {"milliseconds": ".%3f", "microseconds": ".%6f"}.get(unit, "")


def span_of(value: float, unit: str) -> timedelta:
    """Return the time span of a number of units, rounded, and cut off so that with 1970-01-01 it is a moment."""
    return timedelta(microseconds=min(max(round(value) * UNITS[unit], FIRST_MOMENT), LAST_MOMENT))


def microseconds(span: timedelta) -> int:
    """Return the length of a time span in microseconds, exactly: ``total_seconds`` would round it to a float."""
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


def in_units(moments: pd.Series, unit: str) -> np.ndarray:
    """Convert datetimes to units since 1970-01-01, (N,) float64; NaN in a hole."""
    naive = moments.dt.tz_convert("UTC").dt.tz_localize(None) if moments.dt.tz is not None else moments
    length = naive.to_numpy().astype("datetime64[us]").astype(np.int64)
    return np.where(naive.isna(), np.nan, length / UNITS[unit])


def digits_text(cell: Any, pattern: str) -> Any:
    """Write an integer, of any type, as the text of a date of a pattern; other cells stay."""
    if not isinstance(cell, int | float | np.number) or float(cell) % 1 != 0:
        return cell
    return f"{int(cell)}{WHOLE if pattern.endswith(WHOLE) else ''}"
