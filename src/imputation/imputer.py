"""The contract of every imputer: fit on a table with holes, fill the holes of that table or of another one."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from src.errors import ConfigError, TableError
from src.tables import Table
from src.tables.imputations import Imputations


class Imputer(ABC):
    """Fills the holes of tables of one schema, numbers and categories alike.

    A subclass is a dataclass of its settings with ``seed`` last; it implements :meth:`_fit` and
    :meth:`_transform`. What stands under a hole is never seen: a table holds NaN there.
    The same settings, tables and seed give the same values, however often and in whichever order tables are filled.

    Attributes:
        draws_differ: whether further imputations are other draws; if not, the imputer has one answer.
        seed: of fitting and of drawing.
        on_progress: receives the share of fitting or filling that is done, 0..1.
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
            table: (n, d) of the columns fitted on.
            n_imputations: draws, m; an imputer with one answer gives one.

        Raises:
            ConfigError: several draws of an imputer that has one answer.
            TableError: it is not fitted, or the columns are others.
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

    @abstractmethod
    def _fit(self, table: Table) -> None: ...

    @abstractmethod
    def _transform(self, table: Table, n_imputations: int) -> Imputations: ...
