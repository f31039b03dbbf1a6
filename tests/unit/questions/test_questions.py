"""Log-probabilities of rows and distributions of cells, beside known ones."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import norm

from src.api import MissDiff
from src.diffusion import Coordinates, Moments
from src.diffusion.absorbing.settings import AbsorbingSettings
from src.diffusion.networks import ResidualMLPSettings
from src.encoding import StatesRecipe, log_slopes
from src.errors import ConfigError, TableError
from src.tables import Column, Schema, make_table

SMALL = {"training.n_steps": 600, "network.channels": 64, "network.n_blocks": 2}


def mixed_table(n=3000):
    """A table of all kinds of columns: two categories, 150 of them, few numbers, many, and many with spikes."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "two": rng.choice(["no", "yes"], n),
            "many": rng.choice([f"city{k}" for k in range(150)], n),
            "few": rng.integers(0, 5, n).astype(float),
            "real": rng.normal(size=n),
            "spikes": np.where(rng.random(n) < 0.3, 0.0, rng.exponential(size=n)),
        }
    )
    categories = {name: tuple(sorted(frame[name].unique())) for name in ("two", "many")}
    columns = [
        Column(name, "categorical", "object", categories=categories[name])
        if name in categories
        else Column(name, "numerical", "float64")
        for name in frame
    ]
    return make_table(frame, Schema(tuple(columns)))


def untrained(encoder):
    """A model of random weights."""
    torch.manual_seed(0)
    layout = Coordinates(encoder.width, encoder.columns, None, encoder.groups, encoder.is_ordered, encoder.densities)
    ones = torch.ones(encoder.width)
    denoiser = AbsorbingSettings().build(ResidualMLPSettings(16, 1), layout, Moments(ones, ones, ones, 1.0))
    for weights in denoiser.parameters():
        torch.nn.init.normal_(weights, std=0.3)
    return denoiser


@pytest.mark.parametrize("numbers", ["density", "levels"])
def test_probabilities_of_states_are_those_of_the_likelihood_and_add_up_to_1(numbers):
    table = mixed_table()
    mask = np.ones((table.n_rows, table.n_columns), dtype=bool)
    encoder = StatesRecipe(numbers=numbers).fit(table, mask)
    denoiser = untrained(encoder)
    x = encoder.forward(table, mask)[0][:200]
    cells = denoiser.cells(x)
    visible = torch.rand(200, table.n_columns, generator=torch.Generator().manual_seed(1)) < 0.5
    with torch.no_grad():
        output = denoiser.read(cells, visible)
        nats = denoiser.probability_nats(output, x, cells)
        for column in range(table.n_columns):
            p = denoiser.state_probabilities(output, column)
            assert p.shape == (200, sum(encoder.groups[column]))
            torch.testing.assert_close(p.sum(dim=1), torch.ones(200, dtype=torch.float64), atol=1e-6, rtol=0)
            of_cells = p.gather(1, x[:, column, None].long())[:, 0]
            torch.testing.assert_close(of_cells, (-nats[:, column]).exp(), atol=1e-6, rtol=1e-4)


def test_slopes_turn_ranks_into_numbers():
    """Of independent numbers the density of ranks is 1, so that the slope is the density of the number."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(50.0, 7.0, 40_000)
    table = make_table(pd.DataFrame({"n": numbers}), Schema((Column("n", "numerical", "float64"),)))
    mask = np.ones((len(numbers), 1), dtype=bool)
    encoder = StatesRecipe().fit(table, mask)
    slopes = log_slopes(
        encoder, table, *(part if k == 0 else part.numpy() for k, part in enumerate(encoder.forward(table, mask)))
    )
    expected = norm(50.0, 7.0).logpdf(numbers)
    assert abs((slopes[:, 0] - expected).mean()) < 0.005
    assert np.abs(slopes[:, 0] - expected)[np.abs(numbers - 50) < 14].max() < 0.15


def test_slopes_of_numbers_on_a_grid_are_probabilities():
    rng = np.random.default_rng(0)
    numbers = rng.normal(500.0, 9000.0, 40_000).round()
    table = make_table(pd.DataFrame({"n": numbers}), Schema((Column("n", "numerical", "float64", integer=True),)))
    mask = np.ones((len(numbers), 1), dtype=bool)
    encoder = StatesRecipe().fit(table, mask)
    x, observed = encoder.forward(table, mask)
    slopes = log_slopes(encoder, table, x, observed.numpy())
    expected = norm(500.0, 9000.0).logpdf(numbers)
    assert abs((slopes[:, 0] - expected).mean()) < 0.01


@pytest.fixture(scope="module")
def gaussian():
    """A model of four jointly normal numbers, and their distribution."""
    rng = np.random.default_rng(0)
    covariance = np.full((4, 4), 0.6) + 0.4 * np.eye(4)
    mean, scale = np.array([1.0, 50.0, -3.0, 1000.0]), np.array([1.0, 10.0, 0.1, 200.0])
    rows = mean + rng.multivariate_normal(np.zeros(4), covariance, 12_000) * scale
    frame = pd.DataFrame(rows[:8000], columns=list("abcd"))
    model = MissDiff(seed=0, settings=SMALL).fit(frame)
    return model, pd.DataFrame(rows[8000:], columns=list("abcd")), mean, covariance * np.outer(scale, scale)


def log_density(rows, mean, covariance):
    """Log-density (N,) in nats of normal rows with holes."""
    found = []
    for row in rows.to_numpy():
        seen = np.flatnonzero(~np.isnan(row))
        off = row[seen] - mean[seen]
        block = covariance[np.ix_(seen, seen)]
        found.append(-0.5 * off @ np.linalg.solve(block, off) - 0.5 * np.linalg.slogdet(2 * np.pi * block)[1])
    return np.array(found)


@pytest.mark.slow
def test_log_probabilities_are_those_of_a_known_density(gaussian):
    model, rows, mean, covariance = gaussian
    holed = rows.mask(np.random.default_rng(1).random(rows.shape) < 0.4)
    for given in (rows, holed):
        found = model.log_prob(given)
        assert found.index.equals(given.index)
        off = found * math.log(2) - log_density(given, mean, covariance)
        assert abs(off.sum() / given.notna().sum().sum()) < 0.05


@pytest.mark.slow
def test_the_distribution_of_a_number_is_the_conditional_one(gaussian):
    model, rows, mean, covariance = gaussian
    given = rows.head(400).drop(columns=["a", "c"])
    p = model.predict_proba(given.assign(c=np.nan), "a")
    assert len(p.columns) == 20
    ends = np.array([*(interval.left for interval in p.columns), p.columns[-1].right])
    seen = [1, 3]
    weights = np.linalg.solve(covariance[np.ix_(seen, seen)], covariance[seen, 0])
    centre = mean[0] + (given.to_numpy() - mean[seen]) @ weights
    spread = (covariance[0, 0] - covariance[0, seen] @ weights) ** 0.5
    expected = np.diff(norm.cdf((ends - centre[:, None]) / spread), axis=1)
    assert np.abs(p.to_numpy() - expected).sum(axis=1).mean() < 0.15


@pytest.fixture(scope="module")
def survey():
    """A model of a table whose frequencies are known: b is a, but for a tenth of the rows."""
    rng = np.random.default_rng(0)
    n = 2000
    a = rng.random(n) < 0.3
    frame = pd.DataFrame(
        {
            "a": a,
            "b": np.where(rng.random(n) < 0.1, ~a, a),
            "size": pd.Categorical(rng.choice(["S", "M", "L"], n), ["S", "M", "L"], ordered=True),
            "town": rng.choice(["Bonn", "Kiel"], n),
            "born": pd.date_range("1990-01-01", periods=n, freq="D"),
        }
    )
    return MissDiff(target="b", seed=0, settings={**SMALL, "training.n_steps": 300}).fit(frame), frame


@pytest.mark.slow
def test_distributions_have_the_labels_of_their_columns(survey):
    model, frame = survey
    p = model.predict_proba(frame)
    assert set(p.columns) == {False, True}
    agrees = np.where(frame["a"], p[True], p[False])
    assert abs(agrees.mean() - 0.9) < 0.03
    assert set(model.predict_proba(frame, "size").columns) == {"S", "M", "L"}
    born = model.predict_proba(frame.drop(columns="born"), "born")
    assert all(isinstance(interval.left, pd.Timestamp) for interval in born.columns)
    for found in (p, born):
        assert np.allclose(found.sum(axis=1), 1)
        assert found.index.equals(frame.index)


@pytest.mark.slow
def test_the_column_itself_and_the_other_rows_are_not_read(survey):
    model, frame = survey
    some = frame.head(50)
    p = model.predict_proba(some, "b")
    pd.testing.assert_frame_equal(p, model.predict_proba(some.assign(b=~some["b"]), "b"))
    pd.testing.assert_frame_equal(p.tail(10), model.predict_proba(some.tail(10), "b"))


@pytest.mark.slow
def test_what_no_training_row_has_is_impossible_and_no_cell_is_certain(survey):
    model, frame = survey
    rows = frame.head(3).astype({"town": object, "a": object, "b": object})
    rows.loc[1, "town"] = "Ulm"
    rows.loc[2] = None
    found = model.log_prob(rows)
    assert np.isfinite(found[0])
    assert found[0] < 0
    assert found[1] == -np.inf
    assert found[2] == 0


@pytest.mark.slow
def test_questions_that_cannot_be_answered(survey):
    model, frame = survey
    with pytest.raises(ConfigError, match=r"column is one of a, b, size, town, born, got 'c'"):
        model.predict_proba(frame, "c")
    with pytest.raises(ConfigError, match="n_orders is a whole number, at least 1, got 0"):
        model.log_prob(frame, n_orders=0)
    with pytest.raises(TableError, match="lacks the columns"):
        model.log_prob(frame.drop(columns="a"))
    noisy = MissDiff(settings={"diffusion": "vp", "training.epochs": 1, "network.channels": 16}).fit(frame)
    with pytest.raises(ConfigError, match="only models of diffusion=absorbing answer questions"):
        noisy.log_prob(frame)
