"""A large table: python -m benchmarks.large [--rows 353150] [--sampled 100000]

The stand-in of MIMIC4ED at its full size: seconds and memory of loading, amputation and encoding; of an epoch at
batch 64 and with the fast recipe's batch; rows a second of sampling. `python -m benchmarks.large --run DIR
--sampled 1000000` draws from a finished run instead, to a file that is deleted.
"""

import argparse
import tempfile
import time
from pathlib import Path

import torch

from src.config.compose import compose
from src.config.recorded import load_model
from src.config.run import build_config
from src.results.record.provenance import peak_memory_mb
from src.runs.draw import Model, draw_rows, write_rows
from src.runs.synthetic import layout_of
from src.tables.files.writing import table_writer
from src.training import LAST
from src.training.batches import Batches
from src.training.callbacks import progress_bar

WARM_UP, MEASURED = 30, 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=353_150, help="training rows of the stand-in")
    parser.add_argument("--sampled", type=int, default=100_000, help="rows to draw")
    parser.add_argument("--run", type=Path, help="folder of a finished run to draw from instead")
    arguments = parser.parse_args()
    model = load_model(arguments.run / "checkpoints" / LAST) if arguments.run else stand_in(arguments.rows)
    sampling(model, arguments.sampled)


def stand_in(n_rows: int) -> Model:
    overrides = ["dataset=mimic4ed_standin", "missing=row", "ratio=0.2", f"dataset.n_train={n_rows}"]
    config = build_config(compose(overrides))
    started = time.perf_counter()
    data = config.experiment.data()
    loaded = time.perf_counter()
    data.setup("fit")
    encoded = time.perf_counter()
    train = data.split.train
    print(f"{train.n_rows:,} x {train.n_columns} training rows, {data.split.test.n_rows:,} test rows")
    print(f"loading {loaded - started:.1f} s, amputation and encoding {encoded - loaded:.1f} s", end=", ")
    print(f"{data.data.encoder.width} coordinates, peak memory {peak_memory_mb() / 1024:.2f} GiB")
    module = config.recipe.module(data)
    for batch_size in (64, config.training.batch_size):
        rate = steps_per_second(module, data.data.x, data.data.coordinate_mask, batch_size)
        n_steps = -(-train.n_rows // batch_size)
        print(
            f"batch {batch_size}: {rate:.0f} steps a second, an epoch of {n_steps:,} steps takes {n_steps / rate:.0f} s"
        )
    return Model(module.eval(), layout_of(data.split), None, {})


def steps_per_second(module, x, mask, batch_size):
    """Optimiser steps of the bare loop over the program's batches, masked loss and optimiser."""
    optimizer = module.configure_optimizers()
    generator = torch.Generator().manual_seed(0)
    batches = (batch for stretch in Batches(x, mask, batch_size, 0, lambda: 0) for batch in stretch)
    started = 0.0
    for step, (rows, observed, *_) in enumerate(batches, 1):
        optimizer.zero_grad()
        module.denoiser.random_losses(rows, observed, generator).loss.mean().backward()
        optimizer.step()
        if step == WARM_UP:
            started = time.perf_counter()
        if step == WARM_UP + MEASURED:
            break
    return (step - WARM_UP) / (time.perf_counter() - started)


def sampling(model: Model, n_rows: int) -> None:
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, progress_bar(n_rows, "sampling", "row") as bar:
        file = Path(folder) / "rows.parquet"
        with table_writer(file, model.layout) as rows:
            write_rows(rows, draw_rows(model, n_rows, seed=0), bar.update)
        size = file.stat().st_size / 2**20
    seconds = time.perf_counter() - started
    print(
        f"sampling {n_rows:,} rows to Parquet ({size:.0f} MiB): {seconds:.0f} s, {n_rows / seconds:,.0f} a second\n"
        f"peak memory {peak_memory_mb() / 1024:.2f} GiB, {torch.get_num_threads()} threads"
    )


if __name__ == "__main__":
    main()
