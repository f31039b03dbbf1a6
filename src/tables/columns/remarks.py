"""Sentences for the user about columns whose cells may be meant otherwise than they are read."""

import re
from typing import Any

import numpy as np

from src.system.quoting import setting
from src.tables.cells.number_style import LARGEST_EXACT
from src.tables.columns.kinds import MOST_ODD, listed, nearly_numbers, odd_values
from src.tables.columns.spellings import variants
from src.tables.formats.dates import date_patterns, reads
from src.tables.formats.numbers import NUMBER, PADDED
from src.tables.text.delimited import Say

SIGNED = re.compile(r"[$€£¥]?\s?-?\d{1,3}([, .']?\d{3})*([.,]\d+)?\s?(%|[$€£¥]|[A-Z]{3})?")
MOST_PATTERNS = 3
COMMON_MARKERS = (-99, -999, -9999, -99999, 99, 999, 9999, 99999)


def say_nearly(name: str, values: list[Any], counts: np.ndarray, comma: bool, say: Say) -> None:
    """Report a few texts without which a column would be one of numbers or dates."""
    for what, odd in (("numbers", nearly_numbers(values, counts, comma)), ("dates", nearly_dates(values, counts))):
        if odd:
            n_odd = sum(int(count) for value, count in zip(values, counts, strict=True) if value in odd)
            n_shown, key = 3, "dataset.also_holes"
            remedy = setting(key, odd) if len(odd) <= n_shown else f"{key} with all of them"
            say(
                f"column {name!r}: all but {n_odd:,} of {counts.sum():,} cells are {what}, the others "
                f"{listed(map(repr, odd), n_shown)}; its cells are learned as categories. If those mark holes, "
                f"{remedy} makes it a column of {what}"
            )
            return


def say_patterns(name: str, values: list[Any], counts: np.ndarray, say: Say) -> bool:
    """Report texts that are all dates or times, but of several patterns; tell whether they are."""
    rest, found = np.argsort(-counts, kind="stable").tolist(), list[str]()
    while rest and len(found) < MOST_PATTERNS:
        example = values[rest[0]]
        read = [
            [i for i in rest if isinstance(values[i], str) and reads(values[i].strip(), pattern)]
            for pattern in (date_patterns(example) if isinstance(example, str) else [])
        ]
        fitting = max(read, key=len, default=[])
        if not fitting:
            return False
        found.append(f"{counts[fitting].sum():,} like {example!r}")
        others = set(rest) - set(fitting)
        rest = [i for i in rest if i in others]
    if rest or len(found) < 2:
        return False
    say(
        f"column {name!r}: all cells are dates or times, but of {len(found)} patterns: {', '.join(found)}; they are "
        "texts to the model until they are written alike"
    )
    return True


def nearly_dates(values: list[Any], counts: np.ndarray) -> list[Any]:
    """Return the values that are no dates of one pattern if most cells are; else, or if all are, an empty list."""
    examples = [values[i] for i in np.argsort(-counts, kind="stable")[:3]] + [values[len(values) // 2]]
    for value in examples:
        for pattern in date_patterns(value)[:1]:
            return odd_values(values, counts, [reads(other, pattern) for other in values])
    return []


def say_as_written(name: str, values: list[Any], kind: str, say: Say) -> None:
    """Report why texts that look like numbers are none: beyond 2^53, with leading zeros, or of several styles."""
    texts = [str(value) for value in values]
    left = "not learned, as ids are" if kind == "id" else "learned as categories"
    padded = next(filter(PADDED.fullmatch, texts), None)
    if padded is None and all(map(NUMBER.fullmatch, texts)):
        if any(text.lstrip("-").isdigit() and abs(int(text)) > LARGEST_EXACT for text in texts):
            say(f"column {name!r}: whole numbers beyond 2^53, which floats would round, are {left}")
        return
    if kind != "id":
        return
    if padded is not None and all(map(NUMBER.fullmatch, texts)):
        say(f"column {name!r}: cells with leading zeros such as {padded!r} are codes, no numbers; they are {left}")
        return
    signed = [text for text in texts if SIGNED.fullmatch(text)]
    if len(signed) > MOST_ODD * len(texts):
        say(
            f"column {name!r}: cells such as {signed[0]!r} are texts, because others are written otherwise; "
            "written in one way they would be learned as numbers"
        )


def say_marker(name: str, values: list[Any], counts: np.ndarray, say: Say) -> None:
    """Report a number that is a common mark of missing values and lies far from the other numbers."""
    for i, others in ((0, values[1:]), (-1, values[:-1])):
        if len(others) < 3 or values[i] not in COMMON_MARKERS or counts[i] < 2:
            continue
        gap = min(abs(values[i] - others[0]), abs(values[i] - others[-1]))
        if gap > others[-1] - others[0]:
            say(
                f"column {name!r}: {counts[i]:,} cells are {values[i]}, far from all others; if it marks a hole: "
                f"{setting('dataset.also_holes', [values[i]])}"
            )


def say_codes(name: str, values: list[Any], say: Say) -> None:
    """Report whole numbers that are learned as categories because of their gaps."""
    shown = listed(values, 10)
    say(
        f"column {name!r} holds {len(values)} whole numbers with gaps ({shown}), each in many rows, so they are "
        f"learned as categories; {setting('dataset.numerical', [name])} learns them as numbers"
    )


def say_variants(name: str, values: list[Any], counts: np.ndarray, say: Say) -> None:
    """Report categories that differ only in case or blanks."""
    several = variants(values, counts)
    if several:
        shown = [", ".join(f"{value!r} {count:,}x" for value, count in spellings.items()) for spellings in several[:3]]
        more = f"; and {len(several) - 3} more" if len(several) > 3 else ""
        say(
            f"column {name!r} has categories that differ only in case or blanks: {'; '.join(shown)}{more}; "
            f"{setting('dataset.merge_spellings', [name])} makes them one"
        )
