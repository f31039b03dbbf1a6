import numpy as np
import pandas as pd
import pytest

from src.errors import ConfigError
from src.seeding import numpy_stream
from src.tables import Mimic4edStandin
from src.tables.datasets.mimic4ed_schema import CATEGORICAL, CHARLSON, COLUMNS, ELIXHAUSER, NUMERICAL, RANGES, vital
from src.tables.datasets.mimic4ed_standin import BINARY, simulate

N_ROWS = 20_000


@pytest.fixture(scope="module")
def frame():
    return simulate(N_ROWS, numpy_stream(0, "test"))


def test_it_has_the_columns_kinds_and_dtypes_of_mimic4ed():
    split = Mimic4edStandin("ed_los_hours", 300, 200).load(0)
    assert (split.train.n_rows, split.test.n_rows) == (300, 200)
    schema = split.train.schema
    assert schema.names == list(COLUMNS)
    assert (schema.categorical, schema.numerical) == (list(CATEGORICAL), list(NUMERICAL))
    assert schema.task == "regression"
    assert split.train.observed.all()
    restored = schema.restore(split.train.frame)
    for column in schema.columns:
        if column.integer:
            assert (restored[column.name] == restored[column.name].round()).all(), column.name
    assert not schema["triage_temperature"].integer
    assert not schema["ed_los_hours"].integer


def test_the_share_of_every_binary_column_is_the_one_written_down(frame):
    assert set(BINARY) == set(CATEGORICAL)
    for name, (share, *loadings) in BINARY.items():
        assert np.square(loadings).sum() < 1, name
        mean = (frame["gender"] == "M").mean() if name == "gender" else frame[name].mean()
        assert abs(mean - share) < 5 * (share * (1 - share) / N_ROWS) ** 0.5, name


def test_every_number_is_in_its_range(frame):
    assert frame["age"].between(18, 93).all()
    assert frame["ed_los_hours"].between(0.1, 120).all()
    for name in NUMERICAL:
        if measured := vital(name):
            assert frame[name].between(RANGES[measured].low, RANGES[measured].high).all(), name
    fahrenheit = frame["triage_temperature"] * 1.8 + 32
    np.testing.assert_allclose(fahrenheit, fahrenheit.round(1), atol=1e-9)
    for kind in ("ed", "hosp", "icu"):
        within_30, within_90, within_365 = (frame[f"n_{kind}_{days}d"] for days in (30, 90, 365))
        assert (within_30 <= within_90).all()
        assert (within_90 <= within_365).all()
    assert set(frame["triage_acuity"]) == {1, 2, 3, 4, 5}


def test_age_and_diseases_drive_vital_signs_and_the_length_of_stay(frame):
    ranks = frame.assign(diseases=frame[[*CHARLSON, *ELIXHAUSER]].sum(axis=1)).select_dtypes("number").rank()
    related = ranks.corr()
    assert related.loc["age", "diseases"] > 0.4
    for cause in ("age", "diseases"):
        assert related.loc[cause, "ed_los_hours"] > 0.2
        assert related.loc[cause, "triage_o2sat"] < -0.15
        assert related.loc[cause, "triage_sbp"] > 0.1
        assert related.loc[cause, "triage_acuity"] < -0.2
        assert related.loc[cause, "n_medrecon"] > 0.2
    assert related.loc["triage_sbp", "triage_dbp"] > 0.4
    assert related.loc["triage_heartrate", "ed_heartrate_last"] > 0.4
    fever = frame.groupby("chiefcom_fever_chills")["triage_temperature"].mean()
    assert fever[True] - fever[False] == pytest.approx(0.8, abs=0.1)


@pytest.mark.integration
def test_the_same_seed_gives_the_same_rows_and_the_test_rows_do_not_depend_on_n_train():
    one, same, other = (Mimic4edStandin("age", 50, 40).load(seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(one.train.frame, same.train.frame)
    assert not one.train.frame.equals(other.train.frame)
    assert not one.train.frame.head(40).equals(one.test.frame)
    pd.testing.assert_frame_equal(Mimic4edStandin("age", 90, 40).load(0).test.frame, one.test.frame)


def test_bad_settings():
    with pytest.raises(ConfigError, match=r"dataset\.target is one of the 73 columns"):
        Mimic4edStandin("income", 10, 10)
    with pytest.raises(ConfigError, match=r"dataset\.n_train is at least 2"):
        Mimic4edStandin("age", 1, 10)
