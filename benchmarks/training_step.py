"""The training step beside a bare PyTorch loop and the arithmetic floor: python -m benchmarks.training_step

Networks x batch sizes, on Census: ``residual_mlp`` on the default process, ``residual_attention`` on ``vp``, whose
network it is. The sides take turns in one process, each first every other turn, and the figures are medians over the
turns: the LightningModule as it trains, but for its checkpoints (2 % of a run at most); a bare loop of the same
objective, batches, fused Adam, learning rates and average; that loop with the objective compiled, where asked for
(--compile; seconds of compilation apart). The floor is the floating-point operations of a step over the rate of a large
matrix product on the same cores in the same turn.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytorch_lightning as pl
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.common import CPU, product_rate, synchronize, write_result
from src.config.compose import compose
from src.config.run import Config, build_config
from src.training.batches import STRETCH, Batch, Batches
from src.training.callbacks import Progress
from src.training.checkpoint import LastCheckpoint
from src.training.datamodule import TableDataModule
from src.training.fit import make_trainer
from src.training.module import MissDiffModule

CASES = {"residual_mlp": ("absorbing", (64, 512, 4096)), "residual_attention": ("vp", (64,))}


class Stopwatch(pl.Callback):
    """Seconds from the first step to the end of training."""

    seconds = 0.0

    def on_train_start(self, trainer, pl_module):
        self.started = time.perf_counter()

    def on_train_end(self, trainer, pl_module):
        self.seconds = time.perf_counter() - self.started


class Case:
    """One network at one batch size, on one device."""

    def __init__(self, overrides: list[str], device: torch.device = CPU) -> None:
        self.device = device
        self.config: Config = build_config(compose(overrides))
        self.data: TableDataModule = self.config.experiment.data()
        self.compiled: Callable[..., Any] | None = None
        self.compiled_module: MissDiffModule | None = None

    def batches(self) -> Iterator[Batch]:
        """Batches of the program, epoch after epoch, without end."""
        prepared, recipe = self.data.data, self.config.training
        x, mask = prepared.x.to(self.device), prepared.coordinate_mask.to(self.device)
        while True:
            yield from Batches(x, mask, recipe.batch_size, 0, lambda: 0)._batches()

    def module(self) -> MissDiffModule:
        """A module with its first weights, on the device."""
        return self.config.recipe.module(self.data).to(self.device)

    def bare(self, n_steps: int, module: MissDiffModule | None = None, objective: Any = None) -> float:
        """Seconds of ``n_steps`` optimiser steps of a plain loop."""
        recipe = self.config.training
        denoiser = (module or self.module()).denoiser
        objective = objective or denoiser.losses
        rate, betas, decay = recipe.learning_rate, (0.9, recipe.beta2), recipe.weight_decay
        optimizer = torch.optim.Adam(denoiser.parameters(), rate, betas, weight_decay=decay, fused=True)
        average = AveragedModel(denoiser, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema_decay or 0.999))
        generator = torch.Generator(self.device).manual_seed(0)
        per_epoch = self.data.steps_per_epoch(1)
        synchronize(self.device)
        started = time.perf_counter()
        for step, (x, mask, *_) in zip(range(n_steps), self.batches(), strict=False):
            for group in optimizer.param_groups:
                group["lr"] = recipe.learning_rate * recipe.rate_factor(step, per_epoch)
            loss = objective(x, mask, denoiser.draw_noise(x, generator)).loss.mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if recipe.ema_decay and step % STRETCH == 0:
                average.update_parameters(denoiser)
        synchronize(self.device)
        return time.perf_counter() - started

    def compile(self, mode: str = "default") -> float:
        """Compile the objective; the seconds that its first steps take, the last batch of an epoch included."""
        self.compiled_module = self.module()
        self.compiled = torch.compile(self.compiled_module.denoiser.losses, fullgraph=True, dynamic=False, mode=mode)
        return self.bare(self.data.steps_per_epoch(1) + 1, self.compiled_module, self.compiled)

    def lightning(self, n_steps: int) -> float:
        """Seconds of at least ``n_steps`` steps of the program's training, per step times ``n_steps``."""
        stopwatch = Stopwatch()
        per_epoch = self.data.steps_per_epoch(1)
        with tempfile.TemporaryDirectory() as folder:
            trainer = make_trainer(self.config.trainer, self.config.training, per_epoch, Path(folder))
            trainer.callbacks = [c for c in trainer.callbacks if not isinstance(c, Progress | LastCheckpoint)]
            trainer.callbacks.append(stopwatch)
            trainer.fit_loop.max_epochs = -(-n_steps // per_epoch)
            if n_steps < per_epoch:
                trainer.limit_train_batches = -(-n_steps // STRETCH)
            module = self.config.recipe.module(self.data)
            trainer.fit(module, datamodule=self.data)
        return stopwatch.seconds * n_steps / trainer.global_step

    def n_operations(self) -> int:
        """Floating-point operations of an optimiser step on a full batch, as PyTorch counts them."""
        denoiser = self.module().denoiser
        x, mask, *_ = next(self.batches())
        with FlopCounterMode(display=False) as counter:
            denoiser.random_losses(x, mask, torch.Generator(self.device).manual_seed(0)).loss.mean().backward()
        return int(counter.get_total_flops())


def measure(case: Case, turns: int, seconds: float, compiles: bool) -> dict[str, Any]:
    case.bare(2)
    n_steps = max(int(2 * seconds / case.bare(2)), STRETCH)
    n_operations = case.n_operations()
    compile_s = case.compile() if compiles else None
    sides: dict[str, Callable[[], float]] = {"bare": lambda: case.bare(n_steps)}
    sides["lightning"] = lambda: case.lightning(n_steps)
    if compiles:
        sides["compiled"] = lambda: case.bare(n_steps, case.compiled_module, case.compiled)
    found: dict[str, list[float]] = {name: [] for name in (*sides, "floor")}
    for turn in range(turns):
        found["floor"].append(n_operations / product_rate())
        for name in list(sides) if turn % 2 == 0 else reversed(list(sides)):
            found[name].append(sides[name]() / n_steps)
    result: dict[str, Any] = {f"{name}_ms": 1e3 * median(times) for name, times in found.items()}
    result |= {"n_operations": n_operations, "n_steps": n_steps, "turns": turns, "compile_s": compile_s}
    result["of_bare"] = median(b / own for b, own in zip(found["bare"], found["lightning"], strict=True))
    result["of_floor"] = median(f / own for f, own in zip(found["floor"], found["lightning"], strict=True))
    if compiles:
        result["compiled_of_eager"] = median(b / c for b, c in zip(found["bare"], found["compiled"], strict=True))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--batches", nargs="+", type=int, help="default: 64 512 4096, of attention (slow) 64")
    parser.add_argument("--turns", type=int, default=5, help="turns of each side (default: 5)")
    parser.add_argument("--seconds", type=float, default=3.0, help="of a turn of one side (default: 3)")
    parser.add_argument("--compile", action="store_true", help="measure the compiled step too")
    given = parser.parse_args()
    cases = []
    print("network, batch: ms a step of Lightning, bare, floor; Lightning as a share of bare, of floor")
    for network in given.networks:
        process, batches = CASES[network]
        for batch in given.batches or batches:
            overrides = [f"network={network}", f"diffusion={process}", f"training.batch_size={batch}"]
            found = measure(Case(overrides), given.turns, given.seconds, given.compile)
            cases.append({"network": network, "diffusion": process, "batch_size": batch, **found})
            times = ", ".join(f"{found[f'{side}_ms']:.1f}" for side in ("lightning", "bare", "floor"))
            line = f"{network}, {batch}: {times}; {found['of_bare']:.2f}, {found['of_floor']:.2f}"
            if given.compile:
                line += f"; compiled {found['compiled_ms']:.1f}, after {found['compile_s']:.0f} s"
            print(line, flush=True)
    write_result("training_step", {"cases": cases})


if __name__ == "__main__":
    main()
