"""Encode tables as matrices of numbers, NaN in a hole, for libraries that do not handle categories; and decode them."""

from dataclasses import dataclass

import numpy as np

from src.tables import Table
from src.tables.imputations import codes_of

ENCODINGS = ("one_hot", "ordinal")
CODES, VALUES = "codes", "values"
LARGEST = 1e30


@dataclass(frozen=True)
class Scale:
    """Standardise the numbers of a column to mean 0 and standard deviation 1.

    Attributes:
        unit: largest absolute value; numbers are divided by it first, so that their squares do not overflow.
        mean: mean of the divided numbers.
        spread: standard deviation of the divided numbers; 1 in a constant column.
        low, high: the observed range, which :meth:`backward` clips to.
    """

    unit: float
    mean: float
    spread: float
    low: float
    high: float

    @classmethod
    def of(cls, values: np.ndarray) -> "Scale":
        """Fit a scale to numbers (n,), n >= 1."""
        low, high = float(values.min()), float(values.max())
        unit = max(abs(low), abs(high)) or 1.0
        if low == high:
            return cls(unit, low / unit, 1.0, low, high)
        return cls(unit, float((values / unit).mean()), float((values / unit).std()) or 1.0, low, high)

    def forward(self, values: np.ndarray) -> np.ndarray:
        """Standardise numbers; NaN stays NaN. Coordinates are clipped to what float32 can hold."""
        return np.clip((values / self.unit - self.mean) / self.spread, -LARGEST, LARGEST)

    def backward(self, z: np.ndarray) -> np.ndarray:
        """Map coordinates to numbers, clipped to the observed range."""
        return np.clip((z * self.spread + self.mean) * self.unit, self.low, self.high)


@dataclass(frozen=True)
class Coordinates:
    """Encode columns as coordinates; fitted to the observed cells of a table.

    Attributes:
        start: (d + 1,) the first coordinate of each column, then the number of coordinates.
        seen: by categorical column, the increasing positions of its observed categories in the schema's list.
        scale: by column, the scale of its one coordinate; columns that are not standardised are absent.
    """

    start: np.ndarray
    seen: dict[str, np.ndarray]
    scale: dict[str, Scale]

    @classmethod
    def fit(cls, table: Table, encoding: str) -> "Coordinates":
        """Fit categories, means and standard deviations.

        Arguments:
            table: (N, d), with an observed cell in every column.
            encoding: how columns are encoded.

                * ``one_hot``: a category as a 0/1 coordinate for each observed category; numbers are standardised.
                * ``ordinal``: a category as its rank among the observed ones, standardised like numbers.
                * ``codes``: a category as its rank, not standardised; numbers are standardised.
                * ``values``: a category as its rank; neither is standardised.
        """
        seen, scale, width = {}, {}, []
        for column in table.schema.columns:
            if column.kind == "categorical":
                codes = codes_of(table, column.name)
                seen[column.name], numbers = np.unique(codes[codes >= 0], return_inverse=True)
                width.append(len(seen[column.name]) if encoding == "one_hot" else 1)
            else:
                numbers = table.frame[column.name].dropna().to_numpy(dtype=np.float64)
                width.append(1)
            if encoding == "ordinal" or (column.kind == "numerical" and encoding != VALUES):
                scale[column.name] = Scale.of(numbers)
        return cls(np.concatenate([[0], np.cumsum(width)]), seen, scale)

    @property
    def columns(self) -> np.ndarray:
        """(D,) int, the position of the column that each coordinate belongs to."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))

    def forward(self, table: Table) -> np.ndarray:
        """Encode a table as coordinates (n, D); holes and categories that are not in :attr:`seen` become NaN."""
        parts = []
        for i, name in enumerate(table.schema.names):
            if name in self.seen:
                values = _ranks(codes_of(table, name), self.seen[name])
            else:
                values = table.frame[name].to_numpy(dtype=np.float64)
            if name in self.scale:
                values = self.scale[name].forward(values)
            if self._is_one_hot(i):
                hole = np.isnan(values)[:, None]
                parts.append(np.where(hole, np.nan, values[:, None] == np.arange(len(self.seen[name]))))
            else:
                parts.append(values[:, None])
        return np.concatenate(parts, axis=1)

    def cells(self, x: np.ndarray, table: Table, name: str) -> np.ndarray:
        """Decode a column of rows x (n, D): (n,) numbers inside the observed range, or positions of categories."""
        i = table.schema.names.index(name)
        block = x[:, self.start[i] : self.start[i + 1]]
        if self._is_one_hot(i):
            return np.asarray(self.seen[name][block.argmax(axis=1)])
        values = self.scale[name].backward(block[:, 0]) if name in self.scale else block[:, 0]
        return np.asarray(self.seen[name][values.round().astype(np.int64)]) if name in self.seen else values

    def fills(self, x: np.ndarray, table: Table) -> dict[str, np.ndarray]:
        """Decode the holes of a table from its completed coordinates x (N, D): by column with holes, (n_holes,)."""
        holes = table.unknown
        return {
            name: self.cells(x[holes[:, i]], table, name)
            for i, name in enumerate(table.schema.names)
            if holes[:, i].any()
        }

    def _is_one_hot(self, i: int) -> bool:
        # a column of one category has one coordinate in every encoding, and is decoded as its rank
        return bool(self.start[i + 1] - self.start[i] > 1)


def others(x: np.ndarray, column: int) -> np.ndarray:
    """Select the columns that may predict a column, (n, d - 1); a constant column if there is no other."""
    return np.delete(x, column, axis=1) if x.shape[1] > 1 else np.zeros((len(x), 1))


def most_frequent(codes: np.ndarray) -> int:
    """Return the most frequent of the integers (n,) >= 0; of several equally frequent ones the smallest."""
    return int(np.bincount(codes.astype(np.int64)).argmax())


def _ranks(codes: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return the position of each code in the increasing ``seen``, NaN where it is not among them."""
    rank = np.searchsorted(seen, codes).clip(0, len(seen) - 1)
    return np.where(seen[rank] == codes, rank, np.nan)
