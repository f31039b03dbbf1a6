"""GAIN: what it recovers, and what leaves it alone."""

import numpy as np
import pandas as pd
import pytest
import torch

from src.errors import ConfigError, TrainingDivergedError
from src.imputation.gain import Gain
from src.tables import infer_schema, make_table
from tests.unit.imputation.imputers import accuracy, gain, holes, mixed


@pytest.mark.slow
@pytest.mark.integration
def test_a_category_told_by_another_column_is_recovered():
    assert accuracy(gain(0, n_steps=1500), kept=1.0) > 0.95


@pytest.mark.slow
def test_a_number_told_by_another_column_is_recovered():
    x = np.random.default_rng(0).random(600)
    frame = pd.DataFrame({"x": x, "y": 5 - 3 * x})
    table = make_table(frame, infer_schema(frame, None, []))
    hidden = np.random.default_rng(1).random(600) < 0.2
    table = table.with_holes(np.column_stack([np.ones(600, dtype=bool), ~hidden]))
    fills = gain(0, n_steps=2000).fit(table).transform(table).draws["y"][0]
    error = np.sqrt(((fills - frame["y"][hidden]) ** 2).mean())
    assert error < 0.3 * frame["y"].std()


def test_random_numbers_and_threads_of_others_are_left_alone():
    table = mixed(50)
    table = table.with_holes(holes(table))
    torch.manual_seed(1)
    state, n_threads = torch.get_rng_state(), torch.get_num_threads()
    one = gain(0, n_steps=5).fit(table).transform(table).draws
    assert torch.equal(state, torch.get_rng_state())
    assert torch.get_num_threads() == n_threads
    torch.manual_seed(2)
    two = gain(0, n_steps=5).fit(table).transform(table).draws
    assert all(np.array_equal(one[name], two[name]) for name in one)


def test_weights_that_are_not_finite_are_refused():
    table = mixed(50)
    with pytest.raises(TrainingDivergedError, match="learning_rate"):
        Gain(20, 32, 0.9, 100.0, float("inf"), 0).fit(table.with_holes(holes(table)))


@pytest.mark.parametrize(
    ("setting", "value"),
    [("n_steps", 0), ("batch_size", 0), ("hint_rate", 1.1), ("alpha", -1.0), ("learning_rate", 0.0)],
)
def test_settings_that_cannot_be(setting, value):
    settings = {"n_steps": 5, "batch_size": 8, "hint_rate": 0.9, "alpha": 100.0, "learning_rate": 1e-3, "seed": 0}
    with pytest.raises(ConfigError, match=setting):
        Gain(**{**settings, setting: value})
