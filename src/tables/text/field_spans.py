"""Find where the fields of a text file start and stop, by the rules of pandas' parser."""

import codecs
import gzip
import re
from array import array
from pathlib import Path

import numpy as np

from src.errors import TableError

BEFORE_HEADER = re.compile("\ufeff?[\r\n]*\ufeff?")
MARKED = ("utf-8-sig", "utf-16", "utf-32")


class FieldParser:
    """Parse a text file into records (lines) and fields.

    A field is quoted if it starts with a quote; characters after its closing quote belong to it, and quotes elsewhere
    are ordinary characters. A record ends at a line feed, a carriage return or both; one file may mix them.

    Arguments:
        separator: character between fields.
        quote: the quoting character.
        padded: whether blanks after a separator are skipped.
        alone: whether the file has a single column, so that a blank line is a row.
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
        """Find the start and stop of every record in a text, without line ends: of any header, then of the rows.

        Returns:
            Two arrays (n,) int64.
        """
        preamble = BEFORE_HEADER.match(text)
        end = len(text.rstrip("\r\n"))
        starts, stops = array("q"), array("q")
        for match in self._record.finditer(text, preamble.end() if preamble else 0, end):
            start, stop = match.span(1)
            if stop > start or (self.alone and start < end):
                starts.append(start)
                stops.append(stop)
        return np.array(starts, dtype=np.int64), np.array(stops, dtype=np.int64)

    def fields(self, record: str) -> list[str]:
        """Divide a record into its fields, quotes included; joined by the separator they are the record."""
        if self.quote not in record:
            return record.split(self.separator)
        return self._field.findall(record)

    def gap(self, field: str) -> int:
        """Count the blanks at the start of a field that the parser skips."""
        return len(field) - len(field.lstrip(" ")) if self.padded else 0

    def unquoted(self, field: str) -> str:
        """Return the content of a field, without skipped blanks and quotes."""
        quote, text = self.quote, field[self.gap(field) :]
        quoted = self._quoted.fullmatch(text) if text.startswith(quote) else None
        return text if quoted is None else quoted[1].replace(quote * 2, quote) + quoted[2]


def stored_text(file: Path, encoding: str) -> tuple[str, str]:
    """Read a file as text, byte order mark included, with the encoding that turns the text into the same bytes.

    Raises:
        TableError: the file is not of the encoding, or encoding its text gives other bytes.
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
