"""Structural holes: columns that are missing exactly where another column says that they do not apply."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from src.system.quoting import setting
from src.tables.cells.distinct import distinct_cells
from src.tables.columns.forms import Form
from src.tables.columns.kinds import listed

LEAST_ROWS = 20
"""Fewest rows with and without a value that a rule is believed for: fewer may follow any column by chance."""
MOST_VALUES = 20
"""Most values of a column that a rule may name; of more, some have few rows."""
N_TRIED = 2000
"""Rows that a rule is first tried on, which most pairs of columns break at once."""


@dataclass(frozen=True)
class SkipRule:
    """A column is missing in exactly the rows that a condition names.

    Attributes:
        column: name of the column.
        condition: text for the user, such as ``smokes = 'no'``.
        n_missing: rows in which it is missing.
    """

    column: str
    condition: str
    n_missing: int

    @property
    def remedy(self) -> str:
        """Sentence for the sidecar."""
        return f"missing exactly where {self.condition}; structural: true keeps these cells missing"

    def note(self, prefix: str) -> str:
        """Write the sentence for the user; ``prefix`` precedes the key in it."""
        return (
            f"column {self.column!r} is missing exactly where {self.condition} ({self.n_missing:,} rows): if it does "
            f"not apply there, {setting(f'{prefix}structural', [self.column])} keeps these cells missing in synthetic "
            "and in filled rows"
        )


def skip_rules(frame: pd.DataFrame, forms: Sequence[Form]) -> list[SkipRule]:
    """Find the columns with holes whose holes another column tells in every row, in the order of the frame.

    Conditions are values of a column of few (its holes count as a value), or a threshold of numbers.

    Arguments:
        frame: (N, n_columns) cells, holes NaN.
        forms: of the columns.
    """
    holes = {form.name: frame[form.name].isna().to_numpy() for form in forms if form.is_learned}
    holed = [name for name, missing in holes.items() if LEAST_ROWS <= missing.sum() <= len(frame) - LEAST_ROWS]
    if not holed:
        return []
    few = {form.name: distinct_cells(frame[form.name]) for form in forms if form.is_learned}
    numbers = {form.name: _numbers(form, frame) for form in forms if form.is_number and not holes[form.name].any()}
    rules = []
    for name in holed:
        for other in holes:
            if other == name or np.array_equal(holes[name], holes[other]):
                continue
            condition = _by_value(holes[name], *few[other], repr(other)) or (
                _by_threshold(holes[name], numbers[other], frame[other], repr(other)) if other in numbers else None
            )
            if condition is not None:
                rules.append(SkipRule(name, condition, int(holes[name].sum())))
                break
    return rules


def _numbers(form: Form, frame: pd.DataFrame) -> np.ndarray:
    return np.asarray(form.canonical(frame[form.name], form.name).to_numpy(dtype=np.float64))


def _by_value(missing: np.ndarray, values: Sequence[object], codes: np.ndarray, name: str) -> str | None:
    """The values of a column of few in all rows of which another one is missing, if it is in no other row."""
    if len(values) > MOST_VALUES:
        return None
    for rows in (slice(0, N_TRIED), slice(None)):
        n_rows = np.bincount(codes[rows] + 1, minlength=len(values) + 1)  # the first one is of holes
        n_missing = np.bincount(codes[rows] + 1, weights=missing[rows], minlength=len(values) + 1)
        if ((n_missing > 0) & (n_missing < n_rows)).any():
            return None
    named = sorted((values[k - 1] for k in np.flatnonzero(n_missing).tolist() if k > 0), key=str)
    parts = [f"is {named[0]!r}" if len(named) == 1 else f"is one of {listed(map(repr, named))}"] if named else []
    parts += ["is missing"] if n_missing[0] else []
    return f"{name} {' or '.join(parts)}"


def _by_threshold(missing: np.ndarray, numbers: np.ndarray, cells: pd.Series, name: str) -> str | None:
    """The number below or above which another column is missing, if it is in no other row."""
    for rows in (slice(0, N_TRIED), slice(None)):
        with_hole, without = numbers[rows][missing[rows]], numbers[rows][~missing[rows]]
        if len(with_hole) and len(without) and not (with_hole.max() < without.min() or with_hole.min() > without.max()):
            return None
    is_below = with_hole.max() < without.min()
    row = np.flatnonzero(missing)[with_hole.argmax() if is_below else with_hole.argmin()]
    return f"{name} is {'at most' if is_below else 'at least'} {cells.iloc[row]}"
