"""Infer the format of texts that are numbers."""

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np

from src.errors import TableError
from src.tables.cells.number_style import LARGEST_EXACT
from src.tables.formats.cell_format import CellFormat
from src.tables.formats.styles import infer_digits, infer_scientific, uneven

NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
COMMA_NUMBER = re.compile(r"-?(\d+,?\d*|,\d+)([eE][+-]?\d+)?", re.ASCII)
INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
PADDED = re.compile(r"-?0\d+([.,]\d*)?")
MOST_DECIMALS = 8
NEARLY_ALL = 0.9  # of the numbers of a column
MOST_LOOKED_AT = 10_000
DIGITS_OF_EXACT = 15


Uneven = tuple[str, str]
"""Two texts of a column that spell numbers unevenly, such as ``1.10`` and ``1.2``."""


def infer_number(texts: list[str], comma: bool, where: str) -> tuple[CellFormat, Uneven | None] | None:
    """Infer the format of texts that are all plain numbers; None if as numbers they would be rounded.

    Arguments:
        texts: the distinct texts, without blanks around them.
        comma: whether a comma is the decimal sign.
        where: name of the column in messages.

    Returns:
        The format, and two texts that it does not write back because the column spells numbers unevenly; or None.

    Raises:
        TableError: a number is infinite.
    """
    numbers = np.array([float(text.replace(",", ".") if comma else text) for text in texts])
    if np.isinf(numbers).any():
        text = texts[int(np.isinf(numbers).argmax())]
        raise TableError(f"{where}: {text!r} is an infinite number; leave the cell empty, or say that it marks a hole")
    are_integers = bool((numbers == numbers.round()).all())
    long_integers = (text for text in texts if len(text) > DIGITS_OF_EXACT and text.removeprefix("-").isdigit())
    if any(abs(int(text)) > LARGEST_EXACT for text in long_integers):
        return None  # codes, which as numbers would be rounded
    plain = [text.replace(",", ".") for text in texts] if comma else texts
    digits = [_digits(text) for text in plain]
    least = min(digits)
    odd = uneven(texts, numbers, least, comma)
    point = "," if comma else "."
    styled = infer_scientific(texts, numbers.tolist(), comma)
    if styled is None and (odd or any(text.startswith((point, f"-{point}")) for text in texts)):
        styled = infer_digits(texts, comma)
    if styled is not None:
        return with_range(styled, numbers), None
    are_exact = are_integers and np.abs(numbers).max() <= LARGEST_EXACT and not any(digits)
    most = 0 if are_exact else sufficient_digits(plain, numbers)
    if most is None:
        return with_range(CellFormat("number", "float64", least_decimals=min(least, 1), comma=comma), numbers), odd
    dtype = "float64" if most else "int64"
    inferred = CellFormat("number", dtype, decimals=most, least_decimals=min(least, most), comma=comma)
    return with_range(inferred, numbers), odd


def with_range(cell_format: CellFormat, numbers: np.ndarray) -> CellFormat:
    """Set the range of a format to that of its numbers."""
    return replace(cell_format, low=float(numbers.min()), high=float(numbers.max()))


def sufficient_digits(texts: Sequence[str], numbers: np.ndarray) -> int | None:
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


def _digits(text: str) -> int:
    """Count the digits after the point of a written number, which may have an exponent."""
    if "e" in text or "E" in text:
        return max(-int(Decimal(text).normalize().as_tuple().exponent), 0)
    return len(text.partition(".")[2])
