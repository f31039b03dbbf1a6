"""Tell the numerical columns of a frame from the categorical ones and from those to leave out.

| column holds | kind |
|---|---|
| texts | categorical; left out if nearly every row has a value of its own (names, ids, free text) |
| truth values | categorical |
| whole numbers, at most two different ones (0/1, 1/2, a constant) | categorical |
| other numbers | numerical |
| dates | numerical: days since 1970-01-01 |
| nothing | left out |
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

import numpy as np
import pandas as pd

from src.errors import ConfigError, TableError
from src.system.quoting import setting
from src.tables.schema import Kind
from src.tables.text.dialect import Say

Content = Literal["numbers", "dates", "truth values", "texts", "nothing"]

FEW_WHOLE_NUMBERS = 2
FEW_TEXTS = 20
MANY_TEXTS = 1_000
NEARLY_NO_TEXTS = 0.1
EPOCH = pd.Timestamp("1970-01-01")


@dataclass(frozen=True)
class ColumnChoices:
    """What the user decides about columns; the rest is decided by what they hold.

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
    """Refuse a column that is not among ``names``.

    Raises:
        ConfigError: names the key, the column, the closest name and all of them.
    """
    known = list(names)
    for column in columns:
        if column not in known:
            close = close_name(column, known)
            hint = "" if close is None else f"; did you mean {close!r}?"
            raise ConfigError(f"{key} names {column!r}, which is not a column{hint} (columns: {listed(known)})")


def choose_kinds(frame: pd.DataFrame, choices: ColumnChoices, say: Say) -> dict[str, Kind]:
    """Kind of every column that is kept, in the frame's order; see the table of this module.

    Arguments:
        frame: (N, d), as :func:`src.tables.text.dialect.read_frame` gives it.
        choices: what the user decides.
        say: is given a sentence for every column that is left out, and for text that is nearly numbers.

    Raises:
        ConfigError: the choices name a column that is not there.
        TableError: the target, or every column, would be left out; ``numerical`` names a column of texts.
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
    """What the cells of a column are, holes aside."""
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
    """Dates as days since 1970-01-01 (float64, NaN where absent)."""
    return (values - EPOCH) / pd.Timedelta(days=1)


def close_name(name: str, names: Iterable[str]) -> str | None:
    """The one of ``names`` that may have been meant: but for case, spaces and signs the same, or else similar."""
    plain = {_letters(other): other for other in names}
    if _letters(name) in plain:
        return plain[_letters(name)]
    close = get_close_matches(_letters(name), plain, n=1, cutoff=0.75)
    return plain[close[0]] if close else None


def listed(names: Iterable[str], n: int = 30) -> str:
    """Names in one line, the first ``n`` of them."""
    every = [str(name) for name in names]
    more = f" and {len(every) - n} more" if len(every) > n else ""
    return ", ".join(every[:n]) + more


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
        if content == "texts" and (found := first_text(values)) is not None:
            raise TableError(f"numerical names {name!r}, but its row {found + 1} holds {values.iloc[found]!r}")
        return "numerical"
    if content == "texts" and name not in choices.categorical and (why := _nearly_numbers(values)):
        say(f"column {name!r}: {why}; its cells are taken as categories")
    if name in choices.categorical or content in ("texts", "truth values"):
        return "categorical"
    whole = content == "numbers" and bool((values.dropna() % 1 == 0).all())
    return "categorical" if whole and values.nunique() <= FEW_WHOLE_NUMBERS else "numerical"


def first_text(values: pd.Series) -> int | None:
    """Position of the first cell that is no number, holes aside; None if there is none."""
    texts = _is_text(values)
    return int(texts.argmax()) if texts.any() else None


def _is_text(values: pd.Series) -> np.ndarray:
    different = pd.Series(values.dropna().unique(), dtype=object)  # few, as a rule, and parsing them is slow
    return np.asarray(values.isin(different[pd.to_numeric(different, errors="coerce").isna()]))


def _nearly_numbers(values: pd.Series) -> str | None:
    n_texts, n_cells = int(_is_text(values).sum()), int(values.notna().sum())
    if not 0 < n_texts <= NEARLY_NO_TEXTS * n_cells:
        return None
    row = first_text(values) or 0
    return f"all but {n_texts:,} of {n_cells:,} cells are numbers (row {row + 1} holds {values.iloc[row]!r})"


def is_number(value: object) -> bool:
    """Whether a value is, or reads as, a finite number."""
    try:
        return bool(np.isfinite(float(value)))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False


def whole(value: float) -> float:
    """An int where the value is a whole number."""
    return int(value) if value % 1 == 0 else float(value)


def _letters(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum()) or name
