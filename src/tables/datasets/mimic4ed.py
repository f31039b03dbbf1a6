"""MIMIC4ED: stays in an emergency department, prepared by the benchmark of Xie et al. (Scientific Data, 2022).

| rows of the file | age >= 18 | and with an acuity | training | test | columns |
|---|---|---|---|---|---|
| 448,972 | 448,804 | 441,437 | 353,150 | 88,287 | 46 binary, 27 numerical |

The steps are those of ``data_general_processing`` in github.com/nliulab/mimic4ed-benchmark: filter,
Fahrenheit to Celsius, void or clamp vital signs out of range, split by ``sample(frac=0.8,
random_state=10)``, fill vital signs by the medians of the training rows. Its ``train.csv`` and
``test.csv`` are the result of the same steps, so either input gives the same table.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from src.errors import ConfigError, TableError
from src.seeding import numpy_stream
from src.tables.datasets.dataset import Dataset
from src.tables.datasets.mimic4ed_schema import (
    CATEGORICAL,
    COLUMNS,
    NUMERICAL,
    RANGES,
    categories,
    check_target,
    mimic4ed_schema,
    vital,
)
from src.tables.datasets.split import Split
from src.tables.table import make_table

MASTER, TRAIN, TEST = "master_dataset.csv", "train.csv", "test.csv"
ADULT_AGE = 18
TRAIN_SHARE, SPLIT_SEED = 0.8, 10
CHUNK_ROWS = 50_000
IMPUTED = tuple(name for name in COLUMNS if vital(name) not in (None, "acuity"))
HOW_TO_GET_IT = f"""MIMIC4ED is patients' data and not part of this program. To get it:
  1. become a credentialed user of PhysioNet, sign the data use agreements, download
     MIMIC-IV-ED v1.0  https://physionet.org/content/mimic-iv-ed/1.0/
     MIMIC-IV v1.0     https://physionet.org/content/mimiciv/1.0/
  2. clone https://github.com/nliulab/mimic4ed-benchmark and run, in Benchmark_scripts/, extract_master_dataset
     (writes {MASTER}); data_general_processing (writes {TRAIN} and {TEST}) is optional, its steps are done here
  3. dataset=mimic4ed dataset.path=DIR, the folder of {MASTER} or of {TRAIN} and {TEST}
To try things without access: dataset=mimic4ed_standin, invented rows of the same shape."""


@dataclass(frozen=True)
class Mimic4ed(Dataset):
    """``dataset=mimic4ed``: the stays of the benchmark.

    Attributes:
        path: folder of the benchmark's ``master_dataset.csv``, or of its ``train.csv`` and ``test.csv``.
        target: one of the 73 columns.
        native_missing: treatment of empty vital signs: ``median`` fills them with the medians of all training rows, as
            the benchmark does; ``keep`` keeps them as native holes (``master_dataset.csv`` only).
        n_train: number of training rows, a seeded sample; None = all.
        n_test: number of test rows, a seeded sample; None = all.
    """

    path: str | None = None
    target: str = "ed_los_hours"
    native_missing: str = "median"
    n_train: int | None = None
    n_test: int | None = None

    def __post_init__(self) -> None:
        check_target(self.target)
        if self.native_missing not in ("median", "keep"):
            raise ConfigError(f"dataset.native_missing is median or keep, got {self.native_missing!r}")
        for key, n_rows, least in (("n_train", self.n_train, 2), ("n_test", self.n_test, 1)):
            if n_rows is not None and n_rows < least:
                raise ConfigError(f"dataset.{key} is at least {least}, or null for all rows, got {n_rows}")

    def files(self) -> list[Path]:
        """Find the files to read: the master file, or the training and the test file.

        Raises:
            ConfigError: the settings name no folder.
            TableError: a file does not exist; says how to get it.
        """
        if self.path is None:
            raise ConfigError(f"dataset=mimic4ed needs dataset.path=DIR. {HOW_TO_GET_IT}")
        folder = Path(self.path)
        master, parts = folder / MASTER, [folder / TRAIN, folder / TEST]
        if master.is_file():
            return [master]
        absent = [file.name for file in parts if not file.is_file()]
        if absent:
            raise TableError(f"{folder} holds neither {MASTER} nor {' and '.join(absent)}. {HOW_TO_GET_IT}")
        if self.native_missing == "keep":
            raise TableError(
                f"{folder} holds {TRAIN} and {TEST}, whose empty cells are filled already: "
                f"dataset.native_missing=keep needs {MASTER}"
            )
        return parts

    def load(self, seed: int) -> Split:
        """Load the benchmark's split, which does not depend on ``seed``; ``seed`` draws the rows of a smaller sample.

        Raises:
            ConfigError, TableError: see :meth:`files`; a file is not the benchmark's or has fewer rows than the
                settings request. Names the file, column and row.
        """
        files = self.files()
        if len(files) == 1:
            frame = clean(read_stays(files[0]))
            train, test = (frame.iloc[rows] for rows in benchmark_split(len(frame)))
        else:
            train, test = (read_stays(file) for file in files)
        if self.native_missing == "median":
            medians = train[list(IMPUTED)].median()
            train, test = train.fillna(medians), test.fillna(medians)
        for part, file in ((train, files[0]), (test, files[-1])):
            _refuse_empty_columns(part, file)
        integers = {name for name in NUMERICAL if _are_integers(train[name]) and _are_integers(test[name])}
        schema = mimic4ed_schema(self.target, integers)
        samples = (
            _sample(part, n_rows, key, seed)
            for part, n_rows, key in ((train, self.n_train, "n_train"), (test, self.n_test, "n_test"))
        )
        train_table, test_table = (make_table(sample, schema) for sample in samples)
        return Split(train_table, test_table)


def read_stays(file: Path) -> pd.DataFrame:
    """Read the adult stays that have an acuity, with the columns :data:`COLUMNS`; only vital signs may be empty.

    Rows are read in chunks and converted to small dtypes: the file has some 130 columns, most of them unused.

    Raises:
        TableError: the file has another header, or an invalid cell; names the file, column and row (the first one
            below the header is row 1).
    """
    try:
        header = list(pd.read_csv(file, nrows=0).columns)
        absent = [name for name in COLUMNS if name not in header]
        if absent:
            raise TableError(f"{file}: columns are absent: {', '.join(absent)}. Is this the file the benchmark writes?")
        chunks = pd.read_csv(file, usecols=list(COLUMNS), chunksize=CHUNK_ROWS, low_memory=False)
        stays = pd.concat([_adults(chunk[list(COLUMNS)], file) for chunk in chunks], ignore_index=True)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise TableError(f"{file} is not a comma-separated table: {error}") from error
    if stays.empty:
        raise TableError(f"{file}: no row has an age of at least {ADULT_AGE} and a triage_acuity")
    return stays


def clean(stays: pd.DataFrame) -> pd.DataFrame:
    """Convert temperatures to Celsius; void vital signs beyond their outer limits, and clamp those beyond the inner."""
    cleaned = stays.copy(deep=False)
    for name in COLUMNS:
        measured = vital(name)
        if measured is None:
            continue
        values, limits = stays[name], RANGES[measured]
        if measured == "temperature":
            values = (values - 32) * (5 / 9)
        possible = values.between(limits.outlier_low, limits.outlier_high)
        cleaned[name] = values.where(possible).clip(limits.low, limits.high)
    return cleaned


def benchmark_split(n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw the positions of the benchmark's split: (round(0.8 n),) training rows, and the test rows, increasing."""
    train = pd.Series(np.arange(n_rows)).sample(frac=TRAIN_SHARE, random_state=SPLIT_SEED).to_numpy()
    return train, np.setdiff1d(np.arange(n_rows), train)


def _adults(chunk: pd.DataFrame, file: Path) -> pd.DataFrame:
    numbers = {name: _numbers(chunk[name], file) for name in NUMERICAL}
    adult = (numbers["age"] >= ADULT_AGE) & numbers["triage_acuity"].notna()
    adults = {name: (numbers[name] if name in numbers else chunk[name])[adult] for name in COLUMNS}
    for name, values in adults.items():
        if vital(name) is None and values.isna().any():
            raise _bad_cell(file, values.isna(), name, "is empty; only vital signs may be")
        if name in CATEGORICAL:
            adults[name] = _members(values, file)
    return pd.DataFrame(adults)


def _numbers(values: pd.Series, file: Path) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    wrong = (numbers.isna() & values.notna()) | np.isinf(numbers)
    if wrong.any():
        raise _bad_cell(file, wrong, str(values.name), f"expected a finite number, got {_first(values, wrong)!r}")
    return numbers


def _members(values: pd.Series, file: Path) -> pd.Series:
    allowed = categories(str(values.name))
    wrong = ~values.isin(allowed)
    if wrong.any():
        what = f"expected {allowed[0]!r} or {allowed[1]!r}, got {_first(values, wrong)!r}"
        raise _bad_cell(file, wrong, str(values.name), what)
    return values if allowed[0] == "F" else values.astype("bool" if allowed[0] is False else "int8")


def _first(values: pd.Series, wrong: pd.Series) -> object:
    return values[wrong].head(1).tolist()[0]


def _bad_cell(file: Path, wrong: pd.Series, name: str, what: str) -> TableError:
    return TableError(f"{file}, column {name!r}, row {int(wrong.idxmax()) + 1}: {what}")


def _refuse_empty_columns(part: pd.DataFrame, file: Path) -> None:
    empty = [name for name in COLUMNS if part[name].isna().all()]
    if empty:
        raise TableError(
            f"{file}: no value of {', '.join(empty)} is within its valid range. "
            f"{MASTER} holds vital signs as they were taken, temperatures in Fahrenheit"
        )


def _are_integers(values: pd.Series) -> bool:
    observed = values.dropna()
    return bool((observed == observed.round()).all())


def _sample(part: pd.DataFrame, n_rows: int | None, key: str, seed: int) -> pd.DataFrame:
    if n_rows is None:
        return part
    if n_rows > len(part):
        raise TableError(f"dataset.{key}={n_rows} asks for more than the {len(part)} rows of the benchmark's split")
    return part.iloc[numpy_stream(seed, "split", key).permutation(len(part))[:n_rows]]
