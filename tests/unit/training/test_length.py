"""The length of a training, said before it begins."""

import pytest
import torch

from src.training import length
from src.training.fit import fit
from src.training.length import announce_length, length_note
from tests.unit.training.test_fine_tuning import tuned_parts
from tests.unit.training.test_fit import parts, recipe, weights

CPU = torch.device("cpu")


def test_a_short_training_is_not_announced(tmp_path, capsys):
    fit(*parts(tmp_path, recipe()))
    assert "takes about" not in capsys.readouterr().err


@pytest.mark.integration
@pytest.mark.parametrize("make", [lambda path: parts(path, recipe()), tuned_parts], ids=["plain", "fine-tuning"])
def test_a_long_one_is_and_what_it_draws_does_not_depend_on_it(tmp_path, monkeypatch, capsys, make):
    plain = make(tmp_path / "plain")
    fit(*plain)
    monkeypatch.setattr(length, "LONG_S", 1e-6)
    said = make(tmp_path / "said")
    fit(*said)
    (note,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("note: training takes about"))
    assert "training.epochs=1 " in note
    assert ("fine-tuning" in note) == (make is tuned_parts)
    for name, value in weights(plain[1]).items():
        assert torch.equal(value, weights(said[1])[name]), name


def test_the_seconds_are_those_of_its_steps(tmp_path, monkeypatch, capsys):
    """A timed run takes a minute here: 4 epochs of 5 steps; fine-tuning half as much an epoch, and the rows judged."""
    monkeypatch.setattr(length, "_timed", lambda run, device: run() or 60.0)
    _, module, data, _ = parts(tmp_path, recipe())
    announce_length(module, data, CPU)
    assert "takes about 20 min on this machine (20 steps)" in capsys.readouterr().err
    _, module, data, _ = tuned_parts(tmp_path)
    announce_length(module, data, CPU)
    # 15 steps; 3 epochs of half as many, and 2 judgements of 16 evaluations of all rows: 7.5 and 32
    assert "takes about 54 min on this machine (15 steps, then 40 min of fine-tuning)" in capsys.readouterr().err


def test_the_keys_that_shorten_it_are_named():
    assert "training.epochs=100 takes about 10 min" in length_note(recipe(epochs=200), 5, 1200.0, 0.0)
    steps = recipe(epochs=None, n_steps=1000)
    assert "training.epochs=100 takes about 10 min" in length_note(steps, 5, 1200.0, 0.0)
    tuned = recipe(epochs=200, fine_tuning_epochs=50)
    note = length_note(tuned, 5, 300.0, 7000.0)
    assert "about 2 h on this machine (1,000 steps, then 117 min of fine-tuning)" in note
    assert "training.epochs=200 training.fine_tuning_epochs=0 takes about 5 min" in note
