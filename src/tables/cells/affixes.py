"""Recognise what stands before and after the digits of a number: currencies, units of measure, signs.

Letters directly attached to digits (``A12``, ``C232``) are no unit unless they are a known one, and a word before a
number (``Room 5``) makes it a name.
"""

import calendar
import re
from dataclasses import dataclass
from unicodedata import category

_words = re.compile(r"\S+").findall
CODES = _words(
    """
    USD EUR GBP JPY CHF CNY RMB INR AUD CAD NZD SEK NOK DKK PLN CZK HUF RON BGN RUB UAH TRY ILS AED SAR EGP ZAR NGN
    KES MXN BRL ARS CLP COP PEN KRW TWD HKD SGD THB IDR MYR PHP VND PKR BDT LKR BTC ETH DM DEM ATS FRF ITL
    """
)
CURRENCY_WORDS = _words("kr kr. Rs Rs. Fr Fr. zł Kč Ft Lei lei")
SIGNS = _words("% ‰ ° °C °F ℃ ℉ °K")
UNITS = _words(
    """
    kg g mg µg μg mcg t lb lbs oz km m dm cm mm µm μm nm in ft yd mi l L dl dL cl ml mL µl μl m2 m3 km2 cm2 cm3 mm2
    ft2 sqft m² m³ km² cm² cm³ ft² ha h hr hrs min sec s ms µs μs ns d kmh km/h kph mph m/s rpm W kW MW Wh kWh MWh V
    mV kV mA mAh Hz kHz MHz GHz B kB KB MB GB TB kbps Mbps Gbps J kJ kcal cal Pa hPa kPa MPa bar mbar psi mmHg ppm
    ppb dB bps bpm px pt pp mol mmol
    """
)
WORD = re.compile(r"[^\W\d_]+(?:[./·][^\W\d_]+)*[²³.]?")
"""A unit that is not among :data:`UNITS`, after a blank."""
LONGEST_WORD = 15
NO_UNITS = frozenset(
    name.lower() for names in (calendar.month_name, calendar.month_abbr, calendar.day_name) for name in names if name
) | {"am", "pm", "a.m", "p.m", "a.m.", "p.m.", "st", "nd", "rd", "th", "e"}
MINUS = ("-", "−")


@dataclass(frozen=True)
class Affixes:
    """What stands before and after the digits of a number.

    Attributes:
        before: text before the digits.
        after: text after the digits.
        prefix: the same without the sign of the number and blanks.
        suffix: likewise.
        sign: ``-``, ``(`` for parentheses, ``+``, or empty.
    """

    before: str
    after: str
    prefix: str
    suffix: str
    sign: str

    @property
    def is_money(self) -> bool:
        """Whether a currency is among them."""
        return is_currency(self.prefix) or is_currency(self.suffix)


def affixes(before: str, after: str) -> Affixes | None:
    """Understand what stands before and after the digits of a number; None if it is no number."""
    sign, prefix, suffix = "", before, after
    minus = next((minus for minus in MINUS if minus in before or minus in after), None)
    if before.count("(") == after.count(")") == 1:
        sign, prefix, suffix = "(", before.replace("(", ""), after.replace(")", "")
    elif minus is not None:
        sign = "-"
        if minus in before:
            prefix = before.replace(minus, "", 1)
        elif after.startswith(minus) or after.endswith(minus):
            suffix = after.replace(minus, "", 1)
    elif "+" in before:
        sign, prefix = "+", before.replace("+", "", 1)
    if not (_is_prefix(prefix) and _is_suffix(suffix)):
        return None
    return Affixes(before, after, prefix.strip(), suffix.strip(), sign)


def without_minus(text: str) -> str:
    """Remove the minus signs from a text."""
    return "".join(sign for sign in text if sign not in MINUS)


def is_currency(text: str) -> bool:
    """Tell whether a text is the sign or code of a currency, such as ``$``, ``US$`` or ``EUR``."""
    letters = text[:-1]
    is_sign = bool(text) and category(text[-1]) == "Sc" and (not letters or (letters.isalpha() and len(letters) <= 3))
    return is_sign or text in CODES or text in CURRENCY_WORDS


def _is_prefix(text: str) -> bool:
    name = text.strip()
    if not name or name == "%":
        return True
    return is_currency(name) and not text[-1].isalpha()


def _is_suffix(text: str) -> bool:
    name = text.strip()
    if not name or name in SIGNS or name in UNITS or is_currency(name):
        return True
    is_word = len(name) <= LONGEST_WORD and WORD.fullmatch(name) is not None
    return text[0].isspace() and is_word and name.lower() not in NO_UNITS
