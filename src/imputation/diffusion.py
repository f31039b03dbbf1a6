"""Imputation by diffusion models: MissDiff by a model of whole rows, CSDI_T by one of hidden cells given the others.

Both learn from the table with its holes and draw each row's hidden coordinates given the others. A block of
rows has a random stream of its own for every draw: the first draws are the same whether few or many follow.
"""

from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from src.completion import keep
from src.diffusion import Drawn, Given, Targets
from src.errors import ConfigError
from src.imputation.imputer import Imputer
from src.missing.mcar import NativeMissing
from src.models import Keeping, ModelRecipe, Training
from src.seeding import derive
from src.tables import Split, Table
from src.tables.imputations import Imputations
from src.training.fit import is_rank_zero
from src.training.module import MissDiffModule

BLOCK_ROWS = 2048
LEAST_HIDDEN = 0.25


@dataclass
class DiffusionImputer(Imputer):
    """What the two have in common; ``recipe`` is set before :meth:`fit`, or a trained module by :meth:`take`.

    Attributes:
        n_steps: steps of one draw.
        recipe: of the model behind it.
        keeping: what is kept of its training.
        n_evaluations: network evaluations that one draw of a row with holes took, on average over the rows and draws
            of all tables since it was fitted.
        notes: what the user was told of the training.
    """

    draws_differ: ClassVar[bool] = True
    n_steps: int | None = None
    seed: int = 0
    recipe: ModelRecipe | None = field(default=None, init=False, repr=False)
    keeping: Keeping = field(default=Keeping(), init=False, repr=False)
    module: MissDiffModule | None = field(default=None, init=False, repr=False)
    notes: list[str] = field(default_factory=list, init=False, repr=False)
    _evaluated: tuple[int, int] = field(default=(0, 0), init=False, repr=False)
    """Network evaluations of rows, and drawn rows."""

    def __post_init__(self) -> None:
        if self.n_steps is not None and self.n_steps < 1:
            raise ConfigError(f"imputer.n_steps is at least 1, got {self.n_steps}")

    is_conditional: ClassVar[bool] = False

    @property
    def n_evaluations(self) -> float:
        """See the class."""
        evaluations, rows = self._evaluated
        return evaluations / rows if rows else 0.0

    def targets(self, table: Table) -> Targets | None:
        """What is hidden in training on a table; None = nothing is."""
        return None

    def take(self, module: MissDiffModule) -> None:
        """Impute with a module trained before.

        Raises:
            ConfigError: it is of the other kind.
        """
        is_conditional = module.denoiser.is_conditional
        if is_conditional != self.is_conditional:
            raise ConfigError(f"the model is {'' if is_conditional else 'not '}a conditional one (imputer=csdi_t)")
        self.module = module.eval()
        self._evaluated = (0, 0)
        self._fitted_names = module.encoder.schema.names

    def check(self, recipe: ModelRecipe) -> None:
        """Refuse a recipe that such a model cannot be trained with.

        Raises:
            ConfigError: of a conditional model, a process without noise, or fine-tuning by likelihood.
        """
        if self.is_conditional and not recipe.diffusion.is_continuous:
            raise ConfigError("imputer=csdi_t is a model of noisy cells; diffusion is vp, ddpm or ve")
        if self.is_conditional and recipe.training.fine_tuning_epochs:
            raise ConfigError(
                "imputer=csdi_t has no likelihood of whole rows to fine-tune by; set training.fine_tuning_epochs=0"
            )

    def _fit(self, table: Table) -> None:
        recipe = self.recipe
        assert recipe is not None, "the recipe is set before fit"
        self.check(recipe)
        data = recipe.data(Split(table, table), NativeMissing(), keep, 1, self.seed)
        self.notes = recipe.training.notes(data.steps_per_epoch(recipe.trainer.n_processes))
        if is_rank_zero():
            for note in self.notes:
                print(f"note: {note}")
        training = Training(recipe, data, self.keeping, self.targets(table))
        training.fit()
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()  # one process alone imputes, the others end
        self.take(training.module.to(training.device))

    def _transform(self, table: Table, n_imputations: int) -> Imputations:
        """Draw the rows that have holes, a block of rows at a time, and keep the cells of the holes."""
        rows = np.flatnonzero(~table.observed.all(axis=1))
        starts = range(0, len(rows), BLOCK_ROWS)
        drawn: list[list[dict[str, np.ndarray]]] = [[] for _ in range(n_imputations)]
        for block, start in enumerate(starts):
            part = table.take(rows[start : start + BLOCK_ROWS])
            for number in range(n_imputations):
                drawn[number].append(self._cells_of_holes(part, derive(self.seed, "imputation", block, number)))
                self.on_progress((block + (number + 1) / n_imputations) / len(starts))
        draws = {}
        for i, column in enumerate(table.schema.columns):
            if not table.observed[:, i].all():
                kind = np.float64 if column.kind == "numerical" else np.int64
                by_number = [np.concatenate([cells[column.name] for cells in blocks]) for blocks in drawn]
                draws[column.name] = np.stack(by_number).astype(kind)
        return Imputations(table, draws)

    def _cells_of_holes(self, part: Table, seed: int) -> dict[str, np.ndarray]:
        """Draw rows once; by column the values of its holes, in the order of the rows."""
        module = self.module
        assert module is not None, "fitted"
        x, mask = module.encoder.forward(part, part.observed)
        drawn = self._draw(module, x, mask, torch.Generator(module.device).manual_seed(seed))
        evaluations, rows = self._evaluated
        self._evaluated = (evaluations + drawn.n_evaluations * len(x), rows + len(x))
        cells = module.encoder.decode(drawn.x)
        return {name: cells[name][~part.observed[:, i]] for i, name in enumerate(part.schema.names)}

    @abstractmethod
    def _draw(self, module: MissDiffModule, x: Tensor, mask: Tensor, generator: torch.Generator) -> Drawn:
        """(n, D) complete rows; ``mask`` (n, D) is True where a coordinate of ``x`` is known."""


@dataclass
class MissDiffImputer(DiffusionImputer):
    """``imputer=missdiff``: the model of whole rows.

    Under ``diffusion=absorbing`` known cells are visible and the others drawn one after another; under a continuous
    process known coordinates are replaced at every step (:mod:`src.diffusion.gaussian.conditional`).

    Attributes:
        n_steps: of one draw; None = one for each hole, of a continuous process its own number.
        repeats: how often each step of a continuous process is taken.
    """

    repeats: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.repeats < 1:
            raise ConfigError(f"imputer.repeats is at least 1, got {self.repeats}")

    def _draw(self, module: MissDiffModule, x: Tensor, mask: Tensor, generator: torch.Generator) -> Drawn:
        n_steps = module.diffusion.imputation_steps if self.n_steps is None else self.n_steps
        sampler = replace(module.diffusion.sampler, n_steps=n_steps)
        return module.denoiser.draw(sampler, len(x), generator, Given(x, mask, self.repeats))


@dataclass
class ConditionalImputer(DiffusionImputer):
    """``imputer=csdi_t``: a model of hidden cells given the others (:mod:`src.diffusion.gaussian.csdi`).

    Attributes:
        hidden: chance of an observed cell to be a target in training: a number in (0, 1); ``uniform``, of every row
            another one between 0 and 1; or ``like_table``, the share of the table's cells that are holes, at least
            :data:`LEAST_HIDDEN`: about as much is to be imputed.
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
        """What is hidden in training on a table."""
        if isinstance(self.hidden, float):
            return Targets(self.hidden, self.hidden)
        if self.hidden == "uniform":
            return Targets(0.0, 1.0)
        share = max(float((~table.observed).mean()), LEAST_HIDDEN)
        return Targets(share, share)

    def _draw(self, module: MissDiffModule, x: Tensor, mask: Tensor, generator: torch.Generator) -> Drawn:
        sampler = replace(module.diffusion.sampler, name=self.sampler, n_steps=self.n_steps)
        return module.denoiser.draw(sampler, len(x), generator, Given(x, mask, n_repeats=1))
