"""Propose rules that every observed row of a table keeps, and independent columns would not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pandas as pd

from src.errors import ConfigError
from src.system.quoting import setting
from src.tables.cells.date_patterns import UNITS
from src.tables.columns.forms import Form
from src.tables.rules.declared import bound_rule
from src.tables.rules.expression import column_text
from src.tables.rules.keeper import ROUNDS_OF_FOUND
from src.tables.rules.rule import Linear, Rule
from src.tables.rules.summing import SumSearch

LEAST_ROWS = 20
"""Fewest rows with a value in all columns of a rule that is proposed."""
LEAST_BROKEN = 0.01
"""Least share of the rows that would break a rule if one of its columns were independent of the others."""
BY_CHANCE = 0.01
"""Largest probability that chance explains one of all rules that are tried."""
MOST_COLUMNS = 40
"""Most columns of numbers, and most of categories, that rules are looked for in: the first ones."""
MOST_PROPOSED = 5
"""Most rules of a kind that are proposed, those first that independent columns would break most."""
CLOSE = 1e-9
N_TRIED = 2000
"""Rows that rules are first tried on, which most break at once."""
MOST_VALUES = 1000
"""Most values of a column that functions of others are looked for in, as result or as argument."""
ROWS_OF_A_VALUE = 2
"""Fewest rows of a value of an argument, on average."""


@dataclass(frozen=True)
class Found:
    """A rule that was found.

    Attributes:
        rule: the rule.
        n_rows: rows with a value in all of its columns.
        share: share of the rows that would break it if its columns were independent.
    """

    rule: Rule
    n_rows: int
    share: float

    @property
    def remedy(self) -> str:
        """Sentence for the sidecar."""
        return f"holds in all {self.n_rows:,} rows"

    def note(self, prefix: str) -> str:
        """Write the sentence for the user; ``prefix`` precedes the key in it."""
        key = setting(f"{prefix}rules", [self.rule.text]) if prefix else f"rules={[self.rule.text]!r}"
        return (
            f"{self.rule.text} in all {self.n_rows:,} rows that have these values: synthetic rows and fills "
            f"that break it are drawn anew, {ROUNDS_OF_FOUND} times at most; if it must hold in every one: {key}"
        )


def proposed_rules(
    forms: Sequence[Form], cells: Callable[[str], pd.Series], declared: Sequence[Rule]
) -> tuple[Found, ...]:
    """Find rules between columns.

    Arguments:
        forms: of the columns.
        cells: gives the canonical cells (N,) of a learned column.
        declared: rules that need no proposal.
    """
    by_name = {form.name: form for form in forms}
    numbers = [form for form in forms if form.is_number][:MOST_COLUMNS]
    values = {form.name: cells(form.name).to_numpy(dtype=np.float64) for form in numbers}
    sums = _sums(numbers, values, by_name, declared)
    covered = [set(rule.columns) for rule in (*declared, *(found.rule for found in sums)) if isinstance(rule, Linear)]
    orders = _orders(numbers, values, by_name, covered)
    equal = [set(rule.columns) for rule in (*declared, *(found.rule for found in sums)) if _is_equality(rule)]
    functions = _functions(forms, cells, by_name, declared, equal)
    return (*sums, *orders, *functions)


def _orders(
    forms: Sequence[Form],
    values: Mapping[str, np.ndarray],
    by_name: Mapping[str, Form],
    covered: Sequence[set[str]],
) -> list[Found]:
    """Pairs of numbers of which one is never below the other; none that follows from others."""
    pairs = [(a, b) for a, b in permutations(forms, 2) if a.cells.content == b.cells.content]
    holding: dict[tuple[str, str], Found] = {}
    for small, large in pairs:
        if _surely_above(small, large, values):
            continue
        rule = _bound(f"{column_text(large.name)} >= {column_text(small.name)}", by_name)
        if rule is None or _breaks(rule, values, slice(None)):
            continue
        (coefficient, other), (a, b) = _scaled(rule, small.name, large.name), (values[small.name], values[large.name])
        rows = ~np.isnan(a) & ~np.isnan(b)
        x, y = coefficient * a[rows], other * b[rows]
        if len(x) < LEAST_ROWS:
            continue
        share = float(np.searchsorted(np.sort(y), x, side="left").mean() / len(y))
        if _is_no_chance(share, len(x), len(pairs)):
            holding[small.name, large.name] = Found(rule, len(x), share)
    names = [form.name for form in forms]
    direct = {
        (a, b): found
        for (a, b), found in holding.items()
        if not any((a, c) in holding and (c, b) in holding for c in names if c not in (a, b))
        and not any({a, b} <= columns for columns in covered)
    }
    return _strongest(list(direct.values()))


def _surely_above(small: Form, large: Form, values: Mapping[str, np.ndarray]) -> bool:
    """Tell whether some of the first rows break ``large >= small`` by more than the arithmetic of floats."""
    a, b = (values[form.name][:N_TRIED] * UNITS.get(form.cells.unit, 1) for form in (small, large))
    return bool((a - b > CLOSE * (np.abs(a) + np.abs(b))).any())


def _scaled(rule: Rule, small: str, large: str) -> tuple[float, float]:
    """Coefficients that make the numbers of two columns comparable: their units may differ."""
    assert isinstance(rule, Linear)
    terms = dict(rule.terms)
    return abs(terms[small]), abs(terms[large])


def _sums(
    forms: Sequence[Form], values: Mapping[str, np.ndarray], by_name: Mapping[str, Form], declared: Sequence[Rule]
) -> list[Found]:
    """Equalities of two and three columns of one content."""
    found: list[Found] = []
    known = [set(rule.columns) for rule in declared if isinstance(rule, Linear) and rule.sense == "="]
    for content in ("number", "duration", "date", "time"):
        names = [form.name for form in forms if form.cells.content == content]
        search = SumSearch(names, {name: values[name] for name in names}, by_name, LEAST_ROWS)
        dropped: set[str] = set()
        for text, columns in search.pairs(content == "number"):
            one = _equality(text, values, by_name, len(names) ** 2)
            if one is not None and not set(columns) & dropped and set(columns) not in known:
                found.append(one)
                dropped.add(columns[0])
        if content not in ("number", "duration"):
            continue
        for text, three in search.triples([name for name in names if name not in dropped]):
            one = _equality(text, values, by_name, len(names) ** 3)
            if one is not None and set(three) not in known:
                found.append(one)
    return _strongest(found)


def _equality(text: str, values: Mapping[str, np.ndarray], by_name: Mapping[str, Form], n_tried: int) -> Found | None:
    """An equality that holds, if it would not with any one of its columns in another order."""
    rule = _bound(text, by_name)
    if rule is None or _breaks(rule, values, slice(None)):
        return None
    frame = pd.DataFrame({name: values[name] for name in rule.columns}).dropna()
    if len(frame) < LEAST_ROWS:
        return None
    order = np.random.default_rng(0).permutation(len(frame))
    shares = [rule.broken(frame.assign(**{name: frame[name].to_numpy()[order]})).mean() for name in rule.columns]
    share = float(min(shares))
    return Found(rule, len(frame), share) if _is_no_chance(share, len(frame), n_tried) else None


def _is_equality(rule: Rule) -> bool:
    return isinstance(rule, Linear) and rule.sense == "="


def _functions(
    forms: Sequence[Form],
    cells: Callable[[str], pd.Series],
    by_name: Mapping[str, Form],
    declared: Sequence[Rule],
    equal: Sequence[set[str]],
) -> list[Found]:
    """Pairs of columns of few values of which one has one value of the other; not those of an equality."""
    codes = {form.name: _codes(form, cells(form.name)) for form in forms if form.is_learned and not form.rare}
    n_values = {name: int(of.max(initial=-1)) + 1 for name, of in codes.items()}
    few = [form for form in forms if 1 < n_values.get(form.name, 0) <= MOST_VALUES][:MOST_COLUMNS]
    order = {form.name: (-n_values[form.name], i) for i, form in enumerate(few)}
    known = {rule.columns for rule in declared}
    pairs = [(a, b) for a, b in permutations(few, 2) if order[a.name] < order[b.name]]
    holding: dict[tuple[str, str], Found] = {}
    for argument, result in pairs:
        if {argument.name, result.name} in equal:
            continue
        given, of_result = codes[argument.name], codes[result.name]
        if not _is_function(given[:N_TRIED], of_result[:N_TRIED]) or not _is_function(given, of_result):
            continue
        rows = (given >= 0) & (of_result >= 0)
        n_rows, n_given = int(rows.sum()), len(np.unique(given[rows]))
        counts = np.bincount(of_result[rows]) if n_rows else np.zeros(1)
        if n_rows < max(LEAST_ROWS, ROWS_OF_A_VALUE * n_given) or (counts > 0).sum() < 2 or counts.max() == n_rows:
            continue
        share = 1 - float(((counts / n_rows) ** 2).sum())
        text = f"{column_text(result.name)} = f({column_text(argument.name)})"
        rule = _bound(text, by_name)
        if rule is not None and _is_no_chance(share, n_rows - n_given, len(pairs)):
            rule = rule.learned(pd.DataFrame({form.name: cells(form.name) for form in (argument, result)}))
            holding[argument.name, result.name] = Found(rule, n_rows, share)
    names = [form.name for form in few]
    return _strongest(
        [
            found
            for (a, b), found in holding.items()
            if (b, a) not in known and not any((a, c) in holding and (c, b) in holding for c in names)
        ]
    )


def _codes(form: Form, cells: pd.Series) -> np.ndarray:
    """Number of the value of each cell (N,), -1 of a hole."""
    if form.is_categorical:
        return np.asarray(pd.Index(form.values, dtype=object).get_indexer(cells.astype(object)))
    return np.asarray(pd.factorize(cells, sort=True)[0])


def _is_function(given: np.ndarray, result: np.ndarray) -> bool:
    """Whether every value of (n,) codes has one value of others; -1 is a hole."""
    rows = (given >= 0) & (result >= 0)
    given, result = given[rows], result[rows]
    of_given = np.zeros(given.max(initial=0) + 1, dtype=result.dtype)
    of_given[given] = result
    return bool((of_given[given] == result).all())


def _bound(text: str, by_name: Mapping[str, Form]) -> Rule | None:
    try:
        return bound_rule(text, by_name)
    except ConfigError:  # these columns have no such rule, e.g. dates with and without a zone
        return None


def _breaks(rule: Rule, values: Mapping[str, np.ndarray], rows: slice) -> bool:
    return bool(rule.broken(pd.DataFrame({name: values[name][rows] for name in rule.columns})).any())


def _is_no_chance(share: float, n_rows: int, n_tried: int) -> bool:
    return share >= LEAST_BROKEN and n_tried * (1 - share) ** n_rows < BY_CHANCE


def _strongest(found: list[Found]) -> list[Found]:
    chosen = sorted(found, key=lambda one: -one.share)[:MOST_PROPOSED]
    return [one for one in found if one in chosen]
