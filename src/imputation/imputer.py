"""The interface of imputers, which learn from a table with holes and fill its holes or those of another table."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from src.errors import ConfigError, TableError
from src.tables import Table
from src.tables.imputations import Imputations


class Imputer(ABC):
    """Fill the holes of numerical and categorical columns in tables of one schema.

    A subclass is a dataclass of its settings with ``seed`` last; it implements :meth:`_fit` and :meth:`_transform`. An
    imputer never sees the true value of a hole, because a table has NaN there. The same settings, tables and seed give
    the same values, in whichever order and however often tables are filled.

    Attributes:
        draws_differ: whether an imputer draws, so that several imputations differ; if not, it gives one imputation.
        seed: seed of fitting and of drawing.
        on_progress: called with the finished share of fitting or filling, 0..1.
    """

    draws_differ: ClassVar[bool]
    seed: int
    on_progress: Callable[[float], object] = staticmethod(lambda share: None)
    _fitted_names: list[str] | None = None

    def fit(self, table: Table) -> "Imputer":
        """Learn from a table with holes.

        Arguments:
            table: (N, d), NaN in a hole.

        Raises:
            TableError: a column has no observed cell.
        """
        for i, name in enumerate(table.schema.names):
            if not table.observed[:, i].any():
                raise TableError(f"column {name!r} has no observed cell to learn from; drop the column")
        self._fit(table)
        self._fitted_names = table.schema.names
        return self

    def transform(self, table: Table, n_imputations: int = 1) -> Imputations:
        """Fill the holes of a table, the one fitted on (in-sample) or another (out-of-sample).

        Arguments:
            table: (n, d), with the columns of the fitted table.
            n_imputations: number of draws, m; 1 unless :attr:`draws_differ`.

        Raises:
            ConfigError: several draws are requested of an imputer that does not draw.
            TableError: the imputer is not fitted, or was fitted on other columns.
        """
        if self._fitted_names is None:
            raise TableError(f"{type(self).__name__} is not fitted; call fit(table) first")
        if table.schema.names != self._fitted_names:
            raise TableError(f"expected the columns {self._fitted_names}, got {table.schema.names}")
        if n_imputations < 1:
            raise ConfigError(f"n_imputations is at least 1, got {n_imputations}")
        if n_imputations > 1 and not self.draws_differ:
            raise ConfigError(f"{type(self).__name__} has one answer for each hole; n_imputations is 1")
        return self._transform(table, n_imputations)

    def estimate(self, table: Table, n_draws: int, n_imputations: int = 0) -> Imputations:
        """Impute for best values, intervals and probabilities; arguments and errors as for :meth:`transform`.

        Arguments:
            table: see there.
            n_draws: draws of each hole, of an imputer that draws and knows no distributions.
            n_imputations: draws that are wanted also where it knows them.
        """
        return self.transform(table, max(n_draws, n_imputations) if self.draws_differ else 1)

    @abstractmethod
    def _fit(self, table: Table) -> None: ...

    @abstractmethod
    def _transform(self, table: Table, n_imputations: int) -> Imputations: ...
