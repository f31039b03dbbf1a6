"""The values that a column can have, found from those that it has: known grids, and none where there is none."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from src.encoding.encoder import EncodingRecipe
from src.encoding.states import StatesRecipe
from src.errors import TableError
from src.tables import OwnTable, Schema
from src.tables.files.layout import Layout
from src.tables.grid import LAST, Grid, described, grid_of_moments, grid_of_numbers
from src.tables.reading.frames import understood
from src.tables.reading.understanding import Rules


def numbers(values, decimals=0):
    distinct, counts = np.unique(np.array(values, dtype=float), return_counts=True)
    return grid_of_numbers(distinct, counts, decimals)


def days(dates):
    return np.unique(pd.DatetimeIndex(dates).to_numpy().astype("datetime64[D]").astype(np.int64)).astype(float)


def minutes(moments):
    return np.unique(pd.DatetimeIndex(moments).to_numpy().astype("datetime64[m]").astype(np.int64)).astype(float)


RNG = np.random.default_rng(0)
SOME_DAYS = pd.date_range("2015-01-01", "2020-12-31")


@pytest.mark.parametrize(
    ("values", "decimals", "expected"),
    [
        (RNG.integers(200, 900, 500) * 100, 0, "in steps of 100"),
        (RNG.integers(-500, 500, 400) * 2, 0, "in steps of 2"),
        (RNG.integers(-500, 500, 400) * 2 + 1, 0, "in steps of 2"),
        (RNG.integers(0, 400, 300) * 0.25, 2, "in steps of 0.25"),
        (RNG.integers(0, 400, 300) * 0.05 + 0.02, 2, "in steps of 0.05"),
        (RNG.choice([1, 2, 3, 5, 9], 100), 0, "these values only"),
        (RNG.choice([0.5, 1.25, 3.0, 9.11], 100), 2, "these values only"),
        (RNG.integers(0, 10_000, 500), 0, None),
        (RNG.integers(0, 12, 500), 0, None),
        (RNG.standard_normal(500).round(3), 3, None),
        (RNG.standard_normal(500), None, None),
        ([0, 2], 0, None),
        (RNG.choice([3, 8, 21], 12), 0, None),
        (RNG.integers(0, 400, 300) * 1e300, 0, None),
    ],
)
def test_grids_of_numbers(values, decimals, expected):
    grid = numbers(values, decimals)
    assert (None if grid is None else described(grid)) == expected
    if grid is not None:
        np.testing.assert_allclose(grid.nearest(np.array(values, dtype=float)), values, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (SOME_DAYS[SOME_DAYS.weekday == 0], "Mondays"),
        (SOME_DAYS[SOME_DAYS.weekday < 5], "Monday to Friday"),
        (SOME_DAYS[np.isin(SOME_DAYS.weekday, [1, 3])], "Tuesdays, Thursdays"),
        (SOME_DAYS[SOME_DAYS.day == 1], "on day 1 of the month"),
        (SOME_DAYS[np.isin(SOME_DAYS.day, [1, 15])], "on day 1, 15 of the month"),
        (SOME_DAYS[SOME_DAYS.is_month_end], "on day the last of the month"),
        (SOME_DAYS[SOME_DAYS.is_quarter_end], "on day the last of the month, in months 3, 6, 9, 12"),
        (SOME_DAYS[::14], "in steps of 14 days"),
        (SOME_DAYS, None),
        (SOME_DAYS[RNG.permutation(len(SOME_DAYS))[:300]], None),
        (SOME_DAYS[:4], None),
    ],
)
def test_grids_of_dates(dates, expected):
    values = days(dates)
    grid = grid_of_moments(values, 1, are_dates=True)
    assert (None if grid is None else described(grid, "days")) == expected
    if grid is not None:
        np.testing.assert_array_equal(grid.nearest(values), values)
        np.testing.assert_array_equal(np.diff(grid.positions(values)) % 1, 0)
        between = grid.nearest(np.arange(values[0], values[-1]))
        assert set(between) <= set(values) | set(grid.values(np.arange(len(SOME_DAYS))))


def test_a_time_of_the_day_is_kept_and_so_is_the_day_of_the_week():
    nine = minutes(SOME_DAYS + pd.Timedelta(hours=9))
    grid = grid_of_moments(nine, 1440, are_dates=True)
    assert (grid.step, grid.offset) == (1440, 540)
    assert described(grid, "minutes") == "at 09:00"
    business = minutes(SOME_DAYS[SOME_DAYS.weekday < 5] + pd.Timedelta(hours=9))
    grid = grid_of_moments(business, 1440, are_dates=True)
    assert described(grid, "minutes") == "at 09:00, Monday to Friday"
    drawn = pd.to_datetime(grid.values(np.linspace(0, 900, 2_000)) * 60, unit="s")
    assert (drawn.weekday < 5).all()
    assert (drawn.strftime("%H:%M") == "09:00").all()


def test_quarters_of_an_hour_of_business_days_are_numbered_one_after_another():
    moments = [day + pd.Timedelta(minutes=15 * k) for day in SOME_DAYS[SOME_DAYS.weekday < 5][:60] for k in range(96)]
    values = minutes(moments)
    grid = grid_of_moments(values, 1440, are_dates=True)
    np.testing.assert_array_equal(grid.positions(values), np.arange(len(values)))
    np.testing.assert_array_equal(grid.values(np.arange(len(values))), values)


def test_a_time_of_the_day_is_that_of_the_zone_in_summer_and_winter():
    local = pd.DatetimeIndex(SOME_DAYS + pd.Timedelta(hours=9)).tz_localize("Europe/Berlin")
    hours = local.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[h]").astype(np.int64).astype(float)
    grid = grid_of_moments(hours, 24, are_dates=True, zone="Europe/Berlin")
    assert (grid.step, grid.offset) == (24, 9)
    np.testing.assert_array_equal(grid.nearest(hours), hours)
    assert len(np.unique(hours % 24)) == 2


def test_every_day_between_two_grid_days_belongs_to_the_nearer_one_in_equal_shares():
    values = days(SOME_DAYS[SOME_DAYS.weekday < 5])
    grid = grid_of_moments(values, 1, are_dates=True)
    spread = grid.values(np.random.default_rng(0).uniform(-0.5, len(values) - 0.5, 100_000))
    weekday = (spread + 3) % 7
    shares = np.bincount(weekday.astype(int), minlength=7) / len(spread)
    np.testing.assert_allclose(shares, [0.2] * 5 + [0, 0], atol=0.01)


def test_holes_stay_and_plain_values_give_the_grid_again():
    grid = Grid(1, 0, 1, (0, 400), month_days=(LAST,), months=(3, 6))
    assert np.isnan(grid.nearest(np.array([np.nan, 3.0]))[0])
    assert (
        Grid.from_dict({"step": 1, "offset": 0, "per_day": 1, "days": [0, 400], "month_days": [-1], "months": [3, 6]})
        == grid
    )


def table_on_grids(n_rows=600):
    rng = np.random.default_rng(0)
    business = pd.bdate_range("2010-01-01", "2019-12-31")
    starts = rng.choice(pd.date_range("2018-01-01", "2020-12-31"), n_rows)
    return pd.DataFrame(
        {
            "salary": rng.integers(300, 900, n_rows) * 100,
            "even": rng.integers(0, 20_000, n_rows) * 2,
            "rate": rng.integers(1, 80, n_rows) * 0.25,
            "nine": pd.DatetimeIndex(starts) + pd.Timedelta(hours=9),
            "monday": rng.choice(pd.date_range("2020-01-06", "2049-01-01", freq="7D"), n_rows),
            "bank": rng.choice(business, n_rows),
            "month": rng.choice(pd.date_range("1990-01-31", "2020-12-31", freq="ME"), n_rows),
            "berlin": (pd.DatetimeIndex(starts) + pd.Timedelta(hours=9)).tz_localize("Europe/Berlin"),
            "dose": rng.choice([0.5, 1, 2, 5, 12.5], n_rows),
        }
    )


def is_on_grids(rows):
    def times(name):
        return pd.DatetimeIndex(pd.to_datetime(rows[name]))

    return {
        "salary": (rows.salary.astype(float) % 100 == 0).all(),
        "even": (rows.even.astype(float) % 2 == 0).all(),
        "rate": (rows.rate.astype(float) % 0.25 == 0).all(),
        "nine": (times("nine").strftime("%H:%M:%S") == "09:00:00").all(),
        "monday": (times("monday").weekday == 0).all(),
        "bank": (times("bank").weekday < 5).all(),
        "month": times("month").is_month_end.all(),
        "dose": rows.dose.astype(float).isin([0.5, 1, 2, 5, 12.5]).all(),
    }


@pytest.mark.parametrize("recipe", [StatesRecipe(), EncodingRecipe(), EncodingRecipe("minmax")], ids=str)
@pytest.mark.parametrize("as_file", [True, False])
def test_whatever_a_model_draws_is_on_the_grids_of_the_table(recipe, as_file, tmp_path):
    frame = table_on_grids()
    columns = understood(frame, {}, Rules())
    if as_file:
        frame.drop(columns="berlin").to_csv(tmp_path / "t.csv", index=False)
        columns = OwnTable(path=str(tmp_path / "t.csv")).understand()
    table = columns.layout.table(columns.frame, columns.layout.schema(None), "the table")
    encoder = recipe.fit(table, table.observed)
    x, _ = encoder.forward(table, table.observed)
    wild = torch.randn(2_000, encoder.width, generator=torch.Generator().manual_seed(0))
    drawn = encoder.backward(wild * x.std(dim=0) + x.mean(dim=0)).frame
    rows = columns.layout.restore(drawn, 0, np.random.default_rng(0), for_text_file=as_file)
    assert is_on_grids(rows) == dict.fromkeys(is_on_grids(rows), True)
    if not as_file:
        assert (rows.berlin.dt.strftime("%H:%M") == "09:00").all()
    again = encoder.backward(x).frame
    restored = columns.layout.restore(again, 0, np.random.default_rng(0), for_text_file=as_file)
    assert (pd.to_datetime(restored.bank) == pd.to_datetime(columns.frame.bank)).mean() > 0.1


def test_a_fill_between_two_values_moves_to_the_nearer_one_and_checkpoints_keep_the_grid():
    columns = understood(table_on_grids(), {}, Rules())
    layout = Layout.from_dict(json.loads(json.dumps(columns.layout.to_dict())))
    assert layout == columns.layout
    schema = columns.layout.schema(None)
    assert Schema.from_dict(json.loads(json.dumps(schema.to_dict()))) == schema
    rng = np.random.default_rng(0)
    assert layout["salary"].write(pd.Series([41_234.5]), 0, 1, rng, False).tolist() == [41_200]
    assert layout["dose"].write(pd.Series([4.1]), 0, 1, rng, False).tolist() == [5]
    saturday = pd.Series([float((pd.Timestamp("2015-08-01") - pd.Timestamp(0)).days)])
    assert layout["bank"].write(saturday, 0, 1, rng, False)[0] in pd.to_datetime(["2015-07-31", "2015-08-03"])


def test_the_summary_says_the_grid_and_a_condition_off_it_is_refused():
    columns = understood(table_on_grids(), {}, Rules())
    holds = {summary.name: summary.holds for summary in columns.summaries}
    assert holds["salary"].endswith("in steps of 100")
    assert holds["bank"].endswith("Monday to Friday")
    assert holds["monday"].endswith("Mondays")
    with pytest.raises(TableError, match="no values as fine as 41250: it has values in steps of 100"):
        columns.layout["salary"].value_of(41_250)
