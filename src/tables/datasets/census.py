"""Census income (UCI Adult, Becker and Kohavi 1996): 9 categorical and 6 numerical columns.

| rows | without '?' | columns | target | missing cells |
|---|---|---|---|---|
| 48,842 | 45,222 | 15 | income (24 % ``>50K``) | 0.9 % ('?' in workclass, occupation, native-country) |

The bundled file (CC BY 4.0, doi 10.24432/C5XW20) has all rows in another order than UCI's. The paper's 20,000 rows,
the first of ``adult.data``, need the official file: ``dataset.source=uci``.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from src.errors import ConfigError, TableError
from src.tables.datasets.dataset import Dataset
from src.tables.datasets.split import Split, split_rows
from src.tables.schema import infer_schema

BUNDLED = Path(__file__).parents[1] / "data" / "adult.parquet"
TARGET = "income"
CATEGORICAL = (
    "workclass",
    "education",
    "marital-status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "native-country",
    TARGET,
)
COLUMNS = (
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education-num",
    "marital-status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital-gain",
    "capital-loss",
    "hours-per-week",
    "native-country",
    TARGET,
)
PAPER_ROWS = 20_000


@dataclass(frozen=True)
class Census(Dataset):
    """``dataset=census``: the UCI Adult table.

    Attributes:
        source: ``bundled``, or ``uci`` to read ``adult.data`` from the folder ``path``.
        path: folder of the official files, for ``source=uci`` only.
        native_missing: ``drop`` removes rows with '?', ``keep`` keeps them with native holes; None = ``drop`` for the
            bundled file, ``keep`` for UCI's, because the paper's 20,000 rows include those with holes.
        n_train: number of training rows.
        n_test: number of test rows.
    """

    source: str = "bundled"
    path: str | None = None
    native_missing: str | None = None
    n_train: int = 16_000
    n_test: int = 4_000

    def __post_init__(self) -> None:
        if self.source not in ("bundled", "uci"):
            raise ConfigError(f"dataset.source is bundled or uci, got {self.source!r}")
        if self.native_missing not in ("drop", "keep", None):
            raise ConfigError(f"dataset.native_missing is drop, keep or null, got {self.native_missing!r}")
        if self.source == "uci" and self.path is None:
            raise ConfigError("dataset.source=uci needs dataset.path=DIR, the folder that holds adult.data")
        if self.n_train < 2 or self.n_test < 1:
            raise ConfigError(
                f"dataset.n_train is at least 2 and dataset.n_test at least 1, got {self.n_train} and {self.n_test}"
            )

    def files(self) -> list[Path]:
        """See :class:`Dataset`."""
        if self.source == "bundled":
            return []
        file = Path(str(self.path)) / "adult.data"
        if not file.is_file():
            raise TableError(f"{file} does not exist; download adult.data of the UCI Adult data set into {file.parent}")
        return [file]

    def load(self, seed: int) -> Split:
        """Split the rows by ``seed``; with ``source=uci`` only the first 20,000, which are the paper's.

        Raises:
            TableError: the official file does not exist, is not the Adult table, or has too few rows.
        """
        frame = _read_bundled() if self.source == "bundled" else _read_uci(*self.files())
        if self.source == "uci":
            frame = frame.head(PAPER_ROWS)  # the paper counts rows before those with holes are dropped
        frame = frame.mask(frame == "?", np.nan)
        if (self.native_missing or ("drop" if self.source == "bundled" else "keep")) == "drop":
            frame = frame.dropna()
        frame = frame.reset_index(drop=True)
        schema = infer_schema(frame, TARGET, CATEGORICAL)
        return split_rows(frame, schema, self.n_train, self.n_test, seed)


def _read_bundled() -> pd.DataFrame:
    frame = pd.read_parquet(BUNDLED)
    return frame.rename(columns={"educational-num": "education-num", "gender": "sex"})


def _read_uci(file: Path) -> pd.DataFrame:
    frame = pd.read_csv(file, header=None, skipinitialspace=True, na_values=[], keep_default_na=False)
    if frame.shape[1] != len(COLUMNS):
        raise TableError(f"{file}: expected {len(COLUMNS)} comma-separated fields, got {frame.shape[1]}")
    frame.columns = pd.Index(COLUMNS)
    for name in COLUMNS:
        if name not in CATEGORICAL and not pd.api.types.is_numeric_dtype(frame[name]):
            row = int(pd.to_numeric(frame[name], errors="coerce").isna().idxmax())
            raise TableError(f"{file}, line {row + 1}: {name} is not a number: {frame[name][row]!r}")
    return frame
