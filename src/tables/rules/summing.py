"""Search for columns of numbers that are sums, differences or complements of others."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from src.tables.columns.forms import Form
from src.tables.rules.expression import column_text

N_TRIED = 500
"""Rows that sums are first tried on."""
CLOSE = 1e-6
"""Relative difference from which on a row surely breaks a sum; what is closer is checked exactly afterwards."""


class SumSearch:
    """Candidates of equalities, of which most are true; every one is to be checked.

    Arguments:
        names: of the columns.
        values: their canonical numbers, (N,) each, NaN in a hole.
        forms: of the columns, by name.
        least_rows: fewest rows with a value in all columns of an equality.
    """

    def __init__(
        self, names: Sequence[str], values: Mapping[str, np.ndarray], forms: Mapping[str, Form], least_rows: int
    ) -> None:
        self.names = [name for name in names if np.nanmax(values[name]) > np.nanmin(values[name])]
        self.values, self.forms, self.least_rows = values, forms, least_rows

    def pairs(self, with_constant: bool) -> Iterator[tuple[str, tuple[str, str]]]:
        """Equalities of two columns, their texts and columns: ``b = a``, ``b = a + 3``, ``b = 10 - a``.

        The second column stands first, as the one that is given by the other.
        """
        for first, second in combinations(self.names, 2):
            if self.forms[first].cells.unit != self.forms[second].cells.unit:
                continue
            a, b = self.values[first], self.values[second]
            for sign in (1, -1) if with_constant else (1,):
                constant = _constant(b - sign * a, np.abs(a) + np.abs(b), self.least_rows)
                if constant is None or (constant and not with_constant):
                    continue
                yield _pair_text(first, second, sign, constant), (second, first)

    def triples(self, names: Sequence[str]) -> Iterator[tuple[str, tuple[str, str, str]]]:
        """Sums and differences of two columns that are a third; the last of the three is written as the result."""
        names = [name for name in self.names if name in names]
        if len(names) < 3 or len({self.forms[name].cells.unit for name in names}) > 1:
            return
        rows = np.column_stack([self.values[name][:N_TRIED] for name in names])
        size = np.abs(rows)
        for i, j in combinations(range(len(names)), 2):
            total = rows[:, i] + rows[:, j]
            far = np.abs(rows - total[:, None]) > CLOSE * (size + (size[:, i] + size[:, j])[:, None])
            for k in np.flatnonzero(~far.any(axis=0)).tolist():
                if k in (i, j):
                    continue
                parts = [self.values[names[p]] for p in (i, j, k)]
                n_rows = (~np.isnan(parts[0]) & ~np.isnan(parts[1]) & ~np.isnan(parts[2])).sum()
                if n_rows >= self.least_rows:
                    yield _triple_text(names[i], names[j], names[k], k > j), (names[k], names[i], names[j])


def values_text(number: float) -> str:
    """Write a number as it stands in a rule."""
    return repr(int(number)) if float(number).is_integer() else repr(float(number))


def _constant(difference: np.ndarray, size: np.ndarray, least_rows: int) -> float | None:
    """The number that all differences are, up to the arithmetic of floats; None if there is none."""
    known = ~np.isnan(difference)
    if known.sum() < least_rows:
        return None
    first, scale = difference[known], size[known]
    middle = float(f"{np.median(first):.12g}")
    return middle if (np.abs(first - middle) <= 1e-12 * (scale + abs(middle))).all() else None


def _pair_text(first: str, second: str, sign: int, constant: float) -> str:
    a, b = column_text(first), column_text(second)
    if sign < 0:
        return f"{b} = {values_text(constant)} - {a}"
    if not constant:
        return f"{b} = {a}"
    return f"{b} = {a} {'+' if constant > 0 else '-'} {values_text(abs(constant))}"


def _triple_text(first: str, second: str, total: str, total_is_last: bool) -> str:
    a, b, c = column_text(first), column_text(second), column_text(total)
    return f"{c} = {a} + {b}" if total_is_last else f"{b} = {c} - {a}"
