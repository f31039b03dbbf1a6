"""Hostile requests and tables: whatever is asked for ends with a result or a message, never with a trace."""

import csv
import os
import random
import string

import pytest
from hydra.errors import HydraException
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf.errors import OmegaConfBaseException

from src.commands.cli.settings_file import with_experiment_file
from src.commands.train import check
from src.config.compose import compose, compose_plain, readable
from src.config.recorded import choices, run_path
from src.config.run import GROUPS, build_config
from src.errors import MissDiffError
from src.results.record.run_folder import flatten
from src.system.quoting import hydra_value, quoted_path
from tests.cli.command import command
from tests.unit.tables.own import own

MANY = settings(
    max_examples=700, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)
KEYS = sorted(flatten(compose_plain([])))
OPTIONS = [
    "census",
    "bayesian_network",
    "row",
    "mar",
    "native",
    "missdiff",
    "stasy_mean",
    "complete",
    "ddpm",
    "vp",
    "ve",
    "paper",
    "fast",
    "ddp",
    "gpu",
    "quick",
    "paper_published",
    "small",
    "wandb",
    "residual_attention",
    "table",
    "nothing",
    "../x",
]
ODD = ["", "NA", "?", "nan", "inf", "-inf", "1e999", "0", "TRUE", "2020-02-30", "01.02.2003", "=1+1", "\x00"]
NAMES = ["table.csv", "table.parquet", "table.feather", "table.csv.gz", "mine.yaml"]
VALUES = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.booleans(),
    st.none(),
    st.text(max_size=12),
    st.lists(st.integers(-3, 300), max_size=3),
    st.sampled_from(["../../etc", "/", "${oc.env:HOME}", "{a: 1}", "nan", "1e400", "'", '"', "\\", "a,b", "=", "null"]),
)


def overrides_of(draw_list):
    return [f"{key}={hydra_value(value)}" for key, value in draw_list]


@MANY
@given(
    st.lists(st.tuples(st.sampled_from(KEYS), VALUES), max_size=4),
    st.lists(st.tuples(st.sampled_from(GROUPS), st.sampled_from(OPTIONS)), max_size=3),
)
def test_any_settings_are_taken_or_refused_and_stay_below_the_outputs(settings_, options):
    asked = [*(f"{group}={option}" for group, option in options), *overrides_of(settings_)]
    try:
        cfg = compose([quoted_path(each) for each in asked])
        check(cfg, False)
        config = build_config(cfg)
        chosen = compose_plain(choices(config))
        first = [each for each in choices(config) if each.split("=")[0] in ("dataset", "missing", "method")]
        usual = compose_plain(first)
        path = run_path(config, usual, chosen)
    except MissDiffError:
        pass
    except (HydraException, OmegaConfBaseException) as error:
        readable(error)
    else:
        if config.general.run_dir is None:
            root = os.path.abspath(config.general.outputs_dir)
            assert os.path.commonpath([root, os.path.abspath(path)]) == root


CELLS = st.one_of(
    st.text(max_size=8),
    st.text(string.digits + ".,-+eE%", max_size=6),
    st.sampled_from(
        ["", "NA", "?", "nan", "inf", "-inf", "1e999", "0", "TRUE", "2020-02-30", "01.02.2003", "=1+1", "\x00"]
    ),
)


@MANY
@given(
    st.lists(st.lists(CELLS, min_size=1, max_size=5), min_size=0, max_size=14),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-16", "latin-1"]),
    st.booleans(),
)
def test_any_text_file_is_a_table_or_a_message(tmp_path_factory, rows, separator, encoding, ragged):
    file = tmp_path_factory.mktemp("fuzz") / "table.csv"
    width = max((len(row) for row in rows), default=1)
    with file.open("w", encoding=encoding, errors="replace", newline="") as stream:
        writer = csv.writer(stream, delimiter=separator, quoting=csv.QUOTE_MINIMAL, escapechar="\\")
        writer.writerow([f"c{i}" for i in range(width)])
        for row in rows:
            writer.writerow(row if ragged else [*row, *[""] * (width - len(row))])
    try:
        split = own(file).load(0)
    except MissDiffError:
        pass
    else:
        assert split.train.n_rows >= 1


@MANY
@given(
    st.binary(max_size=400),
    st.sampled_from(NAMES),
)
def test_any_bytes_are_a_file_or_a_message(tmp_path_factory, content, name):
    file = tmp_path_factory.mktemp("bytes") / name
    file.write_bytes(content)
    try:
        if name == "mine.yaml":
            with_experiment_file([f"experiment={file}"])
        else:
            own(file).load(0)
    except MissDiffError:
        pass


@pytest.mark.parametrize("seed", range(60))
def test_commands_end_with_a_result_or_a_message(seed, tmp_path):
    """The whole way, on tables with oddities put together at random."""
    chance = random.Random(seed)
    n_rows, columns = chance.choice([2, 5, 40, 200]), {}
    for name in chance.sample(["a", "b b", "Ünï", "1", "=x", "a.b", "target", "c,d"], chance.randint(1, 5)):
        kind = chance.choice(["int", "real", "text", "constant", "empty", "unique", "huge", "date", "mixed"])
        make = {
            "int": lambda: chance.randint(-3, 3),
            "real": lambda: chance.gauss(0, 1e3),
            "text": lambda: chance.choice(["x", "y", "", "z z"]),
            "constant": lambda: 7,
            "empty": lambda: "",
            "unique": lambda: chance.random(),
            "huge": lambda: 10.0 ** chance.randint(-300, 300),
            "date": lambda: f"{chance.randint(1, 28):02d}.0{chance.randint(1, 9)}.20{chance.randint(10, 30)}",
            "mixed": lambda: chance.choice([1, "one", 2.5, "", "?"]),
        }[kind]
        columns[name] = [make() for _ in range(n_rows)]
    file = tmp_path / "odd.csv"
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    more = chance.sample(
        ["missing=native", "missing=independent", "missing=mar", "ratio=0.5", "method=diff_mean", "method=marginals",
         "diffusion=ddpm", "dataset.formulas=escape", "evaluation.references=false", "n_synthetic=3",
         "network.channels=8",         f"dataset.target='{next(iter(columns))}'"], chance.randint(0, 4),
    )  # fmt: skip
    done = command(
        "src.train", "dataset=table", f"dataset.path={file}", "training.epochs=1", f"outputs_dir={tmp_path / 'out'}",
        *{each.split("=")[0]: each for each in more}.values(),
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode in (0, 1, 2)
    if done.returncode:
        assert done.stderr.strip().splitlines()[-1].startswith("error: ")
