"""Find where each field of a text file begins and ends, as pandas' parser cuts them."""

import codecs
import gzip
import re
from array import array
from pathlib import Path

import numpy as np

from src.errors import TableError

BEFORE_HEADER = re.compile("\ufeff?[\r\n]*\ufeff?")
MARKED = ("utf-8-sig", "utf-16", "utf-32")


class Splitter:
    """Cuts a text file.

    A field is quoted where it starts with a quote; what follows the closing quote belongs to it, and quotes elsewhere
    are signs like others. A line ends at any of the usual ends outside of quotes, whichever the others have.

    Arguments:
        separator: between fields.
        quote: the quoting character.
        padded: whether blanks after a separator are no part of the field.
        alone: whether there is one column, so that a blank line is a row.
    """

    def __init__(self, separator: str, quote: str, padded: bool, alone: bool) -> None:
        self.separator, self.quote, self.padded, self.alone = separator, quote, padded, alone
        separator, quote = re.escape(separator), re.escape(quote)
        gap = " *+" if padded else ""
        text = f"{gap}(?:{quote}[^{quote}]*+(?:{quote}{quote}[^{quote}]*+)*+{quote})?+[^{separator}\r\n]*+"
        self._record = re.compile(f"({text}(?:{separator}{text})*+)(?:\r\n?|\n|\\Z)")
        self._field = re.compile(f"(?:\\A|{separator})({text})")
        self._quoted = re.compile(f"{quote}((?:[^{quote}]|{quote}{quote})*+){quote}(.*)", re.DOTALL)

    def records(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """Where the records start and stop, line ends aside: the header, then the rows.

        Arguments:
            text: the whole file, or its content.
        """
        before = BEFORE_HEADER.match(text)
        end = len(text.rstrip("\r\n"))
        starts, stops = array("q"), array("q")
        for match in self._record.finditer(text, before.end() if before else 0, end):
            start, stop = match.span(1)
            if stop > start or (self.alone and start < end):
                starts.append(start)
                stops.append(stop)
        return np.array(starts, dtype=np.int64), np.array(stops, dtype=np.int64)

    def fields(self, record: str) -> list[str]:
        """Fields as they stand; joined by the separator they are the record."""
        if self.quote not in record:
            return record.split(self.separator)
        return self._field.findall(record)

    def gap(self, field: str) -> int:
        """Blanks at the start of a field that the parser skips."""
        return len(field) - len(field.lstrip(" ")) if self.padded else 0

    def cell(self, field: str) -> str:
        """What a field says: without gap and quotes."""
        quote, cell = self.quote, field[self.gap(field) :]
        quoted = self._quoted.fullmatch(cell) if cell.startswith(quote) else None
        return cell if quoted is None else quoted[1].replace(quote * 2, quote) + quoted[2]


def stored_text(file: Path, encoding: str) -> tuple[str, str]:
    """Text of a file with the mark at its start, and the encoding that turns it into the same bytes again.

    Raises:
        TableError: the encoding has other bytes for the same text, or does not fit.
    """
    raw = file.read_bytes()
    raw = gzip.decompress(raw) if file.name.lower().endswith(".gz") else raw
    name = codecs.lookup(encoding).name
    if name in MARKED:
        order = "be" if raw.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)) else "le"
        name = "utf-8" if name == "utf-8-sig" else f"{name}-{order}"
    try:
        text = raw.decode(name)
    except UnicodeDecodeError as error:
        raise TableError(f"{file} is not {encoding}: byte {error.start:,} ({error.reason})") from error
    if text.encode(name) != raw:
        raise TableError(
            f"{file}: {encoding} can spell one text in several ways, so it cannot be kept; save it as UTF-8"
        )
    return text, name
