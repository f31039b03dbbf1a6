"""Training throughput of the LightningModule against a bare PyTorch loop: python -m benchmarks.training_step

Same network, batches, data, optimiser, clipping, learning-rate schedule and weight average. The two
take turns in one process, each first every other turn; the ratio is the median over the turns. The
Lightning side includes its checkpoint after every epoch.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median

import pytorch_lightning as pl
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from src.cli import compose
from src.config import Config, build_config
from src.experiment import make_data, make_module
from src.training.batches import STRETCH, Batches
from src.training.callbacks import Progress
from src.training.datamodule import TableDataModule
from src.training.fit import make_trainer


class Stopwatch(pl.Callback):
    """Seconds from the first step to the end of training."""

    seconds = 0.0

    def on_train_start(self, trainer, pl_module):
        self.started = time.perf_counter()

    def on_train_end(self, trainer, pl_module):
        self.seconds = time.perf_counter() - self.started


def bare(config: Config, data: TableDataModule, epochs: int) -> float:
    recipe, prepared = config.training, data.data
    denoiser = make_module(config, data).denoiser
    optimizer = torch.optim.Adam(
        denoiser.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    batches = Batches(prepared.x, prepared.coordinate_mask, recipe.batch_size, 0, lambda: 0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: recipe.rate_factor(step, batches.n_batches))
    average = AveragedModel(denoiser, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema_decay)) if recipe.ema_decay else None
    generator = torch.Generator().manual_seed(0)
    started = time.perf_counter()
    n_steps = 0
    for _ in range(epochs):
        for x, mask in batches._batches():
            loss = denoiser.losses(x, mask, generator).loss.mean()
            optimizer.zero_grad()
            loss.backward()
            if recipe.gradient_clip is not None:
                torch.nn.utils.clip_grad_norm_(denoiser.parameters(), recipe.gradient_clip)
            optimizer.step()
            schedule.step()
            n_steps += 1
            if average is not None and n_steps % STRETCH == 0:
                average.update_parameters(denoiser)
    return time.perf_counter() - started


def lightning(config: Config, data: TableDataModule, epochs: int) -> float:
    stopwatch = Stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(config.trainer, config.training, data.steps_per_epoch(1), Path(folder))
        trainer.callbacks = [c for c in trainer.callbacks if not isinstance(c, Progress)] + [stopwatch]
        trainer.fit_loop.max_epochs = epochs
        trainer.fit(make_module(config, data), datamodule=data)
    return stopwatch.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=3, help="epochs a turn (default: 3)")
    parser.add_argument("--turns", type=int, default=8, help="turns of each side (default: 8)")
    parser.add_argument("overrides", nargs="*", help="settings, e.g. training.batch_size=512")
    arguments = parser.parse_args()
    config = build_config(compose(arguments.overrides))
    data = make_data(config)
    rows = arguments.epochs * data.data.n_used
    for side in (bare, lightning):  # warm-up
        side(config, data, 1)
    turns = []
    for turn in range(arguments.turns):
        sides = (bare, lightning) if turn % 2 == 0 else (lightning, bare)
        seconds = {side: side(config, data, arguments.epochs) for side in sides}
        turns.append((seconds[bare], seconds[lightning]))
    result = {
        "batch_size": config.training.batch_size,
        "milliseconds_per_step": 1e3 * config.training.batch_size * median(pl for _, pl in turns) / rows,
        "network": config.plain["network"]["name"],
        "bare_rows_per_s": rows / median(b for b, _ in turns),
        "lightning_rows_per_s": rows / median(pl for _, pl in turns),
        "ratio": median(b / pl for b, pl in turns),
        "ratio_min": min(b / pl for b, pl in turns),
        "ratio_max": max(b / pl for b, pl in turns),
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
