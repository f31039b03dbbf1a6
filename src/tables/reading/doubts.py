"""Markers of holes that may be values in their column, and what the user is told about them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from src.system.quoting import setting
from src.tables.columns.kinds import listed


@dataclass(frozen=True, eq=False)
class Doubt:
    """A marker of holes in a column that may be a value there.

    Attributes:
        column: name of the column.
        marker: the marker.
        rows: (n,) int, positions of its cells.
        is_hole: whether these cells are read as holes.
        why: the reason, a clause that follows "because".
    """

    column: str
    marker: str
    rows: np.ndarray
    is_hole: bool
    why: str


def doubt_notes(doubts: Sequence[Doubt], prefix: str) -> list[str]:
    """Write a sentence about every reading of a marker; ``prefix`` precedes the keys in it.

    A sidecar, which goes with a file, is named only with a prefix.
    """
    alike: dict[tuple[str, bool, str], list[Doubt]] = {}
    for doubt in doubts:
        alike.setdefault((doubt.marker, doubt.is_hole, doubt.why), []).append(doubt)
    notes = []
    for (marker, is_hole, why), group in alike.items():
        reading, otherwise = ("holes", "is a value") if is_hole else ("values", "marks a hole")
        key, value = ("holes", []) if is_hole else ("also_holes", [marker])
        sidecar = f"{'values' if is_hole else 'holes'}: [{marker}] for this column in the sidecar"
        everywhere = f"{setting(prefix + key, value)} in all columns"
        keys = f"{sidecar}, or {everywhere}" if prefix else everywhere
        notes.append(
            f"cells {marker!r} ({_counted(group)}) are read as {reading}, because {why}; if it {otherwise}: {keys}"
        )
    return notes


def rows_left(doubts: Sequence[Doubt]) -> dict[str, np.ndarray]:
    """Return by column the rows, (n,) int, of doubtful holes, which are filled only on request."""
    rows: dict[str, list[np.ndarray]] = {}
    for doubt in doubts:
        if doubt.is_hole:
            rows.setdefault(doubt.column, []).append(doubt.rows)
    return {name: np.concatenate(parts) for name, parts in rows.items()}


def notes_left(doubts: Sequence[Doubt], prefix: str = "dataset.") -> list[str]:
    """Write a sentence about every marker whose doubtful holes are not filled."""
    notes = []
    for marker in dict.fromkeys(doubt.marker for doubt in doubts if doubt.is_hole):
        cells = _counted([doubt for doubt in doubts if doubt.is_hole and doubt.marker == marker])
        key = setting(f"{prefix}also_holes", [marker])
        notes.append(f"not filled: cells {marker!r} ({cells}), which may be values; {key} fills them")
    return notes


def remedies_of(doubts: Sequence[Doubt]) -> dict[str, list[str]]:
    """Say by column which key of a sidecar reads doubtful markers otherwise."""
    remedies: dict[str, list[str]] = {}
    for doubt in doubts:
        key, meaning = ("values", "are values") if doubt.is_hole else ("holes", "mark holes")
        remedy = f'{key}: ["{doubt.marker}"] if the {len(doubt.rows):,} cells {doubt.marker} {meaning}'
        remedies.setdefault(doubt.column, []).append(remedy)
    return remedies


def _counted(doubts: Sequence[Doubt]) -> str:
    return listed((f"{len(doubt.rows):,} in column {doubt.column!r}" for doubt in doubts), 5)
