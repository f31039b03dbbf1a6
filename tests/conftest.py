"""Small tables shared by the tests. Nothing is downloaded; everything is made here or bundled."""

import os

os.environ.setdefault("WANDB_MODE", "offline")
os.environ.setdefault("WANDB_SILENT", "true")

import numpy as np
import pandas as pd
import pytest

from src.tables import Column, Schema, Split, Table, make_table

SCHEMA = Schema(
    (
        Column("age", "numerical", "int64", integer=True),
        Column("height", "numerical", "float64"),
        Column("colour", "categorical", "object", categories=("blue", "green", "red")),
        Column("label", "categorical", "int64", categories=(0, 1)),
    ),
    target="label",
)


def random_frame(n_rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n_rows)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, n_rows) + 5 * label,
            "height": rng.normal(1.7, 0.1, n_rows) - 0.1 * label,
            "colour": np.array(["blue", "green", "red"], dtype=object)[(rng.random(n_rows) * (2 + label)).astype(int)],
            "label": label,
        }
    )


def random_table(n_rows: int, seed: int = 0) -> Table:
    return make_table(random_frame(n_rows, seed), SCHEMA)


@pytest.fixture
def table() -> Table:
    return random_table(200)


@pytest.fixture
def split() -> Split:
    return Split(random_table(300, 1), random_table(200, 2))


def pytest_collection_modifyitems(items):
    """What takes longest in one file comes first, so that processes side by side end together."""
    items.sort(key=lambda item: "test_notebooks" not in item.nodeid)
