"""Mark the holes of a frame, and find the markers that may be values: ``NA`` among codes of countries, or "no pool"."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd

from src.tables.columns.choice import ColumnChoice
from src.tables.columns.kinds import FEW_TEXTS, is_number
from src.tables.formats.dates import infer_date
from src.tables.reading.doubts import Doubt, doubt_notes
from src.tables.text.dialect import HOLES

NONE = "None"
"""Marks a hole only among numbers and dates; among texts it is a text."""
SILENT_HOLES = ("", " ", "NA", "NaN", "nan", "<NA>")
"""Markers that no user means as values; holes with other markers are reported."""
WORDS = ("NA", "N/A", "n/a", "NULL", "null")
"""Markers that may be a category of their own, such as "no pool"; no other marker is written for that."""
FEWEST_CODES = 3
MOST_OF_CODES = 0.9
LARGE_SHARE = 0.4
TIMES_THE_SHARE_OF_NUMBERS = 2


@dataclass(frozen=True, eq=False)
class Marked:
    """A frame whose holes are marked.

    Attributes:
        frame: (N, d), holes NaN.
        doubts: the markers whose reading is doubtful.
        counts: number of cells by marker, of markers that are no doubt here but might be meant as values.
    """

    frame: pd.DataFrame
    doubts: tuple[Doubt, ...]
    counts: Mapping[str, int]

    def notes(self, prefix: str = "dataset.") -> list[str]:
        """Write the sentences for the user; ``prefix`` precedes the keys ``holes`` and ``also_holes`` in them."""
        notes = []
        if self.counts:
            counts = ", ".join(f"{marker!r} {n:,}x" for marker, n in self.counts.items())
            notes.append(f"read as holes: {counts} ({prefix}holes lists what is one)")
        return [*notes, *doubt_notes(self.doubts, prefix)]


def mark_holes(
    frame: pd.DataFrame,
    choices: Mapping[str, ColumnChoice],
    holes: Sequence[Any] | None,
    also_holes: Sequence[Any],
    known: Mapping[str, Collection[str]] | None = None,
) -> Marked:
    """Replace the markers of holes in a frame by NaN.

    Arguments:
        frame: (N, d) of any dtypes.
        choices: the user's choices, by column: their ``holes`` mark holes too, their ``values`` do not.
        holes: texts that mark a hole, blanks around them ignored; None = :data:`HOLES`, unless they may be values.
        also_holes: further texts or numbers that mark a hole; -999 includes the text ``-999.0``.
        known: by column, the texts that a model learned as values; None = the cells of the frame decide.
    """
    markers = HOLES if holes is None else ("", *map(str, holes))
    columns = {}
    for name in frame.columns:
        choice = choices.get(name, ColumnChoice())
        named = [*(holes or ()), *also_holes, *choice.holes]
        columns[name] = _Column(frame[name], choice, markers, tuple(map(str, named)))
    doubts = _doubts(columns, known) if holes is None else []
    counts: dict[str, int] = {}
    cells = {}
    for name, column in columns.items():
        values = {*column.choice.values, *(known or {}).get(name, ())} - {*column.named}
        values |= {doubt.marker for doubt in doubts if doubt.column == name and not doubt.is_hole}
        counted = {doubt.marker for doubt in doubts if doubt.column == name}
        cells[name] = column.marked(values, counts, counted)
    return Marked(pd.DataFrame(cells), tuple(doubts), counts)


class _Column:
    """A column and its distinct cells.

    Arguments:
        cells: (N,).
        choice: the user's choice.
        markers: texts that mark a hole in any column.
        named: texts and numbers, as texts, that mark a hole by the user's choice.
    """

    def __init__(
        self, cells: pd.Series, choice: ColumnChoice, markers: Collection[str], named: tuple[str, ...]
    ) -> None:
        self.cells, self.choice, self.named = cells, choice, named
        self.texts = {*markers, *named}
        self.numbers = {float(marker) for marker in named if is_number(marker)}
        self.is_numeric = pd.api.types.is_numeric_dtype(cells.dtype) and not pd.api.types.is_bool_dtype(cells.dtype)

    @cached_property
    def distinct(self) -> list[Any]:
        """Distinct texts and numbers; none of a column of another dtype."""
        dtype = self.cells.dtype
        if isinstance(dtype, pd.CategoricalDtype):
            return list(self.cells.cat.categories)
        if pd.api.types.is_object_dtype(dtype) or pd.api.types.is_string_dtype(dtype):
            return list({cell for cell in self.cells if isinstance(cell, str | Number) and not pd.isna(cell)})
        return []

    @cached_property
    def present(self) -> dict[str, list[Any]]:
        """The distinct cells that mark holes, by their text without blanks."""
        spellings: dict[str, list[Any]] = {}
        for value in self.distinct:
            if self._is_marker(value):
                spellings.setdefault(str(value).strip(), []).append(value)
        return spellings

    @cached_property
    def others(self) -> list[Any]:
        """The distinct cells that mark no hole."""
        present = {value for values in self.present.values() for value in values}
        return [value for value in self.distinct if value not in present]

    @cached_property
    def is_measured(self) -> bool:
        """Whether all other cells, of which there are some, are numbers or dates."""
        texts = [value.strip() for value in self.others if isinstance(value, str)]
        if all(is_number(text.replace(",", ".")) for text in texts):
            return bool(self.others)
        dates = infer_date(texts)
        return dates is not None and dates.content == "date"

    @cached_property
    def is_empty_somewhere(self) -> bool:
        """Whether a cell is empty."""
        return "" in self.present or bool(self.cells.isna().any())

    def rows(self, marker: str) -> np.ndarray:
        """Find the cells of a marker; (n,) int."""
        return np.flatnonzero(self.cells.isin(self.present[marker]).to_numpy())

    def share(self, marker: str) -> float:
        """Return the share of a marker among the cells."""
        return len(self.rows(marker)) / len(self.cells)

    def holds_codes_like(self, marker: str) -> bool:
        """Tell whether the other cells are several codes that are written as the marker is: two capital letters."""
        texts = {str(value).strip() for value in self.others}
        alike = sum(_form(text) == _form(marker) for text in texts)
        return alike >= max(FEWEST_CODES, MOST_OF_CODES * len(texts))

    def holds_categories(self) -> bool:
        """Tell whether the other cells are few different ones, not names or free text."""
        n_cells = int((self.cells.notna() & self.cells.isin(self.others)).sum())
        return 0 < len(self.others) <= max(FEW_TEXTS, n_cells / 2)

    def marked(self, values: Collection[str], counts: dict[str, int], counted: Collection[str]) -> pd.Series:
        """Replace markers by NaN.

        Arguments:
            values: markers that are values here.
            counts: receives the number of cells by marker, of markers that might be meant as values.
            counted: markers that are not to be counted.
        """
        if self.is_numeric:
            is_hole = self.cells.isin(list(self.numbers)).fillna(False).astype(bool) if self.numbers else None
            if is_hole is None or not is_hole.any():
                return self.cells
            nullable = self.cells.astype(float) if self.cells.dtype.kind in "iu" else self.cells
            return nullable.mask(is_hole)
        present = {marker: cells for marker, cells in self.present.items() if marker not in values}
        if NONE in present and NONE not in self.named and self.others and not self.is_measured:
            del present[NONE]
        for marker in present:
            if marker not in (*SILENT_HOLES, *self.named, *counted):
                counts[marker] = counts.get(marker, 0) + len(self.rows(marker))
        cells = [cell for spellings in present.values() for cell in spellings]
        if not cells:
            return self.cells
        if isinstance(self.cells.dtype, pd.CategoricalDtype):
            return self.cells.cat.remove_categories(cells)
        return self.cells.mask(self.cells.isin(cells), np.nan)

    def _is_marker(self, value: Any) -> bool:
        """Tell whether a distinct cell marks a hole: a text by its characters or its number, a number by its value."""
        if not isinstance(value, str):
            return bool(not isinstance(value, bool) and is_number(value) and float(value) in self.numbers)
        text = value.strip()
        return text in self.texts or value in self.texts or (is_number(text) and float(text) in self.numbers)


def _doubts(columns: Mapping[str, _Column], known: Mapping[str, Collection[str]] | None) -> list[Doubt]:
    """Find the markers whose reading is doubtful, by the rules of ``docs/data.md``."""
    doubts = []
    for name, column in columns.items():
        settled = {"", *column.named, *column.choice.values, *(known or {}).get(name, ())}
        for marker in column.present:
            if marker in settled or marker not in HOLES or column.choice.kind == "drop" or column.is_measured:
                continue
            others = [other for key, other in columns.items() if key != name and marker in other.present]
            reading = _reading(column, marker, others, any(each.is_empty_somewhere for each in columns.values()))
            if reading is not None:
                is_hole, why = reading
                if known is not None and name in known and not is_hole and marker != NONE:
                    is_hole, why = True, f"the model that fills never saw {marker!r} in this column"
                doubts.append(Doubt(name, marker, column.rows(marker), is_hole, why))
    return doubts


def _reading(column: _Column, marker: str, others: list[_Column], some_empty: bool) -> tuple[bool, str] | None:
    """Decide whether a marker among texts is a hole, and why; None if it is so without doubt.

    Arguments:
        column: the column.
        marker: the marker.
        others: the other columns that hold the marker.
        some_empty: whether a cell of any column is empty.
    """
    of_numbers = [other.share(marker) for other in others if other.is_measured]
    numbers_use_it = "columns of numbers or dates use it for their holes"
    if marker == NONE:
        among_texts = "the other cells are texts"
        return (False, f"{among_texts}, although {numbers_use_it}") if of_numbers and column.others else None
    if column.holds_codes_like(marker):
        if of_numbers:
            return True, f"{numbers_use_it}, although the other texts are codes of its form"
        if not marker.isupper():
            return True, "it marks holes nearly everywhere, although the other texts are words of its form"
        if some_empty or not others:
            holes = "empty cells mark the holes" if some_empty else "no other column has it"
            return False, f"the other texts are codes of its form, and {holes}"
        return True, "other columns have it too, although the other texts are codes of its form"
    if marker in WORDS and column.holds_categories():
        share = column.share(marker)
        if share >= max(LARGE_SHARE, TIMES_THE_SHARE_OF_NUMBERS * max(of_numbers, default=0.0)):
            return (
                True,
                f"it usually marks them, although it fills {share:.0%} of the column, more than of any of numbers",
            )
    return None


def _form(text: str) -> str:
    return "".join(
        "A" if sign.isupper() else "a" if sign.islower() else "0" if sign.isdigit() else sign for sign in text
    )
