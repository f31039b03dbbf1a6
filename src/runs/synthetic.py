"""Write the synthetic table in the format of the user's file, and read it back for the scores."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from src.results.record.files import write_whole
from src.seeding import numpy_stream
from src.tables import Split, Table, make_table
from src.tables.files.layout import Layout, layout_of_schema
from src.tables.files.writing import table_writer
from src.training.datamodule import CHUNK_ROWS

PARQUET = "synthetic.parquet"
MOST_MASKS = 100_000


def layout_of(split: Split) -> Layout:
    """What stands in the file of a table, or, where it has none of its own, in one of its schema."""
    return split.layout or layout_of_schema(split.train.schema)


def trained_layout(split: Split, mask: np.ndarray) -> Layout:
    """The layout of :func:`layout_of`, with rules learned from the cells that are trained on.

    Arguments:
        split: training and test table.
        mask: (N, d) bool on cells of the training table, True = observed.
    """
    layout = layout_of(split)
    return layout.with_rules_of(split.train.with_holes(mask).frame) if layout.rules or layout.found else layout


def chunk_rng(seed: int, number: int) -> np.random.Generator:
    """Stream of what is drawn for the chunk ``number`` when it is written: rare values, masks."""
    return numpy_stream(seed, "writing", number)


def write_synthetic(table: Table, split: Split, folder: Path, seed: int) -> None:
    """Write ``synthetic.parquet``; before it, for an own text file, ``synthetic`` in that file's format."""
    if split.layout is None:
        frame = split.train.schema.restore(table.frame)
        write_whole(folder / PARQUET, lambda partial: frame.to_parquet(partial, index=False))
        return
    files = [folder / PARQUET, *([folder / f"synthetic{split.suffix}"] if split.suffix not in ("", ".parquet") else [])]
    with ExitStack() as stack:
        writers = [stack.enter_context(table_writer(file, split.layout)) for file in files]
        for number, start in enumerate(range(0, table.n_rows, CHUNK_ROWS)):
            rows = table.frame.iloc[start : start + CHUNK_ROWS].reset_index(drop=True)
            for writer in writers:
                writer.add(rows, chunk_rng(seed, number))


def read_synthetic(file: Path, split: Split) -> Table:
    """The canonical rows of a ``synthetic.parquet``."""
    frame = pd.read_parquet(file)
    if split.layout is None:
        return make_table(frame, split.train.schema)
    return split.layout.table(frame, split.train.schema, str(file))


def stored_table(split: Split, mask: np.ndarray, seed: int) -> dict[str, Any]:
    """What a checkpoint holds of the training table beside the encoder.

    The layout, and the masks of the rows (of :data:`MOST_MASKS` at most), eight cells a byte.
    """
    layout = trained_layout(split, mask)
    if len(mask) > MOST_MASKS:
        mask = mask[numpy_stream(seed, "masks").permutation(len(mask))[:MOST_MASKS]]
    return {"layout": layout.to_dict(), "masks": np.packbits(mask, axis=1)}


def stored_masks(packed: np.ndarray, n_columns: int) -> np.ndarray:
    """Inverse of the masks of :func:`stored_table`: (n, d) bool, True = observed."""
    return np.unpackbits(packed, axis=1, count=n_columns).astype(bool)
