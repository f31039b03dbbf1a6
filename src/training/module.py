"""LightningModule: the training step with the masked objective, and sampling through ``predict``."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import pytorch_lightning as pl
import torch
from pytorch_lightning.core.optimizer import LightningOptimizer
from torch import Tensor, nn

from src.diffusion import (
    Coordinates,
    Diffusion,
    DiffusionSettings,
    Drawn,
    KnownCoordinates,
    Moments,
    RowLosses,
    Targets,
)
from src.diffusion.networks import NetworkSettings
from src.diffusion.self_paced import self_paced_weights, shares
from src.encoding import Encoder
from src.errors import TrainingDivergedError
from src.seeding import derive
from src.tables.rules.keeper import Keeper
from src.training.batches import Batch, Chunk, shard
from src.training.callbacks import shares_as_rows
from src.training.recipe import TrainingRecipe

CHECKPOINT_KEY = "missdiff"
"""Key of a checkpoint under which the program stores what it needs beside the weights."""


def untrained_denoiser(
    diffusion: DiffusionSettings,
    network: NetworkSettings,
    encoder: Encoder,
    moments: Moments,
    seed: int,
    targets: Targets | None = None,
) -> Diffusion[Any]:
    """The untrained model of encoded rows; its weights are a stream of the seed.

    Arguments:
        diffusion: recipe of the diffusion.
        network: recipe of the network.
        encoder: fitted on the training table.
        moments: of the coordinates over their observed entries.
        seed: of the run.
        targets: makes the model a conditional one; None = of whole rows.
    """
    target = encoder.schema.target_position
    states = (encoder.groups, encoder.is_ordered, encoder.densities, encoder.holes)
    coordinates = Coordinates(encoder.width, encoder.columns, target, *states)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "init"))
        return diffusion.build(network, coordinates, moments, targets)


class MissDiffModule(pl.LightningModule):
    """Trains a model with the masked objective and draws rows with it.

    Arguments:
        denoiser: the model.
        encoder: of its rows; travels in the checkpoint.
        diffusion: recipe of the model; has the sampler.
        training: epochs, batch, optimiser.
        steps_per_epoch: optimiser steps of an epoch.
        seed: of the run; training noise and sampling are streams of it.
        stored: what else the checkpoint holds, plain values and arrays: ``config``, the settings; ``layout`` and
            ``masks`` of the training table; ``targets`` of a conditional model.

    Attributes:
        keeper: keeps rules between columns in rows that are drawn; None = no rules.
        held_out_loss: of rows that are not trained on, after this epoch; NaN = it was not computed.
    """

    def __init__(
        self,
        denoiser: Diffusion[Any],
        encoder: Encoder,
        diffusion: DiffusionSettings,
        training: TrainingRecipe,
        steps_per_epoch: int,
        seed: int,
        stored: Mapping[str, Any],
    ) -> None:
        super().__init__()
        self.denoiser = denoiser
        self.encoder, self.diffusion = encoder, diffusion
        self.automatic_optimization = False
        self.training_recipe, self.steps_per_epoch = training, steps_per_epoch
        self.seed = seed
        self._stored = {"encoder": encoder.to_dict(), "seed": seed, **_as_tensors(stored)}
        self.on_drawing: Callable[[float], object] = _ignore
        self.keeper: Keeper | None = None
        self.epoch_loss, self.held_out_loss = float("nan"), float("nan")
        self._noise: torch.Generator | None = None
        self._rows: list[RowLosses] = []
        self._sizes: list[int] = []
        self.compiles = False
        self._objective: Callable[..., RowLosses] = self.denoiser.losses
        self._has_dropout = any(_drops_out(layer) for layer in self.denoiser.modules())

    def on_fit_start(self) -> None:
        """Compile the objective if ``compiles`` is set: one graph of fixed shapes, on a GPU a CUDA graph."""
        mode = "reduce-overhead" if self.device.type == "cuda" else "default"
        if self.compiles:
            self._objective = torch.compile(self.denoiser.losses, fullgraph=True, dynamic=False, mode=mode)

    def on_train_epoch_start(self) -> None:
        """Start the noise stream of the epoch, the same on all ranks and in a resumed training.

        Each rank draws the noise of the global batch and uses that of its rows.
        """
        self._noise = torch.Generator(self.device).manual_seed(derive(self.seed, "noise", self.current_epoch))
        self._rows, self._sizes = [], []

    def training_step(self, batch: list[Batch], batch_idx: int) -> None:
        """Take one optimiser step for each batch of a stretch, without waiting for the device.

        The backward pass is that of Lightning without its hooks, which cost up to a tenth of a small step.
        """
        optimizer = cast(LightningOptimizer, self.optimizers())
        recipe = self.training_recipe
        for global_batch in batch:
            rate = recipe.learning_rate * recipe.rate_factor(self._main_step(), self.steps_per_epoch)
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = self.masked_loss(global_batch)
            optimizer.zero_grad()
            self.trainer.strategy.pre_backward(loss)
            loss.backward()  # type: ignore[no-untyped-call]
            if recipe.gradient_clip is not None:
                self.clip_gradients(cast(torch.optim.Optimizer, optimizer), recipe.gradient_clip, "norm")
            optimizer.step()

    def masked_loss(self, batch: Batch) -> Tensor:
        """Compute the masked objective of a batch, and keep the losses of its rows for the end of the epoch.

        The mean over ranks, of values and of gradients, is that of the global batch. While a curriculum runs, it
        weights the rows.
        """
        x, mask, n_rows, n_global = batch
        noise = self._noise_of(x, n_global)
        with self._seeded_dropout():
            rows = self._objective(x, mask, noise)
        weights = self._self_paced(rows, batch)[:n_rows] if self._in_curriculum() else 1
        loss = rows.loss[:n_rows]
        self._rows.append(RowLosses(loss.detach().clone(), rows.noise_level[:n_rows].detach().clone()))
        self._sizes.append(n_global)
        return (weights * loss).sum() * self.trainer.world_size / n_global

    def _noise_of(self, x: Tensor, n_global: int) -> Any:
        """Draw the noise of the global batch; returns that of the rows x (B, D) of this rank."""
        assert self._noise is not None, "on_train_epoch_start comes first"
        world_size = self.trainer.world_size
        if world_size == 1:
            return self.denoiser.draw_noise(x, self._noise)
        noise = self.denoiser.draw_noise(x.new_empty(n_global, x.shape[1]), self._noise)
        return type(noise)(*(shard(part, self.global_rank, world_size) for part in noise))

    @contextmanager
    def _seeded_dropout(self) -> Iterator[None]:
        """Seed PyTorch's global stream, which dropout draws from, by run, epoch, step and rank; restore it afterwards.

        It is needed around the forward pass only: the backward pass uses the same dropout masks.
        """
        if not self._has_dropout:
            yield
            return
        step = (self.current_epoch, len(self._rows), self.global_rank)
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(derive(self.seed, "dropout", *step))
            yield

    def _in_curriculum(self) -> bool:
        """Whether the curriculum weights rows: until all count in full, and never in fine-tuning."""
        recipe = self.training_recipe
        if recipe.self_paced_steps is None or self.current_epoch >= recipe.main_epochs(self.steps_per_epoch):
            return False
        return shares(self._main_step(), recipe.self_paced_steps)[0] < 1

    def _main_step(self) -> int:
        """Number of the optimiser step, from 0, as if all epochs were as long as a main one."""
        return self.current_epoch * self.steps_per_epoch + len(self._rows)

    @torch.no_grad()
    def _self_paced(self, rows: RowLosses, batch: Batch) -> Tensor:
        """Weights (B,) of the rows of this rank; thresholds are those of the global batch.

        Rows are compared by their mean loss over observed coordinates: holes must not make one look easy.
        """
        world_size = self.trainer.world_size
        losses = rows.loss * batch.mask.shape[1] / batch.mask.sum(dim=1)
        if world_size > 1:  # row i of rank r is row i * world_size + r of the global batch
            losses = cast(Tensor, self.all_gather(losses)).t().flatten()[: batch.n_global]
        weights = self_paced_weights(losses, self._main_step(), cast(int, self.training_recipe.self_paced_steps))
        return shard(weights, self.global_rank, world_size)

    def close_epoch(self) -> None:
        """Set ``epoch_loss`` to the mean loss of the epoch over all ranks, and check that training has not diverged.

        Raises:
            TrainingDivergedError: a loss or a weight is not finite; names the optimiser step and the noise level.
        """
        sums = torch.stack([rows.loss.sum() for rows in self._rows])
        if self.trainer.world_size > 1:
            sums = self.trainer.strategy.reduce(sums, reduce_op="sum")
        losses = sums.cpu() / torch.tensor(self._sizes)
        bad = torch.nonzero(~losses.isfinite())
        advice = "lower training.learning_rate or set training.gradient_clip"
        if len(bad):
            first = int(bad[0])
            step = self.global_step - len(losses) + first
            rows = self._rows[first]
            levels = rows.noise_level[~rows.loss.isfinite()]
            where = f"a row with noise level {float(levels.max()):.4g}" if len(levels) else "a row of another process"
            raise TrainingDivergedError(
                f"the loss became {float(losses[first])} at step {step} (epoch {self.current_epoch}), "
                f"on {where}; {advice}"
            )
        if not all(bool(p.isfinite().all()) for p in self.parameters()):
            raise TrainingDivergedError(
                f"a weight became infinite or NaN in epoch {self.current_epoch}, "
                f"at the last step ({self.global_step}); {advice}"
            )
        self.epoch_loss = float(losses.mean())

    def configure_optimizers(self) -> Any:
        """Adam in one fused kernel; :meth:`training_step` sets its learning rate."""
        recipe = self.training_recipe
        rate, betas, decay = recipe.learning_rate, (0.9, recipe.beta2), recipe.weight_decay
        return torch.optim.Adam(self.parameters(), rate, betas, weight_decay=decay, fused=True)

    def predict_step(self, batch: Chunk, batch_idx: int) -> tuple[int, Tensor, int]:
        """Draw one chunk from a random stream of its own: the rows are the same on any number of devices.

        Returns:
            The chunk's number, its rows, (n, D) float32 on the CPU, and the network evaluations of each.
        """
        if batch.n_rows == 0:
            return batch.number, torch.empty(0, self.encoder.width), 0
        on_progress = shares_as_rows(batch.n_rows, self.on_drawing)
        drawn = self.draw_chunk(batch.number, batch.size, self.seed, on_progress=on_progress)
        return batch.number, drawn.x[: batch.n_rows].cpu(), drawn.n_evaluations

    def draw_chunk(
        self,
        number: int,
        size: int,
        seed: int,
        known: KnownCoordinates | None = None,
        on_progress: Callable[[float], object] = lambda share: None,
        with_holes: bool = False,
    ) -> Drawn:
        """Draw a chunk from a random stream of its own, and again from further ones the rows that break a rule.

        Arguments:
            number: position of the chunk in the table.
            size: rows to draw, n.
            seed: of the table.
            known: known coordinates, (D,) of all rows or (n, D); the others are drawn.
            on_progress: receives the share of the work that is done, 0..1, now and then.
            with_holes: whether rows are drawn together with their holes, of the columns of ``encoder.holes``.
        """
        n_evaluations, diffusion = 0, self.diffusion.with_holes() if with_holes else self.diffusion

        def draw(anew: int, n_rows: int) -> Tensor:
            nonlocal n_evaluations
            stream = derive(seed, "sampling", number, *(("rules", anew) if anew else ()))
            generator = torch.Generator(self.device).manual_seed(stream)
            drawn = self.denoiser.draw(diffusion.sampler, n_rows, generator, known, _ignore if anew else on_progress)
            n_evaluations += drawn.n_evaluations * n_rows
            return drawn.x

        x = self.keeper.rows(size, draw, lambda x: self.encoder.backward(x).frame) if self.keeper else draw(0, size)
        return Drawn(x, round(n_evaluations / size))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add settings and encoder (with the schema) as plain values, so that sampling needs the checkpoint only."""
        checkpoint[CHECKPOINT_KEY] = self._stored


def _drops_out(layer: nn.Module) -> bool:
    """Whether a layer draws random numbers in training."""
    if isinstance(layer, nn.MultiheadAttention):
        return bool(layer.dropout > 0)
    return isinstance(layer, nn.modules.dropout._DropoutNd) and layer.p > 0


def _ignore(n_rows: float) -> None:
    """Drop progress."""


def _as_tensors(values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn arrays into tensors: a checkpoint that is read without running pickled code holds no arrays."""
    return {key: torch.as_tensor(value) if hasattr(value, "__array__") else value for key, value in values.items()}
