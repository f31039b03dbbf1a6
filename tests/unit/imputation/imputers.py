"""Every imputer, with settings small enough for tests, and tables to fill."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from src.diffusion.absorbing.drawing import CellByCell
from src.diffusion.absorbing.settings import AbsorbingSettings
from src.diffusion.gaussian.sampler import Sampler
from src.diffusion.gaussian.schedule import VariancePreserving
from src.diffusion.gaussian.settings import VPSettings
from src.diffusion.networks import ResidualMLPSettings
from src.encoding import EncodingRecipe, StatesRecipe
from src.imputation.boosted import BoostedChain
from src.imputation.diffusion import ConditionalImputer, DiffusionImputer, MissDiffImputer
from src.imputation.gain import Gain
from src.imputation.imputer import Imputer
from src.imputation.mice import Mice, MiceDraws
from src.imputation.missforest import MissForest
from src.imputation.simple import Centre, HotDeck
from src.models import ModelRecipe
from src.tables import Column, Schema, Table, make_table
from src.training.recipe import TrainerSettings, TrainingRecipe


def boosted(seed: int, n_chains: int = 2) -> BoostedChain:
    return BoostedChain(
        n_iterations=2,
        n_chains=n_chains,
        n_trees=10,
        learning_rate=0.3,
        n_leaves=7,
        min_leaf=5,
        n_donors=5,
        seed=seed,
    )


def gain(seed: int, n_steps: int = 150) -> Gain:
    return Gain(n_steps=n_steps, batch_size=128, hint_rate=0.9, alpha=100.0, learning_rate=1e-3, seed=seed)


RECIPE = ModelRecipe(
    EncodingRecipe("quantile", -1, False),
    VPSettings(VariancePreserving(50, 1e-4, 0.5), "residual", "velocity", Sampler("ancestral", None, "beta", 1e-5)),
    ResidualMLPSettings(channels=32, n_blocks=2, dim_time=16),
    TrainingRecipe(
        epochs=None,
        n_steps=150,
        most_epochs=None,
        batch_size=64,
        learning_rate=3e-3,
        weight_decay=0.0,
        schedule="cosine",
        warm_up_steps=0,
        ema_decay=0.99,
        gradient_clip=None,
        self_paced_steps=None,
        fine_tuning_epochs=0,
        fine_tuning_rate=1e-7,
    ),
    TrainerSettings(accelerator="cpu", devices=1, num_nodes=1, precision="32-true", strategy="auto"),
)


def diffusion(imputer: DiffusionImputer, n_steps: int = 20) -> DiffusionImputer:
    imputer.recipe = replace(RECIPE, training=replace(RECIPE.training, n_steps=n_steps))
    return imputer


def missdiff(seed: int, n_steps: int = 20) -> DiffusionImputer:
    return diffusion(MissDiffImputer(n_steps=8, repeats=2, seed=seed), n_steps)


def missdiff_absorbing(seed: int, n_steps: int = 20) -> DiffusionImputer:
    imputer = diffusion(MissDiffImputer(n_steps=None, repeats=1, seed=seed), n_steps)
    assert imputer.recipe is not None
    imputer.recipe = replace(
        imputer.recipe, encoding=StatesRecipe(16, 8), diffusion=AbsorbingSettings(CellByCell(None))
    )
    return imputer


def csdi_t(seed: int, n_steps: int = 20) -> DiffusionImputer:
    return diffusion(ConditionalImputer(n_steps=8, hidden="uniform", sampler="dpm", seed=seed), n_steps)


IMPUTERS: dict[str, Callable[[int], Imputer]] = {
    "mean_mode": lambda seed: Centre("mean", seed),
    "median_mode": lambda seed: Centre("median", seed),
    "hot_deck": lambda seed: HotDeck(seed),
    "mice": lambda seed: Mice("one_hot", 5, 1e-3, seed),
    "mice_ordinal": lambda seed: Mice("ordinal", 5, 1e-3, seed),
    "mice_draws": lambda seed: MiceDraws("one_hot", 5, 1e-3, seed, n_chains=2),
    "missforest": lambda seed: MissForest(5, 2, seed),
    "boosted": boosted,
    "gain": gain,
    "missdiff": missdiff,
    "missdiff_absorbing": missdiff_absorbing,
    "csdi_t": csdi_t,
}

MIXED = Schema(
    (
        Column("height", "numerical", "float64"),
        Column('{"age": [0]}', "numerical", "int64", integer=True),
        Column("colour", "categorical", "object", categories=("blue", "green", "never", "red")),
        Column("label", "categorical", "int64", categories=(0, 1)),
        Column("constant", "numerical", "float64"),
        Column("lone", "categorical", "object", categories=("only", "other")),
        Column("huge", "numerical", "float64"),
    ),
    target="label",
)


def mixed(n_rows: int, seed: int = 0) -> Table:
    """A complete table of every kind of column; no cell of ``colour`` is ``never``, none of ``lone`` is ``other``."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n_rows)
    frame = pd.DataFrame(
        {
            "height": rng.normal(1.7, 0.1, n_rows) - 0.1 * label,
            '{"age": [0]}': rng.integers(18, 90, n_rows) + 5 * label,
            "colour": np.array(["blue", "green", "red"], dtype=object)[rng.integers(0, 2, n_rows) + label],
            "label": label,
            "constant": 0.1,
            "lone": "only",
            "huge": 1e300 * (1 + rng.random(n_rows)),
        }
    )
    return make_table(frame, MIXED)


def holes(table: Table, seed: int = 0, share: float = 0.25) -> np.ndarray:
    """(N, d) mask, True = observed; the first row observes everything, so that no column is empty."""
    mask = np.random.default_rng(seed).random((table.n_rows, table.n_columns)) >= share
    mask[0] = True
    return mask


COPIED = Schema(
    (
        Column("letter", "categorical", "object", categories=("a", "b", "c")),
        Column("noise", "numerical", "float64"),
        Column("copy", "categorical", "object", categories=("x", "y", "z")),
    )
)


def copied(n_rows: int, kept: float, seed: int = 0) -> Table:
    """A column tells another one: letters a, b, c go with y, z, x, with probability ``kept``, else with any."""
    rng = np.random.default_rng(seed)
    letter = rng.integers(0, 3, n_rows)
    copy = np.where(rng.random(n_rows) < kept, (letter + 1) % 3, rng.integers(0, 3, n_rows))
    frame = pd.DataFrame(
        {
            "letter": np.array(["a", "b", "c"], dtype=object)[letter],
            "noise": rng.normal(size=n_rows),
            "copy": np.array(["x", "y", "z"], dtype=object)[copy],
        }
    )
    return make_table(frame, COPIED)


def accuracy(imputer: Imputer, kept: float, n_rows: int = 600) -> float:
    """Share of the hidden cells of ``copy`` that are filled with the category that ``letter`` goes with."""
    table = copied(n_rows, kept)
    mask = np.ones((n_rows, 3), dtype=bool)
    mask[np.random.default_rng(1).random(n_rows) < 0.3, 2] = False
    mask[np.random.default_rng(2).random(n_rows) < 0.2, 1] = False
    filled = imputer.fit(table.with_holes(mask)).transform(table.with_holes(mask)).completed(0).frame
    hidden = filled[~mask[:, 2]]
    return float((hidden["copy"] == hidden["letter"].map({"a": "y", "b": "z", "c": "x"})).mean())
