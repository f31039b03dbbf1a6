"""The rules between columns, over canonical frames. A row with a hole in a column of a rule keeps the rule."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd

ON = ("1", "1.0", "true", "yes")
OFF = ("0", "0.0", "false", "no")


@dataclass(frozen=True)
class Rule(ABC):
    """A rule.

    Attributes:
        text: the rule as it was declared.
    """

    text: str
    kind: ClassVar[str]

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Names of its columns."""

    @abstractmethod
    def broken(self, frame: pd.DataFrame) -> np.ndarray:
        """Tell which rows of a canonical frame (n, d) break the rule, (n,) bool."""

    def unheard(self, frame: pd.DataFrame) -> np.ndarray:
        """Tell of which rows the training rows say nothing, (n,) bool: no row may be drawn so."""
        return np.zeros(len(frame), dtype=bool)

    def learned(self, frame: pd.DataFrame) -> "Rule":
        """Learn what the rule does not say from the training rows, a canonical frame (N, d)."""
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can store; the inverse is :func:`rule_from_dict`."""
        return {"kind": self.kind, **{key: _listed(value) for key, value in asdict(self).items()}}

    def _observed(self, frame: pd.DataFrame) -> np.ndarray:
        return np.asarray(frame[list(self.columns)].notna().all(axis=1))


@dataclass(frozen=True)
class Linear(Rule):
    """A sum of columns that is at most, less than, or a constant.

    Attributes:
        terms: columns and their coefficients, for canonical numbers.
        sense: ``<=``, ``<`` or ``=``.
        constant: what the sum is compared with.
        result: the column that an equality gives; None = none.
        slack: largest difference of an equality whose result has fewer digits than the sum: half of its last one.
        relative: largest difference in units of the sum of absolute terms, which the arithmetic of floats makes.
    """

    kind: ClassVar[str] = "linear"
    terms: tuple[tuple[str, float], ...]
    sense: str
    constant: float
    result: str | None = None
    slack: float = 0.0
    relative: float = 0.0

    @property
    def columns(self) -> tuple[str, ...]:
        """See :attr:`Rule.columns`."""
        return tuple(name for name, _ in self.terms)

    def broken(self, frame: pd.DataFrame) -> np.ndarray:
        """See :meth:`Rule.broken`."""
        total, size = np.full(len(frame), -self.constant), abs(self.constant)
        for name, coefficient in self.terms:
            part = coefficient * frame[name].to_numpy(dtype=np.float64)
            total, size = total + part, size + np.abs(part)
        tolerance = self.relative * size + self.slack
        if self.sense == "=":
            return np.asarray(np.abs(total) > tolerance)  # a hole is NaN, of which nothing is true
        return np.asarray(total > tolerance if self.sense == "<=" else total >= -tolerance)


@dataclass(frozen=True)
class Function(Rule):
    """Every value of the arguments has one value of the result.

    Attributes:
        result: name of the result.
        arguments: names of the arguments.
        known: values of the arguments and of the result, as the training rows have them.
    """

    kind: ClassVar[str] = "function"
    result: str
    arguments: tuple[str, ...]
    known: tuple[tuple[tuple[Any, ...], Any], ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """See :attr:`Rule.columns`."""
        return (self.result, *self.arguments)

    @cached_property
    def _lookup(self) -> dict[Any, Any]:
        return {key[0] if len(key) == 1 else key: value for key, value in self.known}

    def results(self, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Look the results up: (n,) object, and (n,) bool, where the arguments are known."""
        keys, lookup = self._keys(frame), self._lookup
        codes, distinct = pd.factorize(keys)
        found = np.empty(len(distinct) + 1, dtype=object)
        found[:-1] = [lookup.get(key, np.nan) for key in distinct]
        found[-1] = np.nan  # selected by -1, the code of a hole
        is_known = np.array([key in lookup for key in distinct] + [False])
        return found[codes], is_known[codes]

    def broken(self, frame: pd.DataFrame) -> np.ndarray:
        """See :meth:`Rule.broken`."""
        results, is_known = self.results(frame)
        given = frame[self.result].to_numpy(dtype=object)
        return np.asarray(is_known & ~pd.isna(given) & (results != given), dtype=bool)

    def unheard(self, frame: pd.DataFrame) -> np.ndarray:
        """See :meth:`Rule.unheard`: the arguments have values that no training row has beside a result."""
        observed = np.asarray(frame[list(self.arguments)].notna().all(axis=1))
        return np.asarray(observed & ~self.results(frame)[1])

    def learned(self, frame: pd.DataFrame) -> "Function":
        """Learn the lookup: the most frequent result of each value of the arguments."""
        rows = frame[self._observed(frame)]
        codes, keys = pd.factorize(self._keys(rows))
        of_results, results = pd.factorize(rows[self.result].to_numpy(dtype=object))
        pairs, counts = np.unique(codes * (len(results) + 1) + of_results, return_counts=True)
        best: dict[int, tuple[int, int]] = {}
        for pair, n_rows in zip(pairs.tolist(), counts.tolist(), strict=True):
            code, of_result = divmod(pair, len(results) + 1)
            if n_rows > best.get(code, (0, 0))[0]:
                best[code] = (n_rows, of_result)
        known = tuple((_tuple(keys[k], len(self.arguments)), _plain(results[i])) for k, (_, i) in best.items())
        return replace(self, known=known)

    def _keys(self, frame: pd.DataFrame) -> np.ndarray:
        """The values of the arguments, (n,) object: tuples of several; None where one is a hole."""
        if len(self.arguments) == 1:
            return np.asarray(frame[self.arguments[0]].to_numpy(dtype=object))
        columns = [frame[name].to_numpy(dtype=object) for name in self.arguments]
        keys = np.fromiter(zip(*columns, strict=True), dtype=object, count=len(frame))
        keys[frame[list(self.arguments)].isna().any(axis=1).to_numpy()] = None
        return keys


@dataclass(frozen=True)
class OneOf(Rule):
    """Exactly one column of several is on."""

    kind: ClassVar[str] = "one_of"
    names: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """See :attr:`Rule.columns`."""
        return self.names

    def broken(self, frame: pd.DataFrame) -> np.ndarray:
        """See :meth:`Rule.broken`."""
        n_on = np.zeros(len(frame), dtype=int)
        for name in self.names:
            n_on += frame[name].map(is_on).to_numpy(dtype=bool)
        return np.asarray(self._observed(frame) & (n_on != 1))


KINDS: dict[str, type[Rule]] = {rule.kind: rule for rule in (Linear, Function, OneOf)}


def rule_from_dict(values: Mapping[str, Any]) -> Rule:
    """Inverse of :meth:`Rule.to_dict`."""
    rule = KINDS[values["kind"]]
    return rule(**{key.name: _tupled(values[key.name]) for key in fields(rule) if key.name in values})


def is_on(value: Any) -> bool:
    """Tell whether a canonical value is on: 1, true or yes."""
    return str(value).strip().lower() in ON


def _tuple(key: Any, n_arguments: int) -> tuple[Any, ...]:
    return (_plain(key),) if n_arguments == 1 else tuple(map(_plain, key))


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _listed(value: Any) -> Any:
    return [_listed(item) for item in value] if isinstance(value, tuple) else value


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if isinstance(value, list) else value
