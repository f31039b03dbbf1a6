"""Every network trains to the same weights again, after other work in the process and resumed."""

import pytest
import torch

from src.diffusion.networks import NETWORKS, ConcatSquashSettings, ResidualAttentionSettings, ResidualMLPSettings
from src.training.fit import fit, make_trainer
from src.training.module import MissDiffModule, untrained_denoiser
from tests.unit.training.test_fit import CPU, DIFFUSION, StopAfter, parts, recipe, weights

SMALL = {
    "residual_mlp": ResidualMLPSettings(16, 2, 8),
    "residual_attention": ResidualAttentionSettings(8, 1, 2, 8),
    "concat_squash": ConcatSquashSettings([16, 16], "sigma"),
}


@pytest.fixture(autouse=True)
def _a_checkpoint_after_every_epoch(monkeypatch):
    monkeypatch.setattr("src.training.checkpoint.LEAST_WORK", 0)


def run_of(network, folder, epochs=3):
    training = recipe(epochs=epochs, ema_decay=None)
    _, _, data, folder = parts(folder, training)
    steps = data.steps_per_epoch(1)
    encoder, moments = data.data.encoder, data.data.moments()
    denoiser = untrained_denoiser(DIFFUSION, SMALL[network], encoder, moments, 0)
    module = MissDiffModule(denoiser, encoder, DIFFUSION, training, steps, 0, {"config": {"seed": 0}})
    return make_trainer(CPU, training, steps, folder), module, data, folder


def same(first, second):
    return all(torch.equal(value, second[name]) for name, value in first.items())


@pytest.mark.integration
@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_trains_to_the_same_weights_whatever_was_drawn_before(tmp_path, network):
    alone = run_of(network, tmp_path / "alone")
    fit(*alone)
    torch.rand(17)  # what another run of a sweep may have drawn from the global stream
    after = run_of(network, tmp_path / "after")
    before = torch.get_rng_state()
    fit(*after)
    assert same(weights(alone[1]), weights(after[1]))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.integration
@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_resumes_to_the_weights_of_an_undisturbed_run(tmp_path, network):
    whole = run_of(network, tmp_path / "whole")
    fit(*whole)
    crashed = run_of(network, tmp_path / "resumed")
    crashed[0].callbacks.append(StopAfter(1))
    with pytest.raises(RuntimeError, match="crash"):
        fit(*crashed)
    torch.rand(5)
    resumed = run_of(network, tmp_path / "resumed")
    fit(*resumed)
    assert same(weights(whole[1]), weights(resumed[1]))


def test_ranks_and_steps_have_dropout_masks_of_their_own(tmp_path, monkeypatch):
    _, module, _, _ = run_of("residual_attention", tmp_path)
    drawn = {}
    for rank, step in ((0, 0), (0, 1), (1, 0), (0, 0)):
        monkeypatch.setattr(type(module), "global_rank", rank)
        module._rows = [None] * step
        with module._seeded_dropout():
            mask = torch.nn.functional.dropout(torch.ones(64))
        assert (rank, step) not in drawn or torch.equal(drawn[rank, step], mask)
        drawn[rank, step] = mask
    assert len({tuple(mask.tolist()) for mask in drawn.values()}) == 3
