"""Distributions of holes: kept quantiles against closed forms, and a model's against its states."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import kstest, norm

from src.api import MissDiff
from src.diffusion import Coordinates
from src.diffusion.absorbing.likelihood import measured_spread, number_ranks, run_probabilities, spread_out
from src.diffusion.absorbing.settings import AbsorbingSettings
from src.diffusion.networks import ResidualMLPSettings
from src.encoding import StatesRecipe
from src.imputation.diffusion import MissDiffImputer
from src.imputation.distributions import hole_distributions
from src.tables import Column, Schema, make_table
from src.tables.distributions import PROBABILITIES, NumberDistribution, most_probable
from src.training.datamodule import TrainingData
from src.training.module import MissDiffModule
from src.training.recipe import TrainingRecipe

SCHEMA = Schema(
    (
        Column("x", "numerical", "float64"),
        Column("zeros", "numerical", "float64"),
        Column("count", "numerical", "int64", integer=True),
        Column("few", "numerical", "float64"),
        Column("kind", "categorical", "object", categories=("a", "b", "c")),
    )
)


def normal(n=1):
    quantiles = norm.ppf(PROBABILITIES.clip(1e-9, 1 - 1e-9))
    return NumberDistribution(np.zeros(n), np.tile(quantiles, (n, 1)))


def test_quantiles_ranks_and_scores_of_a_normal_distribution():
    t = np.array([-2.0, -0.3, 0.0, 1.1, 30.0])
    known = normal(len(t))
    assert known.quantile(0.05) == pytest.approx(norm.ppf(0.05))
    assert known.quantile(0.63) == pytest.approx(norm.ppf(0.63), abs=0.01)
    first, last = known.ranks(t)
    assert first == pytest.approx(norm.cdf(t), abs=0.002)
    assert first == pytest.approx(last)
    exact = t * (2 * norm.cdf(t) - 1) + 2 * norm.pdf(t) - 1 / np.sqrt(np.pi)
    assert known.crps(t) == pytest.approx(exact, abs=0.01)


def test_the_rank_of_a_value_with_a_probability_is_an_interval():
    zero_inflated = NumberDistribution(np.zeros(3), np.tile(np.where(PROBABILITIES <= 0.3, 0.0, PROBABILITIES), (3, 1)))
    first, last = zero_inflated.ranks(np.array([0.0, 0.5, -1.0]))
    assert first.tolist() == pytest.approx([0, 0.5, 0])
    assert last.tolist() == pytest.approx([0.3, 0.5, 0])


def test_the_most_probable_categories_are_kept():
    found = most_probable(np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]]), np.array([5, 0, 2]))
    assert found.codes.tolist() == [[0, 2, 5], [5, 2, 0]]
    assert found.of_all(7)[0].tolist() == [0.5, 0, 0.3, 0, 0, 0.2, 0]


def untrained(n=2000, seed=0):
    """A table with all kinds of columns, and an untrained model of it whose outputs are not all alike."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    frame = pd.DataFrame(
        {
            "x": x,
            "zeros": np.where(rng.random(n) < 0.4, 0.0, rng.exponential(size=n)),
            "count": rng.poisson(200, size=n).astype(float),
            "few": rng.integers(0, 5, size=n) / 2,
            "kind": rng.choice(["a", "b", "c"], size=n, p=[0.6, 0.3, 0.1]),
        }
    )
    table = make_table(frame, SCHEMA)
    encoder = StatesRecipe(holes=False).fit(table, table.observed)
    x, mask = encoder.forward(table, table.observed)
    states = (encoder.groups, encoder.is_ordered, encoder.densities, encoder.holes)
    coordinates = Coordinates(encoder.width, encoder.columns, None, *states)
    settings = AbsorbingSettings()
    torch.manual_seed(seed)
    moments = TrainingData(table.observed, n, encoder, x, mask).moments()
    denoiser = settings.build(ResidualMLPSettings(32, 1, 8), coordinates, moments)
    with torch.no_grad():
        for weight in denoiser.parameters():
            weight.add_(torch.randn(weight.shape) * 0.2)
    module = MissDiffModule(denoiser, encoder, settings, TrainingRecipe(), 1, 0, {"config": {}})
    return table, module.eval()


def test_runs_of_levels_have_the_probabilities_of_their_levels():
    table, module = untrained()
    x, mask = module.encoder.forward(table, table.observed)
    output = module.denoiser.read(module.denoiser.cells(x), mask & False)
    for i, block in enumerate(module.encoder.blocks[:4]):
        of_level = module.denoiser.state_probabilities(output, i)
        alone = {first for level in block.repeated for first in (level, level + 1)}
        first = torch.tensor(sorted({0, *alone, *range(0, of_level.shape[1], 7)} - {of_level.shape[1]}))
        starts = np.add.reduceat(of_level.detach().numpy(), first.numpy(), axis=1)
        assert run_probabilities(module.denoiser, output, i, first).detach().numpy() == pytest.approx(starts, abs=1e-9)


def test_the_distributions_of_holes_are_those_of_the_states():
    table, module = untrained()
    holed = table.with_holes(np.random.default_rng(1).random(table.observed.shape) < 0.7)
    found = hole_distributions(module, holed)
    x, mask = module.encoder.forward(holed, holed.observed)
    output = module.denoiser.read(module.denoiser.cells(x), mask)
    for i, (name, block) in enumerate(zip(SCHEMA.names, module.encoder.blocks, strict=True)):
        of_level = module.denoiser.state_probabilities(output, i).detach().numpy()[holed.unknown[:, i]]
        if block.categories:
            assert found[name].of_all(3)[:, list(block.categories)] == pytest.approx(of_level)
            continue
        knots = np.array(block.knots).reshape(of_level.shape[1], -1)
        middle = (knots[:, 1:] + knots[:, :-1]).mean(axis=1) / 2
        scale = table.frame[name].std()
        assert found[name].mean == pytest.approx(of_level @ middle, abs=0.02 * scale)
        quantiles = found[name].quantiles
        assert (np.diff(quantiles, axis=1) >= 0).all()
        assert quantiles.min() >= table.frame[name].min()
        assert quantiles.max() <= table.frame[name].max()
        if name in ("count", "few"):
            assert set(np.unique(quantiles)) <= set(np.arange(0, 1000, 0.5 if name == "few" else 1))
        assert np.trapezoid(quantiles, PROBABILITIES, axis=1) == pytest.approx(found[name].mean, abs=0.1 * scale)


@torch.no_grad()
def test_ranks_of_drawn_numbers_are_uniform():
    _, module = untrained()
    denoiser = module.denoiser
    drawn = denoiser.draw(module.diffusion.sampler, 4000, torch.Generator().manual_seed(0)).x
    rank_in_order = denoiser.draw_ranks(1, torch.Generator().manual_seed(0))[0]
    assert denoiser.has_one_order
    for i in range(4):
        before = (rank_in_order < rank_in_order[i]).expand(drawn.shape)
        output = denoiser.read(denoiser.cells(drawn), before)
        first, last = number_ranks(denoiser, output, drawn, i)
        assert bool((first <= last + 1e-12).all())
        u = first + (last - first) * torch.rand(len(first), generator=torch.Generator().manual_seed(i))
        assert kstest(u.numpy(), "uniform").pvalue > 1e-3, i


@pytest.mark.parametrize("factor", [0.7, 0.85, 1.0])
def test_the_spread_is_the_factor_that_covers(factor):
    _, module = untrained()
    denoiser = module.denoiser
    with torch.no_grad():
        for weight in denoiser.network.parameters():
            weight.zero_()  # then every number has nearly the distribution of the training cells
    score = factor * np.random.default_rng(1).normal(size=20_000)
    up_to = np.cumsum(module.encoder.blocks[0].cells) / 2000
    level = np.searchsorted(up_to, norm.cdf(score)).clip(max=len(up_to) - 1)
    x, mask = torch.zeros(20_000, 5), torch.zeros(20_000, 5, dtype=torch.bool)
    x[:, 0], mask[:, 0] = torch.from_numpy(level + 0.5), True
    spread = measured_spread(denoiser, x, mask, torch.Generator().manual_seed(0))
    assert spread.numpy() == pytest.approx(np.full(5, factor), abs=0.1)
    assert measured_spread(denoiser, x[:0], mask[:0], torch.Generator()).tolist() == [1] * 5


def test_quantiles_are_spread_out_level_by_level():
    p = torch.tensor([0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1], dtype=torch.float64)
    assert spread_out(p, torch.ones(5)).tolist() == pytest.approx(p.tolist())
    wide = spread_out(p, torch.full((5,), 1.2))
    assert wide.numpy()[1:-1] == pytest.approx(norm.cdf(1.2 * norm.ppf(p.numpy()[1:-1])))
    tails = spread_out(p, torch.tensor([1.0, 1.0, 1.0, 1.3, 1.3]))
    assert tails[3:6].tolist() == pytest.approx([0.25, 0.5, 0.75])
    assert tails[6] == pytest.approx(norm.cdf(1.3 * norm.ppf(0.95)))
    crossing = spread_out(p, torch.tensor([1.5, 1.0, 1.0, 0.5, 0.4]))
    assert bool((crossing.diff() >= 0).all())


def test_draws_are_made_where_they_are_wanted_or_rules_are_kept():
    table, module = untrained(200)
    holed = table.with_holes(np.random.default_rng(1).random(table.observed.shape) < 0.7)
    imputer = MissDiffImputer(seed=3)
    imputer.use_module(module)
    best = imputer.estimate(holed, 20)
    assert best.n_draws == imputer.n_evaluations == 0
    assert best.has_distributions
    assert imputer.estimate(holed, 20, 3).n_draws == 3
    assert best.completed("mean").complete.all()
    assert (best.cells("count", "mean") % 1 == 0).all()
    low, high = best.interval("x", 0.5)
    assert (low <= high).all()


@pytest.mark.slow
def test_best_values_and_intervals_are_those_of_a_known_gaussian():
    rng = np.random.default_rng(0)
    covariance = np.full((4, 4), 0.8) + 0.2 * np.eye(4)
    rows = rng.multivariate_normal(np.zeros(4), covariance, 6000)
    hole = rng.random(rows.shape) < 0.3
    hole[hole.all(axis=1)] = False
    frame = pd.DataFrame(np.where(hole, np.nan, rows), columns=list("abcd"))
    model = MissDiff(rules=None).fit(frame)
    filled = model.impute(frame).to_numpy()
    exact = rows.copy()
    for i in np.flatnonzero(hole.any(axis=1)):
        seen = ~hole[i]
        weights = np.linalg.solve(covariance[np.ix_(seen, seen)], covariance[np.ix_(seen, hole[i])])
        exact[i, hole[i]] = rows[i, seen] @ weights
    error, least = (np.sqrt(((values - rows)[hole] ** 2).mean()) for values in (filled, exact))
    assert error < 1.03 * least
    median = model.impute(frame, estimate="median").to_numpy()
    assert np.abs(median - filled)[hole].mean() < 0.1
    imputer = MissDiffImputer()
    imputer.use_module(model._answering)
    schema = model._answering.encoder.schema
    imputations = imputer.estimate(make_table(frame[list(schema.names)], schema), 20)
    inside = []
    for i, name in enumerate("abcd"):
        low, high = imputations.interval(name, 0.9)
        inside.append((low <= rows[hole[:, i], i]) & (rows[hole[:, i], i] <= high))
    assert np.concatenate(inside).mean() == pytest.approx(0.9, abs=0.02)
    assert replace(imputations, distributions={}).n_draws == 0
