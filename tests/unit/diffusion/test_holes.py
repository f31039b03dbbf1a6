"""Holes that are states: rows drawn together with them, beside known probabilities."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn.functional import softplus

from src.api import MissDiff
from src.diffusion import Accuracy, Coordinates, KnownCoordinates, Moments
from src.diffusion.absorbing.drawing import CellByCell, CellByCellWithHoles, draw_absorbing
from src.diffusion.absorbing.holes import MISSING, SHARE_WITH_HOLES
from src.diffusion.absorbing.readers import FullReader
from src.diffusion.absorbing.settings import AbsorbingSettings
from src.diffusion.networks import ResidualMLPSettings

GROUPS = ((1, 1), (1, 1, 1), (2, 3))
HOLES = {1: (False, 0.5), 2: (True, 0.2)}


def made(holes=HOLES, groups=GROUPS, order="fitted"):
    torch.manual_seed(0)
    is_ordered = tuple(max(column) > 1 for column in groups)
    layout = Coordinates(len(groups), torch.arange(len(groups)), None, groups, is_ordered, holes=holes)
    share = torch.tensor([0.5 if i in holes and not holes[i][0] else 1.0 for i in range(len(groups))])
    moments = Moments(torch.zeros(3), torch.ones(3), share, 0.0)
    denoiser = AbsorbingSettings(order=order).build(ResidualMLPSettings(16, 1, 8), layout, moments)
    for weights in denoiser.parameters():
        torch.nn.init.normal_(weights, std=0.3)
    return denoiser.eval()


def test_a_missing_cell_is_read_as_a_one_of_its_own_and_as_nothing_where_it_is_hidden():
    denoiser = made()
    x = torch.tensor([[1.0, MISSING, 2.0], [0.0, 2.0, MISSING]])
    cells = denoiser.cells(x)
    read = denoiser.network_input(cells, torch.ones(2, 3, dtype=torch.bool)) / denoiser.states.weight_of_category
    start = denoiser.states.width
    assert read.shape[1] == start + 2
    torch.testing.assert_close(read[:, start:], torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    assert not read[0, 2:5].any()
    assert not read[1, 5:start].any()
    assert read[1, 4] == 1
    hidden = denoiser.network_input(cells, torch.tensor([[True, False, True], [True, True, False]]))
    assert not hidden[:, start:].any()


def test_the_loss_has_the_holes_of_structural_columns_always_and_of_others_in_a_share_of_the_rows():
    denoiser = made()
    x = torch.tensor([[1.0, MISSING, MISSING]])
    mask = torch.tensor([[1.0, 0.0, 1.0]])
    noise = denoiser.draw_noise(torch.zeros(1, 3), torch.Generator().manual_seed(0))
    none = torch.zeros(1, 1, dtype=torch.int64)
    noise = noise._replace(n_visible=none, n_known=none)
    cells = denoiser.cells(x)
    output = denoiser.read(cells, torch.zeros(1, 3, dtype=torch.bool))
    of_first = -output[0, :2].log_softmax(0)[1]
    of_holes = softplus(-output[0, denoiser.states.width :] - torch.tensor([0.5, 0.2]).logit())
    # the two complete columns are tiers before the one with holes, the smaller one first
    for with_holes in (False, True):
        loss = denoiser.losses(x, mask, noise._replace(with_holes=torch.tensor([[with_holes]]))).loss
        expected = (of_first + of_holes[1] + with_holes * of_holes[0]) / 6 + of_first / 2
        torch.testing.assert_close(loss[0], expected)


def test_rows_without_columns_that_have_holes_use_no_random_number_for_them():
    shares = []
    for holes in ({}, {2: (True, 0.2)}, HOLES):
        noise = made(holes).draw_noise(torch.zeros(4000, 3), torch.Generator().manual_seed(0))
        shares.append(noise.with_holes.float().mean().item())
    assert shares[:2] == [0, 0]
    assert shares[2] == pytest.approx(SHARE_WITH_HOLES, abs=0.03)


def probability(denoiser, x):
    """Probability of complete rows (n, 3) with their holes, cell by cell in the order of the columns' tiers."""
    cells, nats = denoiser.cells(x), torch.zeros(len(x))
    is_missing = cells.missing[:, denoiser.holes.column]
    order = denoiser.tier.argsort().tolist()
    for k, column in enumerate(order):
        visible = torch.zeros_like(x, dtype=torch.bool)
        visible[:, order[:k]] = True
        output = denoiser.read(cells, visible)
        nats += denoiser.nats(output, cells)[:, column]
        if column in denoiser.holes.columns:
            i = denoiser.holes.columns.index(column)
            logit = output[:, denoiser.states.width + i] + math.log(0.25 if i else 1)
            nats += softplus(torch.where(is_missing[:, i], -logit, logit))
    return (-nats).exp()


@torch.no_grad()
def test_rows_are_drawn_with_their_holes_by_their_probability():
    denoiser = made()
    values = [torch.cat([torch.arange(float(sum(column))), torch.tensor([MISSING] * has)]) for column, has in
              zip(GROUPS, (False, True, True), strict=True)]  # fmt: skip
    every = torch.cartesian_prod(*values)
    p = probability(denoiser, every)
    assert p.sum().item() == pytest.approx(1, abs=1e-5)
    x = draw_absorbing(denoiser, CellByCellWithHoles(), 60_000, torch.Generator().manual_seed(1)).x.floor()
    share = (x[:, None] == every).all(dim=2).float().mean(dim=0)
    torch.testing.assert_close(share, p, atol=0.006, rtol=0)


@torch.no_grad()
def test_complete_rows_have_holes_in_structural_columns_only():
    denoiser = made()
    x = draw_absorbing(denoiser, CellByCell(), 5000, torch.Generator().manual_seed(1)).x
    assert (x[:, :2] >= 0).all()
    assert 0.02 < (x[:, 2] == MISSING).float().mean() < 0.98
    known = KnownCoordinates(torch.tensor([0.0, MISSING, MISSING]), torch.tensor([False, False, True]), 1)
    fixed = draw_absorbing(denoiser, CellByCellWithHoles(), 500, torch.Generator().manual_seed(1), known).x
    assert (fixed[:, 2] == MISSING).all()


@torch.no_grad()
def test_the_layer_by_layer_reader_draws_the_rows_of_the_full_one(monkeypatch):
    for sampler in (CellByCell(), CellByCellWithHoles()):
        fast = draw_absorbing(made(), sampler, 500, torch.Generator().manual_seed(1)).x
        with monkeypatch.context() as patch:
            patch.setattr("src.diffusion.absorbing.drawing.reader_for", FullReader)
            full = draw_absorbing(made(), sampler, 500, torch.Generator().manual_seed(1)).x
        torch.testing.assert_close(fast, full)


@torch.no_grad()
def test_the_likelihood_counts_missing_as_a_value_of_structural_columns_alone():
    denoiser = made()
    every = torch.cartesian_prod(torch.arange(2.0), torch.tensor([MISSING]), torch.tensor([MISSING, 0, 1, 2, 3, 4]))
    mask = torch.tensor([True, False, True]).expand(len(every), -1)
    found = denoiser.log_likelihood(every, mask, torch.Generator().manual_seed(0), Accuracy())
    assert found.nats.exp().sum().item() == pytest.approx(1, abs=1e-4)


@pytest.mark.slow
def test_skip_rules_and_holes_at_random_are_learned():
    """Cigarettes are missing where nobody smokes; a score is missing the more often the older a person is."""
    rng, n = np.random.default_rng(0), 3000
    smokes, age = rng.choice(["no", "yes"], n, p=[0.4, 0.6]), rng.normal(50, 15, n)
    cigarettes = np.where(smokes == "yes", rng.integers(1, 30, n), np.nan)
    score = np.where(rng.random(n) < 1 / (1 + np.exp((50 - age) / 10)), np.nan, age / 15 + rng.normal(size=n))
    frame = pd.DataFrame({"smokes": smokes, "age": age, "cigarettes": cigarettes, "score": score})
    model = MissDiff(settings={"training.n_steps": 1500, "network.channels": 128}).fit(frame)
    drawn = model.sample(8000, holes="like_training")
    assert ((drawn.smokes == "no") != drawn.cigarettes.isna()).mean() < 0.01
    of_real = age[np.isnan(score)]
    error = math.hypot(of_real.std() / len(of_real) ** 0.5, of_real.std() / 4000**0.5)
    assert abs(drawn.age[drawn.score.isna()].mean() - of_real.mean()) < 3 * error
    assert drawn.score.isna().mean() == pytest.approx(np.isnan(score).mean(), abs=0.03)
    assert not model.sample(500).isna().to_numpy().any()
    fixed = model.sample(500, where={"score": 3.0}, holes="like_training")
    assert (fixed.score == 3.0).all()
    assert fixed.cigarettes.isna().any()


@pytest.mark.integration
def test_a_model_that_has_learned_no_holes_gives_those_of_training_rows_beside_structural_ones():
    rng, n = np.random.default_rng(0), 300
    frame = pd.DataFrame({"a": rng.normal(size=n), "b": rng.choice(["u", "v"], n), "c": rng.normal(size=n)})
    frame.loc[rng.random(n) < 0.3, "a"] = np.nan
    frame.loc[frame.b == "u", "c"] = np.nan
    settings = {"training.n_steps": 300, "network.channels": 32, "diffusion.encoding.holes": False}
    model = MissDiff(structural=["c"], settings=settings).fit(frame)
    assert model.sample(400).a.notna().all()
    drawn = model.sample(2000, holes="like_training")
    assert drawn.a.isna().mean() == pytest.approx(frame.a.isna().mean(), abs=0.05)
    assert drawn.c.isna().mean() == pytest.approx(frame.c.isna().mean(), abs=0.12)
    assert drawn.b.notna().all()
