"""Imputers that fill each column by itself, without the others; they are the floors of every comparison."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from src.errors import ConfigError
from src.imputation.imputer import Imputer
from src.seeding import numpy_stream
from src.tables import Table
from src.tables.imputations import Imputations, codes_of

CENTRES = ("mean", "median")


@dataclass
class Centre(Imputer):
    """``imputer=mean_mode``, ``imputer=median_mode``: fill with the mean or median, and the most frequent category.

    Attributes:
        centre: value of a numerical column, ``mean`` or ``median``.
    """

    draws_differ: ClassVar[bool] = False
    centre: str = "mean"
    seed: int = 0
    _values: dict[str, float | int] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.centre not in CENTRES:
            raise ConfigError(f"imputer.centre is one of {', '.join(CENTRES)}, got {self.centre!r}")

    def _fit(self, table: Table) -> None:
        self._values = {}
        for column in table.schema.columns:
            if column.kind == "numerical":
                self._values[column.name] = float(getattr(table.frame[column.name], self.centre)())
            else:
                codes = codes_of(table, column.name)
                self._values[column.name] = int(np.bincount(codes[codes >= 0]).argmax())

    def _transform(self, table: Table, n_imputations: int) -> Imputations:
        n_holes = table.unknown.sum(axis=0)
        filled = {
            name: np.full((1, n), self._values[name]) for name, n in zip(table.schema.names, n_holes, strict=True) if n
        }
        return Imputations(table, filled)


@dataclass
class HotDeck(Imputer):
    """``imputer=hot_deck``: fill with values drawn at random from the observed cells of the column."""

    draws_differ: ClassVar[bool] = True
    seed: int = 0
    _donors: dict[str, np.ndarray] = field(default_factory=dict, init=False, repr=False)

    def _fit(self, table: Table) -> None:
        self._donors = {}
        for column in table.schema.columns:
            if column.kind == "numerical":
                self._donors[column.name] = table.frame[column.name].dropna().to_numpy(dtype=np.float64)
            else:
                codes = codes_of(table, column.name)
                self._donors[column.name] = codes[codes >= 0]

    def _transform(self, table: Table, n_imputations: int) -> Imputations:
        draws = {}
        for name, n_holes in zip(table.schema.names, table.unknown.sum(axis=0), strict=True):
            if n_holes:
                rng = numpy_stream(self.seed, "imputation", name)
                draws[name] = np.stack([rng.choice(self._donors[name], size=n_holes) for _ in range(n_imputations)])
        return Imputations(table, draws)
