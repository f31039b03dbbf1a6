"""Infer the format of a column of texts.

A format fits only if it writes the parsed texts back: a column with ``007`` or the 30th of February is text. Plain
numbers may lose spellings that mean nothing, such as the zero of ``1.50`` beside ``1.25`` and ``3.125``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from src.system.quoting import setting
from src.tables.formats.cell_format import CellFormat
from src.tables.formats.dates import infer_date, infer_integer_date
from src.tables.formats.numbers import COMMA_NUMBER, INFINITE, NUMBER, PADDED, infer_number
from src.tables.formats.styles import FEW_SPELLINGS, Commas, infer_style
from src.tables.text.delimited import Dialect, Say

CELLS_OF_A_SPELLING = 3
"""Codes are repeated: at least so many cells, on average, have one of few spellings."""
FRAME_KEY = "decimal='{}'"
FILE_KEY = "\"dataset.decimal='{}'\""
NOTHING_KNOWN = Commas()
NUMERICAL = ("numerical", "integer", "real")


@dataclass(frozen=True)
class Wishes:
    """What user and origin say about a column before its cells are looked at.

    Attributes:
        kind: the kind that the user chose, see :data:`src.tables.columns.forms.KINDS`; None = infer it.
        commas: what is known about commas.
        key: setting of the decimal sign ``{}``, for messages.
        say: called with a sentence about every decision that the user may want to correct.
    """

    kind: str | None = None
    commas: Commas = NOTHING_KNOWN
    key: str = FRAME_KEY
    say: Say = str  # says nothing


def wishes_of(kind: str | None, decimal: str | None, dialect: Dialect | None, say: Say) -> Wishes:
    """Create the wishes of a column.

    Arguments:
        kind: the kind that the user chose.
        decimal: the decimal sign that the user named.
        dialect: dialect of its text file; None for a column of another origin.
        say: called with a sentence about every decision that the user may want to correct.
    """
    is_number = kind in NUMERICAL
    if dialect is None:
        return Wishes(
            kind, Commas(decimal or "", allowed=decimal == "," or (not decimal and is_number)), FRAME_KEY, say
        )
    named = decimal or dialect.decimal
    allowed = named == "," or (not named and (dialect.decimal_comma or is_number))
    usual = allowed and dialect.decimal_comma and dialect.separator == ";"
    return Wishes(kind, Commas(named, allowed, usual), FILE_KEY, say)


def infer_text_format(texts: Sequence[str], n_cells: int, name: str, where: str, wishes: Wishes) -> CellFormat:
    """Infer the format of a column of texts; its dtype is that of the parsed numbers or truth values.

    Arguments:
        texts: its distinct texts.
        n_cells: number of its cells that are no holes.
        name: name of the column in notes.
        where: the same in errors.
        wishes: what the user says.

    Raises:
        TableError: a number is infinite.
    """
    stripped = [text.strip() for text in texts]
    number = _plain_number(stripped, n_cells, name, where, wishes) or _styled_number(stripped, name, wishes)
    return number or _truth_texts(stripped) or infer_date(stripped) or CellFormat("text", "object")


def _plain_number(texts: list[str], n_cells: int, name: str, where: str, wishes: Wishes) -> CellFormat | None:
    """Infer the format of plain numbers, with or without an exponent; None if some are not plain."""
    comma = wishes.commas.allowed and any("," in text for text in texts)
    fits = (COMMA_NUMBER if comma else NUMBER).fullmatch
    if not all(fits(text) or INFINITE.fullmatch(text) for text in texts) or any(map(PADDED.fullmatch, texts)):
        return None
    if (comma or wishes.commas.decimal == ",") and _may_be_thousands(texts, "," if comma else "."):
        styled = _styled_number(texts, name, wishes)
        if styled is not None:
            return styled
    dates = None
    if wishes.kind in (None, "date"):
        dates = infer_integer_date(texts, least=1 if wishes.kind == "date" else None)
    if dates is not None:
        say_integer_dates(name, texts[0], wishes)
        return dates
    inferred = infer_number(texts, comma, where)
    if inferred is None:
        return None
    number, odd = inferred
    if odd is None or wishes.kind is not None:
        return number
    spelled = f"column {name!r}: {odd[0]!r} beside {odd[1]!r}"
    if len(texts) <= FEW_SPELLINGS and n_cells >= CELLS_OF_A_SPELLING * len(texts):
        numerical = setting("dataset.numerical", [name])
        wishes.say(f"{spelled} are texts, as versions and codes are; {numerical} learns them as numbers")
        return CellFormat("text", "object")
    categorical = setting("dataset.categorical", [name])
    wishes.say(f"{spelled} are learned as numbers, and their spelling is not kept; {categorical} keeps it")
    return number


def _styled_number(texts: list[str], name: str, wishes: Wishes) -> CellFormat | None:
    """Infer the format of numbers of a style, and say which of two readings was chosen."""
    if wishes.kind not in (None, *NUMERICAL):
        return None
    styled = infer_style(texts, wishes.commas)
    if styled is None or not styled.doubt:
        return None if styled is None else styled.cells
    sign = "," if "," in styled.doubt else "."
    groups = styled.cells.style is not None and bool(styled.cells.style.thousands)
    meanings = ("separate thousands", "are decimal signs")
    meaning, other = meanings if groups else reversed(meanings)
    key = wishes.key.format("." if (sign == ",") != groups else ",")
    what = "commas" if sign == "," else "points"
    wishes.say(f"column {name!r}: {what} {meaning}, as in {styled.doubt!r}; if they {other}, set {key}")
    return styled.cells


def say_integer_dates(name: str, example: object, wishes: Wishes) -> None:
    """Report integers that are learned as dates, unless the user said that they are."""
    if wishes.kind is None:
        numerical = setting("dataset.numerical", [name])
        wishes.say(f"column {name!r}: integers such as {example} are dates; {numerical} learns them as numbers")


def _may_be_thousands(texts: Sequence[str], sign: str) -> bool:
    lengths = {len(text.partition(sign)[2]) for text in texts if sign in text}
    return lengths == {3}


def _truth_texts(texts: list[str]) -> CellFormat | None:
    by_meaning = {text.lower(): text for text in texts}
    if len(texts) > 2 or len(by_meaning) != len(texts) or not set(by_meaning) <= {"true", "false"}:
        return None
    style = str.upper if texts[0].isupper() else str.title if texts[0].istitle() else str.lower
    truths = (style("false"), style("true"))
    return CellFormat("truth value", "bool", truths=truths) if set(texts) <= set(truths) else None
