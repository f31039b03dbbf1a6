r"""How numbers are written as texts: signs around and between their digits, and digits after the point.

| cell | style |
|---|---|
| ``$1,894.49``, ``-$5.00`` | ``before="$"``, ``negative_before="-$"``, ``thousands=","`` |
| ``48.3 %`` | ``after=" %"``, ``negative_after=" %"`` |
| ``9.99``, ``(1.08)`` | ``negative_before="("``, ``negative_after=")"`` |
| ``.5``, ``-1.25`` | ``zero=False`` |
| ``3``, ``1.50`` | ``whole=True`` |
| ``5.844e+08`` | ``exponent="e+00"``, ``mantissa=3`` |
"""

import re
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from src.errors import TableError
from src.tables.cells.distinct import distinct_cells

LARGEST_EXACT = 2**53
"""The largest integer up to which float64 represents every integer."""


@dataclass(frozen=True)
class NumberStyle:
    """The style of numbers that are written as texts; the default is that of a plain number such as ``-1.5``.

    Attributes:
        before: text before the digits, such as a currency.
        after: text after the digits, such as a unit of measure.
        negative_before: text before the digits of a negative number.
        negative_after: text after the digits of a negative number.
        thousands: sign between groups of three digits; empty = none.
        zero: whether a number between -1 and 1 has a zero before the point.
        whole: whether a whole number has no point, although others have a fixed number of digits after it.
        exponent: exponent of scientific notation for ten to the power of 0: ``e`` or ``E``, ``+`` if positive exponents
            have a sign, and as many zeros as an exponent has digits at least; empty = plain notation.
        mantissa: digits after the point of a mantissa in scientific notation.
    """

    before: str = ""
    after: str = ""
    negative_before: str = "-"
    negative_after: str = ""
    thousands: str = ""
    zero: bool = True
    whole: bool = False
    exponent: str = ""
    mantissa: int = 0

    @property
    def is_bare(self) -> bool:
        """Whether nothing but a minus sign and a decimal sign stands among the digits, as programs write numbers."""
        return not (self.before or self.after or self.negative_after or self.thousands) and self.negative_before == "-"

    def plain(self, text: str, comma: bool) -> str:
        """Convert a text of this style to a number as Python reads it.

        Arguments:
            text: the text.
            comma: whether a comma is the decimal sign.

        Raises:
            ValueError: the text is not of this style.
        """
        if self.exponent:
            return text.replace(",", ".") if comma else text
        matches = digits_shape(self.thousands, comma).fullmatch
        sides = ((self.before, self.after, ""), (self.negative_before, self.negative_after, "-"))
        for before, after, sign in sides:
            stop = len(text) - len(after)
            if text.startswith(before) and text.endswith(after) and matches(text, len(before), stop):
                digits = text[len(before) : stop].replace(self.thousands, "")
                return sign + (digits.replace(",", ".") if comma else digits)
        raise ValueError(text)

    def styled(self, plain: str, comma: bool) -> str:
        """Write a plain number, such as ``-1234.50``, in this style; inverse of :meth:`plain`."""
        whole, point, fraction = plain.removeprefix("-").partition(".")
        if self.whole and not fraction.strip("0"):
            point = fraction = ""
        if self.thousands:
            whole = f"{int(whole):,}".replace(",", self.thousands)
        if not self.zero and whole == "0" and fraction:
            whole = ""
        digits = whole + ("," if comma and point else point) + fraction
        if plain.startswith("-"):
            return f"{self.negative_before}{digits}{self.negative_after}"
        return f"{self.before}{digits}{self.after}"

    def scientific(self, value: float, least: int, comma: bool) -> str:
        """Write a number in scientific notation, with at least ``least`` digits after the point."""
        mantissa, _, power = f"{value:.{self.mantissa}e}".partition("e")
        whole, point, fraction = mantissa.partition(".")
        fraction = fraction[:least] + fraction[least:].rstrip("0")
        sign = "-" if power.startswith("-") else "+" if "+" in self.exponent else ""
        digits = power.lstrip("+-").lstrip("0").zfill(self.exponent.count("0"))
        point = ("," if comma else point) if fraction else ""
        return f"{whole}{point}{fraction}{self.exponent[0]}{sign}{digits}"


@cache
def digits_shape(thousands: str, comma: bool) -> re.Pattern[str]:
    """Compile the regular expression of the digits of a number without sign."""
    whole = rf"[1-9]\d{{0,2}}(?:{re.escape(thousands)}\d{{3}})*" if thousands else r"[1-9]\d*"
    fraction = r",\d+" if comma else r"\.\d+"
    return re.compile(rf"(?:0|{whole})(?:{fraction})?|{fraction}", re.ASCII)


def number_text(value: float, decimals: int | None, least: int) -> str:
    """Write a number with ``least`` to ``decimals`` digits after the point; None = as many as it has."""
    if decimals is None:
        return repr(float(value)) if least else repr(float(value)).removesuffix(".0")
    text = f"{value:.{decimals}f}"
    if float(text) != value:  # clipped to an end of the range, which has more digits than other numbers
        text = repr(float(value))
    n_optional = decimals - least
    if n_optional > 0:
        n_required = len(text) - n_optional
        text = (text[:n_required] + text[n_required:].rstrip("0")).removesuffix(".")
    return text


def rounded(values: pd.Series, decimals: int | None, style: NumberStyle | None, ends: tuple[float, float]) -> pd.Series:
    """Round numbers to the digits that are written, and clip them to the ends of their range.

    Arguments:
        values: (N,), holes NaN.
        decimals: digits after the point; None = as many as there are. Numbers too large to have decimals stay.
        style: how texts write the numbers; of scientific notation it says the digits.
        ends: the smallest and the largest number.
    """
    if style is not None and style.exponent:
        distinct, codes = distinct_cells(values)
        numbers = [float(f"{value:.{style.mantissa}e}") for value in distinct]
        return pd.Series(np.array([*numbers, np.nan])[codes], values.index, name=values.name)
    if decimals is None:
        return values
    large = values.abs() > LARGEST_EXACT / 10.0**decimals
    return values.where(large, values.mask(large, 0).round(decimals).clip(*ends)) + 0.0


def finite(numbers: pd.Series, where: str) -> pd.Series:
    """Return numbers.

    Raises:
        TableError: one is infinite; names the row, from 1.
    """
    if np.isinf(numbers).any():
        row = int(np.isinf(numbers).to_numpy().argmax())
        raise TableError(f"{where}, row {row + 1}: an infinite number; leave the cell empty")
    return numbers
