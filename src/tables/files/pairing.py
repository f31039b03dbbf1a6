"""Compare the columns of a second file to those of a first one, and convert them or refuse the file."""

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
    """Check that a table has the columns of the real table, in any order.

    Arguments:
        real: the real table, which decides about the columns.
        other: the table to check.
        names: names of both in the message.

    Raises:
        TableError: it has not; lists the columns that only one of them has, and which of these may be the same.
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
    lines.append("  rename them, or leave them out with the key exclude")
    raise TableError("\n".join(lines))


def as_real(real: pd.DataFrame, other: pd.DataFrame, kinds: Mapping[str, Kind], names: tuple[str, str]) -> pd.DataFrame:
    """Convert the columns of ``other`` to the contents (numbers, texts, ...) of those of ``real``.

    Truth values and the numbers 0 and 1 are equivalent. Columns of texts in ``real`` are expected to be read as texts.

    Arguments:
        real: the real table.
        other: the table to convert.
        kinds: kind of every column of the result, in order.
        names: names of both tables in the message.

    Raises:
        TableError: lists every column with, say, numbers in one table and texts in the other, and a cell of each.
    """
    columns, differences = {}, []
    for name, kind in kinds.items():
        values = _of_content(real[name], other[name], kind)
        if values is None:
            differences.append(f"  {name!r}: {_example(real[name], names[0])}, {_example(other[name], names[1])}")
        else:
            columns[name] = values
    if differences:
        head = f"{len(differences)} of {len(kinds)} columns hold something else in {names[1]} than in {names[0]}"
        raise TableError("\n".join([head, *differences]))
    return pd.DataFrame(columns)


def canonical(frame: pd.DataFrame, kinds: Mapping[str, Kind]) -> pd.DataFrame:
    """Convert the columns of ``kinds`` to a canonical frame: dates to days, numbers to float64, categories to objects.

    A category that is an integer becomes an int whatever the dtype of its column, so that 1 and 1.0 are equal.
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
    """Add the values that a categorical column has in this table, but not in the real one, to its categories.

    Beyond :data:`MANY_UNSEEN` values the rarer ones are replaced by the most frequent one. Scores that compare shares
    hardly distinguish values that the real table does not have, and thousands of them (a 0/1 column drawn as decimals)
    would make contingency tables of thousands of rows.

    Arguments:
        frame: (N, d) the synthetic table.
        known: categories of the real table, by categorical column.
        say: called with a sentence about every column with unknown values.

    Returns:
        The frame, and the known categories followed by the new ones, most frequent first.
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
    """Convert values to the content of ``real``; None if they have another content."""
    expected, content = content_of(real), content_of(values)
    if content == "nothing":
        return pd.Series(np.nan, values.index, dtype=float)
    if expected == content == "texts":
        if kind == "numerical":
            return values if first_text(values) is None else None
        numbers_for_text = first_text(real) is not None and first_text(values) is None
        return None if numbers_for_text and not values.isin(real.dropna().unique()).any() else values
    if expected == "numbers" and content == "texts" and first_text(values) is None:
        return pd.to_numeric(values)
    if expected == "numbers" and content == "truth values":
        return values.astype(float)
    if expected == "truth values" and content == "numbers" and values.dropna().isin([0, 1]).all():
        return values.map(bool, na_action="ignore").astype(object)
    return values if content == expected else None


def _example(values: pd.Series, table: str) -> str:
    """Write an example of a column's content, with its row; of texts the first one that is no number."""
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
