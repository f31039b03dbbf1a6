"""Bind the rules that a user declares to the columns of a table, and check that its rows keep them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd

from src.errors import ConfigError, TableError
from src.tables.cells.date_patterns import UNITS
from src.tables.columns.forms import Form
from src.tables.columns.kinds import check_names, listed
from src.tables.rules.expression import Choice, Lookup, Sums, read_rule
from src.tables.rules.rule import OFF, ON, Function, Linear, OneOf, Rule

FLOAT_ERROR = 8 * float(np.finfo(np.float64).eps)
FLOAT32_ERROR = 4 * float(np.finfo(np.float32).eps)
MOST_ROWS_NAMED = 5


def declared_rules(
    texts: Sequence[str], forms: Sequence[Form], numbers: Callable[[str], pd.Series], where: str
) -> tuple[Rule, ...]:
    """Read rules, and check them against the rows of a table.

    Arguments:
        texts: the rules.
        forms: of the columns of the table.
        numbers: gives the canonical cells (N,) of a learned column.
        where: name of the table in messages.

    Raises:
        ConfigError: a text is no rule, or not one of these columns; names the text.
        TableError: rows break a rule; says how many, and the first ones.
    """
    by_name = {form.name: form for form in forms}
    cells: dict[str, pd.Series] = {}
    rules = []
    for text in dict.fromkeys(map(str, texts)):
        rule = bound_rule(text, by_name)
        for name in rule.columns:
            if name not in cells:
                cells[name] = numbers(name).reset_index(drop=True)
        frame = pd.DataFrame({name: cells[name] for name in rule.columns})
        if isinstance(rule, OneOf):
            _refuse_other_values(rule, frame)
        rule = rule.learned(frame)
        if isinstance(rule, Function) and not rule.known:
            raise ConfigError(f"rule {text!r}: no row has a value in all of its columns")
        refuse_broken(rule, frame, by_name, where)
        rules.append(rule)
    return tuple(rules)


def refuse_broken(rule: Rule, frame: pd.DataFrame, forms: Mapping[str, Form], where: str) -> None:
    """Check that the rows of a canonical frame keep a rule.

    Raises:
        TableError: some do not; says how many, and the first ones, from 1.
    """
    rows = np.flatnonzero(rule.broken(frame))
    if not len(rows):
        return
    shown = ", ".join(f"{name} = {_cell(forms[name], frame[name].iloc[rows[:1]])}" for name in rule.columns)
    first = listed((str(row + 1) for row in rows.tolist()), MOST_ROWS_NAMED)
    raise TableError(
        f"rule {rule.text!r}: {len(rows):,} of {len(frame):,} rows of {where} break it (data rows {first}; in the "
        f"first {shown}); correct the rows or leave the rule out"
    )


def bound_rule(text: str, forms: Mapping[str, Form]) -> Rule:
    """Read a rule between columns of these forms.

    Raises:
        ConfigError: see :func:`declared_rules`.
    """
    read = read_rule(text)
    if isinstance(read, Sums):
        for name in read.terms:
            _learned(text, name, forms)
        return _linear(text, read, forms)
    names = read.columns if isinstance(read, Choice) else (read.result, *read.arguments)
    for name in names:
        _learned(text, name, forms)
        if isinstance(read, Lookup) and forms[name].rare:
            raise ConfigError(
                f"rule {text!r}: the rare values of {name!r} are learned as one (max_categories), so that no rule can "
                "be kept for them"
            )
    if isinstance(read, Choice):
        return OneOf(text, read.columns)
    return Function(text, read.result, read.arguments)


def _cell(form: Form, value: pd.Series) -> str:
    return str(form.write(value.reset_index(drop=True), 0, 1, np.random.default_rng(0), for_text_file=True).iloc[0])


def _learned(text: str, name: str, forms: Mapping[str, Form]) -> None:
    check_names(f"rule {text!r}", [name], forms)
    if not forms[name].is_learned:
        learned = [other for other, form in forms.items() if form.is_learned]
        raise ConfigError(
            f"rule {text!r} names {name!r}, which is not learned (kind {forms[name].kind}; learned: {listed(learned)})"
        )


def _linear(text: str, read: Sums, forms: Mapping[str, Form]) -> Linear:
    for name in read.terms:
        if not forms[name].is_number:
            raise ConfigError(
                f"rule {text!r}: {name!r} is no number, date or time but of kind {forms[name].kind} (numerical learns "
                "numbers where all values are)"
            )
    contents = {forms[name].cells.content for name in read.terms}
    if len(contents) > 1:
        kinds = ", ".join(f"{name!r} {forms[name].cells.content}" for name in read.terms)
        raise ConfigError(f"rule {text!r} compares columns of different contents: {kinds}")
    terms = dict(read.terms)
    content = contents.pop()
    if content != "number":
        if read.constant:
            raise ConfigError(f"rule {text!r}: a constant goes with numbers alone, not with a {content}")
        if content in ("date", "time") and sum(terms.values(), Fraction(0)):
            raise ConfigError(f"rule {text!r}: a {content} is compared with a {content}; a sum of them means nothing")
        if len({bool(forms[name].cells.zone_name or forms[name].cells.zone) for name in terms}) > 1:
            raise ConfigError(f"rule {text!r} compares dates with a time zone and dates without one")
        finest = min(UNITS[forms[name].cells.unit] for name in terms)
        terms = {name: c * (UNITS[forms[name].cells.unit] // finest) for name, c in terms.items()}
    is_coarse = any(_is_float32(forms[name].cells.dtype) for name in terms)
    rule = Linear(
        text,
        tuple((name, float(coefficient)) for name, coefficient in terms.items()),
        read.sense,
        float(read.constant),
        read.result,
        relative=FLOAT32_ERROR if is_coarse else FLOAT_ERROR,
    )
    return replace(rule, slack=_slack(rule, terms, read.constant, forms)) if content == "number" else rule


def _slack(rule: Linear, terms: Mapping[str, Fraction], constant: Fraction, forms: Mapping[str, Form]) -> float:
    """Half of the last digit of the result of an equality, where the others have more digits than it."""
    if rule.result is None or forms[rule.result].cells.decimals is None:
        return 0.0
    finest = Fraction(1, 10 ** int(forms[rule.result].cells.decimals or 0))
    parts = [constant]
    for name, coefficient in terms.items():
        decimals = forms[name].cells.decimals
        if decimals is None:
            return 0.5 * float(finest * abs(terms[rule.result]))
        parts.append(coefficient * Fraction(1, 10**decimals))
    last = finest * terms[rule.result]
    return 0.0 if all((part / last).denominator == 1 for part in parts) else 0.5 * float(abs(last))


def _is_float32(dtype: str) -> bool:
    return dtype.lower() in ("float32", "float16", "float[pyarrow]", "halffloat[pyarrow]", "float32[pyarrow]")


def _refuse_other_values(rule: OneOf, frame: pd.DataFrame) -> None:
    for name in rule.names:
        for value in frame[name].dropna().unique():
            if str(value).strip().lower() not in (*ON, *OFF):
                raise ConfigError(
                    f"rule {rule.text!r}: {name!r} has the value {value!r}, which is neither on ({', '.join(ON)}) nor "
                    f"off ({', '.join(OFF)})"
                )
