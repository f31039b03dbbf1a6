"""Find the dialect of a delimited text file, and write further files in the same dialect."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from src.errors import ConfigError, TableError
from src.system.quoting import setting
from src.tables.text.content import Say
from src.tables.text.field_spans import FieldParser
from src.tables.text.formulas import escaped

__all__ = ["SEPARATORS", "Dialect", "Reading", "Say", "find_dialect", "parse"]

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
        header: whether the first line holds the column names; None = it does, with a note if it looks like data.
    """

    separator: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    quote: str | None = None
    header: bool | None = None

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
        names: the column names of the header; without one ``column_1``, ``column_2``, ...
        decimal_comma: whether numbers may have a decimal comma.
        decimal: the decimal sign that the user named; empty if none.
        has_header: whether the first line holds the column names.
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
    has_header: bool = True
    formulas: str = "keep"

    def header_line(self, names: list[str]) -> str:
        """Write the header of a file with these columns; columns of the original file get its header unchanged.

        It is empty if the original file has none.
        """
        if not self.has_header:
            return ""
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


def find_dialect(file: Path, content: str, reading: Reading, encoding: str) -> Dialect:
    """Detect the dialect of a text file, apart from what ``reading`` says.

    Raises:
        TableError: column names repeat, or a line has more or fewer fields than the header.
    """
    quote = reading.quote or '"'
    tabbed = "\t" if ".tsv" in file.name.lower() else None
    separator = reading.separator or tabbed or _separator(content, quote)
    has_header = reading.header is not False
    names, padded, header = _check_records(file, content, separator, quote, has_header)
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    if repeated:
        raise TableError(
            f"{file}: column names repeat: {repeated}; rename them so that each is unique, or, if the first line "
            "holds no names: dataset.header=false"
        )
    if len(names) == 1 and reading.separator is None:
        _refuse_other_separator(file, content)
    first = content[:SNIFFED_CHARACTERS].splitlines(keepends=True)[0]
    return Dialect(
        separator=separator,
        encoding=encoding,
        quote=quote,
        quotes=_quotes(content, header, separator, quote) if has_header else _quotes_of_cells(header, separator, quote),
        newline="\r\n" if first.endswith("\r\n") else "\n",
        padded=padded,
        header=header if has_header else "",
        names=tuple(names),
        has_header=has_header,
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
        header=0 if dialect.has_header else None,
        index_col=False,
        skip_blank_lines=len(dialect.names) > 1,
        **options,
    )
    frame.columns = pd.Index(dialect.names)
    return frame


def _check_records(
    file: Path, content: str, separator: str, quote: str, has_header: bool
) -> tuple[list[str], bool, str]:
    """Check that all records have the fields of the first; return the names, whether it is padded, and its text."""
    first = next(csv.reader(io.StringIO(content, newline=""), delimiter=separator, quotechar=quote))
    padded = len(first) > 1 and all(name.startswith(" ") for name in first[1:])
    records = csv.reader(
        io.StringIO(content, newline=""), delimiter=separator, quotechar=quote, skipinitialspace=padded
    )
    names = next(records)
    header = "".join(islice(io.StringIO(content, newline=""), records.line_num)).rstrip("\r\n")
    first_line = "header" if has_header else "first line"
    for record in records:
        if record and len(record) != len(names):
            raise TableError(
                f"{file}, line {records.line_num}: {len(record)} fields where the {first_line} has {len(names)} "
                f"(the separator found is {separator!r}; cells that hold it need quotes)"
            )
        if has_header and record == names and len(names) > 1:
            raise TableError(
                f"{file}, line {records.line_num} repeats the header; delete it, or, if the first line holds no names: "
                "dataset.header=false"
            )
    return names if has_header else [f"column_{i + 1}" for i in range(len(names))], padded, header


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


def _quotes_of_cells(line: str, separator: str, quote: str) -> Literal["needed", "texts", "all"]:
    """Tell from a line of cells which fields are quoted."""
    quoted = [field.strip().startswith(quote) for field in line.split(separator) if field.strip()]
    return "all" if quoted and all(quoted) else "texts" if any(quoted) else "needed"


def _quotes(content: str, header: str, separator: str, quote: str) -> Literal["needed", "texts", "all"]:
    if not (header.startswith(quote) and header.count(quote) >= 2 * (header.count(separator) + 1)):
        return "needed"
    second = content[len(header) : len(header) + SNIFFED_CHARACTERS].lstrip("\r\n").splitlines()
    fields = second[0].split(separator) if second else []
    filled = [field.strip() for field in fields if field.strip()]
    return "all" if filled and all(field.startswith(quote) or field.endswith(quote) for field in filled) else "texts"
