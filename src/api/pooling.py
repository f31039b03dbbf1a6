r"""Pool analyses of several imputed tables by Rubin's rules (Rubin 1987; van Buuren 2018, section 5.1).

statsmodels fits the model of a formula to each of the m tables; of a coefficient with estimates :math:`q_k` and squared
standard errors :math:`u_k`,

.. math:: \bar q = \frac{1}{m} \sum_k q_k, \quad T = \bar u + (1 + 1/m)\, b, \quad
    b = \frac{1}{m - 1} \sum_k (q_k - \bar q)^2

is the pooled estimate with its variance: that within tables, and that between them, which the holes make. Degrees of
freedom are those of Barnard and Rubin (1999, https://doi.org/10.1093/biomet/86.4.948) for small samples.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from src.errors import ConfigError, TableError

MODELS = ("ols", "logit", "poisson")
COLUMNS = ("estimate", "std_error", "df", "p_value", "lower", "upper", "fmi")


def pool(
    tables: Sequence[pd.DataFrame | str | Path],
    formula: str,
    model: str | Callable[[pd.DataFrame], Any] = "ols",
    level: float = 0.95,
) -> pd.DataFrame:
    """Fit a model to each of several imputed tables, and pool its coefficients.

    Arguments:
        tables: at least 2 completions of one table, frames or files (CSV or Parquet): ``model.impute(frame, 20)``, or
            what ``python -m src.impute n_imputations=20`` has written.
        formula: of statsmodels, e.g. ``"wage ~ age + C(sex)"``.
        model: ``ols``, ``logit`` or ``poisson``; or what fits a frame and returns results of statsmodels, then
            ``formula`` is not read.
        level: of the confidence intervals.

    Returns:
        A row for each coefficient: ``estimate``, its standard error ``std_error``, degrees of freedom ``df``,
        ``p_value`` of 0, ``lower`` and ``upper`` ends of its interval, and ``fmi``, the fraction of the information
        about it that is missing.

    Raises:
        ConfigError: a parameter is wrong, or the formula.
        TableError: a table has other coefficients than the first, or cannot be read.
    """
    if len(tables) < 2:
        raise ConfigError(f"tables are at least 2 completions, to see how they differ, got {len(tables)}")
    if not 0 < level < 1:
        raise ConfigError(f"level is between 0 and 1, got {level!r}")
    fit = model if callable(model) else _fit_of(formula, model)
    results = [fit(_frame(table)) for table in tables]
    names = list(results[0].params.index)
    for number, result in enumerate(results):
        if list(result.params.index) != names:
            raise TableError(
                f"table {number + 1} has the coefficients {list(result.params.index)}, table 1 {names}: a category may "
                "occur in one only"
            )
    estimates = np.stack([np.asarray(result.params, dtype=np.float64) for result in results])
    variances = np.stack([np.asarray(result.bse, dtype=np.float64) ** 2 for result in results])
    return pd.DataFrame(rubin(estimates, variances, float(results[0].df_resid), level), index=names)


def rubin(estimates: np.ndarray, variances: np.ndarray, df_complete: float, level: float) -> dict[str, np.ndarray]:
    """Pool estimates (m, p) and their squared standard errors (m, p).

    Arguments:
        estimates: of the m tables.
        variances: likewise.
        df_complete: residual degrees of freedom of the model on a complete table.
        level: of the confidence intervals.

    Returns:
        The columns of :func:`pool`, (p,) each.
    """
    from scipy import stats

    m = len(estimates)
    estimate, within, between = estimates.mean(axis=0), variances.mean(axis=0), estimates.var(axis=0, ddof=1)
    total = within + (1 + 1 / m) * between
    share = (1 + 1 / m) * between / total
    observed = (df_complete + 1) / (df_complete + 3) * df_complete * (1 - share)
    with np.errstate(divide="ignore"):
        infinite_sample = (m - 1) / share**2
        df = 1 / (1 / infinite_sample + 1 / observed)
    error = np.sqrt(total)
    reach = stats.t.ppf((1 + level) / 2, df) * error
    increase = share / (1 - share)
    return {
        "estimate": estimate,
        "std_error": error,
        "df": df,
        "p_value": 2 * stats.t.sf(np.abs(estimate / error), df),
        "lower": estimate - reach,
        "upper": estimate + reach,
        "fmi": (increase + 2 / (df + 3)) / (1 + increase),
    }


def _fit_of(formula: str, model: str) -> Callable[[pd.DataFrame], Any]:
    """What fits the model of a formula to a frame."""
    if model not in MODELS:
        raise ConfigError(f"model is one of {', '.join(MODELS)}, or a function, got {model!r}")

    def fit(frame: pd.DataFrame) -> Any:
        import statsmodels.formula.api as models

        try:
            return getattr(models, model)(formula, frame).fit(**({} if model == "ols" else {"disp": False}))
        except Exception as error:  # of a formula, its parsers may raise anything
            raise ConfigError(f"formula={formula!r} cannot be fitted: {error}") from error

    return fit


def _frame(table: pd.DataFrame | str | Path) -> pd.DataFrame:
    """A table as a frame."""
    if isinstance(table, pd.DataFrame):
        return table
    try:
        return pd.read_parquet(table) if Path(table).suffix == ".parquet" else pd.read_csv(table)
    except (OSError, ValueError) as error:
        raise TableError(f"{table} cannot be read: {error}") from error
