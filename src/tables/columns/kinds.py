"""The user's choices about columns by name, and what texts and numbers of a column have in common."""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import numpy as np

from src.errors import ConfigError

FEW_INTEGERS = 2
FEW_TEXTS = 20
MOST_CODES = 20
LEAST_CELLS_OF_A_CODE = 5
MEAN_CELLS_OF_A_CODE = 10
EXPECTED_IN_A_GAP = 10
MOST_ODD = 0.5


@dataclass(frozen=True)
class ColumnChoices:
    """The user's choices about columns; columns without a choice are decided by their contents.

    Attributes:
        target: column to predict.
        categorical: columns whose values are categories although they are numbers, or although there are many.
        numerical: columns whose values are numbers although there are few.
        exclude: columns to leave out.
    """

    target: str | None = None
    categorical: list[str] = field(default_factory=list)
    numerical: list[str] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        keys = {"categorical": self.categorical, "numerical": self.numerical, "exclude": self.exclude}
        for key, names in keys.items():
            for other in keys:
                both = sorted(set(names) & set(keys[other]))
                if key < other and both:
                    raise ConfigError(f"{key} and {other} both name {both}; a column belongs to one of them")
        if self.target in self.exclude:
            raise ConfigError(f"exclude names the target {self.target!r}")


def check_names(key: str, columns: Iterable[str], names: Iterable[str]) -> None:
    """Check that all ``columns`` are among ``names``.

    Raises:
        ConfigError: one is not; names the key, the column, the closest name and all names.
    """
    known = list(names)
    for column in columns:
        if column not in known:
            close = close_name(column, known)
            hint = "" if close is None else f"; did you mean {close!r}?"
            raise ConfigError(f"{key} names {column!r}, which is not a column{hint} (columns: {listed(known)})")


def close_name(name: str, names: Iterable[str]) -> str | None:
    """Find the one of ``names`` that the user may have meant: equal but for case, spaces and signs, or else similar."""
    plain = {_letters(other): other for other in names}
    if _letters(name) in plain:
        return plain[_letters(name)]
    close = get_close_matches(_letters(name), plain, n=1, cutoff=0.75)
    return plain[close[0]] if close else None


def listed(names: Iterable[str], n: int = 30) -> str:
    """List the first ``n`` names in one line, and count the others."""
    texts = [str(name) for name in names]
    more = f" and {len(texts) - n} more" if len(texts) > n else ""
    return ", ".join(texts[:n]) + more


def are_codes(values: list[Any], counts: np.ndarray) -> bool:
    """Tell whether whole numbers are codes: few, each in many cells, and with gaps.

    Gaps are multiples of the common step (0, 10, 20, 30 have none) that no cell has, although the values on both sides
    are so frequent that counts or grades would fill them. They are codes if two fifths of the multiples are gaps, of
    more than ten codes three quarters: people round large counts.

    Arguments:
        values: the distinct numbers, increasing.
        counts: (n,) number of cells of each.
    """
    n_values = len(values)
    if not FEW_INTEGERS < n_values <= MOST_CODES:
        return False
    if counts.min() < LEAST_CELLS_OF_A_CODE or counts.sum() < MEAN_CELLS_OF_A_CODE * n_values:
        return False
    # Python's integers: numbers of 1e300, and differences of those of 2^63, have no int64
    steps = [int(above) - int(below) for below, above in itertools.pairwise(values)]
    step = math.gcd(*steps)
    rarer = np.minimum(counts[:-1], counts[1:]).tolist()
    gaps = [(length // step - 1, n_cells) for length, n_cells in zip(steps, rarer, strict=True)]
    n_absent = sum(size for size, n_cells in gaps if size * n_cells >= EXPECTED_IN_A_GAP)
    part, whole = (2, 5) if n_values <= MOST_CODES / 2 else (3, 4)
    return whole * n_absent >= part * (n_values + n_absent)


def nearly_numbers(values: list[Any], counts: np.ndarray, comma: bool) -> list[Any]:
    """Return the values that are no numbers if most cells are numbers; else, or if all are, an empty list."""
    return odd_values(values, counts, [is_number(value.replace(",", ".") if comma else value) for value in values])


def odd_values(values: list[Any], counts: np.ndarray, regular: list[bool]) -> list[Any]:
    """Return the values that are not regular if they are few (:data:`MOST_ODD` of the cells); else an empty list.

    Arguments:
        values: the distinct values.
        counts: (n,) number of cells of each value.
        regular: by value, whether it is regular.
    """
    odd = [i for i, fits in enumerate(regular) if not fits]
    few = 0 < counts[odd].sum() <= MOST_ODD * counts.sum() and len(odd) <= len(values) / 2
    return [values[i] for i in odd] if few else []


def is_number(value: object) -> bool:
    """Tell whether a value is a finite number or the text of one."""
    try:
        return bool(np.isfinite(float(value)))  # type: ignore[arg-type]
    except (TypeError, ValueError):  # what float refuses is no number: that is the answer
        return False


def int_if_integral(value: float) -> float:
    """Convert a number to int if it is an integer, else to float."""
    return int(value) if value % 1 == 0 else float(value)


def _letters(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum()) or name
