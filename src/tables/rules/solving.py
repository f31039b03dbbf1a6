"""Complete rows by the equalities and functions between their columns."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd

from src.tables.cells.number_style import rounded
from src.tables.columns.forms import Form
from src.tables.grid import on_grid
from src.tables.rules.rule import Function, Linear, Rule

FREE, GIVEN, MISSING = 0, 1, 2
N_PASSES = 3
"""Of functions and equalities in turn, where both are declared: the result of one may be in another."""
Solution = dict[str, tuple[dict[str, Fraction], Fraction]]


def written_numbers(form: Form, values: np.ndarray) -> np.ndarray:
    """The numbers (n,) that the cells of a column mean when ``values`` (n,) are written; holes stay NaN."""
    cells = form.cells
    numbers = on_grid(pd.Series(values, dtype=float).clip(cells.low, cells.high), cells.grid)
    if cells.content != "number":
        return np.asarray(numbers.round().to_numpy())
    numbers = rounded(numbers, cells.decimals, cells.style, (cells.low, cells.high))
    if cells.style is not None and not cells.style.exponent:
        numbers = numbers.round(cells.decimals or 0)
    if form.column.integer:
        numbers = numbers.round()
    if cells.dtype.lower().startswith(("float32", "float16", "float[", "halffloat")):
        numbers = numbers.astype(np.float16 if "16" in cells.dtype or "half" in cells.dtype else np.float32)
    return np.asarray(numbers.to_numpy(dtype=np.float64) + 0.0)


def completed(
    rules: Sequence[Rule], forms: Mapping[str, Form], frame: pd.DataFrame, free: np.ndarray, beyond: bool = False
) -> pd.DataFrame:
    """Fill the results of equalities and functions from the other columns, as they will be written.

    Where a result is given, an equality is solved for the last of its columns that is not. A row with a hole in a
    column of a rule stays as it is.

    Arguments:
        rules: the rules.
        forms: of their columns.
        frame: (n, d) canonical rows, holes NaN.
        free: (n, d) bool, the cells that may change.
        beyond: whether what follows from given cells alone may leave the range of its column.
    """
    frame, may_change = frame.copy(), {name: free[:, i].copy() for i, name in enumerate(frame.columns)}
    for name in dict.fromkeys(name for rule in rules for name in rule.columns):
        may_change[name] &= frame[name].notna().to_numpy()
        if forms[name].is_number:
            _put(frame, name, may_change[name], written_numbers(forms[name], frame[name].to_numpy(dtype=np.float64)))
    functions = in_order([rule for rule in rules if isinstance(rule, Function)])
    equalities = [rule for rule in rules if isinstance(rule, Linear) and rule.sense == "="]
    for _ in range(N_PASSES if functions and equalities else 1):
        is_given = {name: ~rows for name, rows in may_change.items()}
        for rule in functions:
            results, is_known = rule.results(frame)
            rows = may_change[rule.result] & is_known
            _put(frame, rule.result, rows, results)
            is_given[rule.result] = is_given[rule.result] | rows
        _solve(equalities, forms, frame, is_given, beyond)
    return frame


def reaching(form: Form, values: np.ndarray) -> Form:
    """Return the form of a column of numbers with a range that these values (n,) lie in."""
    known = values[np.isfinite(values)]
    if not len(known):
        return form
    cells = replace(form.cells, low=min(form.cells.low, known.min()), high=max(form.cells.high, known.max()))
    return replace(form, cells=cells)


def in_order(functions: Sequence[Function]) -> list[Function]:
    """Sort functions so that one that gives an argument of another comes first; those of a circle stay."""
    left, ordered = list(functions), []
    while left:
        results = {rule.result for rule in left}
        ready = [rule for rule in left if not results & set(rule.arguments)] or left[:1]
        ordered += ready
        left = [rule for rule in left if rule not in ready]
    return ordered


def _put(frame: pd.DataFrame, name: str, rows: np.ndarray, values: np.ndarray) -> None:
    if rows.any():
        cells = frame[name].to_numpy(copy=True)
        cells[rows] = values[rows]
        frame[name] = cells


def _solve(
    equalities: Sequence[Linear],
    forms: Mapping[str, Form],
    frame: pd.DataFrame,
    is_given: Mapping[str, np.ndarray],
    beyond: bool,
) -> None:
    """Solve the equalities in place, all rows together in which the same columns are given and missing."""
    names = list(dict.fromkeys(name for rule in equalities for name in rule.columns))
    if not names:
        return
    states = np.column_stack([np.where(frame[n].isna(), MISSING, np.where(is_given[n], GIVEN, FREE)) for n in names])
    patterns, of_row = np.unique(states, axis=0, return_inverse=True)
    for k, pattern in enumerate(patterns):
        state = dict(zip(names, pattern.tolist(), strict=True))
        rows = of_row.ravel() == k
        for name, (terms, constant) in solution(equalities, state).items():
            value = np.full(int(rows.sum()), float(constant))
            for other, coefficient in terms.items():
                value = value + float(coefficient) * frame[other].to_numpy(dtype=np.float64)[rows]
            numbers = np.full(len(frame), np.nan)
            follows = beyond and all(state[other] == GIVEN for other in terms)
            form = reaching(forms[name], value) if follows else forms[name]
            numbers[rows] = written_numbers(form, value)
            _put(frame, name, rows, numbers)


def solution(equalities: Sequence[Linear], state: Mapping[str, int]) -> Solution:
    """Solve equalities for free columns: by column, coefficients of columns that are given or stay, and a constant.

    Elimination by Gauss and Jordan in exact fractions. Each equality gives its result, if that is free, else the last
    free column of its text.

    Arguments:
        equalities: the equalities.
        state: by column, :data:`FREE`, :data:`GIVEN` or :data:`MISSING`.
    """
    solved: Solution = {}
    for rule in equalities:
        if any(state[name] == MISSING for name in rule.columns):
            continue
        row = {name: _fraction(coefficient) for name, coefficient in rule.terms}
        constant = _fraction(rule.constant)
        for name in [name for name in row if name in solved]:
            constant = _replaced(row, constant, name, solved[name])
        candidates = [name for name in row if state[name] == FREE and row[name]]
        own = [name for name in candidates if name in rule.columns]
        if not candidates:
            continue
        pivot = rule.result if rule.result in candidates else (own or candidates)[-1]
        assert pivot is not None
        coefficient = row.pop(pivot)
        solved_for = {name: -c / coefficient for name, c in row.items() if c}, constant / coefficient
        for name, (terms, other) in solved.items():
            if pivot in terms:
                solved[name] = (terms, other + _expanded(terms, pivot, solved_for))
        solved[pivot] = solved_for
    return solved


def _replaced(
    row: dict[str, Fraction], constant: Fraction, name: str, by: tuple[dict[str, Fraction], Fraction]
) -> Fraction:
    """Replace a column in a row ``sum = constant`` in place; returns the new constant."""
    return constant - _expanded(row, name, by)


def _expanded(terms: dict[str, Fraction], name: str, by: tuple[dict[str, Fraction], Fraction]) -> Fraction:
    """Replace a column in a sum in place by another sum; returns the constant that is added."""
    coefficient = terms.pop(name)
    for other, c in by[0].items():
        terms[other] = terms.get(other, Fraction(0)) + coefficient * c
    return coefficient * by[1]


def _fraction(number: float) -> Fraction:
    return Fraction(repr(number))
