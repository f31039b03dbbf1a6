r"""Missing at random and not at random: the logistic models of Muzellec et al. (2020).

A random share ``p_inputs`` of the columns are the inputs of a logistic model. Every other column j
goes missing with probability :math:`\sigma(X_{\text{in}} w_j + b_j)`, with weights
:math:`w_j \sim N(0, I)` scaled so that the linear part has unit standard deviation, and
:math:`b_j` such that the mean probability is the requested rate. Categories enter as ordinal
codes, and every input is standardised.

* MAR: the inputs stay complete, so that the other columns contain all holes. Their rate is
  ratio * d / d_other, which must be below 1.
* NMAR: afterwards the inputs lose cells completely at random at ``ratio``, which hides part of the values that
  decided about the other holes.

Reference: Missing Data Imputation using Optimal Transport, ICML 2020, https://arxiv.org/abs/2002.03860
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy  # loads scipy.optimize and scipy.special on first use, which keeps the start of commands short

from src.errors import ConfigError, MechanismError
from src.missing.mechanism import RatioMechanism
from src.tables import Table

STEEPEST_INTERCEPT = 200.0


@dataclass(frozen=True)
class LogisticMechanism(RatioMechanism):
    """Base class of MAR and NMAR.

    Attributes:
        p_inputs: share of the columns that are inputs of the logistic model, in (0, 1).
    """

    p_inputs: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.p_inputs < 1:
            raise ConfigError(f"missing.p_inputs is between 0 and 1, got {self.p_inputs}")

    def draw_columns(self, table: Table, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Divide the maskable columns at random into inputs and others, both as increasing positions."""
        columns = self.maskable(table)
        if len(columns) < 2:
            raise MechanismError(f"a logistic mechanism needs at least 2 columns to mask, got {len(columns)}")
        n_inputs = max(int(self.p_inputs * len(columns)), 1)
        order = rng.permutation(columns)
        return np.sort(order[:n_inputs]), np.sort(order[n_inputs:])

    def logistic_holes(
        self, table: Table, inputs: np.ndarray, n_others: int, rate: float, rng: np.random.Generator
    ) -> np.ndarray:
        """Draw the holes of the other columns: (N, n_others) bool, True = **missing**, at a mean rate of ``rate``."""
        x = standardised_codes(table)[:, inputs]
        linear = x @ rng.normal(size=(len(inputs), n_others))
        spread = linear.std(axis=0)
        linear = linear / np.where(spread > 0, spread, 1)
        intercepts = np.array([_intercept(column, rate) for column in linear.T])
        return np.asarray(rng.random(linear.shape) < scipy.special.expit(linear + intercepts))


@dataclass(frozen=True)
class MissingAtRandom(LogisticMechanism):
    """Missing at random (MAR); ``ratio`` is the share of holes in all maskable columns, complete inputs included."""

    def sample_mask(self, table: Table, rng: np.random.Generator) -> np.ndarray:
        """Draw a mask in which the inputs, which stay complete, decide about the holes of the other columns."""
        inputs, others = self.draw_columns(table, rng)
        n_columns = len(inputs) + len(others)
        rate = self.ratio * n_columns / len(others)
        if rate >= 1:
            raise MechanismError(
                f"MAR keeps {len(inputs)} of {n_columns} columns complete, so ratio={self.ratio} cannot be reached: "
                f"ratio must be below {len(others) / n_columns:.3f}; lower it, or lower "
                f"missing.p_inputs={self.p_inputs}"
            )
        mask = np.ones((table.n_rows, table.n_columns), dtype=bool)
        if rate > 0:
            mask[:, others] = ~self.logistic_holes(table, inputs, len(others), rate, rng)
        return mask


@dataclass(frozen=True)
class NotMissingAtRandom(LogisticMechanism):
    """Not missing at random (NMAR): as MAR at rate ``ratio``, then the inputs lose cells at random at that rate."""

    def sample_mask(self, table: Table, rng: np.random.Generator) -> np.ndarray:
        inputs, others = self.draw_columns(table, rng)
        mask = np.ones((table.n_rows, table.n_columns), dtype=bool)
        if self.ratio > 0:
            mask[:, others] = ~self.logistic_holes(table, inputs, len(others), self.ratio, rng)
            mask[:, inputs] = rng.random((table.n_rows, len(inputs))) >= self.ratio
        return mask


def standardised_codes(table: Table) -> np.ndarray:
    """Standardise numbers and ordinal codes of categories to mean 0 and standard deviation 1, (N, d) float.

    Native holes and constant columns become 0, the mean.
    """
    codes = np.empty((table.n_rows, table.n_columns))
    for i, column in enumerate(table.schema.columns):
        values = table.frame[column.name]
        if column.kind == "categorical":
            category = pd.Categorical(values, categories=list(column.categories))
            values = pd.Series(category.codes, dtype=float).replace(-1, np.nan)
        spread = values.std(ddof=0)
        codes[:, i] = ((values - values.mean()) / (spread if spread > 0 else 1)).fillna(0)
    return codes


def _intercept(linear: np.ndarray, rate: float) -> float:
    """Solve mean(sigmoid(linear + b)) = rate for b, with rate in (0, 1)."""
    limit = STEEPEST_INTERCEPT + float(np.abs(linear).max())
    return float(scipy.optimize.brentq(lambda b: scipy.special.expit(linear + b).mean() - rate, -limit, limit))
