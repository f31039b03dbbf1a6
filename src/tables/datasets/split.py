"""Split a table into training and test rows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from src.errors import TableError
from src.seeding import numpy_stream
from src.tables.columns.summary import ColumnSummary
from src.tables.files.layout import Layout
from src.tables.schema import Schema
from src.tables.table import Table, make_table


@dataclass(frozen=True)
class Split:
    """Training and test tables of one schema. Missing mechanisms apply to the training table only.

    Attributes:
        train: training rows.
        test: test rows.
        layout: layout of the file that the rows come from; None = that of the schema.
        suffix: extension of that file, e.g. ``.csv``.
        summaries: summaries of the columns of that file.
        notes: sentences for the user of that file.

    Raises:
        TableError: there are fewer than two training rows.
    """

    train: Table
    test: Table
    layout: Layout | None = None
    summaries: tuple[ColumnSummary, ...] = ()
    notes: tuple[str, ...] = ()
    suffix: str = ""

    def __post_init__(self) -> None:
        if self.train.n_rows < 2:
            raise TableError(f"the training table has {self.train.n_rows} row; at least 2 are needed")


def split_rows(frame: pd.DataFrame, schema: Schema, n_train: int, n_test: int, seed: int) -> Split:
    """Draw disjoint training and test rows without replacement.

    The draw depends only on the seed and the number of rows: methods, mechanisms and ratios have the same split at
    one seed.

    Raises:
        TableError: the frame has fewer than ``n_train + n_test`` rows, or ``n_train`` is less than 2.
    """
    if n_train + n_test > len(frame):
        raise TableError(
            f"dataset.n_train={n_train} and dataset.n_test={n_test} ask for {n_train + n_test} rows, the table has "
            f"{len(frame)}"
        )
    order = numpy_stream(seed, "split").permutation(len(frame))
    table = make_table(frame, schema)
    return Split(table.take(order[:n_train]), table.take(order[n_train : n_train + n_test]))


def split_positions(table: Table, test_fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw the positions of training and test rows, (n_train,) and (n_test,) int.

    If a column has no value in the training rows, the first test row with a value moves to them.
    """
    n_test = min(max(round(test_fraction * table.n_rows), 1), table.n_rows - 2)
    order = numpy_stream(seed, "split").permutation(table.n_rows)
    train, test = order[: table.n_rows - n_test], order[table.n_rows - n_test :]
    for column in range(table.n_columns):
        observed = table.observed[:, column]
        if observed[train].any() or len(test) == 1:
            continue
        moved = test[observed[test]][:1]
        train, test = np.append(train, moved), test[~np.isin(test, moved)]
    return train, test
