"""Infer the class and time zone of dates in columns of Python objects, and create such objects."""

import re
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

import numpy as np
import pandas as pd


def class_and_zone(moments: Sequence[datetime | np.datetime64]) -> tuple[str, str]:
    """Infer the class of dates and the name of their zone.

    Returns:
        ``Timestamp``, ``datetime`` or ``datetime64``, the most frequent class; and the name of the zone, empty without
        a zone and UTC if there are several, because all dates can be converted to it.
    """
    names = [_class(moment) for moment in moments]
    zones = {zone_text(moment.tzinfo) for moment in moments if isinstance(moment, datetime) and moment.tzinfo}
    return max(sorted(set(names)), key=names.count), zones.pop() if len(zones) == 1 else "UTC" if zones else ""


def zone_text(zone: tzinfo) -> str:
    """Name a zone such that pandas knows it: by its name, by its offset such as ``+01:00``, or else UTC."""
    offset = re.search(r"FixedOffset\((-?\d+)\)", str(zone))
    if offset:
        minutes = int(offset[1])
        return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    name = str(zone).removeprefix("UTC") or str(zone)
    try:
        pd.Timestamp(0).tz_localize(name)
    except (LookupError, ValueError, TypeError):  # a zone of another library; dates keep their moment in UTC
        return "UTC"
    return name


def moment_cell(moment: datetime, kind: str, zone_name: str) -> Any:
    """Convert a date in UTC, without a zone, to a cell of a class and zone of :func:`class_and_zone`."""
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
