"""Describing, training, scoring, imputing and the estimator understand a column alike, and a sidecar repeats it."""

import datetime
import shutil
import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from src.config.compose import compose
from src.config.describe import build_describe_request
from src.system.quoting import quoted_path
from src.tables.columns.kinds import ColumnChoices
from src.tables.columns.sidecar import sidecar_of, sidecar_text
from src.tables.reading.counterparts import read_counterparts
from src.tables.reading.frames import understood
from src.tables.reading.understanding import Rules
from tests.unit.tables.own import own

N = 60
RNG = np.random.default_rng(5)
DAYS = [datetime.date(2019, 12, 1) + datetime.timedelta(days=int(day)) for day in RNG.permutation(200)[:N]]
SIZES = RNG.choice(["S", "M", "L"], N)
NUMBERS = RNG.integers(0, 40, N)


def holed(cells, marker=None, every=7):
    return [marker if row % every == 3 else cell for row, cell in enumerate(cells)]


def days(pattern):
    return [day.strftime(pattern) for day in DAYS]


def words(n_words):
    return " ".join(RNG.choice(["red", "old", "small", "cat", "house", "tree"], n_words))


def cycled(*cells):
    return [cells[row % len(cells)] for row in range(N)]


TEXT_TABLES = {
    "zips with leading zeros": {"zip": [f"0{number:04d}" for number in NUMBERS]},
    "clock times": {"at": [f"{8 + i % 12:02d}:{i % 2 * 30:02d}" for i in range(N)]},
    "clock times of twelve hours": {"at": [f"{1 + i % 11}:{i % 60:02d} PM" for i in range(N)]},
    "dates": {"iso": DAYS, "german": days("%d.%m.%Y"), "us": days("%m/%d/%Y"), "uk": days("%d-%b-%y"),
              "long": days("%B %d, %Y")},
    "dates at midnight and with a zone": {"m": days("%Y-%m-%d 00:00:00"), "z": days("%Y-%m-%dT08:30:00+01:00")},
    "dates of two zones": {"z": [f"{day}T08:30:00+0{1 + i % 2}:00" for i, day in enumerate(DAYS)]},
    "dates that do not exist": {"d": cycled("2020-02-28", "2020-02-30", "2021-01-01")},
    "yyyymmdd": {"day": days("%Y%m%d")},
    "truth values in three spellings": {"a": cycled("TRUE", "FALSE"), "b": cycled("true", "false", "false"),
                                        "c": holed(cycled("True", "False"))},
    "truth values that are words": {"yes": cycled("yes", "no"), "mixed": cycled("TRUE", "false")},
    "0 and 1": {"flag": cycled(0, 1, 1), "holed": holed(cycled(0, 1, 1)), "point": holed(cycled(0.0, 1.0, 1.0))},
    "-999": {"n": holed(NUMBERS, -999)},
    "NA among numbers": {"n": holed(NUMBERS, "NA"), "m": holed(NUMBERS, "?")},
    "None among texts": {"t": holed(SIZES, "None"), "n": holed(NUMBERS, "None")},
    "ids by their name": {"customer_id": RNG.permutation(1000)[:N], "orderId": RNG.permutation(900)[:N]},
    "counters": {"zero": range(N), "one": range(1, N + 1), "two": range(2, N + 2)},
    "uuids": {"u": [str(uuid.UUID(int=int(RNG.integers(2**60)) << 60)) for _ in range(N)]},
    "prefixed codes": {"code": [f"P{i:05d}" for i in RNG.permutation(N)]},
    "constants": {"c": [7] * N, "holed": holed(["kg"] * N), "t": ["kg"] * N},
    "empty columns": {"e": [None] * N, "marked": ["NA"] * N},
    "blanks in categories": {"b": cycled("a b", " a", "a ", "c")},
    "free text": {"t": [f"{words(4)} {i}" for i in range(N)]},
    "floats of few values": {"f": cycled(0.5, 1.5), "g": cycled(0.25, 1.0, 2.0)},
    "big integers": {"b": [2**53 + 2 * int(number) + 1 for number in NUMBERS], "h": [10**40 + i % 3 for i in range(N)]},
    "exponents": {"e": [f"{number + 1}e-5" for number in NUMBERS], "large": [f"{i + 1}e300" for i in range(N)]},
    "versions": {"v": cycled("1.10", "1.1", "1.2.3"), "icd": cycled("250.0", "250.00", "401.9")},
    "numbers with signs": {"p": [f"{number}%" for number in NUMBERS], "e": [f"{number}.50 €" for number in NUMBERS],
                           "plus": [f"+{number}" for number in NUMBERS]},
    "nearly numbers": {"n": holed(NUMBERS, "unknown", 20)},
    "spaces in names": {" age ": NUMBERS, "hours per week": NUMBERS[::-1], "größe, m": NUMBERS / 4},
    "quotes and lines in cells": {"q": cycled('say "hi"', "a,b", "c\nd", "'e'")},
    "letters of Latin-1": {"größe": cycled("klein", "groß", "mittel"), "é": NUMBERS},
}  # fmt: skip
TYPED_TABLES = {
    "typed": {
        "whole": NUMBERS,
        "nullable": pd.array(holed(NUMBERS, None), dtype="Int64"),
        "small": NUMBERS.astype("int8"),
        "floats": holed(NUMBERS.astype(float), None),
        "decimal": [Decimal(int(number)) / 4 for number in NUMBERS],
        "truth": RNG.random(N) < 0.5,
        "maybe": pd.array(holed([True] * 30 + [False] * 30, None), dtype="boolean"),
    },
    "categoricals": {
        "size": pd.Categorical(SIZES, ["S", "M", "L"], ordered=True),
        "plain": pd.Categorical(SIZES),
        "numbers": pd.Categorical(NUMBERS % 5),
        "grade": pd.Categorical(NUMBERS % 5, ordered=True),
        "n": NUMBERS,
    },
    "moments": {
        "stamp": pd.to_datetime(DAYS),
        "zoned": pd.to_datetime(DAYS).tz_localize("Europe/Berlin"),
        "date": DAYS,
        "time": [datetime.time(i % 24, 30) for i in range(N)],
        "took": pd.to_timedelta(NUMBERS, unit="h"),
    },
    "texts": {
        "string": pd.array(SIZES, dtype="string"),
        "zip": [f"0{number:04d}" for number in NUMBERS],
        "number": [str(number) for number in NUMBERS],
        "day": days("%d.%m.%Y"),
        "none": holed(SIZES, None),
    },
    "ids and constants": {"id": RNG.permutation(1000)[:N], "c": [1.5] * N, "e": [None] * N, "n": NUMBERS},
}
STYLES = {
    "comma.csv": {},
    "semicolon.csv": {"sep": ";", "decimal": ","},
    "single quotes.csv": {"quotechar": "'", "quoting": 2},
    "tabs.tsv": {"sep": "\t"},
    "zipped.csv.gz": {},
    "latin.csv": {"encoding": "latin-1", "sep": "|"},
}
OF_STYLES = pd.DataFrame(
    {
        "zip": TEXT_TABLES["zips with leading zeros"]["zip"],
        "height": NUMBERS / 4 + 1.25,
        "größe": SIZES,
        "day": days("%d.%m.%Y"),
        "at": TEXT_TABLES["clock times"]["at"],
        "flag": cycled("TRUE", "FALSE"),
        "holed": holed(NUMBERS, "NA"),
        "id": range(N),
    }
)


def entries(file, frame):
    """The kinds of the columns of a file as each part of the program understands them."""
    table, copy = own(file), file.with_name(f"copy of {file.name}")
    shutil.copy(file, copy)
    request = build_describe_request(compose([quoted_path(f"file={file}")], "describe"))
    described = request.table.understand()
    split = table.load(0)
    scored = read_counterparts({"real": file, "synthetic": copy, "test": copy}, ColumnChoices(), Rules(), [])
    filled = table.understand_as(split.layout)
    found = {
        "describe": described.layout,
        "train": split.layout,
        "evaluate": scored.layout,
        "impute": table.understand().layout,
        "impute with a model": filled.layout,
        "estimator": understood(frame, {}, Rules()).layout,
    }
    trained_on = {column.name: column.kind for column in split.train.schema.columns}
    assert {column.name: column.kind for column in scored.tables["real"].schema.columns} == trained_on
    for entry in scored.tables.values():
        pd.testing.assert_frame_equal(entry.frame, scored.tables["real"].frame)
    sidecar = sidecar_of(file)
    sidecar.write_text(sidecar_text(file.name, described.layout.forms, described.summaries), encoding="utf-8")
    again = read_counterparts({"real": file, "synthetic": copy}, ColumnChoices(), Rules(), [])
    found |= {"a sidecar to train": table.understand().layout, "a sidecar to evaluate": again.layout}
    return {entry: {form.name: form.kind for form in layout.forms} for entry, layout in found.items()}


def check(found):
    for entry, of_entry in found.items():
        assert of_entry == found["describe"], entry


@pytest.mark.integration
@pytest.mark.parametrize("name", TEXT_TABLES)
def test_cells_of_a_text_file(tmp_path, name):
    frame = pd.DataFrame({**TEXT_TABLES[name], "learned": cycled("x", "y", "z")})
    encoding = "latin-1" if "Latin" in name else "utf-8"
    frame.to_csv(tmp_path / "t.csv", index=False, encoding=encoding)
    texts = pd.read_csv(tmp_path / "t.csv", dtype=str, keep_default_na=False, encoding=encoding)
    check(entries(tmp_path / "t.csv", texts))


LOST_BY_PANDAS = {"None among texts", "versions"}
"""pandas takes None for a hole, and 250.0 and 250.00 for one number."""


@pytest.mark.integration
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("name", sorted({*TEXT_TABLES} - LOST_BY_PANDAS))
def test_a_table_that_pandas_read_and_wrote_is_the_same_to_the_scores(tmp_path, name, suffix):
    frame, file, copy = pd.DataFrame({**TEXT_TABLES[name], "x": NUMBERS}), tmp_path / "t.csv", tmp_path / f"c{suffix}"
    frame.to_csv(file, index=False)
    read = pd.read_csv(file, float_precision="round_trip")
    read.to_csv(copy, index=False) if suffix == ".csv" else read.to_parquet(copy)
    tables = read_counterparts({"real": file, "synthetic": copy}, ColumnChoices(), Rules(), []).tables
    pd.testing.assert_frame_equal(tables["synthetic"].frame, tables["real"].frame)
    assert all(column.n_foreign == 0 for column in tables["real"].schema.columns)


@pytest.mark.integration
@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
@pytest.mark.parametrize("name", TYPED_TABLES)
def test_cells_with_types(tmp_path, name, suffix):
    frame = pd.DataFrame(TYPED_TABLES[name])
    file = tmp_path / f"t{suffix}"
    frame.to_parquet(file) if suffix == ".parquet" else frame.to_feather(file)
    check(entries(file, pd.read_parquet(file) if suffix == ".parquet" else pd.read_feather(file)))


@pytest.mark.integration
@pytest.mark.parametrize("name", STYLES)
def test_files_in_other_styles(tmp_path, name):
    style, file = STYLES[name], tmp_path / name
    OF_STYLES.to_csv(file, index=False, **style)
    sep, encoding = style.get("sep", ","), style.get("encoding", "utf-8")
    texts = pd.read_csv(file, dtype=str, keep_default_na=False, sep=sep, encoding=encoding)
    if "decimal" in style:
        texts["height"] = texts["height"].str.replace(",", ".")
    found = entries(file, texts)
    check(found)
    if "quotechar" not in style:
        expected = ["category", "real", "category", "date", "time", "boolean", "integer", "id"]
        assert list(found["describe"].values()) == expected
