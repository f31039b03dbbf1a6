"""LightningModule: the masked training step, and sampling through ``predict``."""

from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from src.diffusion import DiffusionRecipe, ancestral_sample
from src.diffusion.networks import NetworkRecipe
from src.encoding import TableEncoder
from src.errors import TrainingDivergedError
from src.seeding import derive
from src.training.batches import Chunk
from src.training.recipe import TrainingRecipe

CHECKPOINT_KEY = "missdiff"


class MissDiffModule(pl.LightningModule):
    """Trains a noise predictor with the masked objective and draws rows with it.

    Arguments:
        encoder: fitted on the training table; travels in the checkpoint.
        moments: (D,) mean and standard deviation of the coordinates over their observed entries.
        network: sizes of the network.
        diffusion: recipe of the diffusion.
        training: epochs, batch, optimiser.
        seed: of the run; weights, training noise and sampling are streams of it.
        config: plain resolved settings, stored in the checkpoint.
    """

    def __init__(
        self,
        encoder: TableEncoder,
        moments: tuple[Tensor, Tensor],
        network: NetworkRecipe,
        diffusion: DiffusionRecipe,
        training: TrainingRecipe,
        seed: int,
        config: dict[str, Any],
    ) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(seed, "init"))
            self.denoiser = diffusion.build(network.build(encoder.width), *moments)
        self.encoder = encoder
        self.diffusion = diffusion
        self.training_recipe = training
        self.seed = seed
        self.config = config
        self.on_sampling_step: Callable[[], object] = lambda: None
        self.epoch_loss = float("nan")
        self._noise: torch.Generator | None = None
        self._losses: Tensor | None = None

    def on_train_epoch_start(self) -> None:
        """Start the epoch's own noise stream, so that resuming continues as if nothing had happened."""
        n_batches = int(self.trainer.num_training_batches)
        self._noise = torch.Generator(self.device).manual_seed(
            derive(self.seed, "noise", self.current_epoch, self.global_rank)
        )
        self._losses = torch.zeros(2, n_batches, device=self.device)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Masked denoising score matching of one batch; nothing leaves the device."""
        assert self._noise is not None
        assert self._losses is not None
        rows = self.denoiser.losses(*batch, self._noise)
        loss = rows.loss.mean()
        with torch.no_grad():
            self._losses[0, batch_idx] = loss
            self._losses[1, batch_idx] = torch.where(rows.loss.isfinite(), 0, self.denoiser.sigma[rows.t]).max()
        return loss

    def close_epoch(self) -> None:
        """Set ``epoch_loss`` to the epoch's mean loss; stop on a value that is not finite.

        Raises:
            TrainingDivergedError: names the optimiser step and the noise level.
        """
        assert self._losses is not None
        losses, sigmas = self._losses.cpu()
        bad = torch.nonzero(~losses.isfinite())
        advice = "lower training.learning_rate or set training.gradient_clip"
        if len(bad):
            first = int(bad[0])
            step = self.current_epoch * len(losses) + first
            raise TrainingDivergedError(
                f"the loss became {float(losses[first])} at step {step} (epoch {self.current_epoch}), "
                f"on a row with noise level sigma = {float(sigmas[first]):.4g}; {advice}"
            )
        if not all(bool(p.isfinite().all()) for p in self.parameters()):
            raise TrainingDivergedError(
                f"a weight became infinite or NaN in epoch {self.current_epoch}, "
                f"at the last step ({self.global_step}); {advice}"
            )
        self.epoch_loss = float(losses.mean())

    def configure_optimizers(self) -> Any:
        """Adam with the recipe's schedule of the learning rate, step by step."""
        recipe = self.training_recipe
        optimizer = torch.optim.Adam(
            self.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
        )
        n_batches = int(self.trainer.estimated_stepping_batches) // recipe.epochs
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: recipe.rate_factor(step, n_batches))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def predict_step(self, batch: Chunk, batch_idx: int) -> tuple[int, Tensor]:
        """Draw one chunk from its own random stream: the same rows on any number of devices.

        Returns:
            The chunk's number and its rows, (n, D) float32 on the CPU.
        """
        generator = torch.Generator(self.device).manual_seed(derive(self.seed, "sampling", batch.number))
        shape = (batch.n_rows, self.encoder.width)
        x = ancestral_sample(
            self.denoiser,
            self.denoiser.schedule,
            shape,
            generator,
            self.diffusion.sampler_noise,
            self.on_sampling_step,
        )
        return batch.number, x.cpu()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add settings and encoder (with the schema), as plain values: enough to sample anywhere."""
        checkpoint[CHECKPOINT_KEY] = {"config": self.config, "encoder": self.encoder.to_dict(), "seed": self.seed}
