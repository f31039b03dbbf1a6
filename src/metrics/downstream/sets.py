"""Choose the rows that downstream models are fitted to, chosen on and tested on."""

import numpy as np

from src.metrics.base.measure import Downstream
from src.seeding import numpy_stream
from src.tables import Split, Table

HELD_OUT = 0.2


def synthetic_rows(split: Split, table: Table) -> Downstream:
    """Models fitted to a synthetic table are chosen on the original training table."""
    return Downstream(table, split.train, split.test, split.train)


def reference_rows(split: Split, name: str, table: Table, mask: np.ndarray, seed: int) -> Downstream:
    """As :func:`synthetic_rows`, where the table is made of training rows.

    A choice on rows that a model was fitted to rewards learning them by heart, so a fifth of the
    training rows, drawn by ``seed``, is for the choice alone: their copies are not fitted.

    Arguments:
        split: real rows.
        name: of the reference table, see :func:`src.metrics.evaluate.reference_tables`.
        table: its rows; for ``real_holdout`` the training table.
        mask: (N, d) bool, True = observed, that the table was made with.
        seed: of the run.
    """
    source = source_rows(name, mask, seed)
    if source is None:
        return synthetic_rows(split, table)
    n_train = split.train.n_rows
    held = np.zeros(n_train, dtype=bool)
    held[numpy_stream(seed, "validation rows").permutation(n_train)[: max(1, round(HELD_OUT * n_train))]] = True
    return Downstream(table.take(~held[source]), split.train.take(held), split.test, split.train)


def source_rows(name: str, mask: np.ndarray, seed: int) -> np.ndarray | None:
    """Training row that each row of a reference table stems from, None where rows are put together anew."""
    if name.startswith("marginals"):
        return None
    if name == "complete_rows":
        return drawn_complete_rows(mask, seed)
    return np.arange(len(mask))


def drawn_complete_rows(mask: np.ndarray, seed: int) -> np.ndarray:
    """(N,) positions of rows without a hole, drawn with replacement: the reference ``complete_rows``."""
    complete = np.flatnonzero(mask.all(axis=1))
    return complete[numpy_stream(seed, "reference", "complete_rows").integers(len(complete), size=len(mask))]
