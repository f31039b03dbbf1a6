r"""The paper's simulated Bayesian network (Appendix D.1, Figure 2) and its true conditional tables.

.. math::
    C_1 \sim N(25, 2^2), \quad C_2 | C_1 \sim N(0.1\,C_1 + 50, 5^2), \quad D_1 \sim \mathrm{Bernoulli}(0.3)

and categorical :math:`D_2 | C_1, C_2, D_1` and :math:`D_3 | D_2` as in :data:`D2_GIVEN` and
:data:`D3_GIVEN_D2`. The second argument of N is a standard deviation, as in the authors' data file.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from src.errors import ConfigError
from src.seeding import numpy_stream
from src.tables.datasets.dataset import Dataset
from src.tables.datasets.split import Split
from src.tables.schema import Column, Schema
from src.tables.table import make_table

SCHEMA = Schema(
    (
        Column("C1", "numerical", "float64"),
        Column("C2", "numerical", "float64"),
        Column("D1", "categorical", "int64", categories=(0, 1)),
        Column("D2", "categorical", "int64", categories=(0, 1, 2)),
        Column("D3", "categorical", "int64", categories=(0, 1)),
    ),
    target="D2",
)
D2_GIVEN = np.array(
    [
        [0.3, 0.6, 0.1],  # C1 > 26,  C2 > 55,  D1 = 1
        [0.2, 0.3, 0.5],  # C1 > 26,  C2 <= 55, D1 = 1
        [0.7, 0.1, 0.2],  # C1 <= 26, C2 > 55,  D1 = 1
        [0.1, 0.2, 0.7],  # C1 <= 26, C2 <= 55, D1 = 1
        [0.05, 0.05, 0.9],  # D1 = 0
    ]
)
D1_MEAN = 0.3
D3_GIVEN_D2 = np.array([0.2, 0.4, 0.8])


def d2_situation(frame: pd.DataFrame) -> np.ndarray:
    """Find the row of :data:`D2_GIVEN` that applies to every row of ``frame``, (N,) int in 0..4."""
    low_c1 = (frame["C1"] <= 26).to_numpy(dtype=int)
    low_c2 = (frame["C2"] <= 55).to_numpy(dtype=int)
    return np.where(frame["D1"].to_numpy(dtype=float) == 1, 2 * low_c1 + low_c2, 4)


def bernoulli_one(mean: np.ndarray | float, reading: str) -> np.ndarray:
    """Return P(D = 1) of Bernoulli(mean); with the ``paper`` it is the mean, with the ``authors`` 1 - mean."""
    return np.asarray(mean if reading == "paper" else 1 - np.asarray(mean))


@dataclass(frozen=True)
class BayesianNetwork(Dataset):
    """``dataset=bayesian_network``: rows of the simulated network.

    Attributes:
        bernoulli: ``paper``: Bernoulli(xi) has mean xi; ``authors``: it has mean 1 - xi, as in the
            authors' data files.
        n_train: number of training rows.
        n_test: number of test rows.
    """

    bernoulli: str = "paper"
    n_train: int = 2_000
    n_test: int = 20_000

    def __post_init__(self) -> None:
        if self.bernoulli not in ("paper", "authors"):
            raise ConfigError(f"dataset.bernoulli is paper or authors, got {self.bernoulli!r}")
        if self.n_train < 2 or self.n_test < 1:
            raise ConfigError(
                f"dataset.n_train is at least 2 and dataset.n_test at least 1, got {self.n_train} and {self.n_test}"
            )

    def load(self, seed: int) -> Split:
        """Draw training and test rows from two streams of ``seed``."""
        frames = [
            simulate(n, self.bernoulli, numpy_stream(seed, "split", part))
            for part, n in (("train", self.n_train), ("test", self.n_test))
        ]
        train, test = (make_table(frame, SCHEMA) for frame in frames)
        return Split(train, test)

    def truth(self, frame: pd.DataFrame) -> dict[str, float]:
        """Compare the conditional tables of ``frame`` with the true ones; see :func:`conditional_errors`."""
        return conditional_errors(frame, self.bernoulli)


def simulate(n_rows: int, bernoulli: str, rng: np.random.Generator) -> pd.DataFrame:
    """Draw ``n_rows`` rows of the network."""
    c1 = rng.normal(25, 2, n_rows)
    c2 = rng.normal(0.1 * c1 + 50, 5)
    d1 = (rng.random(n_rows) < bernoulli_one(D1_MEAN, bernoulli)).astype(int)
    frame = pd.DataFrame({"C1": c1, "C2": c2, "D1": d1})
    thresholds = D2_GIVEN.cumsum(axis=1)[d2_situation(frame)]
    frame["D2"] = (rng.random((n_rows, 1)) > thresholds[:, :2]).sum(axis=1)
    frame["D3"] = (rng.random(n_rows) < bernoulli_one(D3_GIVEN_D2, bernoulli)[frame["D2"]]).astype(int)
    return frame


def conditional_errors(frame: pd.DataFrame, bernoulli: str) -> dict[str, float]:
    """Find the largest errors of P(D2 | C1, C2, D1) and P(D3 | D2), and the standard errors of a perfect sample.

    Returns:
        ``d2_error``, ``d3_error``: the largest |estimated - true| entry of each table; ``d2_sampling_error``,
        ``d3_sampling_error``: the standard error sqrt(p (1 - p) / n) of that entry for a perfect sample with the same
        number n of rows in that situation. A situation without rows counts with an error of its largest true
        probability and n = 1.
    """
    d2 = _table_error(d2_situation(frame), frame["D2"].to_numpy(dtype=int), D2_GIVEN)
    p_one = bernoulli_one(D3_GIVEN_D2, bernoulli)
    truth = np.stack([1 - p_one, p_one], axis=1)
    d3 = _table_error(frame["D2"].to_numpy(dtype=int), frame["D3"].to_numpy(dtype=int), truth)
    return {"d2_error": d2[0], "d2_sampling_error": d2[1], "d3_error": d3[0], "d3_sampling_error": d3[1]}


def _table_error(situation: np.ndarray, value: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Find the largest error of a conditional table with P(value | situation) = truth, and its standard error."""
    counts = np.zeros_like(truth)
    np.add.at(counts, (situation, value), 1)
    n = counts.sum(axis=1, keepdims=True)
    error = np.abs(counts / np.maximum(n, 1) - truth)
    standard_error = np.sqrt(truth * (1 - truth) / np.maximum(n, 1))
    worst = np.unravel_index(error.argmax(), error.shape)
    return float(error[worst]), float(standard_error[worst])
