"""Settings of a training and of the machine that it runs on."""

import math
from dataclasses import dataclass, replace

from src.errors import ConfigError

SCHEDULES = ("constant", "cosine", "multistep")
MULTISTEP_AT = (0.25, 0.5, 0.75, 0.9)
"""Shares of the epochs after which ``multistep`` decays, as in Appendix D.2 of the MissDiff paper."""
MULTISTEP_DECAY = 0.1
WARM_UP = 0.05
"""Share of the steps in which ``cosine`` warms up: Adam's estimates of the moments are poor in the first steps."""

MOST_FOR_HOLES = 2.0
"""Largest factor of the steps of a table with holes: that of a table of which half of the cells are observed."""
MOST_HELD_OUT = 0.05
"""Largest share of the training rows that is held out to choose the weights that fill and answer."""
FINE_TUNING_HELD_OUT = 0.1
"""Share of the training rows that is held out where fine-tuning or a search chooses by it."""
EPOCHS_OF_RARE = 2.0
"""Factor of the limit of epochs where a column has many categories. Six rows of a city teach what goes with it in 160
epochs, not in 80 (``docs/decisions/0028-length-of-training.md``)."""


@dataclass(frozen=True)
class TrainingRecipe:
    """``training=...``: epochs, batch, optimiser.

    Attributes:
        epochs: passes over the training rows; None = as many as ``n_steps`` steps need.
        n_steps: optimiser steps of the training, rounded up to full epochs; used where ``epochs`` is None.
        growth_rows: a table of more training rows than this gets more than ``n_steps`` steps, as the square root of
            its rows, and one with holes more by what it lacks (:meth:`for_table`); None = all tables get the same
            number.
        most_epochs: upper limit of the passes over the rows of a complete table that ``n_steps`` amounts to: more of
            them make the model memorise a small table; None = no limit.
        batch_size: rows of a batch on one device.
        learning_rate: learning rate of Adam, at its peak.
        beta2: decay, per step, of Adam's average of squared gradients: 0.999, Adam's usual one, remembers a fifth of
            a short training.
        weight_decay: L2 penalty of Adam.
        schedule: course of the learning rate: ``constant``, ``cosine`` (5 % linear warm-up, then a cosine to zero,
            step by step) or ``multistep`` (x 0.1 at 25, 50, 75 and 90 % of the epochs).
        warm_up_steps: steps of a linear warm-up of ``constant`` and ``multistep``; 0 = none.
        ema_decay: decay, per step, of the moving average of the weights, which samples are drawn with; None = no
            average.
        held_out_rows: rows that are held out, a twentieth of the table at most, to find the weights that fill holes
            and answer questions: those at which the held-out rows are most likely. Rows are drawn with the last
            weights, and the held-out rows join the training once the best ones are found
            (:class:`src.training.held_out.BestWeights`); None = the last weights do all.
        stop_at_best: whether the training ends there, and rows are drawn with the best weights too.
        gradient_clip: largest norm of the gradient; None = no clipping.
        self_paced_steps: optimiser steps of a curriculum of easy rows first (:mod:`src.diffusion.self_paced`);
            None = no curriculum.
        fine_tuning_epochs: epochs after the others, driven by log-likelihood
            (:mod:`src.training.fine_tuning`); 0 = none.
        fine_tuning_rate: learning rate of these epochs.
    """

    epochs: int | None = None
    n_steps: int | None = 5000
    growth_rows: int | None = 16_000
    most_epochs: int | None = 80
    batch_size: int = 256
    learning_rate: float = 0.002
    beta2: float = 0.98
    weight_decay: float = 1e-6
    schedule: str = "cosine"
    warm_up_steps: int = 0
    ema_decay: float | None = 0.999
    held_out_rows: int | None = 1000
    stop_at_best: bool = False
    gradient_clip: float | None = None
    self_paced_steps: int | None = None
    fine_tuning_epochs: int = 0
    fine_tuning_rate: float = 2e-7

    def __post_init__(self) -> None:
        if self.epochs is None and self.n_steps is None:
            raise ConfigError("training.epochs and training.n_steps are both null; set one of them")
        sizes = ("epochs", "n_steps", "growth_rows", "most_epochs", "batch_size", "held_out_rows", "self_paced_steps")
        for name in sizes:
            size = getattr(self, name)
            if size is not None and size < 1:
                raise ConfigError(f"training.{name} is at least 1, got {size}")
        for name in ("warm_up_steps", "fine_tuning_epochs"):
            if getattr(self, name) < 0:
                raise ConfigError(f"training.{name} is not negative, got {getattr(self, name)}")
        for name in ("learning_rate", "fine_tuning_rate"):
            rate = getattr(self, name)
            if not (rate > 0 and math.isfinite(rate)):
                raise ConfigError(f"training.{name} is a positive number, got {rate}")
        if not 0 < self.beta2 < 1:
            raise ConfigError(f"training.beta2 is between 0 and 1, got {self.beta2}")
        if not (self.weight_decay >= 0 and math.isfinite(self.weight_decay)):
            raise ConfigError(f"training.weight_decay is not negative, got {self.weight_decay}")
        if self.schedule not in SCHEDULES:
            raise ConfigError(f"training.schedule is one of {list(SCHEDULES)}, got {self.schedule!r}")
        if self.ema_decay is not None and not 0 < self.ema_decay < 1:
            raise ConfigError(f"training.ema_decay is between 0 and 1, or null, got {self.ema_decay}")
        if self.gradient_clip is not None and not self.gradient_clip > 0:
            raise ConfigError(f"training.gradient_clip is positive, or null, got {self.gradient_clip}")
        if self.stop_at_best and not self.keeps_best:
            raise ConfigError(
                "training.stop_at_best=true needs training.held_out_rows, and training.fine_tuning_epochs=0"
            )

    @property
    def keeps_best(self) -> bool:
        """Whether rows are held out to find the best weights; fine-tuning chooses its weights by itself."""
        return self.held_out_rows is not None and not self.fine_tuning_epochs

    def for_imputation(self) -> "TrainingRecipe":
        """A copy for a model that fills holes and draws no rows: the training ends at the best weights."""
        return replace(self, stop_at_best=self.keeps_best)

    def n_held_out(self, n_rows: int) -> int:
        """Number of rows that are held out of a table of ``n_rows``."""
        if self.fine_tuning_epochs:
            return a_tenth(n_rows)
        return min(round(MOST_HELD_OUT * n_rows), self.held_out_rows or 0)

    def scaled(self, share: float) -> "TrainingRecipe":
        """A copy with all lengths (epochs, steps, warm-up, curriculum, fine-tuning) multiplied by ``share``."""

        def times(length: int, least: int) -> int:
            return max(round(length * share), least)

        return replace(
            self,
            epochs=None if self.epochs is None else times(self.epochs, 1),
            n_steps=None if self.n_steps is None else times(self.n_steps, 1),
            most_epochs=None if self.most_epochs is None else times(self.most_epochs, 1),
            warm_up_steps=times(self.warm_up_steps, 0),
            self_paced_steps=None if self.self_paced_steps is None else times(self.self_paced_steps, 1),
            fine_tuning_epochs=times(self.fine_tuning_epochs, 1) if self.fine_tuning_epochs else 0,
        )

    def for_table(self, share_observed: float, has_many_categories: bool) -> "TrainingRecipe":
        """A copy whose ``n_steps`` and ``most_epochs`` are those of a table; unchanged where ``growth_rows`` is None.

        A table with holes gets more steps, so that as many observed cells are taught as of a complete one, and its
        limit of epochs rises by the square of that: of its rows a model sees other cells in every epoch, and what it
        has to learn, every column from any others, is more. Columns of many categories have rare ones, which need more
        epochs than what goes with them is learned by heart in.

        Arguments:
            share_observed: share of the cells of the training table that are observed.
            has_many_categories: whether a column has more categories than a network has outputs for.
        """
        if self.growth_rows is None:
            return self
        factor = min(1 / share_observed, MOST_FOR_HOLES)
        epochs = factor**2 * (EPOCHS_OF_RARE if has_many_categories else 1.0)
        return replace(
            self,
            n_steps=None if self.n_steps is None else round(self.n_steps * factor),
            most_epochs=None if self.most_epochs is None else round(self.most_epochs * epochs),
        )

    def main_epochs(self, steps_per_epoch: int) -> int:
        """Number of epochs before fine-tuning, of ``steps_per_epoch`` optimiser steps each."""
        if self.epochs is not None:
            return self.epochs
        epochs = -(-self._asked_steps(steps_per_epoch) // steps_per_epoch)
        return epochs if self.most_epochs is None else min(epochs, self.most_epochs)

    def _asked_steps(self, steps_per_epoch: int) -> int:
        """Optimiser steps of a table of this size before ``most_epochs`` limits them."""
        n_rows = steps_per_epoch * self.batch_size
        growth = 1.0 if self.growth_rows is None else max((n_rows / self.growth_rows) ** 0.5, 1.0)
        return round((self.n_steps or 0) * growth)

    def is_capped(self, steps_per_epoch: int) -> bool:
        """Whether ``most_epochs`` ends training before ``n_steps`` steps."""
        n_steps = self.main_epochs(steps_per_epoch) * steps_per_epoch
        return self.epochs is None and n_steps < self._asked_steps(steps_per_epoch)

    def notes(self, steps_per_epoch: int) -> list[str]:
        """Messages to the user about the length of the training: that ``most_epochs`` ends it early, if it does."""
        if not self.is_capped(steps_per_epoch):
            return []
        return [
            f"training ends after {self.most_epochs} epochs, {self.main_epochs(steps_per_epoch) * steps_per_epoch:,} "
            f"steps, not {self._asked_steps(steps_per_epoch):,} (training.n_steps): more would teach the rows by heart "
            "(training.most_epochs=null trains on)"
        ]

    def n_epochs(self, steps_per_epoch: int) -> int:
        """Number of epochs, those of fine-tuning included (which have at most ``steps_per_epoch`` steps)."""
        return self.main_epochs(steps_per_epoch) + self.fine_tuning_epochs

    def rate_factor(self, step: int, steps_per_epoch: int) -> float:
        """Factor of the learning rate at optimiser step ``step`` (from 0); epochs have ``steps_per_epoch`` steps."""
        epochs = self.main_epochs(steps_per_epoch)
        n_steps = epochs * steps_per_epoch
        if step >= n_steps and self.fine_tuning_epochs:
            return self.fine_tuning_rate / self.learning_rate
        if self.schedule == "cosine":
            n_warm_up = max(WARM_UP * n_steps, 1)
            return min((step + 1) / n_warm_up, 1) * 0.5 * (1 + math.cos(math.pi * min(step / n_steps, 1)))
        factor = min((step + 1) / self.warm_up_steps, 1.0) if self.warm_up_steps else 1.0
        if self.schedule == "multistep":
            epoch = step // steps_per_epoch
            return factor * float(MULTISTEP_DECAY ** sum(epoch >= int(at * epochs) for at in MULTISTEP_AT))
        return factor


def a_tenth(n_rows: int) -> int:
    """Rows of ``n_rows`` that are held out where fine-tuning or a search chooses by them."""
    return max(round(FINE_TUNING_HELD_OUT * n_rows), 1)


@dataclass(frozen=True)
class TrainerSettings:
    """``trainer=...``: the machine, as Lightning names it.

    Attributes:
        accelerator: ``cpu``, ``gpu`` or ``auto``.
        devices: processes on a node, one on each device. The global batch is batch_size x devices x num_nodes.
        num_nodes: nodes.
        precision: ``32-true`` or ``bf16-mixed``.
        strategy: ``auto`` for one process, ``ddp`` for several.
        compile: whether to compile the training step (on a GPU to CUDA graphs). Compilation takes half a minute, and
            gains little on a CPU.
    """

    accelerator: str = "cpu"
    devices: int = 1
    num_nodes: int = 1
    precision: str = "32-true"
    strategy: str = "auto"
    compile: bool = False

    def __post_init__(self) -> None:
        if self.accelerator not in ("cpu", "gpu", "auto"):
            raise ConfigError(f"trainer.accelerator is cpu, gpu or auto, got {self.accelerator!r}")
        for name, size in (("devices", self.devices), ("num_nodes", self.num_nodes)):
            if size < 1:
                raise ConfigError(f"trainer.{name} is at least 1, got {size}")
        if self.precision not in ("32-true", "bf16-mixed"):
            raise ConfigError(f"trainer.precision is 32-true or bf16-mixed, got {self.precision!r}")
        if self.strategy not in ("auto", "ddp"):
            raise ConfigError(f"trainer.strategy is auto or ddp, got {self.strategy!r}")
        if self.n_processes > 1 and self.strategy != "ddp":
            raise ConfigError(f"{self.n_processes} devices need trainer.strategy=ddp, got {self.strategy!r}")

    @property
    def n_processes(self) -> int:
        """Number of processes, the world size."""
        return self.devices * self.num_nodes

    def refuse_in_sweep(self) -> None:
        """Refuse several processes inside a local sweep.

        Lightning starts its other processes with the same command line, and each would run all jobs of the sweep.

        Raises:
            ConfigError: there is more than one.
        """
        if self.n_processes > 1:
            raise ConfigError(
                f"trainer.strategy={self.strategy} with {self.n_processes} processes inside a local --multirun would "
                "make every process walk the whole sweep; sweep with one device a job, or use "
                "hydra/launcher=slurm"
            )
