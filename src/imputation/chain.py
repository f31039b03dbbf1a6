"""The equations of linear chains, and scikit-learn's chain of them, adapted to tables."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import eigh
from sklearn.experimental import enable_iterative_imputer  # noqa: F401  # the next import fails without it
from sklearn.impute import IterativeImputer
from sklearn.linear_model import BayesianRidge


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
