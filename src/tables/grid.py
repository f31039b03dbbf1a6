"""Grids: the values that a column of numbers, dates or times can have, found from those that it has.

| grid | values |
|---|---|
| steps | ``offset`` and multiples of ``step`` more or less: salaries in hundreds, quarters of an hour, every Monday |
| calendar | the times of :attr:`Grid.step` on days of some weekdays, days of the month or months: business days |
| listed | the numbers of a list: those of a column of few values with gaps between them |

A grid is found only if every observed value lies on it, and chance would hardly put so many there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import comb
from typing import Any

import numpy as np
import pandas as pd

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
BY_CHANCE = 0.01
"""Largest probability that evenly distributed values would lie on the grid by chance."""
MOST_LISTED = 20
CELLS_OF_A_LISTED = 5
"""Fewest cells, on average, of each value of a listed grid."""
MOST_MONTH_DAYS = 4
MICROSECONDS_OF_A_DAY = 86_400_000_000
LARGEST = 2**53
LAST = -1
"""Stands for the last day of a month among days of the month."""


@dataclass(frozen=True)
class Grid:
    """The values that a column can have.

    Attributes:
        step: distance of neighbouring values; of a calendar, within a day.
        offset: a value; of a calendar, the first one of a day, counted from midnight.
        per_day: of dates and times, the units of a day; of numbers 0.
        days: of a calendar, its first and last day, counted from 1970-01-01.
        weekdays: of a calendar, 0 = Monday; empty = all.
        month_days: days of the month, :data:`LAST` = the last one; empty = all.
        months: 1..12; empty = all.
        listed: all values, in order; empty = the others say them.
        zone: zone whose clock a calendar or steps of dates follow; empty = that of the values.
    """

    step: float = 1.0
    offset: float = 0.0
    per_day: int = 0
    days: tuple[int, int] = (0, 0)
    weekdays: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    listed: tuple[float, ...] = ()
    zone: str = ""

    @property
    def has_calendar(self) -> bool:
        """Whether it is made of days of a calendar."""
        return bool(self.weekdays or self.month_days)

    def positions(self, values: np.ndarray) -> np.ndarray:
        """Number the values of the grid in order: (n,) values to (n,) positions, fractions between two of them.

        Values of a listed grid stay as they are.
        """
        if self.listed:
            return values
        values = clock_of(values, self.per_day, "UTC", self.zone) if self.zone else values
        if not self.has_calendar:
            return np.asarray((values - self.offset) / self.step)
        day = np.floor(values / self.per_day)
        slot = ((values - day * self.per_day - self.offset) / self.step).clip(0, self._slots - 1)
        return np.asarray(np.interp(day, self._days, np.arange(len(self._days))) * self._slots + slot)

    def values(self, positions: np.ndarray) -> np.ndarray:
        """Return the values (n,) of the grid that are nearest to positions (n,); see :meth:`positions`."""
        if self.listed:
            middles = np.array(self.listed[1:]) / 2 + np.array(self.listed[:-1]) / 2
            return np.array(self.listed)[np.searchsorted(middles, positions)]
        nearest = np.round(positions)
        if self.has_calendar:
            nearest = nearest.clip(0, len(self._days) * self._slots - 1).astype(np.int64)
            of_day = nearest % self._slots * self.step + self.offset
            values = self._days[nearest // self._slots] * self.per_day + of_day
        else:
            values = nearest * self.step + self.offset
        return clock_of(values, self.per_day, self.zone, "UTC") if self.zone else np.asarray(values)

    def nearest(self, values: np.ndarray) -> np.ndarray:
        """Return the values (n,) of the grid that are nearest to values (n,); NaN stays."""
        known = ~np.isnan(values)
        found = np.full(len(values), np.nan)
        found[known] = self.values(self.positions(values[known]))
        return found

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Grid":
        """Inverse of ``dataclasses.asdict``, from lists or tuples."""
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**plain)

    @cached_property
    def _days(self) -> np.ndarray:
        days = np.arange(self.days[0], self.days[1] + 1)
        weekday, month_day, month, is_last = _calendar(days)
        allowed = np.ones(len(days), dtype=bool)
        if self.weekdays:
            allowed &= np.isin(weekday, self.weekdays)
        if self.month_days:
            allowed &= np.isin(month_day, self.month_days) | (is_last & (LAST in self.month_days))
        if self.months:
            allowed &= np.isin(month, self.months)
        return days[allowed]

    @cached_property
    def _slots(self) -> int:
        return int((self.per_day - 1 - self.offset) // self.step) + 1


def on_grid(values: pd.Series, grid: Grid | None) -> pd.Series:
    """Move numbers (n,) to the nearest ones of a grid; without one they stay."""
    if grid is None:
        return values
    return pd.Series(grid.nearest(values.to_numpy(dtype=float)), values.index, name=values.name)


def grid_of_numbers(values: np.ndarray, counts: np.ndarray, decimals: int | None) -> Grid | None:
    """Find the grid of a column of numbers.

    Arguments:
        values: (n,) the distinct values, increasing.
        counts: (n,) cells of each.
        decimals: digits after the point of nearly all values; None = not known.
    """
    if len(values) < 3:
        return None
    step = _step_of(values, decimals)
    n_between = round((values[-1] - values[0]) / step) + 1 if step else np.inf
    are_few = len(values) <= MOST_LISTED and counts.sum() >= CELLS_OF_A_LISTED * len(values)
    if are_few and len(values) < n_between:
        return Grid(listed=tuple(values.tolist()))
    finest = 10.0 ** -(decimals or 0)
    n_residues = round(step / finest)
    if n_residues < 2 or not _is_no_chance(1, n_residues, len(values) - 1):
        return None
    return Grid(step, round(values[0] / finest) % n_residues * finest)


def _step_of(values: np.ndarray, decimals: int | None) -> float:
    """Find the largest step that all differences of increasing values are multiples of; 0 = there is none."""
    if decimals is None or np.abs(values).max() >= LARGEST / 10.0**decimals:
        return 0.0
    scaled = values * 10.0**decimals
    whole = np.round(scaled).astype(np.int64)
    if not np.allclose(scaled, whole, rtol=0, atol=1e-4):
        return 0.0
    return int(np.gcd.reduce(np.diff(whole))) / 10.0**decimals


def clock_of(values: np.ndarray, per_day: int, here: str, there: str) -> np.ndarray:
    """Convert moments (n,) from the clock of one zone to that of another.

    A moment that a change of the clock leaves out moves forward, one that it repeats is the first.

    Arguments:
        values: units since 1970-01-01.
        per_day: units of a day.
        here: name of the zone, or its offset from UTC.
        there: the other one.
    """
    lengths = pd.to_timedelta(values * (MICROSECONDS_OF_A_DAY / per_day), unit="us")
    is_first = np.ones(len(values), dtype=bool)
    moments = (pd.Timestamp(0) + lengths).tz_localize(here, ambiguous=is_first, nonexistent="shift_forward")
    moved = (moments.tz_convert(there).tz_localize(None) - pd.Timestamp(0)).to_numpy()
    microseconds = moved.astype("timedelta64[us]").astype(np.int64)
    return np.where(np.isnan(values), np.nan, microseconds * (per_day / MICROSECONDS_OF_A_DAY))


def grid_of_moments(values: np.ndarray, per_day: int, are_dates: bool, zone: str = "") -> Grid | None:
    """Find the grid of a column of dates, times of the day or durations.

    Arguments:
        values: (n,) the distinct values in whole units, increasing.
        per_day: units of a day.
        are_dates: whether they have a calendar.
        zone: zone of the dates, which the values are moved to; empty = none.
    """
    if len(values) < 3:
        return None
    whole = np.unique((clock_of(values, per_day, "UTC", zone) if zone else values).round().astype(np.int64))
    step = int(np.gcd.reduce(np.diff(whole)))
    is_stepped = step > 1 and _is_no_chance(1, step, len(whole) - 1)
    if are_dates and not (is_stepped and step % per_day == 0 and step > per_day):
        days = np.unique(whole // per_day)
        within = whole % per_day
        if (rule := _rule_of(days)) is not None:
            inner = int(np.gcd.reduce(np.diff(np.unique(within)))) if len(np.unique(within)) > 1 else per_day
            offset = int(within.min() % inner)
            return Grid(inner, offset, per_day, (int(days[0]), int(days[-1])), *rule, zone=zone)
    return Grid(step, int(whole[0] % step), per_day if are_dates else 0, zone=zone) if is_stepped else None


def described(grid: Grid, unit: str = "") -> str:
    """Say in words which values a grid has, e.g. ``in steps of 100``; ``unit`` is that of dates and times."""
    if grid.listed:
        return "these values only"
    of_day = _clock(grid.offset % grid.per_day / grid.per_day) if grid.per_day > 1 else ""
    if not grid.has_calendar:
        n_days = grid.step / grid.per_day if grid.per_day else 0.0
        if n_days == len(WEEKDAYS):
            return f"{WEEKDAYS[int(grid.offset // grid.per_day + 3) % 7]}s {of_day}".rstrip()
        if n_days == 1:
            return of_day
        return f"in steps of {grid.step:.15g} {unit}".rstrip()
    parts = [of_day] if of_day and grid.step == grid.per_day else []
    if grid.weekdays:
        first, last = grid.weekdays[0], grid.weekdays[-1]
        is_range = len(grid.weekdays) == last - first + 1 and len(grid.weekdays) > 2
        parts.append(f"{WEEKDAYS[first]} to {WEEKDAYS[last]}" if is_range else _named(grid.weekdays))
    if grid.month_days:
        named = ("the last" if day == LAST else str(day) for day in grid.month_days)
        parts.append(f"on day {', '.join(named)} of the month")
    if grid.months:
        parts.append(f"in months {', '.join(map(str, grid.months))}")
    return ", ".join(parts)


def _clock(share_of_day: float) -> str:
    """Say a time of the day, e.g. ``at 09:30``; seconds where there are any."""
    seconds = round(share_of_day * 86_400)
    clock = f"at {seconds // 3600:02d}:{seconds // 60 % 60:02d}"
    return f"{clock}:{seconds % 60:02d}" if seconds % 60 else clock


def _named(weekdays: tuple[int, ...]) -> str:
    return ", ".join(f"{WEEKDAYS[day]}s" for day in weekdays)


def _rule_of(days: np.ndarray) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]] | None:
    """Find weekdays, days of the month and months that all ``days`` share; None if chance explains them."""
    weekday, month_day, month, is_last = _calendar(days)
    month_days: tuple[int, ...] = ()
    if is_last.all() and _is_no_chance(31, 31, len(days)):
        month_days = (LAST,)
    elif len(seen := np.unique(month_day)) <= MOST_MONTH_DAYS and _is_few(len(seen), 31, len(days)):
        month_days = tuple(seen.tolist())
    weekdays: tuple[int, ...] = ()
    if not month_days and len(seen := np.unique(weekday)) < 7 and _is_few(len(seen), 7, len(days)):
        weekdays = tuple(seen.tolist())
    months: tuple[int, ...] = ()
    if month_days and len(seen := np.unique(month)) < 12 and _is_few(len(seen), 12, len(days)):
        months = tuple(seen.tolist())
    return (weekdays, month_days, months) if weekdays or month_days else None


def _calendar(days: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Weekday (0 = Monday), day of the month, month, and whether it is the last of its month, of days since 1970."""
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    month_day = (dates - months.astype("datetime64[D]")).astype(np.int64) + 1
    is_last = (dates + 1).astype("datetime64[M]") != months
    return (days + 3) % 7, month_day, months.astype(np.int64) % 12 + 1, is_last


def _is_few(n_seen: int, n_possible: int, n_values: int) -> bool:
    """Tell whether so few of the possible residues are no chance, of so many values."""
    return comb(n_possible, n_seen) * (n_seen / n_possible) ** n_values < BY_CHANCE


def _is_no_chance(n_ways: int, n_possible: int, n_values: int) -> bool:
    """Tell whether all values have one of ``n_possible`` residues by more than chance."""
    return n_ways * float(n_possible) ** -min(n_values, 300) < BY_CHANCE
