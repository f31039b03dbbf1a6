"""Infer the style of texts that are numbers with currencies, units, percents, thousands, or signs of their own.

A style fits only if it writes every text back unchanged.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from src.tables.cells.affixes import Affixes, affixes, without_minus
from src.tables.cells.number_style import NumberStyle, digits_shape
from src.tables.formats.cell_format import CellFormat

BLANKS = " \u00a0\u202f\u2009"
SPLIT = re.compile(rf"(\D*?)([.,]?\d(?:[\d.,'’{BLANKS}]*\d)?)(\D*|\D*[a-z][23])", re.ASCII)
SCIENTIFIC = re.compile(r"-?\d(?:[.,](\d+))?([eE])([+-]?)(\d+)", re.ASCII)
LONGEST = 40
MOST_DIGITS = 15
DIGITS_OF_A_PHONE = 7
FEW_SPELLINGS = 30
"""Up to as many distinct texts may be codes, such as versions, of which only those seen exist."""

Reading = tuple[str, bool]
"""The sign of thousands (empty = none), and whether a comma is the decimal sign."""


@dataclass(frozen=True)
class Commas:
    """What is known about commas before a column is read.

    Attributes:
        decimal: the decimal sign, if the user said it; else empty.
        allowed: whether a comma in a plain number is a decimal sign, as where no comma separates fields.
        usual: whether decimal commas are usual where the column is from, as between semicolons.
    """

    decimal: str = ""
    allowed: bool = False
    usual: bool = False


@dataclass(frozen=True)
class Styled:
    """The format of numbers of a style.

    Attributes:
        cells: the format.
        doubt: a text that the other decimal sign would make another number; empty = there is none.
    """

    cells: CellFormat
    doubt: str = ""


def infer_style(texts: Sequence[str], commas: Commas) -> Styled | None:
    """Infer the format of the distinct texts of a column, without blanks around them; None if they have no style."""
    if max(map(len, texts)) > LONGEST:
        return None
    sides: dict[tuple[str, str], Affixes] = {}
    bodies = []
    for text in texts:
        match = SPLIT.fullmatch(text)
        if match is None:
            return None
        before, body, after = match.groups()
        if (before, after) not in sides:
            found = affixes(before, after)
            if found is None or len(sides) == 2:
                return None
            sides[before, after] = found
        bodies.append(body)
    style = _style_of(list(sides.values()))
    if style is None:
        return None
    is_money = any(found.is_money for found in sides.values())
    readings = _readings(bodies, commas)
    if style == NumberStyle() and readings == [("", True)] and not _are_decimals(bodies, commas):
        return None  # "3,4" may be a list
    if len(readings) > 1:
        grouped = _parts_thousands(bodies, commas, is_money)
        readings.sort(key=lambda reading: bool(reading[0]) != grouped)
    for reading in readings:
        cells = _fitting(texts, bodies, replace(style, thousands=reading[0]), reading[1])
        if cells is not None:
            doubtful = len(readings) > 1 and not is_money
            return Styled(cells, next(text for text in texts if "," in text or "." in text) if doubtful else "")
    return None


def infer_scientific(texts: Sequence[str], numbers: Sequence[float], comma: bool) -> CellFormat | None:
    """Infer the format of distinct numbers in scientific notation; None if some are not, or are in another style."""
    if not all("e" in text or "E" in text for text in texts):
        return None
    parts = [match.groups(default="") for match in map(SCIENTIFIC.fullmatch, texts) if match]
    if len(parts) < len(texts):
        return None
    widths = {len(digits) for *_, digits in parts}
    signs = "+" if any(sign == "+" for _, _, sign, _ in parts) else ""
    mantissas = [len(fraction) for fraction, *_ in parts]
    style = NumberStyle(exponent=parts[0][1] + signs + "0" * min(widths), mantissa=max(mantissas))
    cells = CellFormat("number", "float64", least_decimals=min(mantissas), comma=comma, style=style)
    return cells if max(mantissas) <= MOST_DIGITS and _writes_back(cells, texts, numbers) else None


def infer_digits(texts: Sequence[str], comma: bool) -> CellFormat | None:
    """Infer the format of distinct plain numbers without a zero before the point, or with decimals unless whole.

    None if they are written otherwise.
    """
    bodies = [text.removeprefix("-") for text in texts]
    if not all(map(digits_shape("", comma).fullmatch, bodies)):
        return None
    return _fitting(texts, bodies, NumberStyle(), comma)


def uneven(texts: Sequence[str], numbers: np.ndarray, least: int, comma: bool) -> tuple[str, str] | None:
    """Find two of the distinct texts of a column that spell numbers unevenly; None if there are none.

    Two texts of one number do, and zeros at the end of some numbers only, as in ``1.10`` beside ``1.2``. The zero of
    ``1.0`` does not: programs write it after whole numbers.

    Arguments:
        texts: plain numbers.
        numbers: (n,) their values.
        least: smallest number of digits after the point among them.
        comma: whether a comma is the decimal sign.
    """
    point = "," if comma else "."
    for text in texts:
        if text[-1] == "0" and point in text and "e" not in text and "E" not in text:
            fraction = text.partition(point)[2]
            if len(fraction) > max(least, 1):
                shorter = next(other for other in texts if len(other.partition(point)[2]) < len(fraction))
                return text, shorter
    order = np.argsort(numbers, kind="stable")
    same = np.flatnonzero((np.diff(numbers[order]) == 0) & (numbers[order][1:] != 0))
    for i in same:
        first, second = texts[order[i]], texts[order[i + 1]]
        if max(len(first), len(second)) <= MOST_DIGITS:  # longer ones may differ beyond the digits of float64
            return first, second
    return None


def _style_of(sides: Sequence[Affixes]) -> NumberStyle | None:
    """Create the style of what stands around the digits of positive and negative numbers; None if they disagree."""
    positive = [side for side in sides if side.sign in ("", "+")]
    negative = [side for side in sides if side.sign in ("-", "(")]
    if len(positive) > 1 or len(negative) > 1 or len({(side.prefix, side.suffix) for side in sides}) > 1:
        return None
    if not negative:
        side = positive[0]
        # a plus before all numbers is that of a telephone
        return NumberStyle(side.before, side.after, f"-{side.before}", side.after) if side.sign != "+" else None
    other = negative[0]
    if not positive:
        before = without_minus(other.before)
        is_signed = other.sign == "-" and before != other.before
        return NumberStyle(before, other.after, other.before, other.after) if is_signed else None
    return NumberStyle(positive[0].before, positive[0].after, other.before, other.after)


def _readings(bodies: Sequence[str], commas: Commas) -> list[Reading]:
    """List the readings of signs between digits that fit all numbers, and the decimal sign if the user said it."""
    signs = {sign for body in bodies for sign in body if sign not in "0123456789"}
    points, others = signs & {".", ","}, sorted(signs - {".", ","})
    if len(others) > 1 or (others and len(points) > 1):
        return []
    if others and not points and _is_phone(bodies):
        return []
    if others:
        readings = [(others[0], "," in points)]
    elif len(points) == 2:
        readings = [(".", True), (",", False)] if commas.usual else [(",", False), (".", True)]
    else:
        readings = {"": [("", False)], ",": [(",", False), ("", True)], ".": [("", False), (".", True)]}[
            "".join(points)
        ]
    if commas.decimal and points:
        readings = [reading for reading in readings if reading[1] == (commas.decimal == ",")]
    return [(t, comma) for t, comma in readings if all(map(digits_shape(t, comma).fullmatch, bodies))]


def _is_phone(bodies: Sequence[str]) -> bool:
    lengths = {sum(map(str.isdigit, body)) for body in bodies}
    return len(lengths) == 1 and min(lengths) >= DIGITS_OF_A_PHONE


def _are_decimals(bodies: Sequence[str], commas: Commas) -> bool:
    """Tell whether plain digits around a comma are decimals and not lists, such as ``3,4``."""
    digits = {len(body.partition(",")[2]) for body in bodies}
    return commas.allowed or len(bodies) > FEW_SPELLINGS or (len(digits) == 1 and min(digits) > 1)


def _parts_thousands(bodies: Sequence[str], commas: Commas, is_money: bool) -> bool:
    """Tell whether a sign that may be a decimal sign or separate thousands more likely separates thousands.

    Money has no three decimals. Where decimal commas are usual, a point separates thousands, and a comma only if some
    numbers have none: of numbers with decimals, some would have one or two.
    """
    if is_money:
        return True
    has_comma = any("," in body for body in bodies)
    if not commas.usual:
        return has_comma
    return not (has_comma and all("," in body for body in bodies))


def _fitting(texts: Sequence[str], bodies: Sequence[str], style: NumberStyle, comma: bool) -> CellFormat | None:
    """Create the format of numbers of a style; None if it does not write all texts back."""
    digits = [len(body.partition("," if comma else ".")[2]) for body in bodies]
    most, longest = max(digits), max(sum(map(str.isdigit, body)) for body in bodies)
    if longest > MOST_DIGITS:
        return None
    numbers = [float(style.plain(text, comma)) for text in texts]
    for whole, zero in ((False, True), (True, True), (False, False), (True, False)):
        least = min((n for n in digits if n), default=0) if whole else min(digits)
        own = replace(style, whole=whole, zero=zero)
        dtype = "float64" if most else "int64"
        cells = CellFormat("number", dtype, decimals=most, least_decimals=least, comma=comma, style=own)
        if _writes_back(cells, texts, numbers):
            return cells if own != NumberStyle() else replace(cells, style=None)
    return None


def _writes_back(cells: CellFormat, texts: Sequence[str], numbers: Sequence[float]) -> bool:
    return all(cells.number_text(number) == text for number, text in zip(numbers, texts, strict=True))
