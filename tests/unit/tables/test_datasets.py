import numpy as np
import pandas as pd
import pytest

from src.errors import ConfigError, TableError
from src.seeding import numpy_stream
from src.tables import BayesianNetwork, Census
from src.tables.datasets.bayesian_network import D2_GIVEN, conditional_errors, d2_situation, simulate


def census(**changes):
    return Census(
        **{"source": "bundled", "path": None, "native_missing": None, "n_train": 16000, "n_test": 4000} | changes
    )


@pytest.mark.integration
def test_census_is_the_papers_table():
    split = census().load(0)
    assert (split.train.n_rows, split.test.n_rows) == (16000, 4000)
    assert (len(split.train.schema.numerical), len(split.train.schema.categorical)) == (6, 9)
    assert split.train.schema.target == "income"
    assert split.train.schema.task == "binary"
    assert split.train.observed.all()
    assert all(column.integer for column in split.train.schema.columns if column.kind == "numerical")


@pytest.mark.integration
def test_census_keeps_native_holes_when_asked():
    observed = census(native_missing="keep", n_train=40000, n_test=8842).load(0).train.observed
    share = 1 - observed.mean(axis=0)
    names = census().load(0).train.schema.names
    holed = {name for name, s in zip(names, share, strict=True) if s > 0}
    assert holed == {"workclass", "occupation", "native-country"}
    assert abs(1 - observed.mean() - 6465 / (48842 * 15)) < 3e-4


@pytest.mark.integration
def test_census_reads_the_official_format_and_takes_the_first_rows(tmp_path):
    bundled = pd.read_parquet("src/tables/data/adult.parquet")
    lines = bundled.head(21000).astype(str).agg(", ".join, axis=1)
    (tmp_path / "adult.data").write_text("\n".join(lines) + "\n\n")
    split = census(source="uci", path=str(tmp_path)).load(0)
    ages = np.sort(np.concatenate([split.train.frame["age"], split.test.frame["age"]]))
    np.testing.assert_array_equal(ages, np.sort(bundled["age"].head(20000)))
    assert not split.train.observed.all()
    n_complete = int((bundled.head(20000) != "?").all(axis=1).sum())
    dropped = census(source="uci", path=str(tmp_path), native_missing="drop", n_train=n_complete - 1, n_test=1).load(0)
    ages = np.sort(np.concatenate([dropped.train.frame["age"], dropped.test.frame["age"]]))
    complete = bundled.head(20000)[(bundled.head(20000) != "?").all(axis=1)]
    np.testing.assert_array_equal(ages, np.sort(complete["age"]))


@pytest.mark.integration
def test_census_refuses(tmp_path):
    with pytest.raises(ConfigError, match="bundled or uci, got 'kaggle'"):
        census(source="kaggle")
    with pytest.raises(ConfigError, match=r"needs dataset\.path"):
        census(source="uci")
    with pytest.raises(TableError, match=r"adult\.data does not exist"):
        census(source="uci", path=str(tmp_path)).load(0)
    (tmp_path / "adult.data").write_text("1, 2, 3\n")
    with pytest.raises(TableError, match="expected 15 comma-separated fields, got 3"):
        census(source="uci", path=str(tmp_path)).load(0)
    with pytest.raises(TableError, match="the table has 45222"):
        census(n_train=50000).load(0)


def test_bayesian_network_sizes_and_moments():
    split = BayesianNetwork("paper", 2000, 20000).load(0)
    frame = split.test.frame.astype(float)
    assert (split.train.n_rows, split.test.n_rows) == (2000, 20000)
    n = 20000
    assert abs(frame["C1"].mean() - 25) < 4 * 2 / n**0.5
    assert abs(frame["C1"].std() - 2) < 4 * 2 / (2 * n) ** 0.5
    residual = frame["C2"] - 0.1 * frame["C1"] - 50
    assert abs(residual.mean()) < 4 * 5 / n**0.5
    assert abs(residual.std() - 5) < 4 * 5 / (2 * n) ** 0.5


@pytest.mark.parametrize(("reading", "mean"), [("paper", 0.3), ("authors", 0.7)])
def test_bernoulli_readings(reading, mean):
    frame = simulate(40000, reading, numpy_stream(0, "test"))
    assert abs(frame["D1"].mean() - mean) < 4 * (0.21 / 40000) ** 0.5
    p3 = frame.groupby("D2")["D3"].mean().to_numpy()
    truth = np.array([0.2, 0.4, 0.8])
    np.testing.assert_allclose(p3, truth if reading == "paper" else 1 - truth, atol=0.03)


def test_conditional_errors_are_small_for_a_sample_and_large_for_shuffled_columns():
    frame = simulate(200_000, "paper", numpy_stream(1, "test"))
    errors = conditional_errors(frame, "paper")
    assert errors["d2_error"] < 5 * errors["d2_sampling_error"]
    assert errors["d3_error"] < 5 * errors["d3_sampling_error"]
    shuffled = frame.assign(D2=np.random.default_rng(0).permutation(frame["D2"]))
    assert conditional_errors(shuffled, "paper")["d2_error"] > 0.3


def test_conditional_errors_by_hand():
    rows = [(27.0, 56.0, 1, 0, 0)] * 3 + [(27.0, 56.0, 1, 2, 1)]
    frame = pd.DataFrame(rows, columns=["C1", "C2", "D1", "D2", "D3"])
    np.testing.assert_array_equal(d2_situation(frame), 0)
    errors = conditional_errors(frame, "paper")
    assert errors["d2_error"] == pytest.approx(D2_GIVEN.max())  # a situation without rows: nothing learned
    assert errors["d3_error"] == pytest.approx(0.6)  # D2 = 1 never occurs: 0.6 is its largest probability


def test_a_missing_file_is_named_before_any_work(tmp_path):
    with pytest.raises(TableError, match=r"adult\.data does not exist"):
        Census(source="uci", path=str(tmp_path)).files()


@pytest.mark.parametrize("dataset", [BayesianNetwork(), Census()])
def test_a_dataset_that_brings_its_rows_reads_no_file(dataset):
    assert (dataset.files(), dataset.watched(), dataset.fingerprint()) == ([], [], {})
