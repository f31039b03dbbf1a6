"""One system in a process of its own: reads a table, trains, draws rows. `python -m benchmarks.peers` calls it.

    python -P benchmarks/peer_worker.py SYSTEM TABLE.parquet KINDS.json FOLDER --rows 16000 --seed 0 --threads 2

Leaves ``rows.parquet`` and ``facts.json`` (seconds, memory, versions) in FOLDER and says nothing. Peers run in an
environment without the project, so that nothing of it is imported here but by ``missdiff``, as the project's own
interpreter runs it. Seconds of training start after the imports and the reading of the table, on both sides.
"""

import argparse
import json
import os
import platform
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Sample = Callable[[], pd.DataFrame]
Train = Callable[[], Sample]
MIB = 2**10
"""``ru_maxrss`` counts KiB on Linux."""


@dataclass(frozen=True)
class Task:
    """What a system is given.

    Attributes:
        table: training rows, NaN where there is a hole.
        columns: name, kind (numerical or categorical) and whether a numerical one holds whole numbers.
        n_rows: rows to draw.
        scale: of epochs and trees; 1 but for trying out.
        folder: of the run.
        overrides: of the project's configuration; ``missdiff`` alone has them.
    """

    table: pd.DataFrame
    columns: list[dict[str, Any]]
    n_rows: int
    seed: int
    threads: int
    scale: float
    folder: Path
    overrides: list[str]

    @property
    def categorical(self) -> list[str]:
        return [column["name"] for column in self.columns if column["kind"] == "categorical"]

    @property
    def numerical(self) -> list[str]:
        return [column["name"] for column in self.columns if column["kind"] == "numerical"]

    @property
    def integer(self) -> list[str]:
        return [column["name"] for column in self.columns if column["integer"]]

    def scaled(self, number: int) -> int:
        return max(round(number * self.scale), 1)


class Numbers:
    """The table as numbers, for systems that take no text: categories first, the most frequent one is 0.

    Column names of ForestDiffusion's dummies are told apart by the end of the column's number, so that only
    columns 0 to 9 may be categorical; and a hole is its first dummy, which this way is the mode.
    """

    def __init__(self, task: Task) -> None:
        self.names = [*task.categorical, *task.numerical]
        self.categories = {name: task.table[name].value_counts().index.tolist() for name in task.categorical}
        columns = [
            self._codes(task.table[name]) if name in self.categories else task.table[name] for name in self.names
        ]
        self.x = np.column_stack([np.asarray(column, dtype=float) for column in columns])

    def positions(self, names: list[str]) -> list[int]:
        return [self.names.index(name) for name in names]

    def frame(self, x: np.ndarray) -> pd.DataFrame:
        """Inverse: NaN where a number is none of the categories'."""
        frame = pd.DataFrame(x, columns=self.names)
        for name, categories in self.categories.items():
            frame[name] = frame[name].round().map(dict(enumerate(categories))).astype(object)
        return frame

    def _codes(self, values: pd.Series) -> pd.Series:
        return values.map({category: code for code, category in enumerate(self.categories[str(values.name)])})


def ctgan(task: Task) -> Train:
    from ctgan import CTGAN

    return _of_ctgan_package(CTGAN, task)


def tvae(task: Task) -> Train:
    from ctgan import TVAE

    return _of_ctgan_package(TVAE, task)


def _of_ctgan_package(kind: Any, task: Task) -> Train:
    def train() -> Sample:
        model = kind(epochs=task.scaled(300), enable_gpu=False)
        model.set_random_state(task.seed)
        model.fit(task.table, task.categorical)
        return lambda: model.sample(task.n_rows)

    return train


def gaussian_copula(task: Task) -> Train:
    from sdv.metadata import Metadata
    from sdv.single_table import GaussianCopulaSynthesizer

    def train() -> Sample:
        kinds = {column["name"]: {"sdtype": column["kind"]} for column in task.columns}
        model = GaussianCopulaSynthesizer(Metadata.load_from_dict({"columns": kinds}, "table"))
        model.fit({"table": task.table})
        return lambda: model.sample(task.n_rows)["table"]

    return train


def arf(task: Task) -> Train:
    from arfpy.arf import arf as adversarial_forest

    def train() -> Sample:
        np.random.seed(task.seed)  # the package draws from NumPy's global stream
        model = adversarial_forest(task.table, num_trees=task.scaled(30), verbose=False, n_jobs=task.threads)
        model.forde()
        return lambda: model.forge(task.n_rows)

    return train


def nrgboost(task: Task) -> Train:
    return _nrgboost(task, n_trees=200)


def nrgboost_small(task: Task) -> Train:
    return _nrgboost(task, n_trees=50)


def _nrgboost(task: Task, n_trees: int) -> Train:
    from nrgboost import Dataset, NRGBooster

    def train() -> Sample:
        frame = task.table.astype(dict.fromkeys(task.categorical, "category"))
        model = NRGBooster.fit(Dataset(frame), {"num_trees": task.scaled(n_trees)}, seed=task.seed)
        return lambda: model.sample(task.n_rows, seed=task.seed)

    return train


def unmasking_trees_small(task: Task) -> Train:
    from utrees import UnmaskingTrees

    def train() -> Sample:
        numbers = Numbers(task)
        kinds = dict.fromkeys(task.integer, "integer") | dict.fromkeys(task.categorical, "categorical")
        trees = {"n_estimators": task.scaled(100)}
        model = UnmaskingTrees(duplicate_K=1, xgboost_kwargs=trees, random_state=task.seed)
        model.fit(numbers.x, [kinds.get(name, "continuous") for name in numbers.names])
        return lambda: numbers.frame(model.generate(task.n_rows))

    return train


def forest_diffusion(task: Task) -> Train:
    return _forest_diffusion(task, n_levels=50, n_noises=100, n_trees=100)


def forest_diffusion_small(task: Task) -> Train:
    return _forest_diffusion(task, n_levels=10, n_noises=1, n_trees=10)


def _forest_diffusion(task: Task, n_levels: int, n_noises: int, n_trees: int) -> Train:
    from ForestDiffusion import ForestDiffusionModel

    # as many processes as cores: XGBoost would start as many threads in each of them
    os.environ["OMP_NUM_THREADS"] = "1"

    def train() -> Sample:
        numbers = Numbers(task)
        binary = [name for name, categories in numbers.categories.items() if len(categories) <= 2]
        model = ForestDiffusionModel(
            numbers.x,
            n_t=n_levels,
            duplicate_K=n_noises,
            n_estimators=task.scaled(n_trees),
            bin_indexes=numbers.positions(binary),
            cat_indexes=numbers.positions([name for name in task.categorical if name not in binary]),
            int_indexes=numbers.positions(task.integer),
            n_jobs=task.threads,
            seed=task.seed,
        )
        return lambda: numbers.frame(model.generate(task.n_rows))

    return train


def missdiff(task: Task) -> Train:
    from src.config.compose import compose
    from src.config.run import build_config
    from src.training.fit import fit, generate, make_trainer

    config = build_config(compose(task.overrides))
    data = config.experiment.data()

    def train() -> Sample:
        data.setup("fit")  # the holes, the encoding
        module = config.recipe.module(data)
        trainer = make_trainer(config.trainer, config.training, module.steps_per_epoch, task.folder)
        fit(trainer, module, data, task.folder)
        return lambda: data.data.encoder.backward(generate(trainer, module, data)[0]).frame

    return train


SYSTEMS: dict[str, tuple[Callable[[Task], Train], tuple[str, ...]]] = {
    "ctgan": (ctgan, ("ctgan", "rdt", "torch")),
    "tvae": (tvae, ("ctgan", "rdt", "torch")),
    "gaussian_copula": (gaussian_copula, ("sdv", "copulas", "rdt")),
    "arf": (arf, ("arfpy", "scikit-learn")),
    "nrgboost_small": (nrgboost_small, ("nrgboost", "numba")),
    "nrgboost": (nrgboost, ("nrgboost", "numba")),
    "unmasking_trees_small": (unmasking_trees_small, ("utrees", "xgboost")),
    "forest_diffusion_small": (forest_diffusion_small, ("ForestDiffusion", "xgboost")),
    "forest_diffusion": (forest_diffusion, ("ForestDiffusion", "xgboost")),
    "missdiff": (missdiff, ("torch", "pytorch-lightning")),
}
"""Every system and the packages whose versions its figures depend on, beside NumPy and pandas."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system", choices=list(SYSTEMS))
    parser.add_argument("table", type=Path)
    parser.add_argument("kinds", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--overrides", nargs="*", default=[])
    given = parser.parse_args()
    columns = json.loads(given.kinds.read_text())
    table = pd.read_parquet(given.table)
    whole = {c["name"]: "int64" for c in columns if c["integer"] and table[c["name"]].notna().all()}
    task = Task(
        table.astype(whole),
        columns,
        given.rows,
        given.seed,
        given.threads,
        given.scale,
        given.folder,
        given.overrides,
    )
    prepare, packages = SYSTEMS[given.system]
    train = prepare(task)
    started = time.perf_counter()
    sample = train()
    trained = time.perf_counter()
    rows = sample()
    sampled = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
    rows.astype(dict.fromkeys(task.categorical, object)).to_parquet(given.folder / "rows.parquet", index=False)
    facts = {
        "train_s": trained - started,
        "sample_s": sampled - trained,
        "peak_memory_mb": peak,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in (*packages, "numpy", "pandas")},
        },
    }
    (given.folder / "facts.json").write_text(json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    main()
