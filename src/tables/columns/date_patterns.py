"""Patterns of texts that are dates or times: ``strftime``'s, ``%-d`` without a leading zero, ``%3f`` with three digits.

What is read by a pattern is written by it as the same text.
"""

import re
from datetime import UTC, datetime
from functools import cache

import pandas as pd

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
    """A date or time of ``pattern``; several offsets from UTC are turned to UTC (``zone``).

    Raises:
        ValueError: it is not of that pattern.
    """
    if zone:
        return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
    if not shape(pattern).fullmatch(text):
        raise ValueError(text)
    return datetime.strptime(text, as_strptime(pattern))


def parsed_together(texts: list[str], pattern: str) -> pd.Series | None:
    """Many dates of a pattern at once, without a zone; None where one is not of it, or beyond nanoseconds."""
    matches = shape(pattern).fullmatch
    if not all(matches(text.strip()) for text in texts):
        return None
    moments = pd.to_datetime(pd.Series(texts).str.strip(), format=as_strptime(pattern), errors="coerce")
    return None if moments.isna().any() else moments


@cache  # there are some nine hundred patterns, all of which a column is tried with
def shape(pattern: str) -> re.Pattern[str]:
    """What a text of a pattern looks like, so that writing what was read gives the same text."""
    parts = re.split(r"(%-?[A-Za-z]|%[1-6]f)", pattern)
    return re.compile("".join(SHAPES.get(part) or _shape(part) for part in parts))


def _shape(part: str) -> str:
    return rf"\d{{{part[1]}}}" if FRACTION.fullmatch(part) else re.escape(part)


def as_strptime(pattern: str) -> str:
    """The pattern as ``strptime`` knows it."""
    return FRACTION.sub("%f", pattern).replace("%-", "%")


def formatted(moment: datetime, pattern: str) -> str:
    """Inverse of :func:`parsed`."""
    digits = f"{moment.microsecond:06d}"
    pattern = FRACTION.sub(lambda found: digits[: int(found[1])], pattern)
    return moment.strftime(pattern.replace("%Y", f"{moment.year:04d}"))
