"""The format of dates and times of a pattern that the user named."""

from dataclasses import replace

import pandas as pd

from src.errors import TableError
from src.tables.cells.date_patterns import WHOLE, digits_text
from src.tables.cells.distinct import distinct_cells
from src.tables.columns.choice import ColumnChoice
from src.tables.formats.cell_format import CellFormat, Content
from src.tables.formats.dates import DIGIT_PATTERNS, patterned
from src.tables.text.delimited import Dialect


def patterned_format(cells: pd.Series, choice: ColumnChoice, dialect: Dialect | None, where: str) -> CellFormat:
    """Create the format of dates or times of the pattern that the user chose.

    Raises:
        TableError: a cell is not of the pattern, or is no text; or the pattern has a zone.
    """
    pattern = str(choice.pattern)
    if "%z" in pattern.lower():
        raise TableError(f"{where}: write the offset from UTC as it stands, e.g. %Y-%m-%dT%H:%M:%S+01:00, not %z")
    content: Content = "time" if choice.kind == "time" else "date"
    of_digits = content == "date" and pattern.removesuffix(WHOLE) in DIGIT_PATTERNS
    distinct, _ = distinct_cells(cells)
    texts = [digits_text(cell, pattern) for cell in distinct] if of_digits else distinct
    odd = next((cell for cell, text in zip(distinct, texts, strict=True) if not isinstance(text, str)), None)
    if odd is not None:
        raise TableError(f"{where} holds {odd!r}, which is no text; pattern is for dates that are texts")
    CellFormat(content, "object", pattern=pattern, unit="microseconds").parse(cells, where)
    found = patterned(texts, pattern, content == "time")
    if of_digits and (dialect is not None or texts != distinct):
        of_file = "float64" if pattern.endswith(WHOLE) else "int64"
        return replace(found, as_text=False, dtype=str(cells.dtype) if dialect is None else of_file)
    return replace(found, dtype=text_dtype(cells, dialect))


def text_dtype(cells: pd.Series, dialect: Dialect | None) -> str:
    """Return the dtype of a column of texts."""
    is_plain = dialect is not None or isinstance(cells.dtype, pd.CategoricalDtype)
    return "object" if is_plain else str(cells.dtype)
