r"""The format of a column's cells, which parses cells into values and writes values as cells.

| content | values | cells |
|---|---|---|
| ``number`` | float64 | numbers of any dtype, Decimals, or texts of one style (``1.50``, ``1,5``, ``$1,250``) |
| ``truth value`` | False, True | booleans, or the two texts that stand for them (``TRUE``, ``false``) |
| ``date`` | units since 1970-01-01 | datetime64, Python dates, texts of one pattern or integers such as 20240131 |
| ``time`` | units since midnight | Python times, or texts of one pattern |
| ``duration`` | units | timedelta64 |
| ``text`` | the text | texts |

The unit of a column is the coarsest one, from days to microseconds, that all its values are multiples of.
A hole is NaN among cells and among values.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import pandas as pd

from src.errors import TableError
from src.tables.cells.date_patterns import (
    FRACTION,
    UNITS,
    default_pattern,
    digits_text,
    formatted,
    in_units,
    microseconds,
    parsed,
    parsed_together,
    span_of,
)
from src.tables.cells.distinct import distinct_cells, typed_categories
from src.tables.cells.number_style import NumberStyle, finite, number_text, rounded
from src.tables.cells.object_cells import moment_cell
from src.tables.grid import Grid, on_grid

Content = Literal["number", "truth value", "date", "time", "duration", "text"]
MIDNIGHT = datetime(1970, 1, 1)
NOT_NULLABLE = re.compile(r"bool|u?int\d+")
"""Dtypes that cannot represent a hole."""


@dataclass(frozen=True)
class CellFormat:
    """Format of the cells of a column.

    Attributes:
        content: meaning of the cells.
        dtype: pandas dtype of the column when it has no hole.
        as_text: whether the cells are texts that mean something else.
        objects: Python class of an object column's cells, e.g. ``Decimal`` or ``date``; ``int`` texts are beyond 2^53.
        decimals: largest number of digits after the point of a number; None = not limited.
        least_decimals: number of digits after the point that are written even if they are zeros.
        low, high: smallest and largest observed number; rounding does not go beyond them.
        grid: the values that numbers, dates and times can have; None = all with the decimals or of the unit.
        comma: whether a comma is the decimal sign.
        style: how texts write numbers; None = a minus sign, digits and the decimal sign.
        pattern: pattern of dates and times that are texts: as in ``strftime``, with ``%-d`` for no leading zero and
            ``%3f`` for three digits of a second. Dates with a pattern that are no texts are integers of its digits.
        unit: unit of dates, times and durations, one of :data:`UNITS`.
        zone_name: name of the time zone of dates, or its offset from UTC; empty without a zone.
        zone: whether the texts of dates have different offsets from UTC; all are converted to UTC.
        truths: the texts of False and True.
        dtype_categories: categories of a pandas categorical in its order, as texts, as its values are.
        category_dtype: their dtype.
        ordered: whether the order of the categories is meaningful.
    """

    content: Content
    dtype: str
    as_text: bool = False
    objects: str = ""
    decimals: int | None = None
    least_decimals: int = 0
    low: float = -np.inf
    high: float = np.inf
    grid: Grid | None = None
    comma: bool = False
    style: NumberStyle | None = None
    pattern: str = ""
    unit: str = ""
    zone_name: str = ""
    zone: bool = False
    truths: tuple[str, ...] = ()
    dtype_categories: tuple[Any, ...] = ()
    category_dtype: str = ""
    ordered: bool = False

    @property
    def is_number(self) -> bool:
        """Whether the values are numbers."""
        return self.content in ("number", "date", "time", "duration")

    @property
    def is_integer_date(self) -> bool:
        """Whether the cells are dates written as integers, such as 20240131."""
        return self.content == "date" and bool(self.pattern) and not self.as_text

    @property
    def is_bare_number(self) -> bool:
        """Whether a text file has plain numbers in this column, which programs write without quotes."""
        return self.is_integer_date or (self.content == "number" and (self.style is None or self.style.is_bare))

    def parse(self, cells: pd.Series, where: str) -> pd.Series:
        """Parse cells into values; see the table of this module.

        pandas converts columns of numbers and dates. Parsing other cells is slow: every distinct one is parsed once.

        Arguments:
            cells: (N,), holes NaN or None.
            where: name of the column in messages.

        Returns:
            (N,) values, NaN in a hole.

        Raises:
            TableError: a cell is not of this format; names the row (from 1) and the cell.
        """
        if self.content == "number" and pd.api.types.is_numeric_dtype(cells.dtype):
            return finite(cells.astype("float64"), where)
        is_numpy = isinstance(cells.dtype, np.dtype | pd.DatetimeTZDtype)
        if self.content == "date" and is_numpy and cells.dtype.kind == "M":
            return pd.Series(in_units(cells, self.unit), name=cells.name)
        distinct, codes = distinct_cells(cells)
        distinct = [digits_text(cell, self.pattern) for cell in distinct] if self.is_integer_date else distinct
        parsed_cells = self._parsed_together(distinct)
        if parsed_cells is None:
            parsed_cells = self._parsed_singly(distinct)
            self._refuse_unparsed(parsed_cells, codes, cells, where)
        values = np.append(parsed_cells, np.nan)[codes]  # -1, the code of a hole, selects the NaN
        return pd.Series(values.astype(float) if self.is_number else values, name=cells.name)

    def write(self, values: pd.Series, for_text_file: bool = False) -> pd.Series:
        """Write values as cells; inverse of :meth:`parse`. Numbers are rounded to the decimals of the format.

        Arguments:
            values: (N,); holes are NaN.
            for_text_file: whether to write every cell as a text, the empty text for a hole.
        """
        text = self.as_text or for_text_file
        values = on_grid(values, self.grid)
        if self.content == "number":
            values = rounded(values, self.decimals, self.style, (self.low, self.high))
            if not text and not self.objects:
                return self.with_dtype(values)
        distinct, codes = distinct_cells(values)
        written = np.empty(len(distinct) + 1, dtype=object)
        written[:-1] = [self._written(value, text) for value in distinct]
        written[-1] = "" if for_text_file else np.nan  # selected by -1, the code of a hole
        cells = pd.Series(written[codes], name=values.name, dtype=object)
        return cells if for_text_file else self.with_dtype(cells)

    def with_dtype(self, cells: pd.Series) -> pd.Series:
        """Convert a column to its dtype; a dtype that has no holes is replaced by the nearest one that has."""
        if self.dtype == "category":
            categories = typed_categories(self.dtype_categories, self.category_dtype)
            codes = pd.Index(self.dtype_categories, dtype=object).get_indexer(cells.astype(object))
            return pd.Series(pd.Categorical.from_codes(codes, categories, ordered=self.ordered), name=cells.name)
        if NOT_NULLABLE.fullmatch(self.dtype) and cells.isna().any():
            return cells.astype(float) if self.content == "number" or self.is_integer_date else cells
        if self.zone_name and self.dtype != "object":
            moments = pd.to_datetime(cells).dt.tz_localize("UTC").dt.tz_convert(self.zone_name)
            zoned = moments.dt.as_unit(re.findall(r"(?:datetime64|timestamp)\[(\w+)", self.dtype)[0])
            return zoned.astype(self.dtype) if self.dtype.endswith("[pyarrow]") else zoned
        if self.is_integer_date and self.dtype != "object":
            cells = cells.astype(float)  # a hole that is no float would not be of the dtype
        return cells.astype(self.dtype)

    def _like(self) -> str:
        if self.content == "number" and self.style is not None:
            return f" like {self.number_text(1234.5)}"
        if self.pattern:
            return f" like {datetime(1999, 12, 31, 23, 59, 58).strftime(FRACTION.sub('%f', self.pattern))}"
        return f" ({self.truths[0]} or {self.truths[1]})" if self.truths else ""

    def _number(self, cell: Any) -> float | None:
        number = float(self._plain(cell) if isinstance(cell, str) else cell)
        return number if np.isfinite(number) else None

    def _plain(self, text: str) -> str:
        if self.style is not None:
            return self.style.plain(text.strip(), self.comma)
        return text.replace(",", ".") if self.comma else text

    def _parsed_together(self, distinct: list[Any]) -> np.ndarray | None:
        """Parse texts that are numbers or dates at once; None if that is impossible for one of them."""
        if not distinct or not all(type(cell) is str for cell in distinct):
            return None
        if self.content == "number":
            try:
                texts = [self._plain(cell) for cell in distinct] if self.comma or self.style else distinct
                numbers = np.array(texts, dtype=object).astype(float)
            except ValueError:  # a text is no number: parsing one by one finds out which
                return None
            return numbers if np.isfinite(numbers).all() else None
        if self.content != "date" or not self.pattern or self.zone:
            return None
        moments = parsed_together(distinct, self.pattern)
        return None if moments is None else in_units(moments, self.unit)

    def _parsed_singly(self, distinct: list[Any]) -> np.ndarray:
        """Parse cells one by one; None for a cell that is not of this format."""
        parsers: dict[str, Callable[[Any], Any]] = {
            "number": self._number,
            "truth value": self._truth,
            "date": self._date,
            "time": self._time,
            "duration": self._duration,
            "text": str,
        }
        values = np.empty(len(distinct), dtype=object)
        values[:] = [_attempt(parsers[self.content], cell) for cell in distinct]
        return values

    def _refuse_unparsed(self, parsed_cells: np.ndarray, codes: np.ndarray, cells: pd.Series, where: str) -> None:
        unparsed = np.array([value is None for value in parsed_cells], dtype=bool)
        if unparsed.any():
            row = int(np.isin(codes, np.flatnonzero(unparsed)).argmax())
            expected = f"{self.content}{self._like()}"
            raise TableError(f"{where}, row {row + 1}: expected a {expected}, got {cells.iloc[row]!r}")

    def _truth(self, cell: Any) -> bool | None:
        if isinstance(cell, str) and self.truths:
            return self.truths.index(cell.strip()) == 1
        return bool(cell) if cell in (0, 1) else None

    def _moment(self, text: str) -> datetime:
        """Parse a date or time by the pattern, or as ISO 8601 in a column of cells that are no texts."""
        if self.pattern:
            return parsed(text, self.pattern, self.zone)
        if self.content == "time":
            return datetime.combine(MIDNIGHT.date(), time.fromisoformat(text))
        return datetime.fromisoformat(text)

    def _date(self, cell: Any) -> float:
        if isinstance(cell, str):
            moment = self._moment(cell.strip())
            if self.zone_name and moment.tzinfo is None:
                moment = pd.Timestamp(moment).tz_localize(self.zone_name).to_pydatetime()
        elif isinstance(cell, datetime | np.datetime64):
            moment = pd.Timestamp(cell).to_pydatetime(warn=False)
        else:
            moment = datetime.combine(cell, time())
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        return microseconds(moment - MIDNIGHT) / UNITS[self.unit]

    def _time(self, cell: Any) -> float:
        moment = self._moment(cell.strip()).time() if isinstance(cell, str) else cell
        return microseconds(datetime.combine(MIDNIGHT.date(), moment) - MIDNIGHT) / UNITS[self.unit]

    def _duration(self, cell: Any) -> float:
        return microseconds(pd.Timedelta(cell).to_pytimedelta()) / UNITS[self.unit]

    def _written(self, value: Any, text: bool) -> Any:
        if self.content == "text":
            return int(value) if self.objects == "int" and not text else value
        if self.content == "truth value":
            return (self.truths or ("False", "True"))[int(value)] if text else bool(value)
        if self.content == "number":
            if self.objects == "int" and not text:
                return int(value)
            return self.number_text(value) if text else Decimal(f"{value:.{self.decimals or 0}f}")
        span = span_of(value, self.unit)
        if self.content == "duration":
            return str(pd.Timedelta(span)) if text else pd.Timedelta(span)
        moment = MIDNIGHT + span
        if text:
            return formatted(moment, self.pattern or default_pattern(self.content, self.unit))
        if self.is_integer_date:
            return int(float(formatted(moment, self.pattern)))
        if self.objects == "date":
            return moment.date()
        return moment.time() if self.content == "time" else moment_cell(moment, self.objects, self.zone_name)

    def number_text(self, value: float) -> str:
        """Write a number as a text."""
        if self.style is not None:
            if self.style.exponent:
                return self.style.scientific(value, self.least_decimals, self.comma)
            value = float(f"{value:.{self.decimals or 0}f}")  # no style has room for further digits
            return self.style.styled(number_text(value, self.decimals, self.least_decimals), self.comma)
        text = number_text(value, self.decimals, self.least_decimals)
        return text.replace(".", ",") if self.comma else text


def _attempt(parse: Callable[[Any], Any], cell: Any) -> Any:
    """Parse a cell; None if it is not of the format."""
    try:
        return parse(cell)
    except (ValueError, TypeError, OverflowError, AttributeError):  # a cell of any class; the caller refuses it by name
        return None
