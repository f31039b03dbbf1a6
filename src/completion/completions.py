"""Completions treat the holes of a table before training: (table, mask) -> (table, mask).

``keep`` is MissDiff's: the model trains on the table with its holes. ``complete`` returns the table before it lost
cells, which is the ceiling of any treatment of holes. The others build a complete table; they serve as baselines and
as reference rows of every result.

A completion takes a table (N, d) before it lost cells, a mask (N, d) bool with True = observed, and a random stream; it
returns a table and its mask.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from src.errors import NotApplicableError, TableError
from src.tables import Table

Completion = Callable[[Table, np.ndarray, np.random.Generator], tuple[Table, np.ndarray]]


def keep(table: Table, mask: np.ndarray, rng: np.random.Generator) -> tuple[Table, np.ndarray]:
    """Change nothing: the mask says which cells are missing, and encoders read no other ones.

    The table has a cell that a mechanism took away, and has none of its own holes, so that these can be told apart.
    """
    return table, mask


def complete(table: Table, mask: np.ndarray, rng: np.random.Generator) -> tuple[Table, np.ndarray]:
    """Return the table before it lost cells; only its native holes remain."""
    return table, table.observed


def delete_rows(table: Table, mask: np.ndarray, rng: np.random.Generator) -> tuple[Table, np.ndarray]:
    """Delete the rows that have a hole.

    Raises:
        NotApplicableError: fewer than two rows are complete.
    """
    is_complete = np.asarray(mask.all(axis=1))
    n_complete = int(is_complete.sum())
    if n_complete < 2:
        count = "none" if n_complete == 0 else "only 1"
        raise NotApplicableError(
            f"{count} of the {table.n_rows} training rows is complete: too few rows are left after deleting the others"
        )
    return table.take(is_complete), mask[is_complete]


def mean_mode(table: Table, mask: np.ndarray, rng: np.random.Generator) -> tuple[Table, np.ndarray]:
    """Fill the holes of each column with the mean (numerical) or the most frequent category of its observed cells.

    Raises:
        TableError: a column has no observed cell.
    """
    observed = _observed_cells(table, mask)
    fills: dict[str, object] = {}
    for column in table.schema.columns:
        values = observed[column.name].dropna()
        if column.kind == "numerical":
            mean = float(values.mean())
            fills[column.name] = round(mean) if column.integer else mean
        else:
            counts = values.value_counts()
            fills[column.name] = next(c for c in column.categories if counts.get(c, 0) == counts.max())
    frame = pd.DataFrame({name: observed[name].where(observed[name].notna(), fills[name]) for name in fills})
    return Table(frame, table.schema), np.ones_like(mask)


def hot_deck(table: Table, mask: np.ndarray, rng: np.random.Generator) -> tuple[Table, np.ndarray]:
    """Fill holes with values drawn at random from the observed cells of the same column.

    Raises:
        TableError: a column has no observed cell.
    """
    observed = _observed_cells(table, mask)
    frame = observed.copy()
    for i, name in enumerate(table.schema.names):
        donors = observed[name].dropna().to_numpy()
        holes = frame[name].isna().to_numpy()
        frame.iloc[np.flatnonzero(holes), i] = rng.choice(donors, size=int(holes.sum()))
    return Table(frame, table.schema), np.ones_like(mask)


def marginals(table: Table, mask: np.ndarray, rng: np.random.Generator) -> tuple[Table, np.ndarray]:
    """Draw every cell at random from the observed cells of its column, so that columns become independent.

    Raises:
        TableError: a column has no observed cell.
    """
    return draw_marginals(table, mask, table.n_rows, rng), np.ones_like(mask)


def draw_marginals(table: Table, mask: np.ndarray, n_rows: int, rng: np.random.Generator) -> Table:
    """Draw ``n_rows`` rows of independent columns, the generator ``method=marginals``; see :func:`marginals`."""
    observed = _observed_cells(table, mask)
    draws = {name: rng.choice(observed[name].dropna().to_numpy(), size=n_rows) for name in table.schema.names}
    return Table(pd.DataFrame(draws), table.schema)


def _observed_cells(table: Table, mask: np.ndarray) -> pd.DataFrame:
    frame = table.with_holes(mask).frame
    for name in table.schema.names:
        if frame[name].isna().all():
            raise TableError(f"column {name!r} has no observed cell left; drop the column or lower the ratio")
    return frame


COMPLETIONS: dict[str, Completion] = {
    "keep": keep,
    "delete_rows": delete_rows,
    "mean_mode": mean_mode,
    "complete": complete,
}
