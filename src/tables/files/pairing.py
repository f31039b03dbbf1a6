"""Match a second file to a first one, or refuse it and say where they differ."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from src.errors import TableError
from src.tables.columns.kinds import as_days, close_name, content_of, first_text, int_if_integral, listed
from src.tables.schema import Kind
from src.tables.text.dialect import Say

NAMED_VALUES = 3
MANY_UNSEEN = 100


def refuse_other_columns(real: pd.DataFrame, other: pd.DataFrame, names: tuple[str, str]) -> None:
    """Refuse a table whose columns have other names, whatever their order.

    Arguments:
        real: the table that says what columns there are.
        other: the table to check.
        names: what the message calls them.

    Raises:
        TableError: lists the columns that only one of them has, and which of them may be the same.
    """
    only_real = [name for name in real.columns if name not in other.columns]
    only_other = [name for name in other.columns if name not in real.columns]
    if not only_real and not only_other:
        return
    lines = [f"{names[1]} does not have the columns of {names[0]}"]
    for name, only in zip(names, (only_real, only_other), strict=True):
        if only:
            lines.append(f"  only in {name}: {listed(map(repr, only))}")
    meant = {name: close_name(name, only_real) for name in only_other}
    near = [f"{name!r} is {real_name!r}" for name, real_name in meant.items() if real_name is not None]
    if near:
        lines.append(f"  perhaps {listed(near)}")
    lines.append("  rename them, or leave them out with exclude=[...]")
    raise TableError("\n".join(lines))


def as_real(real: pd.DataFrame, other: pd.DataFrame, kinds: Mapping[str, Kind], names: tuple[str, str]) -> pd.DataFrame:
    """The columns ``kinds`` of ``other`` with cells of the type that ``real`` has.

    Truth values and the numbers 0 and 1 stand for each other. Columns that are text in ``real`` are
    expected to have been read as text.

    Raises:
        TableError: lists every column that holds, say, numbers in one table and text in the other,
            with a cell of each.
    """
    columns, differ = {}, []
    for name, kind in kinds.items():
        values = _of_content(real[name], other[name], kind)
        if values is None:
            differ.append(f"  {name!r}: {_example(real[name], names[0])}, {_example(other[name], names[1])}")
        else:
            columns[name] = values
    if differ:
        head = f"{len(differ)} of {len(kinds)} columns hold something else in {names[1]} than in {names[0]}"
        raise TableError("\n".join([head, *differ]))
    return pd.DataFrame(columns)


def canonical(frame: pd.DataFrame, kinds: Mapping[str, Kind]) -> pd.DataFrame:
    """The columns of ``kinds``, in that order: dates as days, numbers as float64, categories as Python values.

    A category that is a whole number is an int whatever the dtype of its column, so that 1 and 1.0 are one.
    """
    columns = {}
    for name, kind in kinds.items():
        values = as_days(frame[name]) if content_of(frame[name]) == "dates" else frame[name]
        if kind == "numerical":
            columns[name] = pd.to_numeric(values.astype(object)).astype(float)
        else:
            cells = map(int_if_integral, values) if content_of(values) == "numbers" else values
            columns[name] = pd.Series(list(cells), values.index, dtype=object)
    return pd.DataFrame(columns)


def admit_unseen(
    frame: pd.DataFrame, known: Mapping[str, tuple[object, ...]], say: Say
) -> tuple[pd.DataFrame, dict[str, tuple[object, ...]]]:
    """Make values that a categorical column never has in the real table categories of their own.

    Beyond :data:`MANY_UNSEEN` of them the rarer ones become the most frequent one: scores that compare
    shares hardly tell apart values the real table does not hold, and thousands of them (a 0/1 column
    drawn as decimals) would make contingency tables of thousands of rows.

    Arguments:
        frame: (N, d) the table to look at.
        known: categories of the categorical columns.
        say: is given a sentence for every column with unknown values.

    Returns:
        The frame, and the known categories with the admitted ones after them, most frequent first.
    """
    categories, changed = dict(known), {}
    for name, values in known.items():
        column = frame[name]
        unseen = column.notna() & ~column.isin(values)
        if not unseen.any():
            continue
        counts = column[unseen].value_counts()
        examples = ", ".join(f"{value!r} {count:,}x" for value, count in counts.head(NAMED_VALUES).items())
        more = f" and {len(counts) - NAMED_VALUES:,} more" if len(counts) > NAMED_VALUES else ""
        say(
            f"column {name!r}: {int(unseen.sum()):,} of {len(column):,} cells hold values the real table never has "
            f"({examples}{more}); they are scored as the wrong values they are"
        )
        admitted = counts.index[:MANY_UNSEEN]
        changed[name] = column.astype(object).mask(unseen & ~column.isin(admitted), admitted[0])
        categories[name] = (*values, *admitted)
    return frame.assign(**changed), categories


def _of_content(real: pd.Series, values: pd.Series, kind: Kind) -> pd.Series | None:
    """``values`` as cells of the content of ``real``, None if they are something else."""
    wanted, content = content_of(real), content_of(values)
    if content == "nothing":
        return pd.Series(np.nan, values.index, dtype=float)
    if wanted == content == "texts":
        if kind == "numerical":
            return values if first_text(values) is None else None
        numbers_for_text = first_text(real) is not None and first_text(values) is None
        return None if numbers_for_text and not values.isin(real.dropna().unique()).any() else values
    if wanted == "numbers" and content == "texts" and first_text(values) is None:
        return pd.to_numeric(values)
    if wanted == "numbers" and content == "truth values":
        return values.astype(float)
    if wanted == "truth values" and content == "numbers" and values.dropna().isin([0, 1]).all():
        return values.map(bool, na_action="ignore").astype(object)
    return values if content == wanted else None


def _example(values: pd.Series, table: str) -> str:
    """What a column holds and where; of texts the first that is no number."""
    content = content_of(values)
    row = int(values.notna().to_numpy().argmax())
    if content == "texts":
        text = first_text(values)
        content, row = ("numbers", row) if text is None else (content, text)
    cell = values.iloc[row]
    return (
        f"{content} in {table} (row {row + 1}: {cell!r})"
        if isinstance(cell, str)
        else (f"{content} in {table} (row {row + 1}: {cell})")
    )
