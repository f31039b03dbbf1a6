"""Linear chained equations: scikit-learn's IterativeImputer with Bayesian ridge regression.

Numbers are standardised by their observed mean and standard deviation, so that one prior on coefficients suits all
columns. Another table is filled by the fitted equations of all rounds, in the order in which they were fitted: the
training table itself gets the values that fitting ended with.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from threadpoolctl import threadpool_limits

from src.errors import ConfigError
from src.imputation.coordinates import ENCODINGS, Coordinates
from src.imputation.imputer import Imputer
from src.seeding import derive_int32
from src.tables import Table
from src.tables.imputations import Imputations

if TYPE_CHECKING:  # scikit-learn takes a second to load; whoever only checks settings does not wait for it
    from src.imputation.chain import ColumnwiseImputer


@dataclass
class Mice(Imputer):
    """``imputer=mice``, ``imputer=mice_ordinal``: fill with the chain's last predictions (Buck 1960; van Buuren 2011).

    Attributes:
        encoding: encoding of categories, ``one_hot`` or ``ordinal``.
        n_iterations: largest number of rounds over all coordinates.
        tolerance: rounds end when no row changes by more than this, relative to the largest coordinate; ignored by
            ``mice_draws``, because draws do not converge.
    """

    draws_differ: ClassVar[bool] = False
    encoding: str = "one_hot"
    n_iterations: int = 10
    tolerance: float = 0.001
    seed: int = 0
    _coordinates: Coordinates | None = field(default=None, init=False, repr=False)
    _chains: list["ColumnwiseImputer"] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.encoding not in ENCODINGS:
            raise ConfigError(f"imputer.encoding is one of {', '.join(ENCODINGS)}, got {self.encoding!r}")
        if self.n_iterations < 1:
            raise ConfigError(f"imputer.n_iterations is at least 1, got {self.n_iterations}")
        if not self.tolerance > 0:
            raise ConfigError(f"imputer.tolerance is positive, got {self.tolerance}")

    @property
    def _n_chains(self) -> int:
        return 1

    def _fit(self, table: Table) -> None:
        from src.imputation.chain import ColumnwiseImputer, GramRidge

        self._coordinates = Coordinates.fit(table, self.encoding)
        x, columns = self._matrix(table), self._coordinates.columns
        low, high = np.nanmin(x, axis=0), np.nanmax(x, axis=0)
        self._chains = []
        for number in range(self._n_chains):
            chain = ColumnwiseImputer(
                GramRidge(),
                max_iter=self.n_iterations,
                tol=self.tolerance,
                sample_posterior=self.draws_differ,
                min_value=low,
                max_value=np.where(high > low, high, low + 1),
                random_state=derive_int32(self.seed, "imputation", "fit", number),
            )
            chain.columns = columns if len(columns) == x.shape[1] else np.append(columns, len(table.schema.columns))
            chain.on_progress = self._part(number)
            with _without_convergence_warnings(), threadpool_limits(1):
                chain.fit(x)
            del chain.on_progress
            self._chains.append(chain)

    def _part(self, number: int) -> Callable[[float], object]:
        return lambda share: self.on_progress((number + share) / self._n_chains)

    def _matrix(self, table: Table) -> np.ndarray:
        assert self._coordinates is not None, "fitted"
        x = self._coordinates.forward(table)
        if len(table.schema.columns) == 1:  # an equation needs a predictor
            x = np.column_stack([x, np.zeros(len(x))])
        return x

    def _transform(self, table: Table, n_imputations: int) -> Imputations:
        assert self._coordinates is not None, "fitted"
        if not table.unknown.any():
            return Imputations(table, {})
        x = self._matrix(table)
        draws = []
        for number in range(n_imputations):
            chain = self._chains[number % self._n_chains]
            chain.random_state_ = np.random.RandomState(derive_int32(self.seed, "imputation", number))
            with threadpool_limits(1):
                draws.append(self._coordinates.fills(chain.transform(x), table))
            self.on_progress((number + 1) / n_imputations)
        return Imputations(table, {name: np.stack([draw[name] for draw in draws]) for name in draws[0]})


@dataclass
class MiceDraws(Mice):
    """``imputer=mice_draws``: every round draws from the predictive distribution, inside the observed range.

    Attributes:
        n_chains: number of fitted chains, whose draws during fitting are independent. Draw i replays chain i modulo
            ``n_chains`` with new random numbers.
    """

    draws_differ: ClassVar[bool] = True
    n_chains: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_chains < 1:
            raise ConfigError(f"imputer.n_chains is at least 1, got {self.n_chains}")

    @property
    def _n_chains(self) -> int:
        return self.n_chains


@contextmanager
def _without_convergence_warnings() -> Iterator[None]:
    """Silence the warning that rounds end before the tolerance is reached: ``n_iterations`` limits them on purpose."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
