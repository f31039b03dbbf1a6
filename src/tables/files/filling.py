"""Write the user's file again, with values in the holes of some columns and nothing else changed.

Observed cells are not parsed and written again: a text file is copied byte for byte around its holes, a columnar file
keeps its Arrow columns. A value replaces the entire field of a hole, including blanks around its marker.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.feather
import pyarrow.parquet as pq

from src.errors import ConfigError, TableError
from src.system.files import atomic_file
from src.tables.files.layout import Layout
from src.tables.files.writing import CHUNK_ROWS
from src.tables.text.content import opened
from src.tables.text.delimited import SNIFFED_RECORDS
from src.tables.text.dialect import COLUMNAR, check_file
from src.tables.text.field_spans import stored_text

Left = Mapping[str, np.ndarray]
FORMATS = ((".csv", ".csv.gz"), (".tsv", ".tsv.gz"), COLUMNAR)
"""Extensions of one format; from Feather to Parquet, only dictionaries of texts are kept."""


def check_out(source: Path, out: Path) -> None:
    """Check the name of the completed file.

    Raises:
        ConfigError: its extension is of another format than the source, or it is the source.
    """
    extensions = next(formats for formats in FORMATS if source.name.lower().endswith(formats))
    if not out.name.lower().endswith(extensions):
        raise ConfigError(
            f"out={out}: {source.name} keeps its format when it is filled; name a {' or '.join(extensions)} file"
        )
    if out.exists() and source.exists() and out.samefile(source):
        raise ConfigError(f"out={out} is the table with the holes; name another file")


class HoledFile(ABC):
    """A file and its holes; read once, it can be written with different values in its holes.

    Attributes:
        holes: by learned column with holes to fill, the increasing positions of their rows in the file, (n_holes,) int.
    """

    is_text: ClassVar[bool]

    def __init__(self, source: Path, layout: Layout, frame: pd.DataFrame, left: Left) -> None:
        self.source = source
        self.layout = layout
        filled = [form.name for form in layout.learned if not form.structural]
        missing = {name: np.flatnonzero(frame[name].isna()) for name in filled}
        missing = {name: np.setdiff1d(rows, left.get(name, ())) for name, rows in missing.items()}
        self.holes = {name: rows for name, rows in missing.items() if len(rows)}

    def write(self, out: Path, fills: Mapping[str, np.ndarray], rng: np.random.Generator) -> None:
        """Write the file with the holes of some columns filled, atomically.

        Arguments:
            out: the file to write; see :func:`check_out`.
            fills: by column, the canonical values of its :attr:`holes`, (n_holes,). Other columns keep their holes.
            rng: parent of the streams from which columns draw rare values.

        Raises:
            ConfigError: see :func:`check_out`.
            TableError: the type of a column cannot represent a value, which a model learned from another file.
            ValueError: a column has more or fewer holes than values, or a value is NaN.
        """
        check_out(self.source, out)
        forms = self.layout.learned
        streams = dict(zip((form.name for form in forms), rng.spawn(len(forms)), strict=True))
        cells = {}
        for name, values in fills.items():
            n_holes = len(self.holes.get(name, ()))
            if len(values) != n_holes or pd.isna(values).any():
                raise ValueError(f"column {name!r} has {n_holes} holes, got {int(pd.notna(values).sum())} values")
            if n_holes:
                series = pd.Series(values, name=name)
                cells[name] = self.layout.for_fills(name, values).write(series, 0, n_holes, streams[name], self.is_text)
        with atomic_file(out) as partial:
            self._write(partial, out, cells)

    @abstractmethod
    def _write(self, partial: Path, out: Path, cells: Mapping[str, pd.Series]) -> None: ...

    def _refuse_change(self, difference: str) -> None:
        raise TableError(
            f"{self.source} is no longer the file that was read: {difference}; start again with this content"
        )


def open_holed(source: Path, layout: Layout, frame: pd.DataFrame, left: Left | None = None) -> HoledFile:
    """Read a file again and locate its holes.

    Arguments:
        source: the file.
        layout: its layout, with the dialect of ``source``.
        frame: (N, n_columns) all rows of the file in order, as they were read before; holes NaN.
        left: by column, rows of holes that are left as they are; None = none.

    Raises:
        TableError: rows or cells of the file differ from those of the frame.
    """
    format_class = _HoledColumns if check_file(source) in COLUMNAR else _HoledText
    return format_class(source, layout, frame, left or {})


class _HoledText(HoledFile):
    is_text = True

    def __init__(self, source: Path, layout: Layout, frame: pd.DataFrame, left: Left) -> None:
        super().__init__(source, layout, frame, left)
        self.parser = layout.dialect.field_parser()
        self.names = layout.dialect.names
        self.text, self.encoding = stored_text(source, layout.dialect.encoding)
        self.quoted: dict[str, bool] = {}
        starts, stops = (ends[int(layout.dialect.has_header) :] for ends in self.parser.records(self.text))
        if len(starts) != len(frame):
            self._refuse_change(f"it has {len(starts):,} rows, not {len(frame):,}")
        rows = np.unique(np.concatenate([*self.holes.values(), np.arange(min(SNIFFED_RECORDS, len(frame)))]))
        chunks: dict[str, list[np.ndarray]] = {name: [] for name in self.holes}
        for first in range(0, len(rows), CHUNK_ROWS):
            chunk = rows[first : first + CHUNK_ROWS]
            for name, spans in self._spans(chunk, starts[chunk], stops[chunk], frame):
                chunks[name].append(spans)
        self.spans = {name: np.concatenate(spans) for name, spans in chunks.items()}

    def _spans(
        self, rows: np.ndarray, starts: np.ndarray, stops: np.ndarray, frame: pd.DataFrame
    ) -> Iterator[tuple[str, np.ndarray]]:
        """Yield every column with holes, and the start and stop in the text of its holes in these rows, (n, 2)."""
        records = [self.text[a:b] for a, b in zip(starts.tolist(), stops.tolist(), strict=True)]
        fields = [self.parser.fields(record) for record in records]
        for row, record in zip(rows, fields, strict=True):
            if len(record) != len(self.names):
                self._refuse_change(f"row {row + 1} has {len(record)} fields where the header has {len(self.names)}")
        lengths = np.fromiter(map(len, chain.from_iterable(fields)), np.int64).reshape(len(rows), -1)
        ends = starts[:, None] + np.cumsum(lengths, axis=1) + np.arange(len(self.names))
        for i, column in enumerate(zip(*fields, strict=True)):
            name = self.names[i]
            if name not in frame or self.names.count(name) > 1:
                continue
            plain = not self.parser.padded and self.parser.quote not in "".join(column)
            self._check(name, rows, column if plain else [self.parser.unquoted(field) for field in column], frame)
            if name not in self.holes:
                continue
            holes = self.holes[name]
            inside = holes[slice(*np.searchsorted(holes, [rows[0], rows[-1] + 1]))]
            at = np.searchsorted(rows, inside)
            gaps = np.array([self.parser.gap(column[k]) for k in at], dtype=np.int64)
            yield name, np.column_stack([ends[at, i] - lengths[at, i] + gaps, ends[at, i]])
            if name not in self.quoted and len(at) < len(rows):
                filled = [column[k] for k in np.setdiff1d(np.arange(len(rows)), at)]
                self.quoted[name] = all(f[self.parser.gap(f) :].startswith(self.parser.quote) for f in filled)

    def _check(self, name: str, rows: np.ndarray, texts: Sequence[str], frame: pd.DataFrame) -> None:
        """Refuse the file if an observed cell of a column is no longer the one that was read before."""
        expected = frame[name].iloc[rows].to_numpy(dtype=object)
        differs = (np.array(texts, dtype=object) != expected) & ~pd.isna(expected)
        if differs.any():
            k = int(differs.argmax())
            self._refuse_change(f"row {rows[k] + 1}, column {name!r} is {texts[k]!r} where it was {expected[k]!r}")

    def _write(self, partial: Path, out: Path, cells: Mapping[str, pd.Series]) -> None:
        spans, texts = np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=object)
        if cells:
            spans = np.concatenate([self.spans[name] for name in cells])
            texts = np.concatenate([self._fields(name, written) for name, written in cells.items()])
        order = np.argsort(spans[:, 0])
        with opened(partial, self.encoding, zipped=out.name.lower().endswith(".gz")) as stream:
            n_copied = 0
            for first in range(0, len(order), CHUNK_ROWS):
                chunk = order[first : first + CHUNK_ROWS]
                pieces = []
                for (start, stop), text in zip(spans[chunk].tolist(), texts[chunk].tolist(), strict=True):
                    pieces += [self.text[n_copied:start], text]
                    n_copied = stop
                stream.write("".join(pieces))
            stream.write(self.text[n_copied:])

    def _fields(self, name: str, written: pd.Series) -> np.ndarray:
        """Write cells as fields, quoted if the other cells of the column are."""
        dialect = self.layout.dialect
        is_text = not self.layout[name].cells.is_bare_number
        default = dialect.quotes == "all" or (dialect.quotes == "texts" and is_text)
        quoted = self.quoted.get(name, default)
        fields = replace(dialect, quotes="all" if quoted else "needed").fields(written, is_text=True)
        return np.asarray(fields, dtype=object)


class _HoledColumns(HoledFile):
    is_text = False

    def __init__(self, source: Path, layout: Layout, frame: pd.DataFrame, left: Left) -> None:
        super().__init__(source, layout, frame, left)
        is_parquet = source.name.lower().endswith(".parquet")
        if is_parquet:
            with pq.ParquetFile(source) as parquet:
                self.table = parquet.read()
        else:
            self.table = pyarrow.feather.read_table(source, memory_map=False)
        if self.table.num_rows != len(frame):
            self._refuse_change(f"it has {self.table.num_rows:,} rows, not {len(frame):,}")
        for name in frame:
            if name in self.table.schema.names:
                absent = self.table.column(name).is_null(nan_is_null=True).to_numpy()
                if (absent & frame[name].notna().to_numpy()).any():
                    self._refuse_change(f"column {name!r} has other holes")

    def _write(self, partial: Path, out: Path, cells: Mapping[str, pd.Series]) -> None:
        schema = self.table.schema
        columns = dict(zip(schema.names, self.table.columns, strict=True))
        columns |= {name: _filled(columns[name], self.holes[name], written) for name, written in cells.items()}
        table = pa.Table.from_arrays(list(columns.values()), schema=schema)
        if out.name.lower().endswith(".parquet"):
            pq.write_table(table, partial)
            return
        options = pa.ipc.IpcWriteOptions(compression="lz4", unify_dictionaries=True)
        with pa.ipc.new_file(str(partial), schema, options=options) as writer:
            writer.write_table(table, max_chunksize=CHUNK_ROWS)


def _filled(column: pa.ChunkedArray, holes: np.ndarray, cells: pd.Series) -> pa.ChunkedArray:
    """Fill the holes of a column; cells that are not in its dictionary, if it has one, are added to it."""
    arrow_type = column.type
    if not pa.types.is_dictionary(arrow_type):
        return _replaced(column, holes, _typed(cells, arrow_type))
    column = column.unify_dictionaries()
    known = column.chunk(0).dictionary
    values = _typed(cells.astype(object), arrow_type.value_type)
    new = values.filter(pc.is_null(pc.index_in(values, value_set=known))).unique()
    dictionary = pa.concat_arrays([known, new]) if len(new) else known
    codes = pc.index_in(values, value_set=dictionary).cast(arrow_type.index_type)
    replaced = _replaced(pa.chunked_array([chunk.indices for chunk in column.chunks]), holes, codes)
    chunks = [
        pa.DictionaryArray.from_arrays(codes, dictionary, ordered=arrow_type.ordered) for codes in replaced.chunks
    ]
    return pa.chunked_array(chunks, type=arrow_type)


def _replaced(column: pa.ChunkedArray, holes: np.ndarray, values: pa.Array) -> pa.ChunkedArray:
    """Replace the values of a column at the positions ``holes``; the sizes of its chunks stay."""
    chunks, first = [], 0
    for chunk in column.chunks:
        start, stop = np.searchsorted(holes, [first, first + len(chunk)])
        positions = np.arange(len(chunk))  # in the chunk followed by the new values
        positions[holes[start:stop] - first] = len(chunk) + np.arange(stop - start)
        chunks.append(pa.concat_arrays([chunk, values.slice(start, stop - start)]).take(pa.array(positions)))
        first += len(chunk)
    return pa.chunked_array(chunks, type=column.type)


def _typed(cells: pd.Series, arrow_type: pa.DataType) -> pa.Array:
    """Convert cells to an Arrow type.

    Raises:
        TableError: the type cannot represent a cell.
    """
    if pa.types.is_integer(arrow_type) and pd.api.types.is_float_dtype(cells.dtype):
        cells = cells.round()
    schema = pa.schema([("cells", arrow_type)])
    try:
        table = pa.Table.from_pandas(cells.to_frame("cells"), schema=schema, preserve_index=False, safe=False)
    except pa.ArrowException as error:
        raise TableError(f"column {cells.name!r}: {cells.iloc[0]!r} cannot be written as {arrow_type}") from error
    values = table.column(0).combine_chunks()
    if values.null_count:
        raise TableError(f"column {cells.name!r}: {values.null_count} values cannot be written as {arrow_type}")
    return values
