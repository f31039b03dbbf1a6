"""Linear chained equations: scikit-learn's IterativeImputer around Bayesian ridge regression.

Numbers are standardised by their observed mean and spread, so that one prior on coefficients suits all. Another
table is filled by the equations learned, round after round as they were learned: a table equal to the one learned
from gets the values that learning itself ended with.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from scipy.linalg import eigh
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401  # makes the next line possible
from sklearn.impute import IterativeImputer
from sklearn.linear_model import BayesianRidge
from threadpoolctl import threadpool_limits

from src.errors import ConfigError
from src.imputation.coordinates import ENCODINGS, Coordinates
from src.imputation.imputer import Imputer
from src.seeding import derive_int32
from src.tables import Table
from src.tables.imputations import Imputations


class GramRidge(BayesianRidge):  # type: ignore[misc]
    """BayesianRidge from the products of its columns instead of a singular value decomposition of its rows.

    The iteration is the library's (MacKay 1992), the result the same up to rounding; faster where
    there are many more rows than columns.
    """

    def fit(self, X: np.ndarray, y: np.ndarray) -> "GramRidge":
        """Learn from rows X (n, p) and targets y (n,)."""
        self.n_features_in_ = X.shape[1]
        self.X_offset_, y_offset = X.mean(axis=0), y.mean()
        centred, target = X - self.X_offset_, y - y_offset
        gram, moment, square = centred.T @ centred, centred.T @ target, target @ target
        values, vectors = eigh(gram)
        # what rounding left of directions that no row has would count as directions learned
        values = np.where(values > values[-1] * len(values) * np.finfo(float).eps, values, 0)
        along = vectors.T @ moment

        alpha, scale = 1 / (y.var() + np.finfo(float).eps), 1.0
        before = None
        for _ in range(self.max_iter):
            coefficients, error = _solution(values, vectors, along, square, scale / alpha)
            used = (alpha * values / (scale + alpha * values)).sum()
            scale = (used + 2 * self.lambda_1) / (coefficients @ coefficients + 2 * self.lambda_2)
            alpha = (len(y) - used + 2 * self.alpha_1) / (error + 2 * self.alpha_2)
            if before is not None and np.abs(before - coefficients).sum() < self.tol:
                break
            before = coefficients
        self.alpha_, self.lambda_ = alpha, scale
        self.coef_, _ = _solution(values, vectors, along, square, scale / alpha)
        self.root_ = vectors / np.sqrt(alpha * values + scale)
        self.intercept_ = y_offset - self.X_offset_ @ self.coef_
        return self

    def predict(self, X: np.ndarray, return_std: bool = False) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """(n,) predictions for rows X (n, p), and their standard deviations.

        The latter by the root of the coefficients' covariance: by itself rounding makes variances of few rows negative.
        """
        mean = np.asarray(X @ self.coef_ + self.intercept_)
        if not return_std:
            return mean
        variance = (((X - self.X_offset_) @ self.root_) ** 2).sum(axis=1) + 1 / self.alpha_
        return mean, np.sqrt(variance)


def _solution(
    values: np.ndarray, vectors: np.ndarray, along: np.ndarray, square: float, penalty: float
) -> tuple[np.ndarray, float]:
    """Coefficients (p,) and sum of squared errors of ridge regression, in the eigenvectors of its products."""
    rotated = along / (values + penalty)
    error = square - 2 * rotated @ along + values @ rotated**2
    return vectors @ rotated, max(float(error), 0.0)


class ColumnwiseImputer(IterativeImputer):  # type: ignore[misc]
    """IterativeImputer whose coordinates are predicted from those of other columns only.

    The 0/1 coordinates of one categorical column are missing together; where they are observed they sum
    to one, so that each would be predicted from the others alone and a missing category from their means.
    The library has no way to say so but the private method overridden here, called once for each equation learned.
    """

    columns: np.ndarray
    on_progress: Callable[[float], object]
    n_learned = 0

    def _get_neighbor_feat_idx(self, n_features: int, feat_idx: int, abs_corr_mat: Any) -> np.ndarray:
        self.on_progress(self.n_learned / (n_features * self.max_iter))
        self.n_learned += 1
        return np.flatnonzero(self.columns != self.columns[feat_idx])


@dataclass
class Mice(Imputer):
    """``imputer=mice``, ``imputer=mice_ordinal``: predictions of the chain's last round (Buck 1960; van Buuren 2011).

    Attributes:
        encoding: of categories, ``one_hot`` or ``ordinal``.
        n_iterations: rounds over all coordinates, at most.
        tolerance: largest change of a row, relative to the largest coordinate, at which rounds end; of predictions
            only, for draws never settle.
    """

    draws_differ: ClassVar[bool] = False
    encoding: str = "one_hot"
    n_iterations: int = 10
    tolerance: float = 0.001
    seed: int = 0
    _coordinates: Coordinates | None = field(default=None, init=False, repr=False)
    _chains: list[ColumnwiseImputer] = field(default_factory=list, init=False, repr=False)

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
            with _rounds_may_run_out(), threadpool_limits(1):
                chain.fit(x)
            del chain.on_progress
            self._chains.append(chain)

    def _part(self, number: int) -> Callable[[float], object]:
        return lambda share: self.on_progress((number + share) / self._n_chains)

    def _matrix(self, table: Table) -> np.ndarray:
        assert self._coordinates is not None, "fitted"
        x = self._coordinates.forward(table)
        if len(table.schema.columns) == 1:  # equations need something on their right-hand side
            x = np.column_stack([x, np.zeros(len(x))])
        return x

    def _transform(self, table: Table, n_imputations: int) -> Imputations:
        assert self._coordinates is not None, "fitted"
        if table.observed.all():
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
    """``imputer=mice_draws``: each round draws from the predictive distribution, inside the range observed.

    Attributes:
        n_chains: chains learned, each with draws of its own in the holes that it learns from. Draw i replays chain i
            modulo ``n_chains``, with random numbers of its own.
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
def _rounds_may_run_out() -> Iterator[None]:
    """``n_iterations`` is as many rounds as were asked for; that they end before the tolerance is no news."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
