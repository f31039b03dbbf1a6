"""Dates in columns of Python objects: find their class and zone, and make such objects again."""

import re
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

import numpy as np
import pandas as pd


def class_and_zone(moments: Sequence[datetime | np.datetime64]) -> tuple[str, str]:
    """Class of the cells, ``Timestamp``, ``datetime`` or ``datetime64``, and name of their zone; empty without a zone.

    Of several classes the most frequent one; of several zones UTC, in which all of them can be compared.
    """
    names = [_class(moment) for moment in moments]
    zones = {zone_text(moment.tzinfo) for moment in moments if isinstance(moment, datetime) and moment.tzinfo}
    return max(sorted(set(names)), key=names.count), zones.pop() if len(zones) == 1 else "UTC" if zones else ""


def zone_text(zone: tzinfo) -> str:
    """Name of a zone, or its offset such as ``+01:00``; UTC where pandas knows neither."""
    offset = re.search(r"FixedOffset\((-?\d+)\)", str(zone))
    if offset:
        minutes = int(offset[1])
        return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    name = str(zone).removeprefix("UTC") or str(zone)
    try:
        pd.Timestamp(0).tz_localize(name)
    except (LookupError, ValueError, TypeError):
        return "UTC"
    return name


def moment_cell(moment: datetime, kind: str, zone_name: str) -> Any:
    """A moment without zone, in UTC, as a cell of a class and zone of :func:`class_and_zone`."""
    if kind not in ("Timestamp", "datetime"):
        return np.datetime64(moment, "us")
    stamp = pd.Timestamp(moment)
    if zone_name:
        stamp = stamp.tz_localize("UTC").tz_convert(zone_name)
    return stamp if kind == "Timestamp" else stamp.to_pydatetime()


def _class(moment: datetime | np.datetime64) -> str:
    if isinstance(moment, np.datetime64):
        return "datetime64"
    return "Timestamp" if isinstance(moment, pd.Timestamp) else "datetime"
