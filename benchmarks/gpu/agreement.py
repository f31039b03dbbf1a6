"""Whether a GPU computes what the CPU does, and goes on after a crash as if nothing had happened."""

import copy
import tempfile
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from benchmarks.gpu.settings import Settings, precision
from benchmarks.training_step import Case
from src.training import checkpoint
from src.training.fit import fit, make_trainer

TOLERANCE = 1e-4
RECIPES = {
    "default": [],
    "paper": ["experiment=paper_recipe"],
    "vp": ["diffusion=vp"],
    "stasy": ["method=stasy_missdiff"],
}
BATCHES = 4
SPREAD = 0.05
"""Of the random weights: networks begin with zeros, which would agree on any device."""
EPOCHS, CRASH = 4, 2
ROWS = 64
"""That are drawn from the trained models."""


def compare_losses(settings: Settings) -> list[dict[str, Any]]:
    """Losses and gradients of the same rows, weights and noise on the CPU and on the device, in float32.

    Dropout is off: it draws on each device from a stream of its own.
    """
    found = []
    for recipe, overrides in RECIPES.items():
        case = Case([*overrides, *settings.table()])
        here = case.config.recipe.module(case.data).eval().denoiser
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in here.parameters():
                parameter.copy_(SPREAD * torch.randn(parameter.shape, generator=generator))
        there = copy.deepcopy(here).to(settings.device)
        losses, gradients = [], []
        for (x, mask, *_), _ in zip(case.batches(), range(BATCHES), strict=False):
            noise = here.draw_noise(x, generator)
            with precision("fp32", settings.device):
                a = _loss_and_gradient(here, x, mask, noise)
                b = _loss_and_gradient(there, *(part.to(settings.device) for part in (x, mask)), noise)
            losses.append(float(((a[0] - b[0]).abs() / (1 + a[0].abs())).max()))
            gradients.append(float((a[1] - b[1]).norm() / a[1].norm()))
        line = {"recipe": recipe, "n_rows": BATCHES * len(x), "loss": max(losses), "gradient": max(gradients)}
        line["agrees"] = line["loss"] <= TOLERANCE
        found.append(line)
        print(
            f"losses, {recipe}: largest relative difference to the CPU {line['loss']:.1e}, of the gradient "
            f"{line['gradient']:.1e}: {'agrees' if line['agrees'] else 'DIFFERS'}",
            flush=True,
        )
    return found


def _loss_and_gradient(denoiser: Any, x: Tensor, mask: Tensor, noise: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    denoiser.zero_grad()
    loss = denoiser.losses(x, mask, type(noise)(*(part.to(x.device) for part in noise))).loss
    loss.mean().backward()
    gradient = torch.cat([p.grad.flatten() for p in denoiser.parameters() if p.grad is not None])
    return loss.detach().cpu(), gradient.cpu()


class Crash(pl.Callback):
    """Raises in the middle of an epoch."""

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if trainer.current_epoch == CRASH and batch_idx == 0:
            raise ConnectionAbortedError


def compare_resumed(settings: Settings) -> list[dict[str, Any]]:
    """A training that crashes and goes on, beside one that does not: weights and rows drawn."""
    checkpoint.LEAST_WORK = 0  # a checkpoint after every epoch
    found = []
    for recipe, overrides in {"default": [], "paper": ["experiment=paper_recipe"]}.items():
        table = settings.table(2_000, 400)
        case = Case([*overrides, *table, f"trainer={settings.trainer}", f"training.epochs={EPOCHS}"], settings.device)
        with tempfile.TemporaryDirectory() as folder:
            whole = _trained(case, Path(folder) / "whole", crash=False)
            try:
                _trained(case, Path(folder) / "resumed", crash=True)
            except ConnectionAbortedError:
                resumed = _trained(case, Path(folder) / "resumed", crash=False)
        weights = max(
            float((whole[0][name] - value).abs().max()) for name, value in resumed[0].items() if value.numel()
        )
        line = {"recipe": recipe, "weights": weights, "rows_equal": torch.equal(whole[1], resumed[1])}
        found.append(line)
        print(
            f"resumed, {recipe}: largest difference of a weight {weights:.1e}, "
            f"rows {'equal' if line['rows_equal'] else 'DIFFER'}",
            flush=True,
        )
    return found


def _trained(case: Case, folder: Path, crash: bool) -> tuple[dict[str, Tensor], Tensor]:
    folder.mkdir(exist_ok=True)
    module = case.config.recipe.module(case.data)
    trainer = make_trainer(case.config.trainer, case.config.training, module.steps_per_epoch, folder)
    if crash:
        trainer.callbacks.append(Crash())  # type: ignore[attr-defined]
    fit(trainer, module, case.data, folder)
    weights = {name: value.detach().cpu().double() for name, value in module.state_dict().items()}
    drawn = module.to(case.device).eval().draw_chunk(0, ROWS, 0)
    return weights, drawn.x.cpu()
