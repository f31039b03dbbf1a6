"""What frames hold and files do not, in plain types: names that are numbers, periods, UUIDs, Arrow decimals."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from decimal import Decimal
from numbers import Real
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa

from src.errors import TableError

CELLS = (str, bytes, Real, np.bool_, Decimal, date, time, timedelta, np.datetime64, np.timedelta64, UUID, pd.Period)
COLLECTIONS = (list, dict, set, np.ndarray)
"""Refused with their row when the columns are understood."""


@dataclass(frozen=True)
class FrameTypes:
    """The names and types of a frame's columns that change when it becomes plain.

    Attributes:
        labels: by name, the label of every column: a text or an integer.
        periods: by name, the frequencies of columns of periods, which become the dates on which they start.
        uuids: names of the columns of UUIDs, which become texts.
    """

    labels: Mapping[str, Any] = field(default_factory=dict)
    periods: Mapping[str, str] = field(default_factory=dict)
    uuids: Collection[str] = ()

    def restored(self, name: str, cells: pd.Series) -> pd.Series:
        """Convert plain cells of a column to its type; new ids of a column of UUIDs stay texts.

        A date becomes the period whose start is the nearest.
        """
        if name in self.periods:
            days = pd.to_datetime(cells)
            periods = days.dt.to_period(self.periods[name])
            late = days - periods.dt.start_time > (periods + 1).dt.start_time - days
            return periods.where(~late, periods + 1)
        return cells.map(_uuid_or_text, na_action="ignore") if name in self.uuids else cells

    def restored_frame(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Convert a plain frame to one of the types and labels of the original one."""
        restored = frame.assign(**{name: self.restored(name, frame[name]) for name in (*self.periods, *self.uuids)})
        restored.columns = pd.Index([self.labels.get(name, name) for name in frame.columns])
        return restored


def types_of(frame: pd.DataFrame, excluded: Collection[str]) -> FrameTypes:
    """Find the names and types that change when a frame becomes plain.

    Arguments:
        frame: (N, d).
        excluded: names of columns that may hold anything.

    Raises:
        TableError: a label is neither a text nor an integer, labels repeat, or cells have no plain type; says a remedy.
    """
    if isinstance(frame.columns, pd.MultiIndex):
        raise TableError(
            "the frame has columns of several levels; frame.columns = ['_'.join(map(str, names)) for names in "
            "frame.columns] joins them"
        )
    odd = [each for each in frame.columns if isinstance(each, bool) or not isinstance(each, str | int | np.integer)]
    if odd:
        raise TableError(
            f"column names are texts or integers, got {odd[0]!r}; frame.columns = frame.columns.map(str) "
            "makes them texts"
        )
    names = [str(label) for label in frame.columns]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise TableError(f"column names repeat: {repeated}; frame.columns = [...] renames them")
    periods, uuids = {}, []
    for i, name in enumerate(names):
        values = frame.iloc[:, i]
        if name in excluded:
            continue
        _refuse_other_cells(values, name)
        if isinstance(values.dtype, pd.PeriodDtype) or _all_are(values, pd.Period):
            periods[name] = str(pd.PeriodIndex(values).freqstr)
        elif _all_are(values, UUID):
            uuids.append(name)
    labels = {name: label if isinstance(label, str) else int(label) for name, label in zip(names, frame, strict=True)}
    return FrameTypes(labels, periods, tuple(uuids))


def plain_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Convert a frame to plain names and types; its index becomes 0..N-1."""
    columns = {str(label): _plain(frame.iloc[:, i]) for i, label in enumerate(frame.columns)}
    return pd.DataFrame({name: values.reset_index(drop=True) for name, values in columns.items()})


def plain_value(value: Any) -> Any:
    """Convert a value that is to be fixed, as :func:`plain_frame` does."""
    if isinstance(value, pd.Period):
        return value.start_time.to_pydatetime()
    return str(value) if isinstance(value, UUID) else value


def _plain(values: pd.Series) -> pd.Series:
    if isinstance(values.dtype, pd.PeriodDtype) or _all_are(values, pd.Period):
        return pd.Series(pd.PeriodIndex(values).to_timestamp(how="start"))
    if _all_are(values, UUID):
        return values.map(str, na_action="ignore")
    if isinstance(values.dtype, pd.ArrowDtype):
        if pa.types.is_dictionary(values.dtype.pyarrow_dtype):
            return values.astype(object).astype("category")
        if pa.types.is_decimal(values.dtype.pyarrow_dtype):
            return values.astype(object).where(values.notna(), None)
    return values


def _all_are(values: pd.Series, kind: type) -> bool:
    if values.dtype != object:
        return False
    cells = values.dropna()
    return not cells.empty and isinstance(cells.iloc[0], kind) and all(isinstance(cell, kind) for cell in cells)


def _refuse_other_cells(values: pd.Series, name: str) -> None:
    """Refuse a column of intervals, complex numbers or objects that have no plain type."""
    where = f"the frame, column {name!r}"
    categories = values.cat.categories if isinstance(values.dtype, pd.CategoricalDtype) else None
    if isinstance(values.dtype if categories is None else categories.dtype, pd.IntervalDtype):
        raise TableError(f"{where} holds intervals; frame[{name!r}].astype(str) makes them texts, which are categories")
    if values.dtype.kind == "c":
        raise TableError(f"{where} holds complex numbers; make one column of the real parts, one of the imaginary ones")
    for row, cell in enumerate(values if values.dtype == object else ()):
        if not isinstance(cell, (*CELLS, *COLLECTIONS)) and cell is not None and not pd.isna(cell):
            raise TableError(
                f"{where}, row {row + 1}: a {type(cell).__name__} is neither number, text, truth value, date nor time; "
                f"frame[{name!r}].astype(str) makes texts, exclude leaves the column out"
            )


def _uuid_or_text(text: Any) -> Any:
    try:
        return UUID(text)
    except ValueError:  # a new id
        return text
