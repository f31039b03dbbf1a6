import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src.errors import ConfigError
from src.training.batches import Batches, Chunks, shard
from src.training.recipe import TrainerSettings, TrainingRecipe

RECIPE = {
    "epochs": 100,
    "n_steps": None,
    "most_epochs": None,
    "batch_size": 8,
    "learning_rate": 1e-3,
    "weight_decay": 0.0,
    "schedule": "constant",
    "warm_up_steps": 0,
    "ema_decay": None,
    "gradient_clip": None,
    "self_paced_steps": None,
    "fine_tuning_epochs": 0,
    "fine_tuning_rate": 2e-7,
}


def batches(n, size, epoch=0, rank=0, world=1):
    x = torch.arange(n, dtype=torch.float32)[:, None]
    return Batches(x, x > 0, size, 0, lambda: epoch, rank, world)


def flat(*arguments, **more):
    return [batch for stretch in batches(*arguments, **more) for batch in stretch]


@pytest.mark.integration
@given(n=st.integers(1, 200), size=st.integers(1, 40), world=st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_ranks_share_the_global_batches_of_one_process_row_by_row(n, size, world):
    shards = [flat(n, size, rank=r, world=world) for r in range(world)]
    alone = flat(n, size * world)
    assert {len(shard) for shard in shards} == {batches(n, size, world=world).n_batches} == {len(alone)}
    assert len(list(batches(n, size, world=world))) == len(batches(n, size, world=world))
    for whole, *parts in zip(alone, *shards, strict=True):
        assert len({len(part.x) for part in parts}) == 1
        assert len(parts[0].x) <= size
        assert {part.n_global for part in parts} == {len(whole.x)} == {whole.n_global}
        counted = [part.x[: part.n_rows, 0].tolist() for part in parts]
        for rank, rows in enumerate(counted):
            assert rows == whole.x[rank::world, 0].tolist()


@given(n=st.integers(1, 40), world=st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_shares_are_as_long_as_each_other_and_hold_every_row(n, world):
    shares = [shard(torch.arange(n), rank, world).tolist() for rank in range(world)]
    assert len({len(each) for each in shares}) == 1
    dealt = [row for place in zip(*shares, strict=True) for row in place]
    assert dealt[:n] == list(range(n))
    assert set(dealt[n:]) <= {0}


def test_order_is_a_function_of_seed_and_epoch():
    first, again, other = ([batch.x.tolist() for batch in flat(50, 16, epoch)] for epoch in (0, 0, 1))
    assert first == again
    assert first != other


@given(n=st.integers(1, 5000), size=st.integers(1, 700), world=st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_chunks_cover_the_rows_whatever_the_number_of_ranks(n, size, world):
    shards = [Chunks(n, size, rank, world) for rank in range(world)]
    assert all(len(shard) >= 1 for shard in shards), "Lightning wants a batch on every rank"
    drawn = sorted(chunk for shard in shards for chunk in shard if chunk.n_rows)
    assert drawn == list(Chunks(n, size))
    assert sum(chunk.n_rows for chunk in drawn) == n
    assert [len(shard) for shard in shards] == [len(list(shard)) for shard in shards]


def test_multistep_is_the_papers_schedule():
    recipe = TrainingRecipe(**RECIPE | {"schedule": "multistep"})
    factors = [recipe.rate_factor(epoch * 7, 7) for epoch in (0, 24, 25, 49, 50, 74, 75, 89, 90, 99)]
    np.testing.assert_allclose(factors, [1, 1, 0.1, 0.1, 0.01, 0.01, 1e-3, 1e-3, 1e-4, 1e-4])


@pytest.mark.parametrize(("epochs", "steps"), [(1, 1), (1, 20), (5, 4), (100, 10)])
def test_cosine_rises_then_falls_and_never_divides_by_zero(epochs, steps):
    recipe = TrainingRecipe(**RECIPE | {"schedule": "cosine", "epochs": epochs})
    factors = [recipe.rate_factor(step, steps) for step in range(epochs * steps + 1)]
    assert all(0 <= factor <= 1 for factor in factors)
    assert max(factors) > 0.9 or epochs * steps < 20
    assert factors[-1] == pytest.approx(0, abs=1e-12)


def test_a_number_of_steps_becomes_full_epochs():
    recipe = TrainingRecipe(**RECIPE | {"epochs": None, "n_steps": 100})
    assert [recipe.n_epochs(steps) for steps in (1, 33, 50, 100, 1000)] == [100, 4, 2, 1, 1]
    assert TrainingRecipe(**RECIPE | {"n_steps": 7}).n_epochs(33) == 100
    capped = TrainingRecipe(**RECIPE | {"epochs": None, "n_steps": 100, "most_epochs": 5})
    assert [capped.n_epochs(steps) for steps in (2, 19, 20, 33)] == [5, 5, 5, 4]
    with pytest.raises(ConfigError, match="both null"):
        TrainingRecipe(**RECIPE | {"epochs": None})


def test_a_table_with_holes_gets_more_steps_and_one_of_many_categories_more_epochs():
    recipe = TrainingRecipe(**RECIPE | {"epochs": None, "n_steps": 700, "growth_rows": 10_000, "most_epochs": 49})
    lengths = [
        (fitted.n_steps, fitted.most_epochs)
        for fitted in (recipe.for_table(share, many) for share in (1, 0.7, 0.1) for many in (False, True))
    ]
    assert lengths == [(700, 49), (700, 98), (1000, 100), (1000, 200), (1400, 196), (1400, 392)]
    fixed = TrainingRecipe(**RECIPE | {"epochs": None, "n_steps": 700, "growth_rows": None, "most_epochs": 49})
    assert fixed.for_table(0.5, True) == fixed


def test_stasys_rate_warms_up_stays_and_drops_for_fine_tuning():
    stasy = {"learning_rate": 2e-3, "warm_up_steps": 50, "fine_tuning_epochs": 5}
    recipe = TrainingRecipe(**RECIPE | stasy)
    assert recipe.n_epochs(7) == 105
    rates = [2e-3 * recipe.rate_factor(step, 7) for step in (0, 24, 49, 50, 699, 700, 734)]
    np.testing.assert_allclose(rates, [4e-5, 1e-3, 2e-3, 2e-3, 2e-3, 2e-7, 2e-7])


def test_a_budget_scales_every_length_and_nothing_else():
    full = TrainingRecipe(
        **RECIPE | {"n_steps": 1000, "warm_up_steps": 50, "self_paced_steps": 10_000, "fine_tuning_epochs": 50}
    )
    part = full.scaled(0.1)
    changed = {"epochs": 10, "n_steps": 100, "warm_up_steps": 5, "self_paced_steps": 1000, "fine_tuning_epochs": 5}
    assert part == TrainingRecipe(**{**vars(full), **changed})
    assert full.scaled(1.0) == full
    assert full.scaled(1e-6).fine_tuning_epochs == 1
    assert TrainingRecipe(**RECIPE).scaled(0.1).fine_tuning_epochs == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("epochs", 0),
        ("n_steps", 0),
        ("batch_size", -1),
        ("learning_rate", 0.0),
        ("learning_rate", float("inf")),
        ("beta2", 1.0),
        ("weight_decay", -1.0),
        ("schedule", "linear"),
        ("ema_decay", 1.0),
        ("gradient_clip", 0.0),
        ("warm_up_steps", -1),
        ("self_paced_steps", 0),
        ("fine_tuning_epochs", -1),
        ("fine_tuning_rate", 0.0),
    ],
)
def test_recipe_refuses(key, value):
    with pytest.raises(ConfigError, match=f"training.{key}"):
        TrainingRecipe(**RECIPE | {key: value})


def test_trainer_settings_refuse():
    good = {"accelerator": "cpu", "devices": 1, "num_nodes": 1, "precision": "32-true", "strategy": "auto"}
    assert TrainerSettings(**good | {"devices": 2, "num_nodes": 3, "strategy": "ddp"}).n_processes == 6
    bad = {"accelerator": "tpu", "devices": 0, "num_nodes": 0, "precision": "8", "strategy": "fsdp"}
    for key, value in bad.items():
        with pytest.raises(ConfigError, match=f"trainer.{key}"):
            TrainerSettings(**good | {key: value})
    with pytest.raises(ConfigError, match=r"need trainer\.strategy=ddp"):
        TrainerSettings(**good | {"devices": 2})
