"""A dataset as the rest of the program sees it: a training and a test table of one schema."""

from dataclasses import dataclass

import pandas as pd

from src.errors import TableError
from src.seeding import numpy_stream
from src.tables.schema import Schema
from src.tables.table import Table, make_table


@dataclass(frozen=True)
class Split:
    """Training and test rows. Only the training table ever loses cells to a mechanism."""

    train: Table
    test: Table

    def __post_init__(self) -> None:
        if self.train.n_rows < 2:
            raise TableError(f"the training table has {self.train.n_rows} row; at least 2 are needed")


def split_rows(frame: pd.DataFrame, schema: Schema, n_train: int, n_test: int, seed: int) -> Split:
    """Draw disjoint training and test rows without replacement.

    The draw depends on the seed and the number of rows alone: every method, mechanism and ratio
    sees the same split at one seed.

    Raises:
        TableError: fewer rows than asked for, or fewer than two training rows.
    """
    if n_train + n_test > len(frame):
        raise TableError(
            f"n_train={n_train} and n_test={n_test} ask for {n_train + n_test} rows, the table has {len(frame)}"
        )
    order = numpy_stream(seed, "split").permutation(len(frame))
    table = make_table(frame, schema)
    return Split(table.take(order[:n_train]), table.take(order[n_train : n_train + n_test]))
