"""Read the text of a file in its encoding, and open text files for writing."""

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import IO

from src.errors import TableError

Say = Callable[[str], object]


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
    marked = raw[:3] == b"\xef\xbb\xbf"
    try:
        return raw.decode("utf-8-sig"), "utf-8-sig" if marked else "utf-8"
    except UnicodeDecodeError as error:
        if b"\0" not in raw:
            say(f"{file} is not UTF-8 (byte {error.start:,}); it is read as Latin-1, look at letters with accents")
        return raw.decode("latin-1"), "latin-1"
