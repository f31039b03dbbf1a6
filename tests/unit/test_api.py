"""The Python interface."""

import pickle
import warnings
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from src.api import MissDiff
from src.errors import CheckpointError, ConfigError, TableError
from tests.cli.command import only_run, train

SETTINGS = {
    "training.epochs": 3,
    "network.channels": 16,
    "evaluation.detection_rows": 100,
}


def holed_frame(n=200):
    rng = np.random.default_rng(0)
    age = rng.integers(18, 90, n)
    frame = pd.DataFrame(
        {
            "id": np.arange(n) + 500,
            "age": pd.array(age, dtype="Int64"),
            "bmi": rng.normal(25, 4, n).round(1),
            "size": pd.Categorical(rng.choice(["S", "M", "L"], n), ["S", "M", "L"], ordered=True),
            "born": pd.date_range("1950-01-01", periods=n, tz="UTC"),
            "ill": age > 60,
        }
    )
    return frame.assign(bmi=frame["bmi"].mask(rng.random(n) < 0.2), age=frame["age"].mask(rng.random(n) < 0.2))


@pytest.fixture(scope="module")
def frame():
    return holed_frame()


@pytest.fixture(scope="module")
def model(frame):
    return MissDiff(target="ill", settings=SETTINGS, seed=3).fit(frame)


@pytest.mark.integration
def test_rows_have_the_columns_and_dtypes_of_the_frame(model, frame):
    rows = model.sample(50)
    assert (rows.dtypes == frame.dtypes).all()
    assert list(rows) == list(frame)
    assert not rows.isna().any().any()
    assert len(model.sample()) == len(frame) == model.n_rows_
    assert model.columns_.loc["age", "kind"] == "integer"
    assert any("'id'" in note for note in model.notes_)


def test_the_frame_is_not_changed(frame):
    before = frame.copy(deep=True)
    MissDiff(settings=SETTINGS).fit(frame)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.integration
def test_rows_depend_on_the_seed_and_not_on_their_number(model):
    pd.testing.assert_frame_equal(model.sample(20), model.sample(3000).head(20))
    pd.testing.assert_frame_equal(model.sample(20), model.sample(20, seed=3))
    assert not model.sample(20).equals(model.sample(20, seed=4))
    again = MissDiff(target="ill", settings=SETTINGS, seed=3).fit(holed_frame())
    pd.testing.assert_frame_equal(again.sample(20), model.sample(20))


def test_columns_are_fixed_and_holes_given(model):
    rows = model.sample(30, where={"size": "L", "ill": True, "age": 40}, repeats=2)
    assert set(rows["size"]) == {"L"}
    assert rows["ill"].all()
    assert (rows["age"] == 40).all()
    born = model.sample(3, where={"born": "1950-02-01T00:00:00+00:00"}, repeats=1)["born"]
    assert set(born) == {pd.Timestamp("1950-02-01", tz="UTC")}
    holed = model.sample(2000, holes="like_training")
    assert 0.1 < holed["age"].isna().mean() < 0.3
    assert (holed.dtypes == model.sample(5).dtypes).all()


@pytest.mark.integration
def test_scores_stand_beside_a_floor(model, frame):
    scores = model.evaluate(frame)
    assert list(scores) == ["synthetic", "floor"]
    assert scores.loc["fidelity/overall"].between(0, 1).all()
    assert "utility/xgboost/accuracy" in scores.index
    assert "privacy/dcr_share" not in scores.index
    with_test = model.evaluate(frame.head(120), model.sample(120), frame.tail(80))
    assert "fidelity/overall" in with_test.index
    same = model.evaluate(frame.dropna(), frame.dropna())
    assert same.loc["fidelity/overall", "synthetic"] == 1


def test_a_saved_model_is_the_same_model(model, tmp_path):
    file = tmp_path / "model.ckpt"
    model.save(file)
    again = MissDiff.load(file)
    pd.testing.assert_frame_equal(again.sample(20), model.sample(20))
    assert again.get_params()["target"] == "ill"
    pd.testing.assert_frame_equal(again.columns_, model.columns_)
    assert again.notes_ == model.notes_
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.ckpt"]
    (tmp_path / "bad.ckpt").write_bytes(b"no")
    with pytest.raises(CheckpointError):
        MissDiff.load(tmp_path / "bad.ckpt")


@pytest.mark.slow
def test_a_run_folder_is_a_model(tmp_path, frame):
    file = tmp_path / "t.parquet"
    frame.to_parquet(file)
    settings = [f"{key}={value}" for key, value in SETTINGS.items()]
    done = train(
        "dataset=table", f"dataset.path={file}", "missing=native", f"outputs_dir={tmp_path / 'out'}", *settings
    )
    assert done.returncode == 0, done.stderr
    run = only_run(tmp_path / "out")
    synthetic = pd.read_parquet(run / "synthetic.parquet")
    pd.testing.assert_frame_equal(MissDiff.load(run).sample(len(synthetic)), synthetic)
    assert (synthetic.dtypes == frame.dtypes).all()
    (run / "DONE").unlink()
    with pytest.raises(ConfigError, match="holds no finished run"):
        MissDiff.load(run)


def test_manners_of_scikit_learn(model):
    assert set(MissDiff().get_params()) == {
        *("target", "categorical", "numerical", "ids", "exclude", "ordered", "also_holes", "max_categories"),
        *("settings", "seed", "merge_spellings", "structural", "rules", "decimal", "holes"),
    }
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    for call in (copy.sample, lambda: copy.save("x"), lambda: copy.evaluate(holed_frame())):
        with pytest.raises(NotFittedError):
            call()
    assert copy.set_params(seed=5).seed == 5


@pytest.mark.parametrize(
    ("parameters", "change", "error", "message"),
    [
        ({"target": "Ill"}, None, ConfigError, "did you mean 'ill'"),
        ({"exclude": ["x"]}, None, ConfigError, "names 'x', which is not a column"),
        ({"settings": {"training.epoch": 3}}, None, ConfigError, "did you mean training.epochs"),
        ({"settings": {"network": "foo"}}, None, ConfigError, "network=foo does not exist"),
        ({"settings": {"method": "diff_mean"}}, None, ConfigError, "settings names 'method'"),
        ({"categorical": "age"}, None, ConfigError, "categorical is a list of names"),
        ({"max_categories": 1}, None, ConfigError, "max_categories is at least 2"),
        ({"seed": -1}, None, ConfigError, "seed is not negative"),
        ({}, lambda frame: frame.to_numpy(), TableError, "expected a pandas DataFrame, got ndarray"),
        ({}, lambda frame: frame.head(1), TableError, "has 1 rows; at least 2"),
        ({}, lambda frame: frame.rename(columns={"age": 0.5}), TableError, "column names are texts or integers"),
        ({}, lambda frame: frame.assign(a=[[1]] * len(frame)), TableError, "column 'a', row 1: list"),
        ({"numerical": ["size"]}, None, TableError, "cannot be of kind numerical"),
    ],
)
def test_what_cannot_be_meant_is_refused(frame, parameters, change, error, message):
    with pytest.raises(error, match=message):
        MissDiff(**{"settings": SETTINGS, **parameters}).fit(frame if change is None else change(frame))


@pytest.mark.integration
def test_scores_know_the_holes_that_training_knew():
    frame = holed_frame()
    marked = frame.assign(age=frame["age"].astype(float).fillna(-999))
    model = MissDiff(also_holes=np.array([-999]), seed=np.int64(2), settings=SETTINGS).fit(marked)
    synthetic = model.sample(100)
    scores = [model.evaluate(each, synthetic) for each in (marked, marked.replace(-999, np.nan))]
    pd.testing.assert_frame_equal(*scores)
    assert (synthetic["age"] > 0).all()


def test_a_fitted_model_can_be_pickled(model):
    again = pickle.loads(pickle.dumps(model))
    pd.testing.assert_frame_equal(again.sample(5), model.sample(5))


def test_wishes_that_cannot_be_met(model):
    with pytest.raises(ConfigError, match="n_rows is a whole number, at least 1"):
        model.sample(0)
    with pytest.raises(ConfigError, match="holes is one of none, like_training"):
        model.sample(5, holes="some")
    with pytest.raises(TableError, match="has no values as fine as 40"):
        model.sample(5, where={"age": 40.5})
    with pytest.raises(TableError, match="is fixed to one value"):
        model.sample(5, where={"size": ["S"]})
    with pytest.raises(ConfigError, match="seed is a whole number, at least 0"):
        model.sample(5, seed=-1)
    with pytest.raises(TableError, match="never has the value 'XL'"):
        model.sample(5, where={"size": "XL"})


def test_holes_are_filled_and_nothing_else(model, frame):
    holed = frame.sample(frac=1, random_state=0).set_axis([f"row {i}" for i in range(len(frame))])
    holed["size"] = holed["size"].mask(np.arange(len(holed)) % 7 == 0)
    before = holed.copy(deep=True)
    filled = model.impute(holed, n_draws=3)
    pd.testing.assert_frame_equal(holed, before)
    assert filled.index.equals(holed.index)
    assert (filled.dtypes == holed.dtypes).all()
    assert filled.notna().all(axis=None)
    for name in holed:
        observed = holed[name].notna()
        assert (filled[name][observed] == holed[name][observed]).all()
    draws = model.impute(holed, n_imputations=2)
    assert not draws[0].equals(draws[1])
    assert draws[0].notna().all(axis=None)
    pd.testing.assert_frame_equal(model.impute(holed, n_imputations=1)[0], draws[0])
    complete = filled.head(5)
    pd.testing.assert_frame_equal(model.impute(complete), complete)


def test_a_column_without_a_value_is_filled_with_what_was_learned(model, frame):
    holed = frame.head(5).assign(size=np.nan, ill=np.nan)
    filled = model.impute(holed, n_draws=2)
    assert set(filled["size"]) <= {"S", "M", "L"}
    assert set(filled["ill"]) <= {True, False}


def test_a_condition_on_few_rows_is_said_with_their_number():
    rare = pd.DataFrame({"y": ["fraud"] * 5 + ["fair"] * 195, "x": np.random.default_rng(0).normal(size=200)})
    model = MissDiff(settings=SETTINGS).fit(rare)
    with pytest.warns(UserWarning, match="where: rows of the table with y = 'fraud': 5;"):
        model.sample(3, where={"y": "fraud"}, repeats=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model.sample(3, where={"y": "fair"}, repeats=1)


def test_settings_of_imputation_are_checked(model, frame):
    with pytest.raises(ConfigError, match="estimate is one of mean, median"):
        model.impute(frame, estimate="mode")
    with pytest.raises(ConfigError, match="n_imputations is at least 1"):
        model.impute(frame, n_imputations=0)
    with pytest.raises(TableError, match="lacks the columns"):
        model.impute(frame[["age"]])
    with pytest.raises(NotFittedError):
        MissDiff().impute(frame)


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({"ids": ["g"], "categorical": ["g"]}, "categorical and ids both name 'g'"),
        ({"numerical": ["g"], "ordered": {"g": ["a", "b"]}}, "numerical and ordered both name 'g'"),
        ({"exclude": ["g"], "target": "g"}, "exclude names the target 'g'"),
    ],
)
def test_contradictory_lists_are_refused_as_by_the_command(lists, message):
    frame = pd.DataFrame({"x": np.arange(20.0), "g": ["a", "b"] * 10})
    with pytest.raises(ConfigError, match=message):
        MissDiff(**lists).fit(frame)


BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)
OBJECT_CELLS = {
    "timestamps of a zone": lambda i: pd.Timestamp("2020-01-01 10:00", tz="Europe/Berlin") + i * DAY,
    "timestamps": lambda i: pd.Timestamp("2020-01-01 10:00") + i * DAY,
    "datetimes in UTC": lambda i: datetime(2020, 1, 1, 10, tzinfo=UTC) + i * DAY,
    "datetimes of a zone": lambda i: datetime(2020, 1, 1, 10, tzinfo=BERLIN) + i * DAY,
    "datetimes of an offset": lambda i: datetime(2020, 1, 1, 10, tzinfo=timezone(timedelta(hours=-3))) + i * DAY,
    "datetimes": lambda i: datetime(2020, 1, 1, 10) + i * DAY,
    "dates": lambda i: date(2020, 1, 1) + i * DAY,
    "whole numbers": lambda i: i,
    "numbers": lambda i: i / 4,
    "decimals": lambda i: Decimal(i) / 4,
    "truth values": lambda i: bool(i % 2),
}


@pytest.mark.integration
@pytest.mark.parametrize("name", OBJECT_CELLS)
def test_cells_of_object_columns_are_filled_and_drawn_as_their_neighbours_are(name, tmp_path):
    rng = np.random.default_rng(0)
    cells = [OBJECT_CELLS[name](int(i)) for i in rng.integers(0, 200, 80)]
    frame = pd.DataFrame({"x": rng.normal(size=80), "o": pd.Series(cells, dtype=object)})
    frame.loc[::6, "o"] = None
    model = MissDiff(settings={"training.n_steps": 20, "network.channels": 16}).fit(frame)
    filled, drawn = model.impute(frame), model.sample(30)
    kind, zone = type(cells[0]), getattr(cells[0], "tzinfo", None)
    for column in (filled["o"], drawn["o"]):
        assert {type(cell) for cell in column} == {kind}
        assert {getattr(cell, "tzinfo", None) is None for cell in column} == {zone is None}
        if zone is not None:
            assert all(cell.utcoffset() == cell.astimezone(zone).utcoffset() for cell in column)
        assert column.max() >= column.sort_values().iloc[0]
    kept = frame["o"].notna()
    assert all(a is b for a, b in zip(filled.loc[kept, "o"], frame.loc[kept, "o"], strict=True))
    filled.to_parquet(tmp_path / "filled.parquet")
