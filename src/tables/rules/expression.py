"""Read the texts of rules between columns.

| text | meaning |
|---|---|
| ``end >= start``, ``2 * a - b < 10`` | a linear inequality: ``<=``, ``<``, ``>=`` or ``>`` |
| ``total = net + tax`` | a linear equality; ``==`` is the same |
| ``state = f(city)`` | every value of the arguments has one value of the result |
| ``one_of(a, b, c)`` | exactly one of the columns is on: 1, true or yes |

The name of a column that is no identifier stands between backticks or quotes: ```gross pay` >= `net pay```. Texts are
parsed by :mod:`ast` and never run: whatever is not in this table is refused.
"""

import ast
import keyword
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from src.errors import ConfigError

LONGEST = 10_000
EXPECTED = (
    "a rule is an inequality or an equality of sums, such as 'end >= start' and 'total = a + 2 * b', or "
    "'state = f(city)', or 'one_of(a, b)'; names with blanks or signs stand between backticks"
)
SENSES: dict[type[ast.cmpop], str] = {ast.LtE: "<=", ast.Lt: "<", ast.GtE: ">=", ast.Gt: ">", ast.Eq: "="}
PIECES = re.compile(r"`([^`]*)`|(\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')|(?<![<>=!])=(?!=)")
"""Names between backticks, texts between quotes, and the sign of an equality outside both."""


@dataclass(frozen=True)
class Sums:
    """A linear inequality or equality.

    Attributes:
        terms: coefficient by column, in the order of the text; the sum of them all stands left of the sign.
        sense: ``<=``, ``<`` or ``=``.
        constant: what stands right of it.
        result: the column that is alone on the left of an equality; None = none is.
    """

    terms: dict[str, Fraction]
    sense: str
    constant: Fraction
    result: str | None = None


@dataclass(frozen=True)
class Lookup:
    """``result = f(arguments)``."""

    result: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Choice:
    """``one_of(columns)``."""

    columns: tuple[str, ...]


def read_rule(text: str) -> Sums | Lookup | Choice:
    """Read the text of a rule.

    Raises:
        ConfigError: it is no rule; names the text.
    """
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST:
        raise ConfigError(f"rule {str(text)[:80]!r}: {EXPECTED}")
    try:
        tree = ast.parse(PIECES.sub(_python, text.strip()), mode="eval").body
        return _statement(tree, text)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise ConfigError(f"rule {text!r} cannot be read; {EXPECTED}") from error


def column_text(name: str) -> str:
    """Write the name of a column as it stands in a rule."""
    if name.isascii() and name.isidentifier() and not keyword.iskeyword(name):
        return name
    return repr(name) if "`" in name or "\\" in name or not name.isprintable() else f"`{name}`"


def _python(match: re.Match[str]) -> str:
    if match[1] is not None:
        return repr(match[1])
    return match[2] if match[2] is not None else "=="


def _statement(tree: ast.expr, text: str) -> Sums | Lookup | Choice:
    def refuse(what: str) -> ConfigError:
        return ConfigError(f"rule {text!r}: {what}; {EXPECTED}")

    if isinstance(tree, ast.Call):
        names = _arguments(tree, "one_of", refuse)
        if len(names) < 2:
            raise refuse("one_of names two columns or more")
        return Choice(names)
    if not isinstance(tree, ast.Compare):
        raise refuse("there is no sign of an inequality or equality in it")
    if len(tree.ops) > 1:
        raise refuse("it has two signs; write two rules")
    sense = SENSES.get(type(tree.ops[0]))
    if sense is None:
        raise refuse("its sign is none of <=, <, >=, >, =")
    left, right = tree.left, tree.comparators[0]
    if isinstance(right, ast.Call) and sense == "=":
        result, arguments = _name(left), _arguments(right, "f", refuse)
        if result is None or not arguments or result in arguments:
            raise refuse("a function is written result = f(argument), of other columns than the result")
        return Lookup(result, arguments)
    return _sums(left, sense, right, refuse)


def _sums(left: ast.expr, sense: str, right: ast.expr, refuse: Callable[[str], ConfigError]) -> Sums:
    (terms, constant), (others, other) = _linear(left, refuse), _linear(right, refuse)
    for name, coefficient in others.items():
        terms[name] = terms.get(name, Fraction(0)) - coefficient
    sign = -1 if sense in (">=", ">") else 1
    terms = {name: sign * coefficient for name, coefficient in terms.items() if coefficient}
    if not terms:
        raise refuse("it says nothing about a column")
    alone = _name(left)
    result = alone if sense == "=" and alone in terms else None
    return Sums(terms, sense.replace(">", "<"), sign * (other - constant), result)


def _linear(node: ast.expr, refuse: Callable[[str], ConfigError]) -> tuple[dict[str, Fraction], Fraction]:
    """Coefficients by column and the constant of a sum."""
    name = _name(node)
    if name is not None:
        return {name: Fraction(1)}, Fraction(0)
    number = node.value if isinstance(node, ast.Constant) else None
    if isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number):
        return {}, Fraction(repr(number))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        terms, constant = _linear(node.operand, refuse)
        return _times(terms, constant, Fraction(-1 if isinstance(node.op, ast.USub) else 1))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult):
        (terms, constant), (others, other) = _linear(node.left, refuse), _linear(node.right, refuse)
        if isinstance(node.op, ast.Mult):
            if terms and others:
                raise refuse("it multiplies two columns")
            return _times(terms, constant, other) if terms else _times(others, other, constant)
        others, other = _times(others, other, Fraction(-1 if isinstance(node.op, ast.Sub) else 1))
        for column, coefficient in others.items():
            terms[column] = terms.get(column, Fraction(0)) + coefficient
        return terms, constant + other
    raise refuse("something in it is neither a column, a number, +, - nor *")


def _times(terms: dict[str, Fraction], constant: Fraction, factor: Fraction) -> tuple[dict[str, Fraction], Fraction]:
    return {name: factor * coefficient for name, coefficient in terms.items()}, factor * constant


def _name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _arguments(call: ast.Call, function: str, refuse: Callable[[str], ConfigError]) -> tuple[str, ...]:
    """Names of the columns between the brackets of a call."""
    names = [name for name in map(_name, call.args) if name is not None]
    is_it = isinstance(call.func, ast.Name) and call.func.id == function
    if not is_it or call.keywords or len(names) < len(call.args) or len(set(names)) < len(names):
        raise refuse(f"the only function here is {function}, of different columns")
    return tuple(names)
