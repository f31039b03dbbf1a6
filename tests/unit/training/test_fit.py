"""Training on CPU: resume equals uninterrupted, nothing in a hole is read, checkpoints suffice."""

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from lightning_fabric.accelerators import MPSAccelerator
from pytorch_lightning.accelerators import CPUAccelerator

from src.completion import keep
from src.diffusion.gaussian.sampler import Sampler
from src.diffusion.gaussian.schedule import VariancePreserving
from src.diffusion.gaussian.settings import VPSettings
from src.diffusion.networks import ResidualMLPSettings
from src.encoding import EncodingRecipe, StatesRecipe, TableEncoder
from src.errors import CheckpointError, ConfigError, TrainingDivergedError
from src.missing.mcar import IndependentMissing
from src.models import Keeping, ModelRecipe, Training
from src.tables import Split
from src.training import LAST, PREVIOUS
from src.training.callbacks import read_curve
from src.training.checkpoint import read_checkpoint
from src.training.datamodule import TableDataModule
from src.training.fit import check_devices, fit, generate, make_trainer
from src.training.module import MissDiffModule, untrained_denoiser
from src.training.recipe import TrainerSettings, TrainingRecipe
from tests.conftest import random_table

CPU = TrainerSettings("cpu", 1, 1, "32-true", "auto")
DIFFUSION = VPSettings(
    VariancePreserving(8, 1e-4, 0.5), "residual", "velocity", Sampler("ancestral", None, "beta", 1e-5)
)
ENCODING = EncodingRecipe("quantile", -1, False)


def recipe(**changes):
    values = {
        "epochs": 4,
        "n_steps": None,
        "most_epochs": None,
        "batch_size": 64,
        "learning_rate": 2e-3,
        "weight_decay": 1e-6,
        "schedule": "cosine",
        "warm_up_steps": 0,
        "ema_decay": 0.9,
        "gradient_clip": 1.0,
        "self_paced_steps": None,
        "fine_tuning_epochs": 0,
        "fine_tuning_rate": 1e-4,
    }
    return TrainingRecipe(**values | changes)


@pytest.fixture(autouse=True)
def _a_checkpoint_after_every_epoch(monkeypatch):
    monkeypatch.setattr("src.training.checkpoint.LEAST_WORK", 0)


def module_of(encoder, moments, training, steps, seed=0):
    denoiser = untrained_denoiser(DIFFUSION, ResidualMLPSettings(16, 2, 8), encoder, moments, seed)
    return MissDiffModule(denoiser, encoder, DIFFUSION, training, steps, seed, {"config": {"seed": seed}})


def parts(tmp_path, training, split=None, seed=0):
    split = split or Split(random_table(300, 1), random_table(100, 2))
    data = TableDataModule(split, IndependentMissing(0.3, True), keep, ENCODING, training.batch_size, 5000, seed)
    steps = data.steps_per_epoch(1)
    module = module_of(data.data.encoder, data.data.moments(), training, steps, seed)
    return make_trainer(CPU, training, steps, tmp_path), module, data, tmp_path


def test_the_length_of_a_training_is_that_of_its_table(tmp_path):
    _, _, data, _ = parts(tmp_path, recipe(epochs=None, n_steps=100))
    share = data.data.mask.mean()
    assert 0.6 < share < 0.8
    assert data.data.share_observed == pytest.approx(share)
    settings = ModelRecipe(ENCODING, DIFFUSION, ResidualMLPSettings(16, 2, 8), recipe(epochs=None, n_steps=100), CPU)
    assert Training(settings, data, Keeping()).module.training_recipe.n_steps == round(100 / share)


def test_holes_of_the_table_are_learned_and_those_of_a_mechanism_are_not():
    complete, holed = random_table(300, 1), random_table(300, 1).with_holes(np.arange(1200).reshape(300, 4) % 7 > 0)
    for table, holes in ((complete, []), (holed, [0, 1, 2, 3])):
        data = TableDataModule(Split(table, table), IndependentMissing(0.3, True), keep, StatesRecipe(), 64, 100, 0)
        assert list(data.data.encoder.holes) == holes
        assert ((data.data.x < 0).numpy() == ~table.observed).all()
        assert not (data.data.x[~data.data.coordinate_mask] > 0).any()


class StopAfter(pl.Callback):
    """Raises in the middle of an epoch, as a crash would."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if trainer.current_epoch == self.epoch and batch_idx == 0:
            raise RuntimeError("crash")


def rows_of(run):
    return generate(*run[:3])[0]


def weights(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


@pytest.mark.integration
@pytest.mark.parametrize("ema_decay", [None, 0.9])
def test_resumed_equals_uninterrupted(tmp_path, ema_decay):
    training = recipe(ema_decay=ema_decay)
    whole = parts(tmp_path / "whole", training)
    fit(*whole)

    crashed = parts(tmp_path / "resumed", training)
    crashed[0].callbacks.append(StopAfter(2))
    with pytest.raises(RuntimeError, match="crash"):
        fit(*crashed)
    assert len(read_curve(tmp_path / "resumed" / "metrics.csv")) == 2
    assert read_checkpoint(tmp_path / "resumed" / "checkpoints" / LAST)["epoch"] == 1
    resumed = parts(tmp_path / "resumed", training)
    fit(*resumed)

    for name, value in weights(whole[1]).items():
        assert torch.equal(value, weights(resumed[1])[name]), name
    curves = [read_curve(tmp_path / name / "metrics.csv") for name in ("whole", "resumed")]
    assert [row["train/loss"] for row in curves[0]] == [row["train/loss"] for row in curves[1]]
    assert torch.equal(rows_of(whole), rows_of(resumed))


@pytest.mark.integration
@pytest.mark.parametrize("damage", ["truncated", "gone", "not a checkpoint"])
def test_a_damaged_checkpoint_costs_what_came_after_the_one_before_it(tmp_path, damage, capsys):
    whole = parts(tmp_path / "whole", recipe())
    fit(*whole)
    crashed = parts(tmp_path / "resumed", recipe())
    crashed[0].callbacks.append(StopAfter(3))
    with pytest.raises(RuntimeError, match="crash"):
        fit(*crashed)
    last = tmp_path / "resumed" / "checkpoints" / LAST
    if damage == "gone":
        last.unlink()
    else:
        last.write_bytes(last.read_bytes()[:5000] if damage == "truncated" else b"hello")
    resumed = parts(tmp_path / "resumed", recipe())
    fit(*resumed)
    said = capsys.readouterr().err
    assert f"{last} is lost; going on from the checkpoint before it, after epoch 2" in said
    for name, value in weights(whole[1]).items():
        assert torch.equal(value, weights(resumed[1])[name]), name
    curves = [read_curve(tmp_path / name / "metrics.csv") for name in ("whole", "resumed")]
    assert [row["train/loss"] for row in curves[0]] == [row["train/loss"] for row in curves[1]]


def test_without_any_readable_checkpoint_the_file_is_named(tmp_path):
    run = parts(tmp_path, recipe())
    fit(*run)
    for name in (LAST, PREVIOUS):
        (tmp_path / "checkpoints" / name).write_bytes(b"hello")
    with pytest.raises(CheckpointError, match="force=true trains anew"):
        fit(*parts(tmp_path, recipe()))


def test_a_curve_that_was_cut_in_the_middle_of_a_line_goes_on(tmp_path):
    file = tmp_path / "metrics.csv"
    file.write_text("epoch,step,train/loss,learning_rate,seconds\n0,5,1.5,0.1,2.0\n1,10,1.")
    assert [row["epoch"] for row in read_curve(file)] == [0.0]


def test_a_finished_training_is_loaded_not_repeated(tmp_path):
    first = parts(tmp_path, recipe())
    fit(*first)
    again = parts(tmp_path, recipe())
    fit(*again)
    assert again[0].global_step == 0
    assert torch.equal(rows_of(first), rows_of(again))


def test_same_seed_same_rows_other_seed_other_rows(tmp_path):
    rows = []
    for i, seed in enumerate((0, 0, 1)):
        run = parts(tmp_path / str(i), recipe(epochs=1), seed=seed)
        fit(*run)
        rows.append(rows_of(run))
    assert torch.equal(rows[0], rows[1])
    assert rows[0].shape == (5000, 7)
    assert not torch.equal(rows[0], rows[2])


def test_global_random_state_has_no_influence(tmp_path):
    rows = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)
        run = parts(tmp_path / str(seed), recipe(epochs=1))
        fit(*run)
        rows.append(rows_of(run))
    assert torch.equal(*rows)


def test_poison_in_missing_cells_changes_no_bit_of_the_result(tmp_path):
    """NaN or 1e6 in the holes, put there before encoding: same encoder, weights and samples."""
    clean = random_table(300, 1)
    mask = IndependentMissing(0.3, True).sample_mask(clean, np.random.default_rng(0))
    results = []
    for i, poison in enumerate((np.nan, 1e6)):
        frame = clean.frame.copy()
        for column, name in enumerate(("age", "height")):
            frame.loc[~mask[:, column], name] = poison
        for column, name in ((2, "colour"), (3, "label")):
            frame.loc[~mask[:, column], name] = "blue" if name == "colour" else 0
        table = clean.__class__(frame, clean.schema)
        encoder = TableEncoder.fit(table, mask, ENCODING)
        trainer, _, data, path = parts(tmp_path / str(i), recipe(epochs=2))
        x, coordinate_mask = encoder.forward(table, mask)
        data._data = data.data.__class__(mask, 300, encoder, x, coordinate_mask)
        module = module_of(encoder, data.data.moments(), recipe(epochs=2), data.steps_per_epoch(1))
        fit(trainer, module, data, path)
        results.append((weights(module), generate(trainer, module, data)[0]))
    assert all(torch.equal(results[0][0][name], results[1][0][name]) for name in results[0][0])
    assert torch.equal(results[0][1], results[1][1])


@pytest.mark.integration
def test_checkpoint_holds_settings_schema_and_encoder_without_code(tmp_path):
    run = parts(tmp_path, recipe(epochs=1))
    fit(*run)
    checkpoint = read_checkpoint(tmp_path / "checkpoints" / LAST)
    rebuilt = TableEncoder.from_dict(checkpoint["missdiff"]["encoder"])
    assert rebuilt == run[2].data.encoder
    assert checkpoint["missdiff"]["config"] == {"seed": 0}
    module = module_of(rebuilt, run[2].data.moments(), recipe(), 5)
    module.load_state_dict(checkpoint["state_dict"])
    trainer = make_trainer(CPU, recipe(), 5, tmp_path / "elsewhere")
    assert torch.equal(generate(trainer, module, run[2])[0], rows_of(run))


def test_a_damaged_or_foreign_checkpoint_is_refused(tmp_path):
    run = parts(tmp_path, recipe(epochs=1))
    fit(*run)
    file = tmp_path / "checkpoints" / LAST
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_checkpoint(file)
    torch.save({"a": 1}, file)
    with pytest.raises(CheckpointError, match="not a checkpoint of this program"):
        read_checkpoint(file)


class Malicious:
    def __reduce__(self):
        return (print, ("executed",))


def test_a_checkpoint_cannot_run_code(tmp_path, capsys):
    file = tmp_path / "evil.ckpt"
    torch.save({"missdiff": Malicious()}, file)
    with pytest.raises(CheckpointError):
        read_checkpoint(file)
    assert "executed" not in capsys.readouterr().out


def test_a_diverging_loss_names_step_and_sigma_and_keeps_the_last_good_epoch(tmp_path):
    class Breaks(pl.Callback):
        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
            if trainer.current_epoch == 1:
                next(pl_module.parameters()).data.fill_(float("nan"))

    run = parts(tmp_path, recipe())
    run[0].callbacks.append(Breaks())
    with pytest.raises(TrainingDivergedError, match=r"became nan at step 5 \(epoch 1\).*noise level 0\.\d+"):
        fit(*run)
    assert read_checkpoint(tmp_path / "checkpoints" / LAST)["epoch"] == 0
    assert len(read_curve(tmp_path / "metrics.csv")) == 1


def test_a_table_smaller_than_a_batch_trains(tmp_path):
    split = Split(random_table(3, 1), random_table(10, 2))
    data = TableDataModule(split, IndependentMissing(0.0, True), keep, ENCODING, 512, 7, 0)
    module = module_of(data.data.encoder, data.data.moments(), recipe(epochs=2), data.steps_per_epoch(1))
    trainer = make_trainer(CPU, recipe(epochs=2), data.steps_per_epoch(1), tmp_path)
    fit(trainer, module, data, tmp_path)
    assert generate(trainer, module, data)[0].isfinite().all()


def test_an_accelerator_that_is_not_there_is_refused():
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ConfigError, match="torch sees 0 GPUs"):
        check_devices(TrainerSettings("gpu", 1, 1, "32-true", "auto"))


def test_auto_leaves_the_gpu_of_an_apple_machine_alone(tmp_path, monkeypatch):
    """It has no float64, which ranks of numbers and times of continuous processes need."""
    if torch.cuda.is_available():
        pytest.skip("this machine has another GPU")
    monkeypatch.setattr(MPSAccelerator, "is_available", staticmethod(lambda: True))
    trainer = make_trainer(TrainerSettings("auto", 1, 1, "32-true", "auto"), recipe(), 1, tmp_path)
    assert isinstance(trainer.accelerator, CPUAccelerator)


def test_moments_count_observed_entries_only(tmp_path):
    _, _, data, _ = parts(tmp_path, recipe())
    x, mask = data.data.x.numpy(), data.data.coordinate_mask.numpy()
    mean, std, share, complete = data.data.moments()
    assert complete == pytest.approx(mask.all(axis=1).mean())
    for i in range(x.shape[1]):
        assert float(mean[i]) == pytest.approx(x[mask[:, i], i].mean(), abs=1e-5)
        assert float(std[i]) == pytest.approx(x[mask[:, i], i].std(), abs=1e-5)
        assert float(share[i]) == pytest.approx(mask[:, i].mean(), abs=1e-6)
