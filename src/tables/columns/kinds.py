"""Decide which columns of a frame are numerical, categorical, or left out.

| column holds | kind |
|---|---|
| texts | categorical; left out if nearly all are different (names, ids, free text) |
| truth values | categorical |
| integers, at most two different ones (0/1, 1/2, a constant) | categorical |
| other numbers | numerical |
| dates | numerical: days since 1970-01-01 |
| nothing | left out |
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Literal

import numpy as np
import pandas as pd

from src.errors import ConfigError, TableError
from src.system.quoting import setting
from src.tables.schema import Kind
from src.tables.text.dialect import Say

Content = Literal["numbers", "dates", "truth values", "texts", "nothing"]

FEW_INTEGERS = 2
FEW_TEXTS = 20
MANY_TEXTS = 1_000
NEARLY_NO_TEXTS = 0.1
MOST_CODES = 20
LEAST_CELLS_OF_A_CODE = 5
MEAN_CELLS_OF_A_CODE = 10
EXPECTED_IN_A_GAP = 10
MOST_ODD = 0.5
EPOCH = pd.Timestamp("1970-01-01")


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


def choose_kinds(frame: pd.DataFrame, choices: ColumnChoices, say: Say) -> dict[str, Kind]:
    """Decide the kind of every column by the table of this module; columns that are left out are absent.

    Arguments:
        frame: (N, d), as :func:`src.tables.text.dialect.read_frame` returns it.
        choices: the user's choices.
        say: called with a sentence about every column that is left out or has texts among numbers.

    Raises:
        ConfigError: a choice names a column that does not exist.
        TableError: the target or all columns would be left out, or ``numerical`` names a column of texts.
    """
    for key in ("categorical", "numerical", "exclude"):
        check_names(key, getattr(choices, key), frame.columns)
    check_names("target", [] if choices.target is None else [choices.target], frame.columns)
    kinds: dict[str, Kind] = {}
    for name in frame.columns:
        reason = _why_left_out(frame[name], choices)
        if reason is None:
            kinds[name] = _kind(frame[name], choices, say)
        elif name == choices.target:
            raise TableError(f"the target {name!r} cannot be predicted: {reason}")
        elif name not in choices.exclude:
            say(f"column {name!r} is left out: {reason}")
    if not kinds:
        raise TableError(f"no column is left: all of {listed(frame.columns) or 'them'} are left out")
    return kinds


def content_of(values: pd.Series) -> Content:
    """Classify the cells of a column, without its holes."""
    cells = values.dropna()
    if cells.empty:
        return "nothing"
    cells = cells.infer_objects()
    if pd.api.types.is_bool_dtype(cells):
        return "truth values"
    if pd.api.types.is_numeric_dtype(cells):
        return "numbers"
    return "dates" if pd.api.types.is_datetime64_any_dtype(cells) else "texts"


def as_days(values: pd.Series) -> pd.Series:
    """Convert dates to days since 1970-01-01 (float64, NaN in a hole)."""
    return (values - EPOCH) / pd.Timedelta(days=1)


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


def _why_left_out(values: pd.Series, choices: ColumnChoices) -> str | None:
    name, content = str(values.name), content_of(values)
    if name in choices.exclude:
        return "exclude names it"
    if content == "nothing":
        return "it holds no value"
    if content == "texts" and name not in [*choices.categorical, *choices.numerical]:
        n_values, n_cells = int(values.nunique()), int(values.notna().sum())
        if n_values > MANY_TEXTS or (n_values > FEW_TEXTS and n_values > n_cells / 2):
            return (
                _nearly_numbers(values) or f"{n_values:,} different texts in {n_cells:,} rows are names, not categories"
            ) + f" ({setting('categorical', [name])} keeps it)"
    return None


def _kind(values: pd.Series, choices: ColumnChoices, say: Say) -> Kind:
    name, content = str(values.name), content_of(values)
    if name in choices.numerical:
        if content == "texts" and (row := first_text(values)) is not None:
            raise TableError(f"numerical names {name!r}, but its row {row + 1} holds {values.iloc[row]!r}")
        return "numerical"
    if content == "texts" and name not in choices.categorical and (why := _nearly_numbers(values)):
        say(f"column {name!r}: {why}; its cells are categories")
    if name in choices.categorical or content in ("texts", "truth values"):
        return "categorical"
    are_integers = content == "numbers" and bool((values.dropna() % 1 == 0).all())
    return "categorical" if are_integers and values.nunique() <= FEW_INTEGERS else "numerical"


def first_text(values: pd.Series) -> int | None:
    """Return the position of the first cell that is neither a number nor a hole; None if there is none."""
    texts = _is_text(values)
    return int(texts.argmax()) if texts.any() else None


def _is_text(values: pd.Series) -> np.ndarray:
    distinct = pd.Series(values.dropna().unique(), dtype=object)  # parsing is slow, and distinct cells are few
    return np.asarray(values.isin(distinct[pd.to_numeric(distinct, errors="coerce").isna()]))


def _nearly_numbers(values: pd.Series) -> str | None:
    n_texts, n_cells = int(_is_text(values).sum()), int(values.notna().sum())
    if not 0 < n_texts <= NEARLY_NO_TEXTS * n_cells:
        return None
    row = first_text(values) or 0
    return f"all but {n_texts:,} of {n_cells:,} cells are numbers (row {row + 1} holds {values.iloc[row]!r})"


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
    steps = np.diff(np.array(values, dtype=np.int64))
    absent = steps // np.gcd.reduce(steps) - 1
    n_absent = int(absent[absent * np.minimum(counts[:-1], counts[1:]) >= EXPECTED_IN_A_GAP].sum())
    return bool(n_absent >= (0.4 if n_values <= MOST_CODES / 2 else 0.75) * (n_values + n_absent))


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
