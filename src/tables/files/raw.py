"""Read the unparsed cells of a file, before their meaning is inferred."""

import csv
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq

from src.errors import TableError
from src.tables.columns.kinds import listed
from src.tables.files.header import looks_like_data
from src.tables.files.layout import encoded
from src.tables.text.content import read_content
from src.tables.text.delimited import Dialect, Reading, Say, find_dialect, parse
from src.tables.text.dialect import COLUMNAR, check_file


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


def _delimited(file: Path, reading: Reading, say: Say) -> RawFile:
    content, encoding = read_content(file, reading.encoding, say)
    dialect = find_dialect(file, content, reading, encoding)
    frame = parse(content, dialect, dtype="category", na_filter=False)
    if reading.header is None and (why := looks_like_data(frame, dialect)) is not None:
        say(f"{file}: the first line {why}; if it holds no names: dataset.header=false")
    return RawFile(frame, dialect)


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
