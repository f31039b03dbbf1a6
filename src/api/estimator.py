"""The estimator: its parameters, and what can be done with a fitted one."""

import tempfile
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from src.api.fitting import ESTIMATOR_KEY, TYPES_KEY, trained
from src.api.scoring import scores_beside_floor
from src.config.estimator import estimator_config
from src.config.recorded import load_model
from src.config.run import Config
from src.config.sample import HOLES
from src.errors import ConfigError
from src.imputation.diffusion import MissDiffImputer
from src.questions import N_ORDERS, distribution, labelled, log_probabilities
from src.runs.draw import draw_rows, fix, note_on_few_rows
from src.tables.imputations import ESTIMATES
from src.tables.reading import frames
from src.tables.reading.frame_types import FrameTypes, plain_value
from src.tables.reading.understanding import Rules
from src.tables.rules.estimates import unkept_notes
from src.training import LAST, checkpoint_of
from src.training.checkpoint import read_checkpoint, without_training, write_checkpoint
from src.training.module import CHECKPOINT_KEY


class MissDiff(BaseEstimator):  # type: ignore[misc]
    """Trains on a frame with holes, draws complete rows.

    Arguments:
        target: column to predict, for :meth:`evaluate`.
        categorical: columns whose values are categories although they are numbers, or many.
        numerical: columns whose values are numbers although there are few.
        ids: columns not to be learned, that get new values.
        exclude: columns to leave out.
        merge_spellings: columns in which ``Yes`` and ``yes`` are one category.
        structural: columns of which a hole is no unknown value: it does not apply to the row, and stays a hole.
        rules: rules between columns that all rows keep, e.g. ``["end >= start"]``; None = look for none either.
        ordered: orders by column, smallest first, e.g. ``{"size": ["S", "M", "L"]}``.
        holes: texts that mark a hole; None = the usual ones such as ``NA``. NaN, None and NaT always are holes.
        also_holes: texts or numbers that mark a hole too, e.g. ``[-999]``.
        decimal: decimal sign of numbers that are texts, ``.`` or ``,``; None = detect it.
        max_categories: of a column with more, the rarer ones are learned as one and drawn by their frequency.
        settings: options and keys of ``python -m src.train --help``'s groups ``diffusion``, ``network``,
            ``training``, ``budget``, ``trainer`` and ``evaluation``, e.g. ``{"training.n_steps": 500}``.
        seed: of training, and of sampling where it names none.

    Attributes:
        columns_: what the columns were found to be, a frame with a row for each; not of a run's folder.
        notes_: sentences on what may be decided otherwise; likewise.
        n_rows_: rows trained on.
    """

    def __init__(
        self,
        *,
        target: str | int | None = None,
        categorical: Sequence[str] = (),
        numerical: Sequence[str] = (),
        ids: Sequence[str] = (),
        exclude: Sequence[str] = (),
        merge_spellings: Sequence[str] = (),
        structural: Sequence[str] = (),
        rules: Sequence[str] | None = (),
        ordered: Mapping[str, Sequence[Any]] | None = None,
        holes: Sequence[Any] | None = None,
        also_holes: Sequence[Any] = (),
        decimal: str | None = None,
        max_categories: int = 10_000,
        settings: Mapping[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        self.target = target
        self.categorical = categorical
        self.numerical = numerical
        self.ids = ids
        self.exclude = exclude
        self.merge_spellings = merge_spellings
        self.structural = structural
        self.rules = rules
        self.ordered = ordered
        self.holes = holes
        self.also_holes = also_holes
        self.decimal = decimal
        self.max_categories = max_categories
        self.settings = settings
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: None = None) -> "MissDiff":
        """Train.

        Arguments:
            X: (N, d) at least 2 rows; NaN, None, NA and NaT are holes, and texts such as ``NA``.
            y: ignored; the target is a column of ``X``.

        Raises:
            ConfigError: a parameter is wrong.
            TableError: a column cannot be used; names it and the row.
        """
        self._use(trained(X, self._config(), self.get_params(deep=False), self._rules))
        return self

    def sample(
        self,
        n_rows: int | None = None,
        *,
        where: Mapping[str, Any] | None = None,
        holes: str = "none",
        seed: int | None = None,
        repeats: int = 10,
    ) -> pd.DataFrame:
        """Draw rows of the columns, order and dtypes of the frame; the same rows for the same seed.

        Arguments:
            n_rows: as many as trained on if None.
            where: columns to fix, e.g. ``{"sex": "female"}``.
            holes: ``none``, or ``like_training``: rows have holes like those trained on; :func:`draw_rows`.
            seed: of the rows; None = the estimator's.
            repeats: of every step of a continuous process (``diffusion`` ddpm, vp or ve) where columns are fixed.

        Raises:
            ConfigError, TableError: a column or a value of ``where`` does not exist.
        """
        check_is_fitted(self, "n_rows_")
        n_rows, seed = self.n_rows_ if n_rows is None else n_rows, self.seed if seed is None else seed
        for key, value, least in (("n_rows", n_rows, 1), ("repeats", repeats, 1), ("seed", seed, 0)):
            if not isinstance(value, int | np.integer) or value < least:
                raise ConfigError(f"{key} is a whole number, at least {least}, got {value!r}")
        if holes not in HOLES:
            raise ConfigError(f"holes is one of {', '.join(HOLES)}, got {holes!r}")
        model = self._model
        values = {str(name): plain_value(value) for name, value in (where or {}).items()}
        fixed = fix(model, values, repeats)
        if (note := note_on_few_rows(model, values)) is not None:
            warnings.warn(note, stacklevel=2)
        drawn = draw_rows(model, int(n_rows), int(seed), fixed, holes == "like_training")
        parts, done = [], 0
        for frame, rng in drawn:
            parts.append(model.layout.restore(frame, done, rng))
            done += len(frame)
        return self._types.restored_frame(pd.concat(parts, ignore_index=True))

    def impute(
        self,
        X: pd.DataFrame,
        n_imputations: int | None = None,
        *,
        estimate: str = "mean",
        n_draws: int = 20,
        seed: int | None = None,
        n_steps: int | None = None,
        repeats: int = 4,
    ) -> pd.DataFrame | list[pd.DataFrame]:
        """Fill the holes of a frame, that trained on or another one of its columns; observed cells stay as they are.

        Arguments:
            X: (N, d) at least one row. Texts such as ``NA`` that may be values stay, with a warning.
            n_imputations: m = m frames, each another draw; None = one frame with the best value of each hole.
            estimate: best value of a number: its ``mean`` or ``median`` given the observed cells of the row; of a
                category the most probable one.
            n_draws: draws that these are taken from where the model does not know them, or rules are kept.
            seed: of the draws; None = the estimator's.
            n_steps: of one draw; None = one for each hole of a row, of a continuous process 12.
            repeats: of every step of a continuous process.

        Raises:
            ConfigError, TableError: a setting is out of range; a learned column is absent or has other cells.
        """
        check_is_fitted(self, "n_rows_")
        if estimate not in ESTIMATES:
            raise ConfigError(f"estimate is one of {', '.join(ESTIMATES)}, got {estimate!r}")
        seed = self.seed if seed is None else seed
        imputer = MissDiffImputer(n_steps=n_steps, repeats=repeats, seed=seed)
        imputer.use_module(self._answering)
        imputer.keeper = self._model.layout.keeper()
        table = frames.as_tables({"given": X}, self._model.layout, self._rules)["given"]
        m, layout = n_imputations, self._model.layout
        imputations = imputer.estimate(table, n_draws) if m is None else imputer.transform(table, m)
        for note in (*unkept_notes(table, layout.rules, imputer.keeper), *imputer.notes_on_rules()):
            warnings.warn(note, stacklevel=2)
        filled = partial(frames.with_filled, X, self._types, layout, imputations, seed=seed, keeper=imputer.keeper)
        filled = partial(filled, doubts=frames.doubts_of(X, layout, self._rules))
        return filled(estimate) if n_imputations is None else [filled(number) for number in range(n_imputations)]

    def log_prob(self, X: pd.DataFrame, *, n_orders: int = N_ORDERS, seed: int | None = None) -> pd.Series:
        r"""Compute :math:`\log_2 p` of the observed cells of each row, in bits: how probable the model finds them.

        Categories have probabilities, and so have numbers on a grid or that many cells share; other numbers have
        densities by their unit. A row with a category that no training row has is impossible: -inf.

        Arguments:
            X: (N, d) rows of the columns trained on; holes do not count.
            n_orders: orders of the cells that are averaged over where rows are drawn in random orders (tables with
                holes). More of them raise the bound.
            seed: of the orders; None = the estimator's.

        Raises:
            ConfigError: the model is none of ``diffusion=absorbing``.
            TableError: a learned column is absent or has other cells.
        """
        check_is_fitted(self, "n_rows_")
        if not isinstance(n_orders, int | np.integer) or n_orders < 1:
            raise ConfigError(f"n_orders is a whole number, at least 1, got {n_orders!r}")
        table = frames.as_tables({"given": X}, self._model.layout, self._rules)["given"]
        seed = self.seed if seed is None else seed
        return pd.Series(log_probabilities(self._answering, table, seed, int(n_orders)), X.index, name="log_prob")

    def predict_proba(self, X: pd.DataFrame, column: Any = None) -> pd.DataFrame:
        """Compute the distribution of a column given the other cells of each row, as far as they are observed.

        Arguments:
            X: (N, d) rows of the columns trained on, with or without holes; the column itself is not read.
            column: name of the column; None = the target.

        Returns:
            A row for each row, a column for each value, and for intervals of a column of many numbers.

        Raises:
            ConfigError: the column is not learned, or the model is none of ``diffusion=absorbing``.
            TableError: another learned column is absent or has other cells.
        """
        check_is_fitted(self, "n_rows_")
        name = str(self.target if column is None else column)
        if name not in self._model.schema.names:
            raise ConfigError(f"column is one of {', '.join(self._model.schema.names)}, got {column!r}")
        given = X if name in X or column in X else X.assign(**{name: np.nan})
        table = frames.as_tables({"given": given}, self._model.layout, self._rules)["given"]
        found, restored = distribution(self._answering, table, name), partial(self._types.restored, name)
        return labelled(found, self._model.layout[name], X.index, restored)

    def evaluate(
        self, real: pd.DataFrame, synthetic: pd.DataFrame | None = None, test: pd.DataFrame | None = None
    ) -> pd.DataFrame:
        """Scores of synthetic rows beside those of a floor, independent draws from the real columns.

        Arguments:
            real: rows the synthetic ones stand for, as a rule those trained on.
            synthetic: rows to score; None = as many as ``real``, drawn here.
            test: real rows that were not trained on; None = utility is tested on ``real``.

        Returns:
            A row for every metric, columns ``synthetic`` and ``floor``; NaN where one is not defined.
        """
        check_is_fitted(self, "n_rows_")
        given = {"real": real, "synthetic": self.sample(len(real)) if synthetic is None else synthetic, "test": test}
        present = {name: frame for name, frame in given.items() if frame is not None}
        tables = frames.as_tables(present, self._model.layout, self._rules)
        return scores_beside_floor(tables, self._config().evaluation, self.seed)

    def save(self, file: str | Path) -> None:
        """Write the model; :meth:`load` and ``python -m src.sample run=FILE`` read it."""
        check_is_fitted(self, "n_rows_")
        write_checkpoint(self._checkpoint, Path(file))

    @classmethod
    def load(cls, file: str | Path) -> "MissDiff":
        """Read a saved model, or the one in the folder of a finished run.

        Raises:
            CheckpointError: the file is damaged or was not written by this program.
            ConfigError: the folder holds no finished run, or one without a model.
        """
        checkpoint = read_checkpoint(checkpoint_of(Path(file)))
        stored = checkpoint[CHECKPOINT_KEY]
        defaults = {"target": stored["config"]["dataset"].get("target"), "seed": stored["seed"]}
        model = cls(**stored.get(ESTIMATOR_KEY, defaults))
        model._use(without_training(checkpoint, stored))
        return model

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_rows_")

    def _use(self, checkpoint: dict[str, Any]) -> None:
        self._checkpoint = checkpoint
        with tempfile.TemporaryDirectory() as folder:
            write_checkpoint(checkpoint, file := Path(folder) / LAST)
            self._model, self._answering = load_model(file), load_model(file, answers=True).module
        masks, stored = self._model.masks, checkpoint[CHECKPOINT_KEY]
        self._types = FrameTypes(**stored.get(TYPES_KEY, {}))
        if "columns" in stored:
            self.columns_ = pd.DataFrame(stored["columns"]).set_index("name")
            self.notes_ = list(stored["notes"])
        self.n_rows_ = int(stored.get("n_rows", 1000 if masks is None else len(masks)))

    def _config(self) -> Config:
        return estimator_config(self.settings or {}, self.seed)

    @property
    def _rules(self) -> Rules:
        target, also_holes = None if self.target is None else str(self.target), tuple(frames.plain(self.also_holes))
        holes = None if self.holes is None else tuple(frames.plain(self.holes))
        return Rules(target, holes, also_holes, self.max_categories, tuple(self.rules or ()), self.rules is not None)
