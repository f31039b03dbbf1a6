"""The extensions of files that can be read, and the texts that mark a hole in them."""

from pathlib import Path

from src.errors import TableError

DELIMITED = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
COLUMNAR = (".parquet", ".feather")
KNOWN = (*DELIMITED, *COLUMNAR)
HOLES = (
    *("", " ", "?", ".", "NA", "N/A", "n/a", "#N/A", "#N/A N/A", "#NA", "<NA>", "NULL", "null", "None"),
    *("NaN", "nan", "-NaN", "-nan", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)


def check_file(file: Path) -> str:
    """Return the extension of a readable file, one of :data:`KNOWN`.

    Raises:
        TableError: the file does not exist, is a folder or empty, or has another extension.
    """
    extensions = [known for known in KNOWN if file.name.lower().endswith(known)]
    if file.is_dir():
        raise TableError(f"{file} is a folder; name one file ({', '.join(KNOWN)})")
    if not extensions:
        raise TableError(f"{file}: the extension is none of {', '.join(KNOWN)}")
    if not file.is_file():
        raise TableError(f"{file} does not exist")
    if file.stat().st_size == 0:
        raise TableError(f"{file} is empty")
    return extensions[0]
