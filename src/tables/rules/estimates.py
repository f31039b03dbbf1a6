"""Best values of holes that keep rules, and which rows do not."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from src.tables.imputations import Imputations
from src.tables.rules.keeper import Keeper
from src.tables.rules.rule import Rule
from src.tables.table import Table


def kept_cells(imputations: Imputations, which: int | str, keeper: Keeper | None) -> dict[str, np.ndarray]:
    """Canonical cells for the holes of every column, (n_holes,) each, of one draw or the best ones.

    Best values are estimated column by column, and completed by the rules. A row in which they still break a rule that
    a draw keeps gets the draw that is nearest to them.

    Arguments:
        imputations: draws that keep the rules.
        which: number of a draw, or an estimate, see :meth:`Imputations.cells`.
        keeper: of the rules; None = there are none.
    """
    cells = {name: imputations.cells(name, which) for name in imputations.draws}
    if keeper is None or not isinstance(which, str):
        return cells
    table = imputations.table
    frame = keeper.completed(imputations.completed(which).frame, table.unknown, beyond=True)
    excused = keeper.broken(table.frame)
    bad = np.flatnonzero((keeper.broken(frame) & ~excused).any(axis=0))
    if len(bad):
        nearest = _nearest(imputations, frame, bad)
        for name in imputations.draws:
            column, holes = frame[name].to_numpy(copy=True), imputations.holes(name)
            is_bad = np.isin(holes, bad)
            numbers = nearest[np.searchsorted(bad, holes[is_bad])]
            for number in np.unique(numbers):
                chosen = np.flatnonzero(is_bad)[numbers == number]
                column[holes[chosen]] = imputations.cells(name, int(number))[chosen]
            frame[name] = column
    return {name: frame[name].to_numpy()[imputations.holes(name)] for name in imputations.draws}


def _nearest(imputations: Imputations, frame: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
    """Number of the draw of each of these rows that is nearest to the best values, (len(rows),) int."""
    distance = np.zeros((imputations.n_draws, len(rows)))
    for name in imputations.draws:
        holes = imputations.holes(name)
        chosen = np.flatnonzero(np.isin(holes, rows))
        at, best = np.searchsorted(rows, holes[chosen]), frame[name].to_numpy()[holes[chosen]]
        scale = float(np.std(imputations.draws[name])) or 1.0
        for number in range(imputations.n_draws):
            drawn = imputations.cells(name, number)[chosen]
            is_number = imputations.table.schema[name].kind == "numerical"
            distance[number, at] += ((drawn - best) / scale) ** 2 if is_number else drawn != best
    return np.asarray(distance.argmin(axis=0))


def unkept_notes(table: Table, rules: Sequence[Rule], keeper: Keeper | None) -> list[str]:
    """Sentences for the user about rows whose holes are filled without keeping the rules.

    Arguments:
        table: (N, d), holes NaN.
        rules: the rules between its columns.
        keeper: of the rules; None = the imputer keeps none.
    """
    if not rules:
        return []
    if keeper is None:
        return ["rules between columns are kept by imputers that are diffusion models alone, not by this one"]
    n_rows = int((keeper.breaking(table.frame) & ~table.complete).sum())
    if not n_rows:
        return []
    return [
        f"{n_rows:,} rows with holes break a rule by their observed cells: their holes are filled as they are drawn"
    ]
