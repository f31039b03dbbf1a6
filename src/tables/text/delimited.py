"""Find the dialect of a delimited text file, and write further files in the same dialect."""

import csv
import gzip
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal

import pandas as pd

from src.errors import ConfigError, TableError
from src.system.quoting import setting
from src.tables.text.field_spans import FieldParser
from src.tables.text.formulas import escaped

Say = Callable[[str], object]

SEPARATORS = (",", ";", "\t", "|")
OTHER_SEPARATORS = (":", "^", "~", "  ", " ")
SNIFFED_RECORDS = 200
SNIFFED_CHARACTERS = 2**16
LONE_RETURN = re.compile("\r(?!\n)")


@dataclass(frozen=True)
class Reading:
    """The user's settings for reading a text file; None = detect.

    Attributes:
        separator: one character.
        encoding: name of a Python codec.
        decimal: the decimal sign, ``.`` or ``,``.
        quote: character around fields that contain a separator.
    """

    separator: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    quote: str | None = None

    def check(self) -> None:
        """Check the settings.

        Raises:
            ConfigError: a setting is invalid; names its key and the allowed values.
        """
        for key in ("separator", "quote"):
            sign = getattr(self, key)
            if sign is not None and (len(sign) != 1 or sign in "\r\n"):
                raise ConfigError(f"dataset.{key} is one character, or null to detect it, got {sign!r}")
        if self.decimal not in (None, ".", ","):
            raise ConfigError(f"dataset.decimal is . or , or null to detect it, got {self.decimal!r}")
        if self.decimal is not None and self.decimal == self.separator == ".":
            raise ConfigError("dataset.separator and dataset.decimal are both '.'")
        try:
            "".encode(self.encoding or "utf-8")
        except LookupError as error:
            raise ConfigError(f"dataset.encoding={self.encoding} is no encoding, e.g. utf-8, latin-1") from error


@dataclass(frozen=True)
class Dialect:
    """The format of a delimited text file.

    Attributes:
        separator: character between fields.
        encoding: encoding of the file; ``utf-8-sig`` and ``utf-16`` start with a byte order mark.
        quote: the quoting character.
        quotes: which fields are quoted: those that need it, texts and the header, or all.
        newline: the line end.
        padded: whether a blank follows every separator.
        header: the unparsed first line.
        names: the column names of the header.
        decimal_comma: whether numbers may have a decimal comma.
        decimal: the decimal sign that the user named; empty if none.
        formulas: one of :data:`src.tables.text.formulas.FORMULAS`.
    """

    separator: str = ","
    encoding: str = "utf-8"
    quote: str = '"'
    quotes: Literal["needed", "texts", "all"] = "needed"
    newline: str = "\n"
    padded: bool = False
    header: str = ""
    names: tuple[str, ...] = ()
    decimal_comma: bool = False
    decimal: str = ""
    formulas: str = "keep"

    def header_line(self, names: list[str]) -> str:
        """Write the header of a file with these columns; columns of the original file get its header unchanged."""
        if tuple(names) == self.names:
            return self.header + self.newline
        quoted = (self._quoted(name) if self.quotes != "needed" else self._if_needed(name) for name in names)
        return self._gap.join(quoted) + self.newline

    def lines(self, columns: list[pd.Series], are_texts: list[bool], are_numbers: list[bool]) -> Iterator[str]:
        """Write the lines of a table.

        Arguments:
            columns: the cells of each column as texts; a hole is the empty text.
            are_texts: by column, whether its cells are texts to programs, which quote them.
            are_numbers: by column, whether its cells mean numbers, so that none is a formula.
        """
        written = [self.fields(*column).tolist() for column in zip(columns, are_texts, are_numbers, strict=True)]
        alone = len(written) == 1
        for fields in zip(*written, strict=True):
            line = self._gap.join(fields)
            # a blank line would be no row, so the hole of a single column is written as two quotes
            yield (line if line or not alone else self.quote * 2) + self.newline

    def field_parser(self) -> FieldParser:
        """Create the parser of files in this dialect."""
        return FieldParser(self.separator, self.quote, self.padded, alone=len(self.names) == 1)

    @property
    def _gap(self) -> str:
        return self.separator + " " * self.padded

    def fields(self, column: pd.Series, is_text: bool, is_number: bool = False) -> pd.Series:
        """Write the texts of a column as fields, quoted and escaped where the dialect demands it."""
        quoted = self.quotes == "all" or (self.quotes == "texts" and is_text)
        field = {}
        for text in column.unique():
            written = text if is_number or self.formulas == "keep" else escaped(text)
            field[text] = self._quoted(written) if quoted and text else self._if_needed(written)
        return column.map(field)

    def _quoted(self, text: str) -> str:
        return f"{self.quote}{text.replace(self.quote, self.quote * 2)}{self.quote}"

    def _if_needed(self, text: str) -> str:
        special = any(sign in text for sign in (self.separator, self.quote, "\n", "\r"))
        special = special or (self.padded and text != text.lstrip())
        return self._quoted(text) if special else text


def opened(file: Path, encoding: str, zipped: bool) -> IO[str]:
    """Open a text file for writing; ``zipped`` compresses it, equal contents to equal bytes."""
    if zipped:
        raw = file.open("wb")
        zip_file = gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0)
        zip_file.myfileobj = raw  # type: ignore[assignment]  # closes the raw file with it
        return io.TextIOWrapper(zip_file, encoding=encoding, newline="")  # type: ignore[arg-type]
    return file.open("w", encoding=encoding, newline="")


def read_content(file: Path, encoding: str | None, say: Say) -> tuple[str, str]:
    """Read the text of a file and detect its encoding, unless ``encoding`` names it.

    The encoding is UTF-8, or UTF-16 with a byte order mark; else the file is read as Latin-1, which ``say`` reports.

    Returns:
        The text, without byte order mark and leading blank lines, and the encoding.

    Raises:
        TableError: the file contains zero bytes, is empty, or is not of the named encoding.
    """
    raw = gzip.decompress(file.read_bytes()) if file.name.lower().endswith(".gz") else file.read_bytes()
    if encoding is not None:
        try:
            content, codec = raw.decode(encoding), encoding
        except UnicodeDecodeError as error:
            raise TableError(f"{file} is not {encoding}: byte {error.start:,} ({error.reason})") from error
    elif raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        content, codec = raw.decode("utf-16"), "utf-16"
    else:
        content, codec = _guessed(file, raw, say)
    if "\0" in content:
        row = content[: content.index("\0")].count("\n") + 1
        raise TableError(
            f"{file} is not a text file: it holds zero bytes (line {row}); UTF-16 without a mark needs "
            "dataset.encoding=utf-16-le"
        )
    content = content.lstrip("\r\n")
    if not content.strip():
        raise TableError(f"{file} is empty")
    return content.removeprefix("\ufeff"), codec


def _guessed(file: Path, raw: bytes, say: Say) -> tuple[str, str]:
    """Decode UTF-8, or else Latin-1, in which any bytes are valid; the caller refuses zero bytes."""
    try:
        return raw.decode("utf-8-sig"), "utf-8-sig" if raw[:3] == b"\xef\xbb\xbf" else "utf-8"
    except UnicodeDecodeError as error:
        if b"\0" not in raw:
            say(f"{file} is not UTF-8 (byte {error.start:,}); it is read as Latin-1, look at letters with accents")
        return raw.decode("latin-1"), "latin-1"


def find_dialect(file: Path, content: str, reading: Reading, encoding: str) -> Dialect:
    """Detect the dialect of a text file, apart from what ``reading`` says.

    Raises:
        TableError: column names repeat, or a line has more or fewer fields than the header.
    """
    quote = reading.quote or '"'
    tabbed = "\t" if ".tsv" in file.name.lower() else None
    separator = reading.separator or tabbed or _separator(content, quote)
    names, padded, header = _check_records(file, content, separator, quote)
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    if repeated:
        raise TableError(f"{file}: column names repeat: {repeated}; rename them so that each is unique")
    if len(names) == 1 and reading.separator is None:
        _refuse_other_separator(file, content)
    return Dialect(
        separator=separator,
        encoding=encoding,
        quote=quote,
        quotes=_quotes(content, header, separator, quote),
        newline="\r\n" if content[:SNIFFED_CHARACTERS].splitlines(keepends=True)[0].endswith("\r\n") else "\n",
        padded=padded,
        header=header,
        names=tuple(names),
        decimal_comma=reading.decimal == "," or (reading.decimal is None and separator != ","),
        decimal=reading.decimal or "",
    )


def parse(content: str, dialect: Dialect, **options: Any) -> pd.DataFrame:
    """Parse a text file with pandas; ``options`` are arguments of ``read_csv``."""
    content = content.rstrip("\r\n")
    if LONE_RETURN.search(content):  # before a blank or a separator, pandas would repeat lines or lose an empty cell
        starts, stops = dialect.field_parser().records(content)
        content = "\n".join(content[start:stop] for start, stop in zip(starts, stops, strict=True))
    frame = pd.read_csv(
        io.StringIO(content, newline=""),
        sep=dialect.separator,
        quotechar=dialect.quote,
        skipinitialspace=dialect.padded,
        index_col=False,
        skip_blank_lines=len(dialect.names) > 1,
        **options,
    )
    frame.columns = pd.Index(dialect.names)
    return frame


def _check_records(file: Path, content: str, separator: str, quote: str) -> tuple[list[str], bool, str]:
    """Check that all records have the fields of the header; return its names, whether it is padded, and its text."""
    first = next(csv.reader(io.StringIO(content, newline=""), delimiter=separator, quotechar=quote))
    padded = len(first) > 1 and all(name.startswith(" ") for name in first[1:])
    records = csv.reader(
        io.StringIO(content, newline=""), delimiter=separator, quotechar=quote, skipinitialspace=padded
    )
    names = next(records)
    header = "".join(islice(io.StringIO(content, newline=""), records.line_num)).rstrip("\r\n")
    for record in records:
        if record and len(record) != len(names):
            raise TableError(
                f"{file}, line {records.line_num}: {len(record)} fields where the header has {len(names)} "
                f"(the separator found is {separator!r}; cells that hold it need quotes)"
            )
        if record == names and len(names) > 1:
            raise TableError(f"{file}, line {records.line_num} repeats the header; delete it")
    return names, padded, header


def _separator(content: str, quote: str) -> str:
    """Choose the separator that gives the first records, header included, equally many fields; of several, the most.

    If a comma gives as many fields as another separator, the other one wins: the comma is then a decimal sign.
    """
    widths = {}
    for separator in SEPARATORS:
        records = csv.reader(io.StringIO(content, newline=""), delimiter=separator, quotechar=quote)
        widths[separator] = [len(record) for record in islice(records, SNIFFED_RECORDS) if record]
    equal = {s: w[0] for s, w in widths.items() if len(set(w)) == 1 and w[0] > 1}
    frequent = {s: max(set(w), key=w.count) for s, w in widths.items()}  # _check_records names lines of other widths
    candidates = equal or {s: width for s, width in frequent.items() if width > 1}
    if not candidates:
        return ","
    return max(candidates, key=lambda separator: (candidates[separator], separator != ","))


def _refuse_other_separator(file: Path, content: str) -> None:
    """Refuse a file of one column whose lines a less common separator divides into equally many fields."""
    lines = [line for line in content[:SNIFFED_CHARACTERS].splitlines()[:SNIFFED_RECORDS] if line.strip()]
    for separator in OTHER_SEPARATORS:
        counts = {line.strip().count(separator) for line in lines}
        if len(lines) > 1 and len(counts) == 1 and counts.pop() > 0:
            known = ", ".join(map(repr, SEPARATORS))
            raise TableError(
                f"{file}: one column is found with the separators {known}, but {separator!r} cuts every line into "
                f"equally many fields; if it is the separator: {setting('dataset.separator', separator)}"
            )


def _quotes(content: str, header: str, separator: str, quote: str) -> Literal["needed", "texts", "all"]:
    if not (header.startswith(quote) and header.count(quote) >= 2 * (header.count(separator) + 1)):
        return "needed"
    second = content[len(header) : len(header) + SNIFFED_CHARACTERS].lstrip("\r\n").splitlines()
    fields = second[0].split(separator) if second else []
    filled = [field.strip() for field in fields if field.strip()]
    return "all" if filled and all(field.startswith(quote) or field.endswith(quote) for field in filled) else "texts"
