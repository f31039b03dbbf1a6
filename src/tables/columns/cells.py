r"""The cells of one column: how they are written, parsing them into values and writing values as cells.

| content | values | cells |
|---|---|---|
| ``number`` | float64 | numbers of any dtype, Decimals, or texts (``1.50``, ``1,5``, ``7``) |
| ``truth value`` | False, True | booleans, or the two texts that stand for them (``TRUE``, ``false``) |
| ``date`` | units since 1970-01-01 | datetime64 of any zone, Python dates, or texts of one pattern |
| ``time`` | units since midnight | Python times, or texts of one pattern |
| ``duration`` | units | timedelta64 |
| ``text`` | the text | texts |

The unit of a column is the coarsest, days to microseconds, that all its values are whole multiples of.
A hole is NaN on both sides.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import pandas as pd

from src.errors import TableError
from src.tables.columns.date_patterns import FRACTION, formatted, parsed, parsed_together
from src.tables.columns.distinct import distinct_cells, typed_categories
from src.tables.columns.object_cells import moment_cell

Content = Literal["number", "truth value", "date", "time", "duration", "text"]
UNITS = {
    "days": 86_400_000_000,
    "hours": 3_600_000_000,
    "minutes": 60_000_000,
    "seconds": 1_000_000,
    "milliseconds": 1_000,
    "microseconds": 1,
}
"""Microseconds of each unit, coarse to fine."""
MIDNIGHT = datetime(1970, 1, 1)
LARGEST_EXACT = 2**53
FIRST_MOMENT, LAST_MOMENT = -62_135_596_800_000_000, 253_402_300_799_999_999
"""Years 1 to 9999, microseconds since 1970."""
NOT_NULLABLE = re.compile(r"bool|u?int\d+")


@dataclass(frozen=True)
class Cells:
    """Format of a column's cells.

    Attributes:
        content: what a cell means.
        dtype: pandas dtype of the column when it has no hole.
        as_text: whether the cells are texts although they mean something else.
        objects: Python class of the cells of an object column: ``Decimal``, ``int``, ``date``, ``time``,
            ``Timestamp``, ``datetime``; else empty. ``int`` with content ``text``: too large for float64.
        decimals: of numbers, most digits after the point; None = as many as it takes.
        least_decimals: digits after the point that are written even where they are zeros.
        low: of numbers, the smallest seen; rounding does not lead below it.
        high: the largest.
        comma: whether a comma is the decimal sign.
        pattern: of dates and times that are texts: as ``strftime``, ``%-d`` without a leading zero, ``%3f``
            with three digits of a second.
        unit: of dates, times and durations, one of :data:`UNITS`.
        zone_name: of dates with a zone, its name or its offset from UTC.
        zone: of dates whose texts name several offsets from UTC: they are turned to UTC.
        truths: texts of False and True.
        dtype_categories: categories of a pandas categorical, in its order, as texts, which its values are too.
        category_dtype: dtype of those categories.
        ordered: whether that order means something.
    """

    content: Content
    dtype: str
    as_text: bool = False
    objects: str = ""
    decimals: int | None = None
    least_decimals: int = 0
    low: float = -np.inf
    high: float = np.inf
    comma: bool = False
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

    def values(self, cells: pd.Series, where: str) -> pd.Series:
        """What the cells mean; see the table of this module.

        Arguments:
            cells: (N,), holes NaN or None.
            where: place of the column, for messages.

        Raises:
            TableError: a cell is not of this format; names the row (from 1) and the cell.
        """
        if self.content == "number" and pd.api.types.is_numeric_dtype(cells.dtype):
            numbers = cells.astype("float64")
            if np.isinf(numbers).any():
                row = int(np.isinf(numbers).to_numpy().argmax())
                raise TableError(f"{where}, row {row + 1}: an infinite number; leave the cell empty")
            return numbers
        if (
            self.content == "date"
            and isinstance(cells.dtype, np.dtype | pd.DatetimeTZDtype)
            and cells.dtype.kind == "M"
        ):
            return pd.Series(self._units(cells), name=cells.name)
        distinct, codes = distinct_cells(cells)
        together = self._together(distinct)
        if together is not None:
            return pd.Series(np.append(together, np.nan)[codes], name=cells.name)
        reads: dict[str, Callable[[Any], Any]] = {
            "number": self._number,
            "truth value": self._truth,
            "date": self._date,
            "time": self._time,
            "duration": self._duration,
            "text": str,
        }
        found = np.empty(len(distinct), dtype=object)
        found[:] = [_attempt(reads[self.content], cell) for cell in distinct]
        wrong = np.array([value is None for value in found], dtype=bool)
        if wrong.any():
            row = int(np.isin(codes, np.flatnonzero(wrong)).argmax())
            raise TableError(
                f"{where}, row {row + 1}: expected a {self.content}{self._like()}, got {cells.iloc[row]!r}"
            )
        values = np.append(found, np.nan)[codes]
        return pd.Series(values.astype(float) if self.is_number else values, name=cells.name)

    def cells(self, values: pd.Series, for_text_file: bool = False) -> pd.Series:
        """Inverse of :meth:`values`; numbers are rounded to the decimals of the format.

        Arguments:
            values: (N,); holes are NaN.
            for_text_file: whether every cell is to be the text that stands in a text file.
        """
        text = self.as_text or for_text_file
        if self.content == "number":
            values = values if self.decimals is None else self._rounded(values)
            if not text and not self.objects:
                return self.with_dtype(values)
        distinct, codes = distinct_cells(values)
        written = [self._written(value, text) for value in distinct]
        column = np.empty(len(written) + 1, dtype=object)
        column[:-1] = written
        column[-1] = "" if for_text_file else np.nan
        cells = pd.Series(column[codes], name=values.name, dtype=object)
        return cells if for_text_file else self.with_dtype(cells)

    def with_dtype(self, cells: pd.Series) -> pd.Series:
        """The column in its dtype; with holes in the nearest one that can hold them."""
        if self.dtype == "category":
            categories = typed_categories(self.dtype_categories, self.category_dtype)
            codes = pd.Index(self.dtype_categories, dtype=object).get_indexer(cells.astype(object))
            return pd.Series(pd.Categorical.from_codes(codes, categories, ordered=self.ordered), name=cells.name)
        if NOT_NULLABLE.fullmatch(self.dtype) and cells.isna().any():
            return cells.astype(float) if self.content == "number" else cells
        if self.zone_name and self.dtype != "object":
            moments = pd.to_datetime(cells).dt.tz_localize("UTC").dt.tz_convert(self.zone_name)
            unit = re.findall(r"(?:datetime64|timestamp)\[(\w+)", self.dtype)[0]
            zoned = moments.dt.as_unit(unit)
            return zoned.astype(self.dtype) if self.dtype.endswith("[pyarrow]") else zoned
        return cells.astype(self.dtype)

    def _rounded(self, values: pd.Series) -> pd.Series:
        """Numbers at the decimals of the format, inside the range; those too large to have decimals as they are."""
        decimals = self.decimals or 0
        large = values.abs() > LARGEST_EXACT / 10.0**decimals
        return values.where(large, values.mask(large, 0).round(decimals).clip(self.low, self.high)) + 0.0

    def _like(self) -> str:
        if self.pattern:
            return f" like {datetime(1999, 12, 31, 23, 59, 58).strftime(FRACTION.sub('%f', self.pattern))}"
        return f" ({self.truths[0]} or {self.truths[1]})" if self.truths else ""

    def _number(self, cell: Any) -> float | None:
        if isinstance(cell, str):
            cell = cell.strip().replace(",", ".") if self.comma else cell.strip()
        number = float(cell)
        return number if np.isfinite(number) else None

    def _together(self, distinct: list[Any]) -> np.ndarray | None:
        """The values of many texts at once, None where that does not work for all of them."""
        if not distinct or not all(type(cell) is str for cell in distinct):
            return None
        if self.content == "number":
            texts = [cell.replace(",", ".") for cell in distinct] if self.comma else distinct
            try:
                numbers = np.array(texts, dtype=object).astype(float)
            except ValueError:
                return None
            return numbers if np.isfinite(numbers).all() else None
        if self.content != "date" or not self.pattern or self.zone:
            return None
        moments = parsed_together(distinct, self.pattern)
        return None if moments is None else self._units(moments)

    def _units(self, moments: pd.Series) -> np.ndarray:
        naive = moments.dt.tz_convert("UTC").dt.tz_localize(None) if moments.dt.tz is not None else moments
        length = naive.to_numpy().astype("datetime64[us]").astype(np.int64)
        return np.where(naive.isna(), np.nan, length / UNITS[self.unit])

    def _truth(self, cell: Any) -> bool | None:
        if isinstance(cell, str) and self.truths:
            return self.truths.index(cell.strip()) == 1
        return bool(cell) if cell in (0, 1) else None

    def _moment(self, text: str) -> datetime:
        """A text as the pattern says; of typed columns, which have none, as ISO 8601."""
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
            return self._number_text(value) if text else Decimal(f"{value:.{self.decimals or 0}f}")
        span = timedelta(microseconds=min(max(round(value) * UNITS[self.unit], FIRST_MOMENT), LAST_MOMENT))
        if self.content == "duration":
            return str(pd.Timedelta(span)) if text else pd.Timedelta(span)
        moment = MIDNIGHT + span
        if text:
            return formatted(moment, self.pattern or _usual_pattern(self.content, self.unit))
        if self.objects == "date":
            return moment.date()
        return moment.time() if self.content == "time" else moment_cell(moment, self.objects, self.zone_name)

    def _number_text(self, value: float) -> str:
        if self.decimals is None:
            text = repr(float(value)) if self.least_decimals else repr(float(value)).removesuffix(".0")
        else:
            text = f"{value:.{self.decimals}f}"
            if float(text) != value:  # an end of the range, which has more digits than the others
                text = repr(float(value))
            spare = self.decimals - self.least_decimals
            if spare > 0:
                kept = len(text) - spare
                text = text[:kept] + text[kept:].rstrip("0")
                text = text.removesuffix(".")
        return text.replace(".", ",") if self.comma else text


def microseconds(span: timedelta) -> int:
    """Length of a span, exactly."""
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


def _attempt(read: Callable[[Any], Any], cell: Any) -> Any:
    try:
        return read(cell)
    except (ValueError, TypeError, OverflowError, AttributeError):
        return None


def _usual_pattern(content: str, unit: str) -> str:
    clock = "%H:%M:%S" + {"milliseconds": ".%3f", "microseconds": ".%6f"}.get(unit, "")
    if content == "time":
        return clock
    return "%Y-%m-%d" if unit == "days" else f"%Y-%m-%d {clock}"
