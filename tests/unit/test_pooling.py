"""Rubin's rules by hand, and where imputations are exact."""

import numpy as np
import pandas as pd
import pytest

from src.api import pool
from src.api.pooling import COLUMNS, rubin
from src.errors import ConfigError, TableError


def test_rubins_rules_by_hand():
    found = rubin(np.array([[1.0], [2.0], [3.0]]), np.array([[0.5], [0.4], [0.6]]), 20, 0.95)
    assert tuple(found) == COLUMNS
    total = 0.5 + (1 + 1 / 3) * 1  # within, and between the estimates
    assert found["estimate"] == pytest.approx(2)
    assert found["std_error"] == pytest.approx(np.sqrt(total))
    share = 4 / 3 / total
    infinite, observed = 2 / share**2, 21 / 23 * 20 * (1 - share)
    assert found["df"] == pytest.approx(1 / (1 / infinite + 1 / observed))
    assert found["df"] == pytest.approx(2.1494, abs=1e-4)
    assert found["fmi"] == pytest.approx((8 / 3 + 2 / (found["df"] + 3)) / (1 + 8 / 3))
    reach = 4.0230 * np.sqrt(total)  # quantile .975 of t with 2.1494 degrees of freedom
    assert found["lower"] == pytest.approx(2 - reach, abs=0.01)
    assert found["upper"] == pytest.approx(2 + reach, abs=0.01)


def test_tables_without_holes_give_what_one_gives():
    frame = pd.DataFrame({"y": [1.0, 2.0, 2.5, 4.5, 4.0], "x": [0.0, 1.0, 2.0, 3.0, 4.0]})
    found = pool([frame, frame], "y ~ x")
    assert list(found.index) == ["Intercept", "x"]
    assert found.loc["x", "estimate"] == pytest.approx(0.85)
    residual = frame.y - 1.1 - 0.85 * frame.x
    assert found.loc["x", "std_error"] == pytest.approx(np.sqrt((residual**2).sum() / 3 / 10))
    assert found.loc["x", "df"] == pytest.approx(3 * 4 / 6)  # what Barnard and Rubin make of 3
    assert found.loc["x", "fmi"] < 0.5


def test_files_and_other_models(tmp_path):
    rng = np.random.default_rng(0)
    frames = []
    for number in range(3):
        x = rng.normal(size=400)
        frame = pd.DataFrame({"x": x, "y": (rng.random(400) < 1 / (1 + np.exp(-x))).astype(int)})
        frame.to_csv(tmp_path / f"filled-{number}.csv", index=False)
        frames.append(frame)
    found = pool(sorted(tmp_path.glob("filled-*.csv")), "y ~ x", model="logit")
    assert found.loc["x", "estimate"] == pytest.approx(1, abs=0.3)
    pd.testing.assert_frame_equal(found, pool(frames, "y ~ x", model="logit"), rtol=1e-6)
    assert pool(frames, "y ~ x", model="poisson").loc["x", "estimate"] > 0


def test_pooled_intervals_cover_where_imputations_are_draws_from_the_posterior():
    rng, n_inside, n_runs = np.random.default_rng(1), np.zeros(2), 300
    for _ in range(n_runs):
        x = rng.normal(size=60)
        y = 1 + 2 * x + rng.normal(size=60)
        seen = rng.random(60) < 0.6
        design = np.column_stack([np.ones(60), x])
        inverse = np.linalg.inv(design[seen].T @ design[seen])
        best = inverse @ design[seen].T @ y[seen]
        squares, df = ((y[seen] - design[seen] @ best) ** 2).sum(), seen.sum() - 2
        tables = []
        for _ in range(10):
            variance = squares / rng.chisquare(df)
            drawn = rng.multivariate_normal(best, variance * inverse)
            filled = np.where(seen, y, design @ drawn + rng.normal(size=60) * np.sqrt(variance))
            tables.append(pd.DataFrame({"x": x, "y": filled}))
        found = pool(tables, "y ~ x")
        n_inside += (found.lower <= [1, 2]) & (found.upper >= [1, 2])
    assert (n_inside / n_runs).to_numpy() == pytest.approx([0.95, 0.95], abs=0.035)


def test_what_cannot_be_pooled_is_refused(tmp_path):
    frame = pd.DataFrame({"y": [1.0, 2.0, 2.5, 4.5], "x": [0.0, 1.0, 2.0, 3.0], "c": list("aabb")})
    with pytest.raises(ConfigError, match="at least 2 completions"):
        pool([frame], "y ~ x")
    with pytest.raises(ConfigError, match="formula='y ~ z' cannot be fitted"):
        pool([frame, frame], "y ~ z")
    with pytest.raises(ConfigError, match="model is one of ols, logit, poisson"):
        pool([frame, frame], "y ~ x", model="lasso")
    with pytest.raises(ConfigError, match="level is between 0 and 1"):
        pool([frame, frame], "y ~ x", level=95)
    with pytest.raises(TableError, match="table 2 has the coefficients"):
        pool([frame, frame.assign(c=list("aacc"))], "y ~ c")
    with pytest.raises(TableError, match="cannot be read"):
        pool([tmp_path / "no.csv", frame], "y ~ x")
