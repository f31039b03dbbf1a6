"""The two diffusion imputers beyond what every imputer promises."""

import numpy as np
import pytest
import torch

from src.diffusion import Drawn, Targets
from src.errors import ConfigError
from src.imputation.diffusion import ConditionalImputer
from tests.conftest import random_table
from tests.unit.imputation.imputers import accuracy, csdi_t, missdiff


def conditional(hidden, **changes):
    return ConditionalImputer(**{"n_steps": 5, "sampler": "dpm", "seed": 0, "hidden": hidden} | changes)


@pytest.mark.integration
@pytest.mark.parametrize("make", [missdiff, csdi_t])
def test_a_category_told_by_another_column_is_recovered(make):
    assert accuracy(make(0, 600), kept=1.0) > 0.9


@pytest.mark.parametrize(
    ("hidden", "share", "targets"),
    [
        (0.8, 0.2, Targets(0.8, 0.8)),
        ("uniform", 0.2, Targets(0.0, 1.0)),
        ("like_table", 0.5, Targets(0.5, 0.5)),
        ("like_table", 0.0, Targets(0.25, 0.25)),
        ("like_table", 0.75, Targets(0.75, 0.75)),
    ],
)
def test_what_is_hidden_in_training(hidden, share, targets):
    table = random_table(80)
    mask = np.ones((80, 4), dtype=bool)
    mask[: round(80 * share)] = False
    assert conditional(hidden).targets(table.with_holes(mask)) == targets


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": 1.0}, "imputer.hidden is like_table, uniform, or a share"),
        ({"hidden": "some"}, "imputer.hidden is like_table, uniform, or a share"),
        ({"hidden": 0.5, "sampler": "ode"}, "imputer.sampler is dpm or ancestral"),
        ({"hidden": 0.5, "n_steps": 0}, "imputer.n_steps is at least 1"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        conditional(**settings)


def test_a_model_of_the_other_kind_is_refused():
    one, other = missdiff(0), csdi_t(0)
    one.fit(random_table(40))
    with pytest.raises(ConfigError, match="not a conditional one"):
        other.use_module(one.module)


def test_the_cost_of_a_draw_of_a_row_is_counted():
    table = random_table(40)
    mask = np.ones((40, 4), dtype=bool)
    mask[::2, 1] = False
    found = missdiff(0).fit(table)
    assert found.n_evaluations == 0
    found.transform(table.with_holes(mask), 3)
    assert found.n_evaluations == (8 - 1) * 2 + 1  # 8 steps twice, the last one once
    assert torch.isfinite(found.module.denoiser.mean).all()


def test_the_cost_is_a_mean_over_blocks_and_tables(monkeypatch):
    monkeypatch.setattr("src.imputation.diffusion.BATCH_ROWS", 10)
    costs = iter([5, 5, 20, 20, 8, 8])  # two draws of blocks of 10 and 5 rows, then of 10 rows of another table
    found = missdiff(0).fit(random_table(40))
    monkeypatch.setattr(found, "_draw", lambda module, x, mask, generator: Drawn(x, next(costs)))
    for n_rows in (15, 10):
        table = random_table(n_rows)
        mask = np.ones((n_rows, 4), dtype=bool)
        mask[:, 1] = False
        found.transform(table.with_holes(mask), 2)
    assert found.n_evaluations == (10 * 5 + 5 * 20 + 10 * 8) / 25
