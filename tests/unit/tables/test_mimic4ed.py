"""MIMIC4ED on a small file made here, with the header of the benchmark's own; every expected number by hand."""

import numpy as np
import pandas as pd
import pytest

from src.errors import ConfigError, TableError
from src.tables import Mimic4ed
from src.tables.datasets.mimic4ed import IMPUTED, benchmark_split, clean, read_stays
from src.tables.datasets.mimic4ed_schema import (
    CATEGORICAL,
    CHARLSON,
    COLUMNS,
    COMPLAINTS,
    ELIXHAUSER,
    NUMERICAL,
    TRIAGE,
    VISITS,
)

OTHER_ELIXHAUSER = (
    *("CHF", "PVD", "Paralysis", "Pulmonary", "DM1", "DM2", "Renal", "Liver", "PUD", "HIV", "Tumor2", "Tumor1"),
    "Rheumatic",
)
HEADER = [
    *("index", "subject_id", "hadm_id", "stay_id", "intime", "outtime", "anchor_age", "gender", "anchor_year", "dod"),
    *("admittime", "dischtime", "deathtime", "ethnicity", "edregtime", "edouttime", "insurance", "in_year", "age"),
    *("outcome_inhospital_mortality", "ed_los", "intime_icu", "time_to_icu_transfer", "outcome_icu_transfer_12h"),
    *("outcome_hospitalization", "outcome_critical", *VISITS[:3], "next_ed_visit_time", "next_ed_visit_time_diff"),
    *("outcome_ed_revisit_3d", *VISITS[3:], "ed_los_hours", "time_to_icu_transfer_hours"),
    *("next_ed_visit_time_diff_days", *TRIAGE, "chiefcomplaint", *COMPLAINTS, *CHARLSON, *ELIXHAUSER),
    *(f"eci_{name}" for name in OTHER_ELIXHAUSER),
    *("ed_temperature_last", "ed_heartrate_last", "ed_resprate_last", "ed_o2sat_last", "ed_sbp_last", "ed_dbp_last"),
    *("ed_pain_last", "n_med", "n_medrecon"),
]
VITALS = {"temperature": 98.6, "heartrate": 80.0, "resprate": 18.0, "o2sat": 98.0, "sbp": 120.0, "dbp": 70.0}


def stay(age, **changes):
    row = dict.fromkeys(HEADER, np.nan) | {"gender": "F", "age": age, "ed_los": "0 days 04:15:00", "ed_los_hours": 4.25}
    row |= dict.fromkeys(VISITS, 0) | dict.fromkeys(COMPLAINTS, False) | dict.fromkeys((*CHARLSON, *ELIXHAUSER), 0)
    row |= {f"triage_{name}": value for name, value in VITALS.items()} | {"triage_pain": 3.0, "triage_acuity": 3.0}
    row |= {f"ed_{name}_last": value for name, value in VITALS.items()} | {"n_med": 2.0, "n_medrecon": 5.0}
    return row | {"chiefcomplaint": "a, text", "intime": "2100-01-01 00:00:00"} | changes


def write(folder, rows, name="master_dataset.csv"):
    pd.DataFrame(rows, columns=HEADER).to_csv(folder / name, index=False)


def mimic(folder, **changes):
    settings = {"target": "ed_los_hours", "native_missing": "median", "n_train": None, "n_test": None}
    return Mimic4ed(str(folder), **(settings | changes))


def test_the_columns_are_as_many_as_the_paper_counts():
    assert (len(COLUMNS), len(CATEGORICAL), len(NUMERICAL)) == (73, 46, 27)
    assert len(set(COLUMNS)) == 73
    assert set(COLUMNS) < set(HEADER)


@pytest.mark.integration
def test_the_benchmarks_split_of_its_rows():
    train, test = benchmark_split(441_437)
    assert (len(train), len(test)) == (353_150, 88_287)
    assert train[:5].tolist() == [22013, 414904, 93163, 342275, 96008]
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(441_437))


def test_minors_and_stays_without_an_acuity_are_left_out(tmp_path):
    write(tmp_path, [stay(17), stay(18), stay(40, triage_acuity=np.nan), stay(np.nan), stay(91)])
    assert read_stays(tmp_path / "master_dataset.csv")["age"].tolist() == [18, 91]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("column", "raw", "cleaned"),
    [
        ("triage_temperature", 98.6, 37.0),
        ("ed_temperature_last", 50.0, np.nan),  # 10 degrees
        ("ed_temperature_last", 77.0, 26.0),  # 25 degrees, clamped
        ("triage_temperature", 114.8, 45.0),  # 46 degrees, clamped
        ("triage_temperature", 120.0, np.nan),  # 48.9 degrees
        ("triage_heartrate", 360.0, 350.0),
        ("triage_heartrate", 391.0, np.nan),
        ("ed_resprate_last", 330.0, 300.0),
        ("triage_resprate", -1.0, np.nan),
        ("triage_o2sat", 150.0, 100.0),
        ("ed_o2sat_last", 151.0, np.nan),
        ("triage_sbp", 375.0, 375.0),
        ("triage_dbp", 376.0, np.nan),
        ("triage_pain", 10.0, 10.0),
        ("triage_pain", 13.0, np.nan),
        ("triage_acuity", 6.0, np.nan),
        ("ed_los_hours", 400.0, 400.0),
        ("age", 91.0, 91.0),
    ],
)
def test_cleaning_by_hand(column, raw, cleaned):
    frame = pd.DataFrame([stay(50) | {column: raw}])[list(COLUMNS)]
    np.testing.assert_allclose(clean(frame)[column], [cleaned])
    assert frame[column].tolist() == [raw]


def test_the_whole_way_from_the_master_file(tmp_path):
    rows = [
        stay(20 + i, triage_heartrate=60.0 + i, triage_temperature=98.0 + i / 10, cci_MI=i % 2, chiefcom_cough=i > 5)
        for i in range(10)
    ]
    rows[4]["triage_heartrate"] = np.nan
    write(tmp_path, [stay(10), *rows])
    split = mimic(tmp_path).load(0)
    train = np.random.RandomState(10).permutation(10)[:8]
    assert split.train.frame["age"].tolist() == (20 + train).tolist()
    assert split.test.frame["age"].tolist() == [20 + i for i in range(10) if i not in train]
    median = np.median([60 + i for i in train if i != 4])
    filled = pd.concat([split.train.frame, split.test.frame]).set_index("age")["triage_heartrate"]
    assert filled[24] == median
    assert filled.drop(24).tolist() == (40 + filled.drop(24).index).tolist()
    assert split.train.observed.all()
    schema = split.train.schema
    assert (schema.names, schema.target, schema.task) == (list(COLUMNS), "ed_los_hours", "regression")
    assert not schema["triage_temperature"].integer
    assert schema["triage_sbp"].integer
    restored = schema.restore(split.train.frame)
    assert [str(restored[name].dtype) for name in ("age", "gender", "chiefcom_cough", "cci_MI", "triage_sbp")] == [
        *("int64", "object", "bool", "int64", "float64"),
    ]
    assert restored["cci_MI"].tolist() == (train % 2).tolist()


@pytest.mark.integration
def test_kept_holes_and_a_seeded_sample(tmp_path):
    write(tmp_path, [stay(20 + i, triage_pain=np.nan if i % 2 else 4.0) for i in range(20)])
    kept = mimic(tmp_path, native_missing="keep").load(0).train
    np.testing.assert_array_equal(kept.observed[:, kept.schema.names.index("triage_pain")], kept.frame["age"] % 2 == 0)
    assert kept.observed.sum() == kept.observed.size - (kept.frame["age"] % 2).sum()
    small = [mimic(tmp_path, n_train=5, n_test=2, target="cci_MI").load(seed).train for seed in (0, 0, 1)]
    assert small[0].n_rows == 5
    assert small[0].schema.task == "binary"
    assert set(small[0].frame["age"]) <= set(kept.frame["age"])
    pd.testing.assert_frame_equal(small[0].frame, small[1].frame)
    assert not small[0].frame.equals(small[2].frame)
    with pytest.raises(TableError, match=r"dataset\.n_train=17 asks for more than the 16 rows"):
        mimic(tmp_path, n_train=17).load(0)


@pytest.mark.integration
def test_the_benchmarks_own_train_and_test_files_give_the_same_table(tmp_path):
    raw, parts = tmp_path / "raw", tmp_path / "parts"
    raw.mkdir(), parts.mkdir()
    write(
        raw, [stay(20 + i, triage_temperature=97.0 + i / 10, ed_sbp_last=np.nan if i == 3 else 100.0) for i in range(9)]
    )
    cleaned = clean(pd.read_csv(raw / "master_dataset.csv"))
    train = cleaned.sample(frac=0.8, random_state=10)
    test = cleaned.drop(train.index)
    for part, name in ((train, "train.csv"), (test, "test.csv")):
        part.fillna(train[list(IMPUTED)].median()).to_csv(parts / name, index=False)
    one, other = mimic(raw).load(0), mimic(parts).load(0)
    assert one.train.schema == other.train.schema
    pd.testing.assert_frame_equal(one.train.frame, other.train.frame)
    pd.testing.assert_frame_equal(one.test.frame, other.test.frame)
    with pytest.raises(TableError, match=r"native_missing=keep needs master_dataset\.csv"):
        mimic(parts, native_missing="keep").load(0)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("age", "old", r"'age', row 2: expected a finite number, got 'old'"),
        ("triage_sbp", np.inf, r"'triage_sbp', row 2: expected a finite number, got inf"),
        ("gender", "X", r"'gender', row 2: expected 'F' or 'M', got 'X'"),
        ("cci_MI", 2, r"'cci_MI', row 2: expected 0 or 1, got 2"),
        ("chiefcom_cough", "maybe", r"'chiefcom_cough', row 2: expected False or True, got 'maybe'"),
        ("n_med", np.nan, r"'n_med', row 2: is empty; only vital signs may be"),
    ],
)
def test_a_bad_cell_is_named(tmp_path, column, value, message):
    write(tmp_path, [stay(17), stay(40) | {column: value}, stay(50)])
    with pytest.raises(TableError, match=rf"master_dataset\.csv, column {message}"):
        mimic(tmp_path).load(0)


def test_rows_are_counted_across_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("src.tables.datasets.mimic4ed.CHUNK_ROWS", 2)
    write(tmp_path, [stay(17), stay(40), stay(41), stay(42), stay(43, gender="?")])
    with pytest.raises(TableError, match="column 'gender', row 5"):
        mimic(tmp_path).load(0)


def test_a_file_that_is_not_the_benchmarks_is_refused(tmp_path):
    file = tmp_path / "master_dataset.csv"
    pd.DataFrame([stay(40)]).drop(columns=["n_med", "cci_MI"]).to_csv(file, index=False)
    with pytest.raises(TableError, match=r"columns are absent: cci_MI, n_med\. Is this the file"):
        mimic(tmp_path).load(0)
    file.write_text("")
    with pytest.raises(TableError, match="is not a comma-separated table"):
        mimic(tmp_path).load(0)
    write(tmp_path, [stay(12)])
    with pytest.raises(TableError, match="no row has an age of at least 18"):
        mimic(tmp_path).load(0)
    write(tmp_path, [stay(40 + i, triage_temperature=37.0) for i in range(5)])
    with pytest.raises(TableError, match=r"no value of triage_temperature is within .* in Fahrenheit"):
        mimic(tmp_path).load(0)


def test_absent_files_and_bad_settings(tmp_path):
    for path, error in ((None, ConfigError), (str(tmp_path), TableError)):
        with pytest.raises(error) as caught:
            Mimic4ed(path, "ed_los_hours", "median", None, None).load(0)
        for word in ("credentialed", "mimic-iv-ed/1.0", "mimiciv/1.0", "extract_master_dataset", "mimic4ed_standin"):
            assert word in str(caught.value)
    write(tmp_path, [stay(40)], "train.csv")
    with pytest.raises(TableError, match=r"neither master_dataset\.csv nor test\.csv"):
        mimic(tmp_path).files()
    with pytest.raises(ConfigError, match="one of the 73 columns age, gender"):
        mimic(tmp_path, target="ed_los")
    with pytest.raises(ConfigError, match="median or keep, got 'drop'"):
        mimic(tmp_path, native_missing="drop")
    with pytest.raises(ConfigError, match=r"dataset\.n_test is at least 1"):
        mimic(tmp_path, n_test=0)
