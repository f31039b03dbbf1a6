"""Read CSV and TSV (also ``.gz``), Parquet and Feather files as frames.

Cells have the same meaning in every format: the texts :data:`HOLES` are holes, and ISO 8601 dates are dates.
"""

import csv
from collections.abc import Callable, Collection
from datetime import date
from decimal import Decimal
from numbers import Number
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from src.errors import TableError
from src.tables.text.content import read_content
from src.tables.text.delimited import SEPARATORS, Dialect, Reading, Say, find_dialect, parse

__all__ = ["COLUMNAR", "DELIMITED", "HOLES", "KNOWN", "SEPARATORS", "Say", "check_file", "read_frame"]

Mark = Callable[[pd.DataFrame], pd.DataFrame]

DELIMITED = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
COLUMNAR = (".parquet", ".feather")
KNOWN = (*DELIMITED, *COLUMNAR)
HOLES = (
    *("", " ", "?", ".", "NA", "N/A", "n/a", "#N/A", "#N/A N/A", "#NA", "<NA>", "NULL", "null", "None"),
    *("NaN", "nan", "-NaN", "-nan", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)
COMMA_NUMBER = r"[+-]?\d*,?\d+(?:[eE][+-]?\d+)?"
ISO_DATE = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"


def read_frame(file: Path, say: Say, text: Collection[str] = (), mark: Mark | None = None) -> pd.DataFrame:
    """Read the table of a file, (N, d), with one dtype per column.

    Numbers become int64 or float64, truth values bool (object in a column with holes), dates datetime64 in UTC without
    a zone, and other values text (object); holes become NaN. The index is 0..N-1.

    Arguments:
        file: its extension decides how it is read. The separator of a text file is one of :data:`SEPARATORS`, its
            encoding UTF-8 or UTF-16 with a byte order mark, else Latin-1.
        say: called with a sentence about every assumption: another encoding, a column without a name.
        text: columns to read as text even if all their cells are numbers: ``007`` stays ``007``.
        mark: replaces cells that are holes by NaN; None = those of :data:`HOLES`. For a text file it gets the unparsed
            texts, as categoricals.

    Raises:
        TableError: the file does not exist, is a folder, empty, damaged or without rows, or has an unknown extension;
            column names repeat; a line has too many or too few fields; a number is infinite; a cell is no single value.
            Messages count rows from 1, without the header.
    """
    extension = check_file(file)
    try:
        frame = _delimited(file, say, text, mark) if extension in DELIMITED else _columnar(file, extension, say, mark)
    except (pa.ArrowException, pd.errors.ParserError, csv.Error, OSError, EOFError, ValueError) as error:
        raise TableError(f"{file} cannot be read as {extension}: {str(error).splitlines()[0]}") from error
    names = list(frame.columns)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise TableError(f"{file}: column names repeat: {repeated}; rename them so that each is unique")
    if not names:
        raise TableError(f"{file} has no column with a name")
    if frame.empty:
        raise TableError(f"{file} has {len(names)} columns but no rows")
    holes = HOLES if mark is None else ()
    return pd.DataFrame({name: _plain(frame[name], name in text, file, holes) for name in names})


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


def _columnar(file: Path, extension: str, say: Say, mark: Mark | None) -> pd.DataFrame:
    frame = pd.read_parquet(file) if extension == ".parquet" else pd.read_feather(file)
    index = [str(name) for name in frame.index.names if name is not None]
    if index:
        say(f"{file}: {', '.join(index)} is its index, not a column; it is left out")
    frame.columns = pd.Index([str(name) for name in frame.columns])
    frame = frame.reset_index(drop=True)
    return frame if mark is None else _marked(frame, mark)


def _marked(frame: pd.DataFrame, mark: Mark) -> pd.DataFrame:
    """Mark the holes of a frame; columns are numbered meanwhile, because several may have the empty name."""
    numbered = frame.set_axis(range(frame.shape[1]), axis=1)
    return mark(numbered).set_axis(frame.columns, axis=1)


def _with_empty_holes(content: str, dialect: Dialect, mark: Mark) -> str:
    """Write the text of a file again, so that exactly the cells that ``mark`` makes holes are empty."""
    cells = _marked(parse(content, dialect, dtype="category", na_filter=False), mark)
    return str(cells.to_csv(sep=dialect.separator, quotechar=dialect.quote, quoting=csv.QUOTE_ALL, index=False))


def _delimited(file: Path, say: Say, text: Collection[str], mark: Mark | None) -> pd.DataFrame:
    content, encoding = read_content(file, None, say)
    dialect = find_dialect(file, content, Reading(), encoding)
    if mark is not None:
        content = _with_empty_holes(content, dialect, mark)
    frame = parse(
        content,
        dialect,
        dtype=dict.fromkeys(set(text) & set(dialect.names), str),
        keep_default_na=False,
        na_values=list(HOLES) if mark is None else [""],
        float_precision="round_trip",
        low_memory=False,
    )
    frame = _without_nameless(frame, file, say)
    return _with_decimal_commas(frame, text, file, say) if dialect.decimal_comma else frame


def _with_decimal_commas(frame: pd.DataFrame, text: Collection[str], file: Path, say: Say) -> pd.DataFrame:
    """Parse columns whose cells are all numbers with a decimal comma."""
    changed = {}
    for name in frame.select_dtypes("object"):
        values = frame[name]
        cells = pd.Series(values.dropna().unique(), dtype=object)
        if name not in text and cells.map(type).eq(str).all() and cells.str.fullmatch(COMMA_NUMBER).all():
            if cells.empty:
                continue
            changed[name] = values.str.replace(",", ".").astype(float)
    if changed:
        say(f"{file}: decimal commas in {', '.join(changed)}")
    return frame.assign(**changed)


def _without_nameless(frame: pd.DataFrame, file: Path, say: Say) -> pd.DataFrame:
    """Drop columns without a name that number the rows (the index of a frame) or are empty."""
    positions = []
    for position, name in enumerate(frame.columns):
        values = frame.iloc[:, position]
        if name.strip():
            positions.append(position)
        elif values.isna().all() or (pd.api.types.is_integer_dtype(values) and values.is_unique):
            say(f"{file}: column {position + 1} has no name and holds row numbers or nothing; it is left out")
        else:
            raise TableError(f"{file}: column {position + 1} has no name; give it one")
    return frame.iloc[:, positions]


def _plain(values: pd.Series, as_text: bool, file: Path, holes: Collection[str]) -> pd.Series:
    """Convert a column to one of the dtypes of :func:`read_frame`."""
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        values = values.astype(object).infer_objects()
    if isinstance(values.dtype, pd.api.extensions.ExtensionDtype) and not isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.astype(object).where(values.notna(), np.nan).infer_objects()
    if as_text:
        texts = values.map(_text_of, na_action="ignore").astype(object)
        return texts.mask(texts.isin(holes), np.nan)
    if values.dtype == object:
        values = _from_objects(values, file, holes)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return values.dt.tz_convert("UTC").dt.tz_localize(None)
    if pd.api.types.is_timedelta64_dtype(values.dtype):
        return values / pd.Timedelta(days=1)
    if pd.api.types.is_float_dtype(values.dtype) and np.isinf(values).any():
        row = int(np.isinf(values).to_numpy().argmax())
        raise TableError(f"{file}, column {values.name!r}, row {row + 1}: an infinite number; leave the cell empty")
    return values


def _from_objects(values: pd.Series, file: Path, holes: Collection[str]) -> pd.Series:
    values = values.mask(values.isna() | values.isin(holes), np.nan)
    cells = values.dropna()
    kinds = set(cells.map(type))
    if cells.empty:
        return values.astype(float)
    if kinds <= {bool, np.bool_}:
        return values.astype(bool) if len(cells) == len(values) else values
    if all(issubclass(kind, Number) or kind is Decimal for kind in kinds):
        return values.astype(float)
    if all(issubclass(kind, date) for kind in kinds):
        return _as_dates(values)
    if kinds == {str}:
        return _dates_or_text(values)
    row = next(i for i, value in enumerate(values) if i in cells.index and not isinstance(value, str))
    raise TableError(
        f"{file}, column {values.name!r}, row {row + 1}: {type(values.iloc[row]).__name__} among "
        f"{sorted(kind.__name__ for kind in kinds)}; a column holds numbers, texts, truth values or dates, one of them"
    )


def _dates_or_text(values: pd.Series) -> pd.Series:
    if not pd.Series(values.dropna().unique(), dtype=object).str.fullmatch(ISO_DATE).all():
        return values
    try:
        return _as_dates(values, format="ISO8601")
    except ValueError:  # a cell such as the 30th of February has the form of a date but is none: all stay texts
        return values


def _as_dates(values: pd.Series, **options: str) -> pd.Series:
    """Parse dates, also of years beyond 64-bit nanoseconds, such as the 9999 of open-ended periods."""
    try:
        return pd.to_datetime(values, utc=True, **options)
    except pd.errors.OutOfBoundsDatetime:  # beyond nanoseconds: microseconds
        cells = [np.datetime64("NaT") if pd.isna(value) else np.datetime64(value) for value in values]
        return pd.Series(np.array(cells, dtype="datetime64[us]"), values.index, name=values.name)


def _text_of(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
