"""Linear chained equations: scikit-learn's IterativeImputer with Bayesian ridge regression.

Numbers are standardised by their observed mean and standard deviation, so that one prior on coefficients suits all
columns. Another table is filled by the fitted equations of all rounds, in the order in which they were fitted: the
training table itself gets the values that fitting ended with.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from scipy.linalg import eigh
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401  # the next import fails without it
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
    """BayesianRidge computed from the Gram matrix of its columns instead of a singular value decomposition of its rows.

    The iteration is scikit-learn's (MacKay 1992) and the result is the same up to rounding; it is faster for tables
    of many more rows than columns.
    """

    def fit(self, X: np.ndarray, y: np.ndarray) -> "GramRidge":
        """Fit to rows X (n, p) and targets y (n,)."""
        self.n_features_in_ = X.shape[1]
        self.X_offset_, y_offset = X.mean(axis=0), y.mean()
        centred, target = X - self.X_offset_, y - y_offset
        gram, moment, square = centred.T @ centred, centred.T @ target, target @ target
        values, vectors = eigh(gram)
        # eigenvalues that are 0 but for rounding would count as directions that the rows determine
        values = np.where(values > values[-1] * len(values) * np.finfo(float).eps, values, 0)
        projected = vectors.T @ moment

        alpha, scale = 1 / (y.var() + np.finfo(float).eps), 1.0
        previous = None
        for _ in range(self.max_iter):
            coefficients, error = _solution(values, vectors, projected, square, scale / alpha)
            n_effective = (alpha * values / (scale + alpha * values)).sum()
            scale = (n_effective + 2 * self.lambda_1) / (coefficients @ coefficients + 2 * self.lambda_2)
            alpha = (len(y) - n_effective + 2 * self.alpha_1) / (error + 2 * self.alpha_2)
            if previous is not None and np.abs(previous - coefficients).sum() < self.tol:
                break
            previous = coefficients
        self.alpha_, self.lambda_ = alpha, scale
        self.coef_, _ = _solution(values, vectors, projected, square, scale / alpha)
        self.root_ = vectors / np.sqrt(alpha * values + scale)
        self.intercept_ = y_offset - self.X_offset_ @ self.coef_
        return self

    def predict(self, X: np.ndarray, return_std: bool = False) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Predict rows X (n, p): (n,) means, and with ``return_std`` their standard deviations (n,).

        Variances are sums of squares, by a root of the coefficients' covariance: computed from the covariance itself
        they could be negative by rounding where rows are few.
        """
        mean = np.asarray(X @ self.coef_ + self.intercept_)
        if not return_std:
            return mean
        variance = (((X - self.X_offset_) @ self.root_) ** 2).sum(axis=1) + 1 / self.alpha_
        return mean, np.sqrt(variance)


def _solution(
    values: np.ndarray, vectors: np.ndarray, projected: np.ndarray, square: float, penalty: float
) -> tuple[np.ndarray, float]:
    """Solve ridge regression by the eigenvectors of the Gram matrix: coefficients (p,) and sum of squared errors."""
    rotated = projected / (values + penalty)
    error = square - 2 * rotated @ projected + values @ rotated**2
    return vectors @ rotated, max(float(error), 0.0)


class ColumnwiseImputer(IterativeImputer):  # type: ignore[misc]
    """IterativeImputer that predicts coordinates from those of other table columns only.

    The 0/1 coordinates of a categorical column sum to one where they are observed, so that an equation would learn to
    predict one of them from the rest of its block. In a hole all of them are missing, and the equation would see means.
    scikit-learn offers no setting for this; the private method overridden here is called once for each equation.
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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
