"""Self-paced learning and fine-tuning by likelihood, on rows with holes."""

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from src.training import LAST
from src.training.batches import Batch
from src.training.checkpoint import fine_tuning_bits, is_trained, read_checkpoint
from src.training.datamodule import TableDataModule
from src.training.fine_tuning import JUDGING_ACCURACY, FineTuning, n_judgements
from src.training.fit import fit, make_trainer
from src.training.likelihood import row_log_likelihoods
from tests.unit.training.test_fit import CPU, ENCODING, StopAfter, parts, recipe, rows_of, weights

TUNED = {"epochs": 3, "fine_tuning_epochs": 3, "fine_tuning_rate": 1e-3}


@pytest.fixture(autouse=True)
def _a_checkpoint_after_every_epoch(monkeypatch):
    monkeypatch.setattr("src.training.checkpoint.LEAST_WORK", 0)


@pytest.fixture
def _judged_every_epoch(monkeypatch):
    monkeypatch.setattr("src.training.fine_tuning.JUDGING_INTERVAL", 1)


def tuned_parts(path, **changes):
    training = recipe(**TUNED | changes)
    _, module, data, _ = parts(path, training)
    data = TableDataModule(data.split, data.mechanism, data.completion, ENCODING, 64, 50, 0, training.n_held_out)
    steps = data.steps_per_epoch(1)
    module.steps_per_epoch = steps
    return make_trainer(CPU, training, steps, path), module, data, path


def tuning(trainer):
    return next(callback for callback in trainer.callbacks if isinstance(callback, FineTuning))


@pytest.mark.integration
def test_a_tenth_of_the_rows_is_kept_out_of_every_epoch(tmp_path):
    run = tuned_parts(tmp_path)
    seen = set()

    class Watch(pl.Callback):
        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
            seen.update(tuple(row) for part in batch for row in part.x.tolist())

    run[0].callbacks.append(Watch())
    fit(*run)
    data = run[2]
    assert len(data.held_out_rows) == 30
    assert not set(data.held_out_rows.tolist()) & set(data.training_rows.tolist())
    held_out = {tuple(row) for row in data.data.x[data.held_out_rows].tolist()}
    trained = {tuple(row) for row in data.data.x[data.training_rows].tolist()}
    assert not (held_out - trained) & seen
    assert seen <= trained


@pytest.mark.integration
@pytest.mark.usefixtures("_judged_every_epoch")
def test_the_first_epoch_takes_the_less_likely_half_and_later_ones_what_fell(tmp_path):
    run = tuned_parts(tmp_path)
    chosen = []

    class Watch(pl.Callback):
        def on_train_epoch_start(self, trainer, pl_module):
            chosen.append(trainer.datamodule.rows)

    run[0].callbacks.append(Watch())
    fit(*run)
    assert chosen[:3] == [None, None, None]
    before = tuning(run[0]).before
    half = run[2].training_rows[before <= before.median()]
    assert torch.equal(chosen[3], half)
    assert len(half) == 135
    assert all(len(rows) < 270 for rows in chosen[4:])


@pytest.mark.integration
@pytest.mark.parametrize(
    ("n_epochs", "judged"), [(1, [0, 1]), (5, [0, 5]), (7, [0, 5, 7]), (12, [0, 5, 10, 12])], ids=str
)
def test_rows_are_judged_before_the_first_epoch_after_every_fifth_and_after_the_last(tmp_path, n_epochs, judged):
    run = tuned_parts(tmp_path, fine_tuning_epochs=n_epochs, fine_tuning_rate=1e-2)
    found, bits = [], tuning(run[0]).bits

    class Watch(pl.Callback):
        def on_train_epoch_end(self, trainer, pl_module):
            if len(bits) > len(found):
                found.append(trainer.current_epoch + 1 - TUNED["epochs"])

    run[0].callbacks.append(Watch())
    fit(*run)
    assert found == judged[: len(found)]
    assert found == judged or tuning(run[0]).stopped
    assert n_judgements(n_epochs) == len(judged)


@pytest.mark.integration
@pytest.mark.usefixtures("_judged_every_epoch")
def test_the_weights_kept_are_those_most_likely_on_the_validation_rows(tmp_path):
    run = tuned_parts(tmp_path)
    fit(*run)
    trainer, module, data, _ = run
    bits = tuning(trainer).bits
    rows = data.held_out_rows
    x, mask = data.data.x[rows], data.data.coordinate_mask[rows]
    nats, _ = row_log_likelihoods(module, x, mask, JUDGING_ACCURACY, "validation")
    assert -float(nats.sum()) / (np.log(2) * int(mask.sum())) == pytest.approx(min(bits), abs=1e-6)
    checkpoint = read_checkpoint(tmp_path / "checkpoints" / LAST)
    assert fine_tuning_bits(checkpoint) == bits
    assert 2 <= len(bits) <= 4


@pytest.mark.integration
@pytest.mark.usefixtures("_judged_every_epoch")
@pytest.mark.parametrize("stop", [2, 4])
def test_resumed_equals_uninterrupted(tmp_path, stop):
    settings = {"self_paced_steps": 12, "fine_tuning_rate": 1e-2}
    whole = tuned_parts(tmp_path / "whole", **settings)
    fit(*whole)
    assert len(tuning(whole[0]).bits) >= 3, "fine-tuning must reach the epoch that is interrupted"
    crashed = tuned_parts(tmp_path / "resumed", **settings)
    crashed[0].callbacks.append(StopAfter(stop))
    with pytest.raises(RuntimeError, match="crash"):
        fit(*crashed)
    resumed = tuned_parts(tmp_path / "resumed", **settings)
    fit(*resumed)
    for name, value in weights(whole[1]).items():
        assert torch.equal(value, weights(resumed[1])[name]), name
    assert tuning(whole[0]).bits == tuning(resumed[0]).bits
    assert torch.equal(rows_of(whole), rows_of(resumed))


@pytest.mark.integration
@pytest.mark.usefixtures("_judged_every_epoch")
def test_fine_tuning_that_has_nothing_left_to_do_ends_and_stays_ended(tmp_path):
    run = tuned_parts(tmp_path, fine_tuning_rate=1e-12)
    fit(*run)
    assert tuning(run[0]).stopped
    assert len(tuning(run[0]).bits) == 2
    assert is_trained(read_checkpoint(tmp_path / "checkpoints" / LAST), n_epochs=6)
    again = tuned_parts(tmp_path, fine_tuning_rate=1e-12)
    fit(*again)
    assert again[0].global_step == 0
    assert torch.equal(rows_of(run), rows_of(again))


@pytest.mark.integration
def test_a_curriculum_changes_the_weights_until_it_ends(tmp_path):
    plain = parts(tmp_path / "plain", recipe())
    fit(*plain)
    paced = parts(tmp_path / "paced", recipe(self_paced_steps=1000))
    fit(*paced)
    over = parts(tmp_path / "over", recipe(self_paced_steps=1))
    fit(*over)
    assert not torch.equal(rows_of(plain), rows_of(paced))
    first = plain[1].state_dict()["denoiser.network.input.weight"]
    assert not torch.equal(first, paced[1].state_dict()["denoiser.network.input.weight"])
    assert not torch.equal(first, over[1].state_dict()["denoiser.network.input.weight"])


def test_rows_are_compared_by_their_observed_coordinates(tmp_path):
    """Two rows with the same error where observed are equally easy, however much of them is missing."""
    module = parts(tmp_path, recipe(self_paced_steps=1000))[1]
    mask = torch.tensor([[True] * 7, [True] + [False] * 6, [False] * 7])

    class Rows:
        loss = torch.tensor([1.0, 1.0 / 7, 0.0])

    module._trainer = type("T", (), {"world_size": 1, "current_epoch": 0, "global_rank": 0})()
    assert module._self_paced(Rows(), Batch(mask.float(), mask, 3, 3)).tolist() == [1.0, 1.0, 1.0]


@pytest.mark.integration
def test_any_number_of_processes_gives_the_same_likelihoods(tmp_path, monkeypatch):
    monkeypatch.setattr("src.training.likelihood.CHUNK_ROWS", 64)
    _, module, data, _ = parts(tmp_path, recipe())
    x, mask = data.data.x, data.data.coordinate_mask
    whole, _ = row_log_likelihoods(module, x, mask, JUDGING_ACCURACY, "a")
    shares = []
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda tensor: shares.append(tensor.clone()))
    for rank in range(3):
        row_log_likelihoods(module, x, mask, JUDGING_ACCURACY, "a", rank, 3)
    assert torch.equal(sum(shares)[:-1], whole)
