"""The training step as one graph of fixed shapes: the same values, and nothing that waits for the device."""

from functools import partial

import pytest
import torch

from src.config.compose import compose
from src.config.run import build_config
from src.diffusion.absorbing.model import AbsorbingDiffusion
from src.diffusion.absorbing.states import States
from src.diffusion.networks import ConcatSquashSettings, ResidualAttentionSettings, ResidualMLPSettings
from src.training.fit import fit, make_trainer

GROUPS = ((1, 1), (1, 1, 1), (2, 3, 1))
TRACED = partial(torch.compile, backend="aot_eager", fullgraph=True, dynamic=False)
"""What ``trainer.compile`` does, without the compiler of the last stage: graphs that break or wait are errors."""


def step(denoiser, objective, x, mask):
    denoiser.zero_grad()
    noise = denoiser.draw_noise(x, torch.Generator().manual_seed(1))
    loss = objective(x, mask, noise).loss
    loss.mean().backward()
    return loss.detach(), [p.grad.clone() for p in denoiser.parameters() if p.grad is not None]


def assert_same(denoiser, x, mask):
    torch._dynamo.reset()
    for ours, theirs in zip(
        step(denoiser, TRACED(denoiser.losses), x, mask), step(denoiser, denoiser.losses, x, mask), strict=True
    ):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    "recipe",
    [ResidualMLPSettings(16, 1, 8), ResidualAttentionSettings(8, 1, 2, 8), ConcatSquashSettings([16, 16], "fourier")],
    ids=lambda recipe: type(recipe).__name__,
)
def test_the_absorbing_objective_is_one_graph(recipe):
    torch.manual_seed(0)
    states = States(GROUPS, [False, False, True])
    denoiser = AbsorbingDiffusion(
        recipe.build(states.width, has_time=False), states, torch.tensor([True, False, False])
    )
    for parameter in denoiser.parameters():
        parameter.data.normal_(0, 0.3)
    x = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0], [0.0, 1.0, 5.0]])
    assert_same(denoiser.eval(), x, torch.tensor([[1, 1, 1], [1, 0, 0], [1, 1, 0]]).bool())


@pytest.mark.slow
@pytest.mark.parametrize("options", [["diffusion=ddpm"], ["diffusion=vp"], ["diffusion=ve"]])
def test_the_objective_of_continuous_processes_is_one_graph(options):
    sizes = ["network.channels=16", "network.n_blocks=1"]
    config = build_config(compose([*options, *sizes, "dataset.n_train=200", "dataset.n_test=50"]))
    data = config.experiment.data()
    denoiser = config.recipe.module(data).denoiser
    assert_same(denoiser, data.data.x[:32], data.data.coordinate_mask[:32])


@pytest.mark.slow
def test_a_compiled_run_learns_what_the_other_does(tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda f, mode, **rest: torch._dynamo.optimize("aot_eager", nopython=True)(f))
    found = []
    for compiles in ("false", "true"):
        sizes = ["network.channels=16", "network.n_blocks=1", "training.n_steps=6", "training.batch_size=64"]
        config = build_config(compose([*sizes, "dataset.n_train=200", f"trainer.compile={compiles}"]))
        data = config.experiment.data()
        module = config.recipe.module(data)
        trainer = make_trainer(config.trainer, config.training, module.steps_per_epoch, tmp_path / compiles)
        fit(trainer, module, data, tmp_path / compiles)
        found.append(module.state_dict())
    for name, value in found[0].items():
        torch.testing.assert_close(value, found[1][name], atol=1e-4, rtol=1e-3)
