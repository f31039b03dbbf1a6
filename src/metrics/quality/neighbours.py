"""Rows that have distances, and the closest of them, in bounded memory."""

import numpy as np

from src.tables import Table

CHUNK_CELLS = 4_000_000
MIN_ROWS = 10
TOLERANCE = 1e-9


def complete_rows(table: Table) -> Table:
    """The rows without an unknown cell; perhaps none."""
    return table.take(table.complete)


def only_complete(table: Table, complete: Table, kind: str) -> str | None:
    """The remark that only the complete rows of a ``kind`` (real, synthetic) table were compared; None if all are."""
    return (
        f"only the {complete.n_rows} complete of {table.n_rows} {kind} rows were compared"
        if complete.n_rows < table.n_rows
        else None
    )


def nearest(queries: np.ndarray, points: np.ndarray, same: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Position of the closest point to every query, the Euclidean distance to it, how many are as close: (n,) each.

    Arguments:
        queries: (n, width).
        points: (m, width), m at least 1.
        same: the queries are the points; a row is not its own neighbour (m at least 2).

    Of equally close points the first counts. Distances are rounded to 9 decimals, so that equal ones
    compare equal whatever the order of a sum.
    """
    positions, ties = np.empty(len(queries), dtype=int), np.empty(len(queries), dtype=int)
    squares = (points**2).sum(axis=1)
    step = max(CHUNK_CELLS // len(points), 1)
    for start in range(0, len(queries), step):
        chunk = queries[start : start + step]
        closeness = chunk @ points.T
        closeness *= -2
        closeness += squares
        if same:
            rows = np.arange(len(chunk))
            closeness[rows, start + rows] = np.inf
        best = closeness.argmin(axis=1)
        smallest = closeness[np.arange(len(chunk)), best]
        positions[start : start + step] = best
        ties[start : start + step] = (closeness <= smallest[:, None] + TOLERANCE).sum(axis=1)
    distances = np.linalg.norm(queries - points[positions], axis=1).round(9)
    return positions, distances, ties
