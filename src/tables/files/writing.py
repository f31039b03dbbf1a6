"""Write a table to a file in pieces; the file appears under its name when it is complete."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from src.system.files import atomic_file
from src.tables.files.layout import Layout
from src.tables.text.content import opened
from src.tables.text.delimited import Dialect
from src.tables.text.dialect import DELIMITED

CHUNK_ROWS = 2**16


class Rows(Protocol):
    """A writer of canonical rows, in order."""

    def add(self, table: pd.DataFrame, rng: np.random.Generator) -> None:
        """Append (n, d) canonical rows; ``rng`` draws rare values."""
        ...


@contextmanager
def table_writer(file: Path, layout: Layout, chunk_rows: int = CHUNK_ROWS) -> Iterator[Rows]:
    """Open a writer of CSV, TSV (also ``.gz``), Parquet or Feather, by the file's extension.

    A text file gets the separator, quotes, encoding and decimals of the file that the layout was read from, a columnar
    file its dtypes. If the ``with`` body raises, no file is left.

    Arguments:
        file: the file to write.
        layout: layout of its columns.
        chunk_rows: number of rows in a row group of a columnar file.
    """
    is_text = file.name.lower().endswith(DELIMITED)
    with atomic_file(file) as partial:
        rows = _TextRows(partial, file, layout) if is_text else _ColumnarRows(partial, file, layout, chunk_rows)
        try:
            yield rows
            rows.close()
        finally:
            rows.abandon()


class _TextRows:
    def __init__(self, partial: Path, file: Path, layout: Layout) -> None:
        self.layout = layout
        self.dialect = _dialect_for(file, layout.dialect)
        self.n_rows = 0
        self.stream = opened(partial, self.dialect.encoding, zipped=file.name.lower().endswith(".gz"))
        self.stream.write(self.dialect.header_line(layout.names))

    def add(self, table: pd.DataFrame, rng: np.random.Generator) -> None:
        frame = self.layout.restore(table, self.n_rows, rng, for_text_file=True)
        texts = [not form.cells.is_bare_number for form in self.layout.written]
        numbers = [form.cells.content == "number" for form in self.layout.written]
        columns = [frame.iloc[:, i] for i in range(frame.shape[1])]
        self.stream.writelines(self.dialect.lines(columns, texts, numbers))
        self.n_rows += len(table)

    def close(self) -> None:
        self.stream.close()

    def abandon(self) -> None:
        self.stream.close()


class _ColumnarRows:
    def __init__(self, partial: Path, file: Path, layout: Layout, chunk_rows: int) -> None:
        self.layout = layout
        self.partial = partial
        self.chunk_rows = chunk_rows
        self.is_parquet = file.name.lower().endswith(".parquet")
        self.schema = layout.arrow_schema()
        self.n_rows = 0
        self.pending: list[pa.Table] = []
        self.writer: Any = None

    def add(self, table: pd.DataFrame, rng: np.random.Generator) -> None:
        frame = self.layout.restore(table, self.n_rows, rng)
        self.pending.append(pa.Table.from_pandas(frame, schema=self.schema, preserve_index=False, safe=False))
        self.n_rows += len(table)
        if sum(rows.num_rows for rows in self.pending) >= self.chunk_rows:
            self._flush(last=False)

    def close(self) -> None:
        self._flush(last=True)
        self.abandon()

    def abandon(self) -> None:
        if self.writer is not None:
            self.writer.close()
            self.writer = None

    def _flush(self, last: bool) -> None:
        rows = pa.concat_tables(self.pending).combine_chunks()
        stop = len(rows) if last else len(rows) // self.chunk_rows * self.chunk_rows
        if self.writer is None:
            self.writer = self._open(rows.schema)
        for start in range(0, stop, self.chunk_rows):
            self.writer.write_table(rows.slice(start, min(self.chunk_rows, stop - start)))
        self.pending = [rows.slice(stop)]

    def _open(self, schema: pa.Schema) -> Any:
        if self.is_parquet:
            return pq.ParquetWriter(self.partial, schema)
        options = pa.ipc.IpcWriteOptions(compression="lz4", unify_dictionaries=True)
        return pa.ipc.new_file(str(self.partial), schema, options=options)


def _dialect_for(file: Path, dialect: Dialect) -> Dialect:
    """Adapt the dialect to a ``.tsv`` file: tabs, and a new header if the original one has another separator."""
    tabbed = ".tsv" in file.name.lower()
    if tabbed == (dialect.separator == "\t") or not tabbed:
        return dialect
    return replace(dialect, separator="\t", padded=False, names=())
