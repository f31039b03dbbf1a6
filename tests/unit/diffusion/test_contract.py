"""What every diffusion must do, with the settings of its YAML file. A new one is a row of ``NAMES``."""

import shutil

import pytest
import torch

from src.config.compose import compose
from src.config.run import build_config
from src.diffusion import DIFFUSIONS, Accuracy, KnownCoordinates
from src.errors import ConfigError
from tests.unit.diffusion import toy

NAMES = ("absorbing", "ddpm", "vp", "ve", "toy")
SIZES = [
    "network.channels=16",
    "network.n_blocks=1",
    "dataset=bayesian_network",
    "dataset.n_train=60",
    "dataset.n_test=20",
]
QUICK = Accuracy(n_steps=8)


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


class Case:
    """An untrained model of each diffusion, off the zeros that it starts with, and rows with holes."""

    def __init__(self, name):
        network = ["network=concat_squash", "network.hidden=[16]"] if name == "ve" else []
        sizes = SIZES[2:] if network else SIZES
        self.config = build_config(compose([f"diffusion={name}", *network, *sizes, "missing=independent", "ratio=0.4"]))
        self.recipe = self.config.diffusion
        data = self.config.experiment.data()
        self.module = self.config.recipe.module(data).eval()
        self.model = self.module.denoiser
        with torch.no_grad():
            for parameter in self.model.parameters():
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=stream(1)))
        self.x, self.mask = data.data.x[:16].clone(), data.data.coordinate_mask[:16].clone()
        self.mask[0] = False
        self.x[0] = 0


@pytest.fixture(scope="module", params=NAMES)
def case(request, tmp_path_factory):
    conf = tmp_path_factory.mktemp("conf") / "conf"
    shutil.copytree("conf", conf)
    (conf / "diffusion" / "toy.yaml").write_text(toy.YAML)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("src.config.compose.CONF", str(conf))
        yield Case(request.param)


def test_every_diffusion_is_held_to_it():
    assert set(NAMES) == set(DIFFUSIONS)


@pytest.mark.integration
def test_noise_is_named_has_a_row_each_and_depends_on_the_stream_and_the_shape_alone(case):
    noise = case.model.draw_noise(case.x, stream())
    assert noise._fields
    assert all(len(part) == len(case.x) for part in noise)
    for ours, theirs in zip(noise, case.model.draw_noise(torch.zeros_like(case.x), stream()), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.integration
def test_losses_are_of_each_row_by_itself(case):
    noise = case.model.draw_noise(case.x, stream())
    whole = case.model.losses(case.x, case.mask, noise)
    assert whole.loss.shape == whole.noise_level.shape == (16,)
    assert torch.isfinite(whole.loss).all()
    some = torch.tensor([3, 0, 11])
    part = case.model.losses(case.x[some], case.mask[some], type(noise)(*(each[some] for each in noise)))
    torch.testing.assert_close(part.loss, whole.loss[some], atol=1e-5, rtol=1e-4)


@pytest.mark.integration
def test_a_row_without_a_cell_costs_nothing_and_the_others_teach(case):
    losses = case.model.random_losses(case.x, case.mask, stream()).loss
    assert losses[0] == 0
    losses.mean().backward()
    gradients = [p.grad for p in case.model.parameters() if p.grad is not None]
    assert any((gradient != 0).any() for gradient in gradients)
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    case.model.zero_grad()


@pytest.mark.integration
def test_rows_are_drawn_by_the_stream(case):
    shares = []
    drawn = case.model.draw(case.recipe.sampler, 7, stream(), None, shares.append)
    assert drawn.x.shape == (7, case.x.shape[1])
    assert torch.isfinite(drawn.x).all()
    assert drawn.n_evaluations >= 1
    assert shares[-1] == pytest.approx(1.0)
    assert torch.equal(drawn.x, case.model.draw(case.recipe.sampler, 7, stream()).x)
    assert not torch.equal(drawn.x, case.model.draw(case.recipe.sampler, 7, stream(1)).x)


def test_what_is_given_stays(case):
    sampler = case.recipe.with_steps(2).sampler if case.recipe.imputation_steps != 1 else case.recipe.sampler
    drawn = case.model.draw(sampler, len(case.x), stream(), KnownCoordinates(case.x, case.mask, 2))
    assert torch.equal(drawn.x[case.mask], case.x[case.mask])
    assert torch.isfinite(drawn.x).all()


def test_the_likelihood_is_that_of_the_observed_cells(case):
    found = case.model.log_likelihood(case.x, case.mask, stream(), QUICK)
    assert found.nats.shape == (16,)
    assert torch.isfinite(found.nats).all()
    assert found.nats[0] == 0
    assert found.n_coordinates.tolist() == case.mask.sum(dim=1).tolist()
    again = case.model.log_likelihood(case.x, case.mask, stream(), QUICK)
    assert torch.equal(found.nats, again.nats)


def test_numbers_of_steps_without_effect_are_refused(case):
    """A process in continuous time takes any number."""
    is_free = case.recipe.is_continuous and not getattr(case.model, "schedule", case.model).__dict__.get(
        "discrete", True
    )
    if is_free:
        case.recipe.check_steps(10**6, 5)
    else:
        with pytest.raises(ConfigError, match="n_steps is"):
            case.recipe.check_steps(10**6, 5)
    assert case.recipe.with_steps(1).sampler.n_steps == 1
