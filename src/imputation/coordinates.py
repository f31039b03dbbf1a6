"""Tables as matrices of numbers for libraries that know no categories: NaN in a hole, and back."""

from dataclasses import dataclass

import numpy as np

from src.tables import Table
from src.tables.imputations import codes_of

ENCODINGS = ("one_hot", "ordinal")
CODES, VALUES = "codes", "values"
LARGEST = 1e30


@dataclass(frozen=True)
class Scale:
    """A line from the numbers of a column to coordinates of mean 0 and standard deviation 1.

    Attributes:
        unit: largest absolute value, by which numbers are divided first, so that squares do not overflow.
        mean: of numbers so divided.
        spread: their standard deviation; 1 of a constant column.
        low, high: ends of the range observed, which :meth:`backward` stays inside.
    """

    unit: float
    mean: float
    spread: float
    low: float
    high: float

    @classmethod
    def of(cls, values: np.ndarray) -> "Scale":
        """Learned from (n,) numbers, at least one."""
        low, high = float(values.min()), float(values.max())
        unit = max(abs(low), abs(high)) or 1.0
        if low == high:
            return cls(unit, low / unit, 1.0, low, high)
        return cls(unit, float((values / unit).mean()), float((values / unit).std()) or 1.0, low, high)

    def forward(self, values: np.ndarray) -> np.ndarray:
        """Coordinates of numbers, NaN of NaN; far outside the range they end where 32 bits still hold them."""
        return np.clip((values / self.unit - self.mean) / self.spread, -LARGEST, LARGEST)

    def backward(self, z: np.ndarray) -> np.ndarray:
        """Numbers inside the range observed."""
        return np.clip((z * self.spread + self.mean) * self.unit, self.low, self.high)


@dataclass(frozen=True)
class Coordinates:
    """How columns become coordinates, learned from the observed cells of a table.

    Attributes:
        start: (d + 1,) first coordinate of each column, and the number of all.
        seen: by categorical column the positions of its categories that were seen, increasing.
        scale: by column the scale of its one coordinate; absent: coordinates are as they are.
    """

    start: np.ndarray
    seen: dict[str, np.ndarray]
    scale: dict[str, Scale]

    @classmethod
    def fit(cls, table: Table, encoding: str) -> "Coordinates":
        """Learn categories, means and spreads.

        Arguments:
            table: (N, d), with an observed cell in each column.
            encoding: ``one_hot``: a 0/1 coordinate for each category seen; ``ordinal``: their number among those
                seen, standardised as numbers are; ``codes``: that number as it is; ``values``: that, and numbers
                as they are.
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
        """(D,) position of the column that each coordinate belongs to."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))

    def forward(self, table: Table) -> np.ndarray:
        """(n, D) coordinates, NaN in a hole and where a category was never seen."""
        parts = []
        for i, name in enumerate(table.schema.names):
            if name in self.seen:
                values = _numbers_among(codes_of(table, name), self.seen[name])
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
        """(n,) numbers inside the range observed, or positions of seen categories, of rows x (n, D)."""
        i = table.schema.names.index(name)
        block = x[:, self.start[i] : self.start[i + 1]]
        if self._is_one_hot(i):
            return np.asarray(self.seen[name][block.argmax(axis=1)])
        values = self.scale[name].backward(block[:, 0]) if name in self.scale else block[:, 0]
        return np.asarray(self.seen[name][values.round().astype(np.int64)]) if name in self.seen else values

    def fills(self, x: np.ndarray, table: Table) -> dict[str, np.ndarray]:
        """By column with holes, (n_holes,): what the completed coordinates x (N, D) of a table put into them."""
        holes = ~table.observed
        return {
            name: self.cells(x[holes[:, i]], table, name)
            for i, name in enumerate(table.schema.names)
            if holes[:, i].any()
        }

    def _is_one_hot(self, i: int) -> bool:
        # a lone category is the same in every encoding
        return bool(self.start[i + 1] - self.start[i] > 1)


def others(x: np.ndarray, column: int) -> np.ndarray:
    """(n, d - 1) the columns that may predict a column; a constant where there is no other."""
    return np.delete(x, column, axis=1) if x.shape[1] > 1 else np.zeros((len(x), 1))


def most_frequent(codes: np.ndarray) -> int:
    """The most frequent of (n,) whole numbers from 0 on, of several the first."""
    return int(np.bincount(codes.astype(np.int64)).argmax())


def _numbers_among(codes: np.ndarray, seen: np.ndarray) -> np.ndarray:
    place = np.searchsorted(seen, codes).clip(0, len(seen) - 1)
    return np.where(seen[place] == codes, place, np.nan)
