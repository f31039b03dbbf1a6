"""Imputation by diffusion models: MissDiff models entire rows, CSDI_T models missing cells given the observed ones.

Both are trained on the table with its holes and draw the missing coordinates of a row given its observed ones. Every
draw of a batch of rows has its own random stream, so that the first draws are the same whatever the number of draws.
"""

from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from src.completion import keep
from src.diffusion import Drawn, KnownCoordinates, Targets
from src.errors import ConfigError
from src.imputation.distributions import hole_distributions, knows_distributions
from src.imputation.imputer import Imputer
from src.missing.mcar import NativeMissing
from src.models import Keeping, ModelRecipe, Training
from src.seeding import derive
from src.tables import Split, Table
from src.tables.imputations import Imputations, codes_of
from src.tables.rules.keeper import Keeper

if TYPE_CHECKING:  # Lightning takes seconds to load; whoever only checks settings does not wait for it
    from src.training.module import MissDiffModule

BATCH_ROWS = 2048
LEAST_HIDDEN = 0.25


@dataclass
class DiffusionImputer(Imputer):
    """Base class of imputers by diffusion models.

    Callers either set :attr:`recipe` before :meth:`fit`, or pass a trained module to :meth:`use_module`.

    Attributes:
        n_steps: number of steps of a draw.
        recipe: recipe of the model.
        keeping: which files the training keeps.
        n_evaluations: mean number of network evaluations for one draw of a row, over the rows with holes of all
            tables since fitting.
        notes: messages about the training that the user has seen.
        keeper: keeps rules between columns in filled rows, as far as their observed cells do; None = no rules.
        n_unkept: filled rows, over all draws since fitting, of which no draw kept a rule that could be kept.
    """

    draws_differ: ClassVar[bool] = True
    n_steps: int | None = None
    seed: int = 0
    recipe: ModelRecipe | None = field(default=None, init=False, repr=False)
    keeping: Keeping = field(default=Keeping(), init=False, repr=False)
    module: "MissDiffModule | None" = field(default=None, init=False, repr=False)
    notes: list[str] = field(default_factory=list, init=False, repr=False)
    keeper: Keeper | None = field(default=None, init=False, repr=False)
    n_unkept: int = field(default=0, init=False, repr=False)
    _evaluated: tuple[int, int] = field(default=(0, 0), init=False, repr=False)
    """Network evaluations summed over rows, and the number of drawn rows."""

    def __post_init__(self) -> None:
        if self.n_steps is not None and self.n_steps < 1:
            raise ConfigError(f"imputer.n_steps is at least 1, got {self.n_steps}")

    is_conditional: ClassVar[bool] = False

    @property
    def n_evaluations(self) -> float:
        """Mean number of network evaluations for one draw of a row; 0 before the first draw."""
        evaluations, rows = self._evaluated
        return evaluations / rows if rows else 0.0

    def targets(self, table: Table) -> Targets | None:
        """Choose the observed cells to hide in training on a table; None hides no cell."""
        return None

    def use_module(self, module: "MissDiffModule") -> None:
        """Impute with a module that is already trained.

        Raises:
            ConfigError: the module is conditional and this imputer is not, or the other way round.
        """
        is_conditional = module.denoiser.is_conditional
        if is_conditional != self.is_conditional:
            raise ConfigError(f"the model is {'' if is_conditional else 'not '}a conditional one (imputer=csdi_t)")
        self.module = module.eval()
        self._evaluated, self.n_unkept = (0, 0), 0
        self._fitted_names = module.encoder.schema.names

    def check(self, recipe: ModelRecipe) -> None:
        """Refuse a recipe that this imputer cannot train a model with.

        Raises:
            ConfigError: the imputer is conditional, and the recipe has a process without noise or a fine-tuning by
                likelihood.
        """
        if self.is_conditional and not recipe.diffusion.is_continuous:
            raise ConfigError("imputer=csdi_t is a model of noisy cells; diffusion is vp, ddpm or ve")
        if self.is_conditional and recipe.training.fine_tuning_epochs:
            raise ConfigError(
                "imputer=csdi_t has no likelihood of whole rows to fine-tune by; set training.fine_tuning_epochs=0"
            )

    def notes_on_rules(self) -> list[str]:
        """A sentence for the user about filled rows that keep no rule although their observed cells do."""
        if not self.n_unkept:
            return []
        return [
            f"{self.n_unkept:,} filled rows (over all draws) break a rule: no values in the range of their columns "
            "that keep it were drawn"
        ]

    def _fit(self, table: Table) -> None:
        from src.training.fit import is_rank_zero

        recipe = self.recipe
        assert recipe is not None, "the recipe is set before fit"
        self.check(recipe)
        parts = {name: getattr(recipe, name).for_imputation() for name in ("encoding", "diffusion", "training")}
        recipe = replace(recipe, **parts)
        data = recipe.data(Split(table, table), NativeMissing(), keep, 1, self.seed)
        self.notes = recipe.for_table(data).training.notes(data.steps_per_epoch(recipe.trainer.n_processes))
        if is_rank_zero():
            for note in self.notes:
                print(f"note: {note}")
        training = Training(recipe, data, self.keeping, self.targets(table))
        training.fit()
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()  # only the first process imputes, the others end here
        self.use_module(training.module.to(training.device))

    def _transform(self, table: Table, n_imputations: int) -> Imputations:
        """Draw the rows with holes batch by batch, and select the values of the holes.

        Rows without holes are not drawn, and a batch is drawn ``n_imputations`` times before the next one, so that
        memory holds the coordinates of one batch only. The seed of a draw depends on the position of the batch and the
        number of the draw, not on ``n_imputations``.
        """
        rows = np.flatnonzero(table.unknown.any(axis=1))
        starts = range(0, len(rows), BATCH_ROWS)
        drawn: list[list[dict[str, np.ndarray]]] = [[] for _ in range(n_imputations)]
        for batch, start in enumerate(starts):
            batch_table = table.take(rows[start : start + BATCH_ROWS])
            for number in range(n_imputations):
                drawn[number].append(self._hole_values(batch_table, derive(self.seed, "imputation", batch, number)))
                self.on_progress((batch + (number + 1) / n_imputations) / len(starts))
        draws = {}
        for i, column in enumerate(table.schema.columns):
            if table.unknown[:, i].any():
                dtype = np.float64 if column.kind == "numerical" else np.int64
                by_number = [np.concatenate([values[column.name] for values in batches]) for batches in drawn]
                draws[column.name] = np.stack(by_number).astype(dtype)
        return Imputations(table, draws)

    def _hole_values(self, table: Table, seed: int) -> dict[str, np.ndarray]:
        """Draw the rows of a table once; return the values of the holes by column, in the order of the rows."""
        module, unknown = self.module, table.unknown
        assert module is not None, "fitted"
        if self.keeper is None:
            values = module.encoder.decode(self._drawn(module, table, seed))
            return {name: values[name][unknown[:, i]] for i, name in enumerate(table.schema.names)}

        def filled(rows: np.ndarray, anew: int) -> Any:
            part = table.take(rows)
            stream = derive(seed, "rules", anew) if anew else seed
            return module.encoder.backward(self._drawn(module, part, stream)).frame.where(part.unknown, part.frame)

        frame, is_unkept = self.keeper.fills(table.frame, unknown, filled)
        self.n_unkept += int(is_unkept.sum())
        kept = Table(frame, table.schema)
        return {
            column.name: (
                codes_of(kept, column.name) if column.kind == "categorical" else frame[column.name].to_numpy()
            )[unknown[:, i]]
            for i, column in enumerate(table.schema.columns)
        }

    def _drawn(self, module: "MissDiffModule", table: Table, seed: int) -> Tensor:
        """Draw the rows of a table once, (n, D)."""
        x, mask = module.encoder.forward(table, table.observed)
        drawn = self._draw(module, x, mask, torch.Generator(module.device).manual_seed(seed))
        evaluations, rows = self._evaluated
        self._evaluated = (evaluations + drawn.n_evaluations * len(x), rows + len(x))
        return drawn.x

    @abstractmethod
    def _draw(self, module: "MissDiffModule", x: Tensor, mask: Tensor, generator: torch.Generator) -> Drawn:
        """Draw complete rows (n, D); ``mask`` (n, D) is True where a coordinate of ``x`` is observed."""


@dataclass
class MissDiffImputer(DiffusionImputer):
    """``imputer=missdiff``: draw missing cells from the model of entire rows.

    With ``diffusion=absorbing`` observed cells are visible and the model draws the others one after another. A
    continuous process replaces the observed coordinates at every step (:mod:`src.diffusion.gaussian.conditional`).

    Attributes:
        n_steps: number of steps of a draw; None = one for each hole, or the default of a continuous process.
        repeats: how often a continuous process repeats each step.
    """

    repeats: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.repeats < 1:
            raise ConfigError(f"imputer.repeats is at least 1, got {self.repeats}")

    def estimate(self, table: Table, n_draws: int, n_imputations: int = 0) -> Imputations:
        """As :meth:`Imputer.estimate`; a model of states knows the distributions, and draws only to keep rules."""
        module = self.module
        if module is None or not knows_distributions(module):
            return super().estimate(table, n_draws, n_imputations)
        n_draws = max(n_imputations, 0 if self.keeper is None else n_draws)
        columns = {name: i for i, name in enumerate(table.schema.names) if table.unknown[:, i].any()}
        draws: dict[str, np.ndarray] = {name: np.empty((0, table.unknown[:, i].sum())) for name, i in columns.items()}
        imputations = self.transform(table, n_draws) if n_draws else Imputations(table, draws)
        return replace(imputations, distributions=hole_distributions(module, table, self.on_progress))

    def _draw(self, module: "MissDiffModule", x: Tensor, mask: Tensor, generator: torch.Generator) -> Drawn:
        n_steps = module.diffusion.imputation_steps if self.n_steps is None else self.n_steps
        sampler = replace(module.diffusion.sampler, n_steps=n_steps)
        return module.denoiser.draw(sampler, len(x), generator, KnownCoordinates(x, mask, self.repeats))


@dataclass
class ConditionalImputer(DiffusionImputer):
    """``imputer=csdi_t``: draw missing cells from a model of them given the others; :mod:`src.diffusion.gaussian.csdi`.

    Attributes:
        hidden: probability that training hides an observed cell, as a target: a number in (0, 1); ``uniform``, drawn
            for every row between 0 and 1; or ``like_table``, the table's share of holes, at least
            :data:`LEAST_HIDDEN`, because about as many cells are missing in imputation.
        sampler: ``dpm`` or ``ancestral``.
    """

    is_conditional: ClassVar[bool] = True
    n_steps: int | None = 20
    hidden: float | str = "like_table"
    sampler: str = "dpm"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_steps is None:
            raise ConfigError("imputer.n_steps of csdi_t is a number, got null")
        is_share = isinstance(self.hidden, float) and 0 < self.hidden < 1
        if not is_share and self.hidden not in ("like_table", "uniform"):
            raise ConfigError(f"imputer.hidden is like_table, uniform, or a share between 0 and 1, got {self.hidden!r}")
        if self.sampler not in ("dpm", "ancestral"):
            raise ConfigError(f"imputer.sampler is dpm or ancestral, got {self.sampler!r}")

    def targets(self, table: Table) -> Targets:
        """Choose the observed cells to hide in training on a table."""
        if isinstance(self.hidden, float):
            return Targets(self.hidden, self.hidden)
        if self.hidden == "uniform":
            return Targets(0.0, 1.0)
        share = max(float((~table.observed).mean()), LEAST_HIDDEN)
        return Targets(share, share)

    def _draw(self, module: "MissDiffModule", x: Tensor, mask: Tensor, generator: torch.Generator) -> Drawn:
        sampler = replace(module.diffusion.sampler, name=self.sampler, n_steps=self.n_steps)
        return module.denoiser.draw(sampler, len(x), generator, KnownCoordinates(x, mask, n_repeats=1))
