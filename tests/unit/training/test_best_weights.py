"""The weights at which held-out rows are most likely: found, kept, and used to fill and to answer."""

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch

from src.api import MissDiff
from src.errors import ConfigError
from src.training import LAST
from src.training.batches import Batches
from src.training.checkpoint import (
    CHECKPOINT_KEY,
    answering_weights,
    best_epoch,
    is_trained,
    read_checkpoint,
    sampling_weights,
    without_training,
)
from src.training.datamodule import TableDataModule
from src.training.fit import fit, make_trainer
from src.training.held_out import PATIENCE, BestWeights
from tests.unit.training.test_fit import CPU, ENCODING, StopAfter, parts, recipe, weights

FEW = {"epochs": 12, "held_out_rows": 10}


@pytest.fixture(autouse=True)
def _a_checkpoint_after_every_epoch(monkeypatch):
    monkeypatch.setattr("src.training.checkpoint.LEAST_WORK", 0)


def run_of(path, losses=None, monkeypatch=None, **changes):
    """Parts of a run with held-out rows; with ``losses`` the held-out loss takes these values."""
    training = recipe(**FEW | changes)
    _, module, data, _ = parts(path, training)
    data = TableDataModule(data.split, data.mechanism, data.completion, ENCODING, 64, 50, 0, training.n_held_out)
    module.steps_per_epoch = data.steps_per_epoch(1)
    if losses is not None:
        values = iter(losses)
        monkeypatch.setattr("src.training.held_out.held_out_loss", lambda module, data: next(values))
    return make_trainer(CPU, training, module.steps_per_epoch, path), module, data, path


class Watch(pl.Callback):
    """Remembers the rows of every epoch."""

    def __init__(self):
        self.rows, self.n_rows = {}, {}

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        for part in batch:
            self.rows.setdefault(trainer.current_epoch, set()).update(tuple(row) for row in part.x.tolist())
            self.n_rows[trainer.current_epoch] = self.n_rows.get(trainer.current_epoch, 0) + part.n_rows


def found(run):
    return next(callback for callback in run[0].callbacks if isinstance(callback, BestWeights))


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_few_rows_are_held_out_and_none_of_a_tiny_table():
    training = recipe(held_out_rows=1000)
    assert [training.n_held_out(n) for n in (5, 20, 16_000, 20_000, 1_000_000)] == [0, 1, 800, 1000, 1000]
    assert recipe(held_out_rows=None).n_held_out(20_000) == 0
    assert recipe(fine_tuning_epochs=2).n_held_out(300) == 30
    assert training.for_imputation().stop_at_best
    assert not recipe(held_out_rows=None).for_imputation().stop_at_best


def test_to_stop_at_the_best_weights_rows_must_be_held_out():
    for changes in ({"held_out_rows": None}, {"fine_tuning_epochs": 1}):
        with pytest.raises(ConfigError, match=r"training\.stop_at_best=true needs training\.held_out_rows"):
            recipe(stop_at_best=True, **changes)


def test_an_epoch_of_more_rows_is_a_random_part_of_them():
    x, now = torch.arange(40.0)[:, None], {"rows": torch.arange(8), "epoch": 0}
    batches = Batches(x, x >= 0, 3, 0, lambda: now["epoch"], rows=lambda: now["rows"], most_rows=8)

    def epoch():
        return [float(value) for stretch in batches for batch in stretch for value in batch.x[:, 0]]

    assert sorted(epoch()) == list(range(8))
    now["rows"] = torch.arange(40)
    assert len(epoch()) == len(set(epoch())) == 8
    seen = set()
    for now["epoch"] in range(60):
        seen |= set(epoch())
    assert seen == set(range(40))


@pytest.mark.integration
def test_held_out_rows_join_once_the_best_weights_are_found(tmp_path, monkeypatch):
    losses = [3.0, 1.0, *[2.0] * PATIENCE]
    run, watch = run_of(tmp_path, losses, monkeypatch), Watch()
    run[0].callbacks.append(watch)
    fit(*run)
    data, best = run[2], found(run)
    rows = {tuple(row) for row in data.data.x[data.held_out_rows].tolist()}
    trained = {tuple(row) for row in data.data.x[data.training_rows].tolist()}
    assert len(data.held_out_rows) == 10
    assert best.losses == losses
    for epoch, of_epoch in watch.rows.items():
        assert bool(of_epoch & (rows - trained)) == (epoch >= len(losses)), epoch
    assert set(watch.n_rows.values()) == {290}
    checkpoint = read_checkpoint(tmp_path / "checkpoints" / LAST)
    assert best_epoch(checkpoint) == 2
    assert same(answering_weights(checkpoint), best.best)
    assert same(sampling_weights(checkpoint), weights(run[1]))
    assert not same(sampling_weights(checkpoint), best.best)


@pytest.mark.integration
def test_a_training_may_stop_at_the_best_weights(tmp_path, monkeypatch):
    run = run_of(tmp_path, [3.0, 1.0, *[2.0] * PATIENCE], monkeypatch, stop_at_best=True)
    fit(*run)
    checkpoint = read_checkpoint(tmp_path / "checkpoints" / LAST)
    assert checkpoint["epoch"] + 1 == 2 + PATIENCE
    assert is_trained(checkpoint, 12)
    assert same(weights(run[1]), answering_weights(checkpoint))
    assert same(sampling_weights(checkpoint), found(run).best)
    again = run_of(tmp_path, [], monkeypatch, stop_at_best=True)  # nothing is left to train
    fit(*again)
    assert same(weights(again[1]), weights(run[1]))


@pytest.mark.integration
@pytest.mark.parametrize("epoch", [4, 9])
def test_a_resumed_training_finds_the_same_weights(tmp_path, monkeypatch, epoch):
    monkeypatch.setattr("src.training.held_out.PATIENCE", 2)
    whole = run_of(tmp_path / "whole", learning_rate=0.05, ema_decay=None)
    fit(*whole)
    assert found(whole).found, "the loss must rise for this test to see the rows join"
    broken = run_of(tmp_path / "resumed", learning_rate=0.05, ema_decay=None)
    broken[0].callbacks.append(StopAfter(epoch))
    with pytest.raises(RuntimeError, match="crash"):
        fit(*broken)
    resumed = run_of(tmp_path / "resumed", learning_rate=0.05, ema_decay=None)
    fit(*resumed)
    assert found(resumed).losses == found(whole).losses
    assert same(found(resumed).best, found(whole).best)
    assert same(weights(resumed[1]), weights(whole[1]))


@pytest.mark.integration
def test_a_model_without_its_training_keeps_both_weights(tmp_path, monkeypatch):
    run = run_of(tmp_path, [1.0] + [2.0] * PATIENCE, monkeypatch)
    fit(*run)
    checkpoint = read_checkpoint(tmp_path / "checkpoints" / LAST)
    model = without_training(checkpoint, checkpoint[CHECKPOINT_KEY])
    for weights_of in (answering_weights, sampling_weights):
        assert same(weights_of(model), weights_of(checkpoint))
    assert set(model) == {"state_dict", "epoch", "callbacks", CHECKPOINT_KEY}
    assert set(model["callbacks"]) == {"BestWeights"}


@pytest.mark.slow
def test_answers_about_new_rows_are_better_than_those_of_the_weights_that_draw():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(3000, 6)) @ rng.normal(size=(6, 6))
    frame = pd.DataFrame(rows, columns=list("abcdef"))
    frame["y"] = np.where(rng.random(3000) < 1 / (1 + np.exp(-frame.a)), "yes", "no")  # only a tells of y
    train, test = frame[:1000], frame[1000:]
    model = MissDiff(target="y", rules=None, seed=1).fit(train)
    again = MissDiff(target="y", rules=None, seed=1, settings={"training.held_out_rows": None}).fit(train)

    def nats(answering):
        p = answering.predict_proba(test)["yes"].clip(1e-6, 1 - 1e-6)
        return -np.log(np.where(test.y == "yes", p, 1 - p)).mean()

    assert model.log_prob(test).mean() > again.log_prob(test).mean() + 0.2
    assert nats(model) < nats(again) - 0.02
