"""Write a file piece by piece; it appears under its name when it is whole."""

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
from src.tables.text.delimited import Dialect, opened
from src.tables.text.dialect import DELIMITED

CHUNK_ROWS = 2**16


class Rows(Protocol):
    """Where canonical rows go, in order."""

    def add(self, table: pd.DataFrame, rng: np.random.Generator) -> None:
        """Append (n, d) canonical rows; ``rng`` draws rare values."""
        ...


@contextmanager
def written_whole(file: Path, layout: Layout, chunk_rows: int = CHUNK_ROWS) -> Iterator[Rows]:
    """Write a table of a layout to CSV, TSV (also ``.gz``), Parquet or Feather, by the file's extension.

    Rows of a columnar file are written ``chunk_rows`` at a time, which is the size of its row groups.

    A text file is written as the one the layout was read from, with its separator, quotes, encoding and
    decimals; a columnar file has its dtypes. Whatever ends the writing early leaves nothing behind.
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
        texts = [form.cells.content != "number" for form in self.layout.written]
        columns = [frame.iloc[:, i] for i in range(frame.shape[1])]
        self.stream.writelines(self.dialect.lines(columns, texts))
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
        self.waiting: list[pa.Table] = []
        self.writer: Any = None

    def add(self, table: pd.DataFrame, rng: np.random.Generator) -> None:
        frame = self.layout.restore(table, self.n_rows, rng)
        self.waiting.append(pa.Table.from_pandas(frame, schema=self.schema, preserve_index=False, safe=False))
        self.n_rows += len(table)
        if sum(rows.num_rows for rows in self.waiting) >= self.chunk_rows:
            self._flush(last=False)

    def close(self) -> None:
        self._flush(last=True)
        self.abandon()

    def abandon(self) -> None:
        if self.writer is not None:
            self.writer.close()
            self.writer = None

    def _flush(self, last: bool) -> None:
        rows = pa.concat_tables(self.waiting).combine_chunks()
        whole = len(rows) if last else len(rows) // self.chunk_rows * self.chunk_rows
        if self.writer is None:
            self.writer = self._open(rows.schema)
        for start in range(0, whole, self.chunk_rows):
            self.writer.write_table(rows.slice(start, min(self.chunk_rows, whole - start)))
        self.waiting = [rows.slice(whole)]

    def _open(self, schema: pa.Schema) -> Any:
        if self.is_parquet:
            return pq.ParquetWriter(self.partial, schema)
        options = pa.ipc.IpcWriteOptions(compression="lz4", unify_dictionaries=True)
        return pa.ipc.new_file(str(self.partial), schema, options=options)


def _dialect_for(file: Path, dialect: Dialect) -> Dialect:
    """The dialect, but a ``.tsv`` has tabs, and a header of its own where the separator is another one."""
    tabbed = ".tsv" in file.name.lower()
    if tabbed == (dialect.separator == "\t") or not tabbed:
        return dialect
    return replace(dialect, separator="\t", padded=False, names=())
