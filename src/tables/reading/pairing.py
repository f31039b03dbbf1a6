"""Compare the columns of a second file to those of a first one, and convert them or refuse the file."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from src.errors import TableError
from src.tables.cells.distinct import distinct_cells
from src.tables.columns.forms import Form
from src.tables.columns.kinds import close_name, int_if_integral, is_number, listed
from src.tables.formats.cell_format import CellFormat
from src.tables.formats.conversion import converted
from src.tables.formats.inference import infer_cell_format
from src.tables.text.delimited import Dialect, Say

TRUTHS = {"false": False, "true": True}
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


def values_as(
    forms: Sequence[Form],
    real: tuple[str, pd.DataFrame],
    other: tuple[str, pd.DataFrame],
    dialect: Dialect | None,
) -> pd.DataFrame:
    """Parse the columns of ``other`` into the values of the real columns, also where they are spelled in another way.

    The same contents are numbers of any spelling, texts of the same numbers, dates of any pattern, and truth values,
    also as 0 and 1.

    Arguments:
        forms: forms of the real columns, those of the result.
        real: name of the real table in messages, and its cells; holes NaN.
        other: the same of the table to parse.
        dialect: dialect of ``other`` if it is a text file.

    Returns:
        (N, len(forms)), as :meth:`CellFormat.parse` of the real columns returns them.

    Raises:
        TableError: lists every column with, say, numbers in one table and texts in the other, and a cell of each.
    """
    columns, differences = {}, []
    for form in forms:
        name, cells = form.name, _uncategorised(other[1][form.name], dialect)
        where = f"{other[0]}, column {name!r}"
        values = _values(form, cells, dialect, where)
        if values is None:
            content = infer_cell_format(cells, dialect, where).content
            in_other = _example(cells, content, _first_other(form.cells, cells), other[0])
            in_real = _example(real[1][name], form.cells.content, _first_typical(form.cells, real[1][name]), real[0])
            differences.append(f"  {name!r}: {in_real}, {in_other}")
        else:
            columns[name] = values
    if differences:
        head = f"{len(differences)} of {len(forms)} columns hold something else in {other[0]} than in {real[0]}"
        raise TableError("\n".join([head, *differences]))
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


def _uncategorised(cells: pd.Series, dialect: Dialect | None) -> pd.Series:
    """Convert a pandas categorical of a columnar file to its values: the real column may hold them uncategorised."""
    return cells.astype(object) if dialect is None and isinstance(cells.dtype, pd.CategoricalDtype) else cells


def _values(form: Form, cells: pd.Series, dialect: Dialect | None, where: str) -> pd.Series | None:
    """Parse cells into the values of a real column; None if they have another content."""
    if cells.isna().all():
        return pd.Series(np.nan, cells.index, dtype=float, name=cells.name)
    if form.cells.content == "text":
        return _texts(form, cells, dialect, where)
    if all(isinstance(cell, str) for cell in distinct_cells(cells)[0]):
        try:
            return form.cells.parse(cells, where)
        except TableError:  # they are not spelled as the real ones: their own format is inferred
            pass
    own = infer_cell_format(cells, dialect, where)
    return converted(own.parse(cells, where), own, form.cells)


def _texts(form: Form, cells: pd.Series, dialect: Dialect | None, where: str) -> pd.Series | None:
    """Write cells as texts, those of a number or truth value as the real column spells it.

    None if none of them is a real value, and they are numbers, dates or the like while the real column has other texts.
    """
    own = infer_cell_format(cells, dialect, where)
    distinct, codes = distinct_cells(cells)
    texts = [_text(cell) for cell in distinct]
    known = {*form.values, *form.rare}
    spelled = _spellings(known)
    texts = [text if text in known else spelled.get(_meaning(text, own.comma), text) for text in texts]
    is_other = own.content not in ("number", "text") or not all(is_number(value) for value in known)
    if own.content != "text" and is_other and known.isdisjoint(texts):
        return None
    found = np.append(np.array(texts, dtype=object), np.nan)[codes]  # -1, the code of a hole, selects the NaN
    return pd.Series(found, name=cells.name, dtype=object)


def _spellings(values: set[str]) -> dict[float | None, str]:
    """Index values by the number or truth value that they mean, without those of which several mean the same."""
    by_meaning: dict[float | None, list[str]] = {}
    for value in values:
        meaning = _meaning(value, comma=False)
        if meaning is not None:
            by_meaning.setdefault(meaning, []).append(value)
    return {meaning: same[0] for meaning, same in by_meaning.items() if len(same) == 1}


def _meaning(text: str, comma: bool) -> float | None:
    """Return the number or truth value that a text means, with a decimal comma or a point; None if it means neither."""
    plain = text.strip().replace(",", ".") if comma else text.strip()
    return TRUTHS.get(plain.lower(), float(plain) if is_number(plain) else None)


def _text(cell: Any) -> str:
    return str(int_if_integral(cell)) if isinstance(cell, float) else str(cell)


def _first_other(cell_format: CellFormat, cells: pd.Series) -> int:
    """Return the position of the first cell that a format cannot parse; of the first one at all if it parses each."""
    distinct, codes = distinct_cells(cells)
    for position, cell in enumerate(distinct):
        try:
            cell_format.parse(pd.Series([cell], dtype=object), "")
        except TableError:  # that is the one
            return int((codes == position).argmax())
    return int((codes >= 0).argmax())


def _first_typical(cell_format: CellFormat, cells: pd.Series) -> int:
    """Return the position of the first cell, of texts the first that is no number."""
    distinct, codes = distinct_cells(cells)
    texts = [i for i, cell in enumerate(distinct) if cell_format.content == "text" and not is_number(cell)]
    return int(np.isin(codes, texts).argmax()) if texts else int((codes >= 0).argmax())


def _example(cells: pd.Series, content: str, row: int, table: str) -> str:
    """Write an example of a column's content, with its row."""
    cell = cells.iloc[row]
    return f"{content}s in {table} (row {row + 1}: {repr(cell) if content == 'text' else cell})"
