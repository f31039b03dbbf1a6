"""Read the unparsed cells of a file and mark its holes, before their meaning is inferred."""

import csv
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from numbers import Number
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq

from src.errors import TableError
from src.tables.columns.kinds import is_number, listed
from src.tables.files.layout import encoded
from src.tables.text.delimited import Dialect, Reading, Say, find_dialect, parse, read_content
from src.tables.text.dialect import COLUMNAR, check_file

DOUBTFUL = "None"
"""Marks a hole only among numbers; among texts it is a text."""
SILENT_HOLES = ("", " ", "NA", "NaN", "nan", "<NA>")
"""Markers that no user means as values; holes with other markers are reported."""


@dataclass(frozen=True)
class RawFile:
    """The unparsed cells of a file.

    Attributes:
        frame: (N, d), holes NaN; the columns of a text file are pandas categoricals of its texts.
        dialect: dialect of a text file; None for other files.
        arrow: schema of a columnar file, as in :attr:`Layout.arrow`.
    """

    frame: pd.DataFrame
    dialect: Dialect | None
    arrow: str = ""


def read_raw(file: Path, reading: Reading, say: Say) -> RawFile:
    """Read CSV, TSV (also ``.gz``), Parquet or Feather; of text files no cell is a hole yet.

    Arguments:
        file: the file.
        reading: the user's settings for a text file.
        say: called with a sentence about every assumption.

    Raises:
        TableError: the file does not exist, is a folder, not permitted, empty, damaged, or without rows or columns, or
            has an unknown extension; column names repeat; a line has too many or too few fields.
    """
    extension = check_file(file)
    try:
        raw = _columnar(file, say) if extension in COLUMNAR else _delimited(file, reading, say)
    except (pa.ArrowException, pd.errors.ParserError, csv.Error, OSError, EOFError, ValueError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or (str(error).splitlines() or [type(error).__name__])[0]
        raise TableError(f"{file} cannot be read as {extension}: {reason}") from error
    raw = replace(raw, frame=_without_spare(raw.frame, file, say))
    names = list(raw.frame.columns)
    if not any(name.strip() for name in names):
        raise TableError(f"{file} has no column with a name")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise TableError(f"{file}: column names repeat: {repeated}; rename them so that each is unique")
    if raw.frame.empty:
        raise TableError(f"{file} has {len(names)} columns but no rows")
    return raw


def mark_holes(cells: pd.Series, markers: Collection[str], also: Sequence[Any], seen: dict[str, int]) -> pd.Series:
    """Replace the markers of holes in a column by NaN.

    Arguments:
        cells: (N,) of any dtype.
        markers: texts that mark a hole; blanks around a text are ignored.
        also: further texts or numbers that mark a hole by the user's choice; -999 includes the text ``-999.0``.
        seen: receives the number of cells by marker, for markers that might be meant as values.
    """
    numbers = {float(marker) for marker in map(str, also) if is_number(marker)}
    if pd.api.types.is_numeric_dtype(cells.dtype) and not pd.api.types.is_bool_dtype(cells.dtype):
        is_hole = cells.isin(list(numbers)).fillna(False).astype(bool) if numbers else None
        if is_hole is None or not is_hole.any():
            return cells
        nullable = cells.astype(float) if cells.dtype.kind in "iu" else cells
        return nullable.mask(is_hole)
    if not (isinstance(cells.dtype, pd.CategoricalDtype) or _may_hold_texts(cells)):
        return cells
    texts = {*markers, *map(str, also)}
    if isinstance(cells.dtype, pd.CategoricalDtype):
        distinct = list(cells.cat.categories)
    else:
        distinct = list({cell for cell in cells if isinstance(cell, str | Number) and not pd.isna(cell)})
    present = [value for value in distinct if _is_marker(value, texts, numbers)]
    if DOUBTFUL in present and DOUBTFUL not in also and any(not is_number(v) for v in distinct if v not in present):
        present.remove(DOUBTFUL)
    if not present:
        return cells
    for value in present:
        if isinstance(value, str) and value.strip() not in SILENT_HOLES and value not in map(str, also):
            seen[value.strip()] = seen.get(value.strip(), 0) + int((cells == value).sum())
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return cells.cat.remove_categories(present)
    return cells.mask(cells.isin(present), np.nan)


def _delimited(file: Path, reading: Reading, say: Say) -> RawFile:
    content, encoding = read_content(file, reading.encoding, say)
    dialect = find_dialect(file, content, reading, encoding)
    return RawFile(parse(content, dialect, dtype="category", na_filter=False), dialect)


def _columnar(file: Path, say: Say) -> RawFile:
    is_parquet = file.name.lower().endswith(".parquet")
    try:
        frame = pd.read_parquet(file) if is_parquet else pd.read_feather(file)
    except (TypeError, NotImplementedError) as error:  # pandas has no dtype for an Arrow type of the file
        raise TableError(f"{file} cannot be read by pandas: {error}") from error
    schema = pq.read_schema(file) if is_parquet else pyarrow.feather.read_table(file, memory_map=True).schema
    frame = _exact_integers(frame, file, schema, is_parquet)
    index = [str(name) for name in frame.index.names if name is not None]
    if index:
        say(f"{file}: {listed(index)} is its index, not a column; it is left out")
    frame.columns = pd.Index([str(name) for name in frame.columns])
    as_stored = frame.index.equals(pd.RangeIndex(len(frame))) and list(schema.names) == list(frame.columns)
    return RawFile(frame.reset_index(drop=True), None, encoded(schema) if as_stored else "")


def _exact_integers(frame: pd.DataFrame, file: Path, schema: pa.Schema, is_parquet: bool) -> pd.DataFrame:
    """Read integers again as nullable integers where pandas rounded them to floats, because their column has holes."""
    rounded = [
        name
        for name in frame.columns
        if frame[name].dtype == float
        and pa.types.is_integer(schema.field(name).type)
        and frame[name].abs().max() > 2**53
    ]
    if not rounded:
        return frame
    read = pq.read_table if is_parquet else pyarrow.feather.read_table
    exact = read(file, columns=rounded)
    nullable = {pa.int64(): pd.Int64Dtype(), pa.uint64(): pd.UInt64Dtype()}
    columns = {name: exact.column(name).to_pandas(types_mapper=nullable.get) for name in rounded}
    return frame.assign(**{name: values.set_axis(frame.index) for name, values in columns.items()})


def _without_spare(frame: pd.DataFrame, file: Path, say: Say) -> pd.DataFrame:
    """Drop columns with neither name nor value if there are several: spreadsheets append them."""
    nameless = [i for i, name in enumerate(frame.columns) if not name.strip()]
    spare = [i for i in nameless if (frame.iloc[:, i].isna() | (frame.iloc[:, i].astype(object) == "")).all()]
    if len(nameless) < 2 or not spare:
        return frame
    say(f"{file}: {len(spare)} columns have neither a name nor a value; they are left out")
    return frame.iloc[:, [i for i in range(frame.shape[1]) if i not in spare]]


def _may_hold_texts(cells: pd.Series) -> bool:
    return bool(cells.dtype == object or pd.api.types.is_string_dtype(cells.dtype))


def _is_marker(value: Any, texts: Collection[str], numbers: Collection[float]) -> bool:
    """Tell whether a distinct cell marks a hole: a text by its characters or its number, a number by its value."""
    if not isinstance(value, str):
        return bool(not isinstance(value, bool) and is_number(value) and float(value) in numbers)
    text = value.strip()
    return text in texts or value in texts or (bool(numbers) and is_number(text) and float(text) in numbers)
