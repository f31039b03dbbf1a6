"""Chained equations of boosted trees (LightGBM): numbers from donors, categories from predicted probabilities.

An equation predicts a column from all others. It is fitted to a bootstrap sample of the rows in which the column is
observed, so that chains differ as much as the equations are uncertain. A hole of a numerical column gets the value of
one of the observed rows with the closest predictions (predictive mean matching: Little 1988; van Buuren 2018, section
3.4), and thus a number that the column contains. A hole of a categorical column gets a category drawn with the
predicted probabilities. Holes start at values drawn from their column.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from src.errors import ConfigError
from src.imputation.coordinates import VALUES, Coordinates, Scale, others
from src.imputation.imputer import Imputer
from src.seeding import derive_int32, numpy_stream
from src.tables import Table
from src.tables.imputations import Imputations

if TYPE_CHECKING:  # it takes seconds to load; whoever only checks settings does not wait for it
    import lightgbm


@dataclass(frozen=True)
class Equation:
    """The distribution of a column given the others.

    Attributes:
        booster: the fitted trees; None for a column of a single value.
        values: (n,) observed values; those of a numerical column are sorted by their predictions.
        predictions: (n,) increasing predictions of ``values``; None for a categorical column.
        n_donors: number of observed rows to draw a number from.
    """

    booster: "lightgbm.Booster | None"
    values: np.ndarray
    predictions: np.ndarray | None
    n_donors: int

    def draw(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw values (n,) for rows of predictors x (n, d - 1)."""
        if self.booster is None:
            return np.full(len(x), self.values[0])
        predicted = np.asarray(self.booster.predict(x))
        if self.predictions is not None:
            return np.asarray(self.values[donors(predicted, self.predictions, self.n_donors, rng)])
        probabilities = predicted if predicted.ndim == 2 else np.column_stack([1 - predicted, predicted])
        cumulative = probabilities.cumsum(axis=1)
        return np.asarray((rng.random((len(x), 1)) * cumulative[:, -1:] >= cumulative[:, :-1]).sum(axis=1), float)


def donors(
    predictions: np.ndarray, sorted_predictions: np.ndarray, n_donors: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw for each prediction (n,) one of its ``n_donors`` closest neighbours among the sorted predictions.

    Ties are broken at random.

    Returns:
        (n,) int positions in ``sorted_predictions``.
    """
    n = len(sorted_predictions)
    n_donors = min(n_donors, n)
    first, last = (np.searchsorted(sorted_predictions, predictions, side) for side in ("left", "right"))
    width = min(2 * n_donors, n)
    start = (rng.integers(first, last + 1) - n_donors).clip(0, n - width)
    window = start[:, None] + np.arange(width)
    distance = np.abs(sorted_predictions[window] - predictions[:, None])
    window = np.take_along_axis(window, _closest(distance, rng), axis=1)
    return np.asarray(window[np.arange(len(predictions)), rng.integers(0, n_donors, len(predictions))])


def _closest(distance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sort the positions of each row by distance; a random second key shuffles equal distances."""
    return np.lexsort((rng.random(distance.shape), distance), axis=1)


@dataclass
class BoostedChain(Imputer):
    """``imputer=boosted``.

    Attributes:
        n_iterations: number of rounds over all columns, in fitting and in filling.
        n_chains: number of fitted chains, whose draws are independent; a chain keeps the equations of its last round.
            Draw i uses chain i modulo ``n_chains``, with new random numbers.
        n_trees: number of trees of an equation.
        learning_rate: learning rate of an equation.
        n_leaves: largest number of leaves of a tree.
        min_leaf: smallest number of rows in a leaf.
        n_donors: number of observed rows to draw a number from.
    """

    draws_differ: ClassVar[bool] = True
    n_iterations: int = 5
    n_chains: int = 3
    n_trees: int = 60
    learning_rate: float = 0.1
    n_leaves: int = 15
    min_leaf: int = 20
    n_donors: int = 5
    seed: int = 0
    _coordinates: Coordinates | None = field(default=None, init=False, repr=False)
    _chains: list[dict[int, Equation]] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("n_iterations", "n_chains", "n_trees", "n_leaves", "min_leaf", "n_donors"):
            least = 2 if name == "n_leaves" else 1
            if getattr(self, name) < least:
                raise ConfigError(f"imputer.{name} is at least {least}, got {getattr(self, name)}")
        if not self.learning_rate > 0:
            raise ConfigError(f"imputer.learning_rate is positive, got {self.learning_rate}")

    def _fit(self, table: Table) -> None:
        self._coordinates = Coordinates.fit(table, VALUES)
        x = self._coordinates.forward(table)
        holes = np.isnan(x)
        n_categories = [len(self._coordinates.seen.get(name, ())) for name in table.schema.names]
        order = holes.sum(axis=0).argsort(kind="stable")
        self._chains = []
        n_equations = self.n_chains * self.n_iterations * len(order)
        for number in range(self.n_chains):
            rng = numpy_stream(self.seed, "imputation", "fit", number)
            filled = x.copy()
            for i in order:
                filled[holes[:, i], i] = rng.choice(x[~holes[:, i], i], size=holes[:, i].sum())
            chain: dict[int, Equation] = {}
            for round_number in range(self.n_iterations):
                for n_columns, i in enumerate(order, 1):
                    chain[int(i)] = equation = self._fitted_equation(filled, ~holes[:, i], int(i), n_categories, rng)
                    if holes[:, i].any():
                        filled[holes[:, i], i] = equation.draw(others(filled, i)[holes[:, i]], rng)
                    n_done = (number * self.n_iterations + round_number) * len(order) + n_columns
                    self.on_progress(n_done / n_equations)
            self._chains.append(chain)

    def _fitted_equation(
        self, filled: np.ndarray, observed: np.ndarray, i: int, n_categories: list[int], rng: np.random.Generator
    ) -> Equation:
        import lightgbm

        values, predictors = filled[observed, i], others(filled, i)[observed]
        if (values == values[0]).all():
            return Equation(None, values[:1], None, self.n_donors)
        rows = rng.integers(0, len(values), len(values))
        target = values if n_categories[i] else Scale.of(values).forward(values)
        is_category = np.delete(np.array(n_categories) > 0, i)
        data = lightgbm.Dataset(
            predictors[rows],
            target[rows],
            categorical_feature=np.flatnonzero(is_category).tolist(),
            params={"verbosity": -1},
        )
        parameters = self._parameters(n_categories[i], derive_int32(int(rng.integers(2**31)), "trees"))
        booster = lightgbm.train(parameters, data, self.n_trees).free_dataset()
        if n_categories[i]:
            return Equation(booster, values, None, self.n_donors)
        predictions = np.asarray(booster.predict(predictors))
        by_prediction = predictions.argsort(kind="stable")
        return Equation(booster, values[by_prediction], predictions[by_prediction], self.n_donors)

    def _parameters(self, n_categories: int, seed: int) -> dict[str, Any]:
        objective: dict[str, Any] = {"objective": "regression"}
        if n_categories:
            objective = {"objective": "multiclass", "num_class": n_categories}
        if n_categories == 2:
            objective = {"objective": "binary"}
        return {
            **objective,
            "learning_rate": self.learning_rate,
            "num_leaves": self.n_leaves,
            "min_data_in_leaf": self.min_leaf,
            "min_data_per_group": self.min_leaf,
            "num_threads": torch.get_num_threads(),
            "deterministic": True,
            "force_col_wise": True,
            "seed": seed,
            "verbosity": -1,
        }

    def _transform(self, table: Table, n_imputations: int) -> Imputations:
        assert self._coordinates is not None, "fitted"
        x = self._coordinates.forward(table)
        holes = np.isnan(x)
        draws: list[dict[str, np.ndarray]] = []
        for number in range(n_imputations):
            rng = numpy_stream(self.seed, "imputation", number)
            chain = self._chains[number % self.n_chains]
            filled = x.copy()
            for i, equation in sorted(chain.items()):
                filled[holes[:, i], i] = rng.choice(equation.values, size=holes[:, i].sum())
            for round_number in range(self.n_iterations):
                for i, equation in chain.items():
                    if holes[:, i].any():
                        filled[holes[:, i], i] = equation.draw(others(filled, i)[holes[:, i]], rng)
                self.on_progress((number + (round_number + 1) / self.n_iterations) / n_imputations)
            draws.append(self._coordinates.fills(filled, table))
        return Imputations(table, {name: np.stack([draw[name] for draw in draws]) for name in draws[0]})
