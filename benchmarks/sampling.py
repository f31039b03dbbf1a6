"""Rows a second that are drawn, beside the arithmetic floor: python -m benchmarks.sampling [--chunks 512 2048 8192]

Census and the stand-in of MIMIC4ED by the default process, Census by ``vp``; chunks of several sizes take turns,
2,048 rows being the program's. The floor is the floating-point operations PyTorch counts, over the rate of a large
matrix product on the same cores in the same turn. Weights are random: the time does not depend on them. Then whole
tables as ``python -m src.sample`` writes them: 50,000 rows of Census, decoded and on disk.
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.common import product_rate, write_result
from src.config.compose import compose
from src.config.run import build_config
from src.runs.draw import Model, draw_rows, write_rows
from src.runs.synthetic import layout_of
from src.tables.files.writing import table_writer

CASES = {
    "census": [],
    "mimic4ed_standin": ["dataset=mimic4ed_standin", "dataset.n_train=20000"],
    "census, vp": ["diffusion=vp"],
}
WHOLE_TABLE = 50_000


def model_of(overrides: list[str]) -> Model:
    """A model with random weights, off the zeros that it starts with."""
    config = build_config(compose(overrides))
    data = config.experiment.data()
    module = config.recipe.module(data)
    torch.manual_seed(0)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    return Model(module.eval(), layout_of(data.split), None, {})


def measure(model: Model, chunks: list[int], turns: int) -> list[dict[str, Any]]:
    draw = model.module.draw_chunk
    operations = {}
    for chunk in chunks:
        with FlopCounterMode(display=False) as counter:
            draw(0, chunk, 0)
        operations[chunk] = counter.get_total_flops()
    found: dict[int, list[tuple[float, float]]] = {chunk: [] for chunk in chunks}
    for turn in range(turns):
        rate = product_rate()
        for chunk in chunks if turn % 2 == 0 else reversed(chunks):
            started = time.perf_counter()
            draw(turn, chunk, 0)
            found[chunk].append((time.perf_counter() - started, operations[chunk] / rate))
    return [
        {
            "chunk": chunk,
            "rows_per_s": chunk / median(seconds for seconds, _ in times),
            "of_floor": median(floor / seconds for seconds, floor in times),
        }
        for chunk, times in found.items()
    ]


def whole_table(model: Model, n_rows: int) -> float:
    """Seconds of drawing, decoding and writing a table."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, table_writer(Path(folder) / "rows.csv", model.layout) as rows:
        write_rows(rows, draw_rows(model, n_rows, seed=0), lambda n: None)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", nargs="+", type=int, default=[512, 2048, 8192])
    parser.add_argument("--turns", type=int, default=5)
    given = parser.parse_args()
    cases = []
    for name, overrides in CASES.items():
        model = model_of(overrides)
        for found in measure(model, given.chunks, given.turns):
            cases.append({"table": name, "columns": len(model.schema.columns), **found})
            line = f"{name}, {found['chunk']:,} rows at a time: {found['rows_per_s']:,.0f} rows/s"
            print(f"{line}, {found['of_floor']:.2f} of the floor", flush=True)
        if name == "census":
            seconds = median(whole_table(model, WHOLE_TABLE) for _ in range(3))
            print(f"{name}, {WHOLE_TABLE:,} rows to a CSV file: {seconds:.1f} s", flush=True)
    write_result("sampling", {"cases": cases, "whole_table_rows": WHOLE_TABLE, "whole_table_s": seconds})


if __name__ == "__main__":
    main()
