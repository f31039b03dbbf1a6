"""Quality against network evaluations of the samplers, on one trained run: python -m benchmarks.samplers DIR

Draws as many rows as the run did with each sampler of its diffusion from the run's weights and scores them
against the complete training table. One Markdown line a sampler.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import torch

from src.commands.evaluate import config_of_run
from src.diffusion.absorbing.drawing import CellByCell
from src.diffusion.absorbing.settings import AbsorbingSettings
from src.diffusion.gaussian.sampler import Sampler
from src.metrics.evaluate import score
from src.results.record.run_folder import RunFolder
from src.system.cores import usable_cores
from src.training import LAST
from src.training.fit import generate, make_trainer
from src.training.likelihood import load_trained

SAMPLERS = (
    Sampler("ode", None, "beta", 1e-5),
    Sampler("ode", None, "beta", 1e-3),
    *(Sampler("dpm", n_steps, "beta", 1e-5) for n_steps in (10, 20, 30, 50)),
    Sampler("ancestral", 100, "beta", 1e-5),
    Sampler("predictor_corrector", 100, "beta", 1e-5),
)
CELLS = tuple(CellByCell(n_steps) for n_steps in (1, 2, 3, 5, 7, 10, None))
METRICS = ("fidelity/overall", "fidelity/overall_default", "utility/xgboost/auroc", "detection/xgboost")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a finished run")
    folder = RunFolder(parser.parse_args().run)
    config = config_of_run(folder)
    data = config.experiment.data()
    module = config.recipe.module(data)
    load_trained(module, folder.path / "checkpoints" / LAST)
    trainer = make_trainer(config.trainer, config.training, module.steps_per_epoch, folder.path)
    print("| sampler | evaluations a row | seconds | " + " | ".join(METRICS) + " |")
    print("|---" * (3 + len(METRICS)) + "|")
    for sampler in CELLS if isinstance(config.diffusion, AbsorbingSettings) else SAMPLERS:
        module.diffusion = replace(config.diffusion, sampler=sampler)
        started = time.perf_counter()
        x, n_evaluations = generate(trainer, module, data)
        seconds = time.perf_counter() - started
        threads = usable_cores()
        scores = score(data.split, data.data.encoder.backward(x), config.evaluation, config.general.seed, threads)
        cells = [f"{scores.values[metric]:.3f}" for metric in METRICS]
        print(f"| {_name(sampler)} | {n_evaluations:.0f} | {seconds:.1f} | " + " | ".join(cells) + " |", flush=True)
    print(f"\n{len(x):,} rows of width {module.encoder.width}, {torch.get_num_threads()} threads")


def _name(sampler: Sampler | CellByCell) -> str:
    if isinstance(sampler, CellByCell):
        return "a cell a step" if sampler.n_steps is None else f"{sampler.n_steps} steps"
    return f"ode, tolerance {sampler.tolerance:g}" if sampler.name == "ode" else f"{sampler.name}, {sampler.n_steps}"


if __name__ == "__main__":
    main()
