"""Models: assemble a training from its recipe, run it, or load what one has left.

The commands, the estimator, the imputers and the search all train through :class:`Training`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from src.completion import Completion
from src.diffusion import DiffusionSettings, Moments, Targets
from src.diffusion.networks import NetworkSettings
from src.encoding import Encoding, encoder_from_dict
from src.errors import CheckpointError
from src.missing import Mechanism
from src.tables import Dataset, Split
from src.training.recipe import TrainerSettings, TrainingRecipe

if TYPE_CHECKING:  # Lightning takes seconds to load; whoever only checks settings does not wait for it
    from pytorch_lightning.callbacks import Callback

    from src.training.datamodule import TableDataModule
    from src.training.module import MissDiffModule

WeightsOf = Callable[[dict[str, Any]], dict[str, Tensor]]
MOST_SYNTHETIC = 100_000
"""Synthetic rows of a user's table where their number is not given."""


@dataclass(frozen=True)
class ModelRecipe:
    """What a model is trained by, whatever the table: the groups of these names of ``python -m src.train``."""

    encoding: Encoding
    diffusion: DiffusionSettings
    network: NetworkSettings
    training: TrainingRecipe
    trainer: TrainerSettings

    def data(
        self,
        split: Split,
        mechanism: Mechanism,
        completion: Completion,
        n_synthetic: int,
        seed: int,
        n_held_out: Callable[[int], int] | None = None,
    ) -> TableDataModule:
        """The table, with mechanism, completion and encoding to be applied.

        Arguments:
            split: training and test table.
            mechanism: takes cells of the training table away.
            completion: what is done about the holes.
            n_synthetic: rows to draw afterwards.
            seed: of the run.
            n_held_out: number of rows to hold out of the training, by the number of all; None = the recipe's.
        """
        from src.training.datamodule import TableDataModule

        n_held_out = n_held_out or self.training.n_held_out
        return TableDataModule(
            split, mechanism, completion, self.encoding, self.training.batch_size, n_synthetic, seed, n_held_out
        )

    def for_table(self, data: TableDataModule) -> ModelRecipe:
        """A copy of which the length of the training is that of the table; see :meth:`TrainingRecipe.for_table`."""
        prepared = data.data
        training = self.training.for_table(prepared.share_observed, prepared.encoder.has_many_categories)
        return replace(self, training=training)

    def module(
        self,
        data: TableDataModule,
        settings: dict[str, Any] | None = None,
        stored: dict[str, Any] | None = None,
        targets: Targets | None = None,
    ) -> MissDiffModule:
        """The untrained model of the encoded table.

        Arguments:
            data: of :meth:`data`.
            settings: plain values, kept in the checkpoint.
            stored: what else the checkpoint holds of the table, plain values and arrays.
            targets: makes it a conditional model; None = of whole rows.
        """
        from src.training.module import MissDiffModule, untrained_denoiser

        encoder = data.data.encoder
        denoiser = untrained_denoiser(self.diffusion, self.network, encoder, data.data.moments(), data.seed, targets)
        module = MissDiffModule(
            denoiser,
            encoder,
            self.diffusion,
            self.training,
            data.steps_per_epoch(self.trainer.n_processes),
            data.seed,
            _stored(settings or {}, stored or {}, targets),
        )
        module.compiles = self.trainer.compile
        return module


@dataclass(frozen=True)
class Experiment:
    """A table, what is done to it, and what learns from it.

    Attributes:
        dataset: loads the table.
        mechanism: takes cells of the training table away.
        completion: what is done about the holes.
        learner: ``diffusion``, ``marginals`` (independent draws of the observed cells), ``conditional`` or ``none``.
        recipe: of the model.
        seed: of the run.
        n_synthetic: rows to draw; None = :meth:`usual_number`.
    """

    dataset: Dataset
    mechanism: Mechanism
    completion: Completion
    learner: str
    recipe: ModelRecipe
    seed: int
    n_synthetic: int | None = None

    def data(self, n_held_out: Callable[[int], int] | None = None) -> TableDataModule:
        """The split, with mechanism, completion and encoding to be applied; see :meth:`ModelRecipe.data`."""
        split = self.dataset.load(self.seed)
        n_synthetic = self.n_synthetic or usual_number(split)
        return self.recipe.data(split, self.mechanism, self.completion, n_synthetic, self.seed, n_held_out)


def usual_number(split: Split) -> int:
    """Synthetic rows where their number is not given: as many as training rows, of a user's table so many at most."""
    n_rows = split.train.n_rows
    return n_rows if split.layout is None else min(n_rows, MOST_SYNTHETIC)


@dataclass(frozen=True)
class Keeping:
    """What is kept of a training, and where.

    Attributes:
        folder: of checkpoint and training curve, which training resumes from; None = nowhere.
        settings, stored: see :meth:`ModelRecipe.module`.
        anew: whether an earlier training in the folder is deleted first.
    """

    folder: Path | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    stored: dict[str, Any] = field(default_factory=dict)
    anew: bool = False


class Training:
    """One model and its training.

    Arguments:
        recipe: of the model; the length of its training becomes that of the table (:meth:`ModelRecipe.for_table`).
        data: of :meth:`ModelRecipe.data`.
        keeping: what is kept of it.
        targets: makes it a conditional model; None = of whole rows.
        on_epoch: receives the line of the training curve after every epoch.
        callbacks: of Lightning, further ones.

    Attributes:
        module: the model; trained after :meth:`fit`.
    """

    def __init__(
        self,
        recipe: ModelRecipe,
        data: TableDataModule,
        keeping: Keeping,
        targets: Targets | None = None,
        on_epoch: Callable[[dict[str, float]], object] = lambda row: None,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        recipe = recipe.for_table(data)
        self.recipe, self.data, self.keeping = recipe, data, keeping
        self.on_epoch, self.callbacks = on_epoch, callbacks
        self.module = recipe.module(data, keeping.settings, keeping.stored, targets)

    def fit(self) -> None:
        """Train to the end, from the newest checkpoint where there is one; see :func:`src.training.fit.fit`.

        Raises:
            InterruptedRunError, TrainingDivergedError, CheckpointError: see there.
        """
        from src.training.fit import fit, make_trainer

        with tempfile.TemporaryDirectory() as temporary:
            folder = self.keeping.folder or Path(temporary)
            steps_per_epoch = self.module.steps_per_epoch
            self.trainer = make_trainer(
                self.recipe.trainer, self.recipe.training, steps_per_epoch, folder, self.on_epoch, self.callbacks
            )
            fit(self.trainer, self.module, self.data, folder, self.keeping.anew)

    @property
    def device(self) -> torch.device:
        """Where it was trained."""
        return self.trainer.strategy.root_device

    def draw(self) -> tuple[Tensor, float]:
        """Encoded synthetic rows; see :func:`src.training.fit.generate`. The processes of the training part."""
        from src.training.fit import generate

        return generate(self.trainer, self.module, self.data)


def load_model(
    checkpoint: dict[str, Any], file: Path, recipe: ModelRecipe, weights_of: WeightsOf | None = None
) -> MissDiffModule:
    """A trained model from its checkpoint alone, without the table.

    Arguments:
        checkpoint: as :func:`src.training.checkpoint.read_checkpoint` reads it.
        file: where it is from, for messages.
        recipe: that it was trained with.
        weights_of: which of the weights: :func:`src.training.checkpoint.sampling_weights` (None) or
            :func:`src.training.checkpoint.answering_weights`.

    Raises:
        CheckpointError: the weights are not those of the recipe.
    """
    from src.training.checkpoint import sampling_weights
    from src.training.module import CHECKPOINT_KEY, MissDiffModule, untrained_denoiser

    stored = checkpoint[CHECKPOINT_KEY]
    encoder = encoder_from_dict(stored["encoder"])
    ones = torch.ones(encoder.width)  # the checkpoint has those of the training table
    targets = Targets(*stored["targets"]) if "targets" in stored else None
    seed = stored["seed"]
    denoiser = untrained_denoiser(
        recipe.diffusion, recipe.network, encoder, Moments(ones, ones, ones, 1.0), seed, targets
    )
    contents = _stored(stored["config"], {}, targets)
    module = MissDiffModule(denoiser, encoder, recipe.diffusion, recipe.training, 1, seed, contents)
    try:
        module.load_state_dict((weights_of or sampling_weights)(checkpoint))
    except RuntimeError as error:
        raise CheckpointError(
            f"{file} has weights of another network: {str(error).splitlines()[-1].strip()}"
        ) from error
    return module.eval()


def _stored(settings: dict[str, Any], table: dict[str, Any], targets: Targets | None) -> dict[str, Any]:
    """What a checkpoint holds beside the encoder and the seed."""
    of_targets = {} if targets is None else {"targets": [targets.low, targets.high]}
    return {"config": settings, **table, **of_targets}
