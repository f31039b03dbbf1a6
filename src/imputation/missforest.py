"""MissForest (Stekhoven and Buehlmann 2012, https://doi.org/10.1093/bioinformatics/btr597) by scikit-learn's forests.

Holes start at the mean or the most frequent category. In every round a random forest predicts each column from all
others, in order of increasing numbers of holes. The rounds end with the first one in which neither numbers nor
categories change less than in the round before; its values are discarded. Forests have the settings of R's: a node
tries the square root of the number of columns, a leaf has at least 1 row for classes and 5 for numbers. Unlike in R,
nodes divide categories by their order in the schema, and changes of numbers are standardised, so that the column of the
largest numbers does not decide alone.

The imputer stores the compressed forests of every round and applies all of them to another table, from the same start:
the training table itself gets the values that fitting ended with.
"""

import pickle
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import numpy as np
import torch

from src.errors import ConfigError
from src.imputation.coordinates import CODES, Coordinates, most_frequent, others
from src.imputation.imputer import Imputer
from src.seeding import derive_int32
from src.tables import Table
from src.tables.imputations import Imputations

if TYPE_CHECKING:  # scikit-learn takes a second to load; whoever only checks settings does not wait for it
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

Forest: TypeAlias = "RandomForestClassifier | RandomForestRegressor"
Round = dict[int, bytes]
SMALLEST_LEAF = {"numerical": 5, "categorical": 1}


@dataclass(frozen=True)
class Change:
    """How much a round changed the values of holes.

    Attributes:
        numbers: sum of squared changes over the sum of squares; None if no numerical column has a hole.
        categories: share of the holes whose category changed; None if no categorical column has a hole.
    """

    numbers: float | None
    categories: float | None

    def fell_from(self, before: "Change | None") -> bool:
        """Tell whether numbers or categories changed less than in the round before; True in the first round."""
        if before is None:
            return True
        pairs = ((self.numbers, before.numbers), (self.categories, before.categories))
        return any(now < then for now, then in pairs if now is not None and then is not None)


def change_between(before: np.ndarray, after: np.ndarray, holes: np.ndarray, is_number: np.ndarray) -> Change:
    """Measure the change between two completed tables.

    Arguments:
        before: (N, d) coordinates of the earlier table.
        after: (N, d) coordinates of the later table.
        holes: (N, d) bool, True = filled.
        is_number: (d,) bool, True = numerical column.
    """
    numbers = categories = None
    if holes[:, is_number].any():
        total = (after[:, is_number] ** 2).sum()
        change = ((after - before)[:, is_number] ** 2).sum()
        numbers = float(change / total) if total > 0 else 0.0
    if holes[:, ~is_number].any():
        categories = float((after != before)[:, ~is_number].sum() / holes[:, ~is_number].sum())
    return Change(numbers, categories)


@dataclass
class MissForest(Imputer):
    """``imputer=missforest``.

    Attributes:
        n_trees: number of trees of a forest.
        n_iterations: largest number of rounds.
    """

    draws_differ: ClassVar[bool] = False
    n_trees: int = 100
    n_iterations: int = 10
    seed: int = 0
    _coordinates: Coordinates | None = field(default=None, init=False, repr=False)
    _start: np.ndarray = field(default_factory=lambda: np.empty(0), init=False, repr=False)
    _rounds: list[Round] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("n_trees", "n_iterations"):
            if getattr(self, name) < 1:
                raise ConfigError(f"imputer.{name} is at least 1, got {getattr(self, name)}")

    def _fit(self, table: Table) -> None:
        self._coordinates = Coordinates.fit(table, CODES)
        x = self._coordinates.forward(table)
        holes = np.isnan(x)
        is_number = np.array([column.kind == "numerical" for column in table.schema.columns])
        self._start = np.array(
            [x[~hole, i].mean() if is_number[i] else most_frequent(x[~hole, i]) for i, hole in enumerate(holes.T)]
        )
        order = holes.sum(axis=0).argsort(kind="stable")
        filled = np.where(holes, self._start, x)
        self._rounds, before = [], None
        for _ in range(self.n_iterations):
            after, forests = self._grown(filled, holes, is_number, order)
            change = change_between(filled, after, holes, is_number)
            if not change.fell_from(before):
                break
            self._rounds.append(forests)
            filled, before = after, change
            if not holes.any():
                break
        if not holes.any():  # one round shows that nothing changes, but the holes of other tables need all of them
            self._rounds *= self.n_iterations

    def _grown(
        self, filled: np.ndarray, holes: np.ndarray, is_number: np.ndarray, order: np.ndarray
    ) -> tuple[np.ndarray, Round]:
        """Run a round: the next completed table (N, d), and the forests by column, in the order of fitting."""
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        filled, number, forests = filled.copy(), len(self._rounds), {}
        for n_done, i in enumerate(order, 1):
            kind = "numerical" if is_number[i] else "categorical"
            grow = RandomForestRegressor if is_number[i] else RandomForestClassifier
            forest = grow(
                n_estimators=self.n_trees,
                max_features="sqrt",
                min_samples_leaf=SMALLEST_LEAF[kind],
                n_jobs=torch.get_num_threads(),
                random_state=derive_int32(self.seed, "forest", number, int(i)),
            )
            observed = ~holes[:, i]
            predictors = others(filled, i)
            forest.fit(predictors[observed], filled[observed, i])
            if holes[:, i].any():
                filled[holes[:, i], i] = _predicted(forest, predictors[holes[:, i]])
            forests[int(i)] = zlib.compress(pickle.dumps(forest, protocol=5), 1)
            self.on_progress((number + n_done / len(order)) / self.n_iterations)
        return filled, forests

    def _transform(self, table: Table, n_imputations: int) -> Imputations:
        assert self._coordinates is not None, "fitted"
        x = self._coordinates.forward(table)
        holes = np.isnan(x)
        filled = np.where(holes, self._start, x)
        for number, forests in enumerate(self._rounds):
            for i, packed in forests.items():
                rows = holes[:, i]
                if rows.any():
                    filled[rows, i] = _predicted(pickle.loads(zlib.decompress(packed)), others(filled, i)[rows])
            self.on_progress((number + 1) / len(self._rounds))
        return Imputations(table, {name: cells[None] for name, cells in self._coordinates.fills(filled, table).items()})


def _predicted(forest: Forest, x: np.ndarray) -> np.ndarray:
    # several threads would add up trees in the order in which they finish, which changes the rounding of the sum
    forest.n_jobs = 1
    return np.asarray(forest.predict(x))
