"""Commands that are printed run in a shell as they stand, whatever the names in them hold."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from src.config.compose import compose
from src.results.page.card import model_card
from src.results.sweep.formats import code
from src.system.quoting import command, hydra_value, quoted_path, setting
from src.tables.columns.choice import ColumnChoice
from src.tables.columns.inference import infer_form
from tests.unit.results.sweep_factory import write_run

NAMES = (
    *("sp ace", "do$HOME", "it's", "semi;colon", "com,ma", "a=b", "par(en)", "-dash", "ünïcode", "brack[et]", "{a}"),
    *(
        'quo"te',
        "back\\slash",
        "end\\",
        "$(echo x)",
        "`echo x`",
        "a&b|c>d",
        "#hash",
        "~home",
        "nULL",
        "1",
        "a:b",
        "${x}",
    ),
)


def words(line: str) -> list[str]:
    """What a real shell passes on of a printed line."""
    show = f"{shlex.quote(sys.executable)} -c 'import json, sys; print(json.dumps(sys.argv[1:]))' {line}"
    done = subprocess.run(["bash", "-c", show], capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_path_and_columns_arrive_as_they_are(name: str) -> None:
    line = command(
        "train", "dataset=table", dataset__path=f"{name}.csv", dataset__target=name, dataset__ids=[name, "x"]
    )
    found = words(line)
    assert found[:3] == ["python", "-m", "src.train"]
    dataset = compose([quoted_path(word) for word in found[3:]]).dataset
    assert (dataset.path, dataset.target, list(dataset.ids)) == (f"{name}.csv", name, [name, "x"])


def test_several_settings_of_one_line() -> None:
    names = list(NAMES)
    found = words(f"dataset=table {setting('dataset.also_holes', names)} {setting('dataset.path', 'a b')}")
    dataset = compose([quoted_path(word) for word in found]).dataset
    assert (list(dataset.also_holes), dataset.path) == (names, "a b")


@pytest.mark.parametrize("key", ["dataset.numerical", "dataset.merge_spellings", "dataset.holes"])
@pytest.mark.parametrize("names", [["a b"], ["a,b"], ["it's", 'quo"te'], ["a=b", "[c]"], [" a"], ["NA"], []], ids=str)
def test_lists_of_names_arrive_as_they_are(key: str, names: list[str]) -> None:
    dataset = compose(["dataset=table", *(quoted_path(word) for word in words(setting(key, names)))]).dataset
    assert list(dataset[key.removeprefix("dataset.")]) == names


def test_plain_values_stay_plain() -> None:
    assert command("report", sweep="outputs/census") == "python -m src.report sweep=outputs/census"
    assert hydra_value(["a", 1, None, True]) == "[a,1,null,true]"


def test_a_file_of_settings_keeps_its_name() -> None:
    assert words(command("train", experiment="out a=1/best.yaml"))[-1] == "experiment=out a=1/best.yaml"


def test_a_setting_is_printed_only_whole() -> None:
    def said(odd: list[str]) -> str:
        notes: list[str] = []
        frame = pd.Series([*map(str, range(200)), *odd], name="a")
        infer_form(frame, ColumnChoice(), None, "t", notes.append)
        return " ".join(notes)

    assert setting("dataset.also_holes", ["it's", "no idea"]) in said(["it's", "no idea"])
    many = said(["a", "b", "c", "d"])
    assert "also_holes" in many
    assert "also_holes=" not in many


def test_the_command_of_a_card_is_that_of_its_run(tmp_path: Path) -> None:
    odd = "dataset.path='a|b `c`.csv'"
    report = json.loads((write_run(tmp_path) / "report.json").read_text())
    line = next(
        line for line in model_card(report | {"overrides": [odd]}).splitlines() if line.startswith("- made anew by")
    )
    printed = line.partition(": ")[2].strip("`").strip()
    assert words(printed)[-1] == odd
    imputing = report | {"config": report["config"] | {"method": {"name": "impute_mice", "completion": "keep"}}}
    assert "python -m src.impute " in model_card(imputing)
    assert "imputer=mice" in model_card(imputing)


def test_code_holds_backticks() -> None:
    assert (code("a"), code("a `b`")) == ("`a`", "`` a `b` ``")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sp ace, it's $HOME;(1)=é.csv"])
def test_what_describe_prints_runs(name: str, tmp_path: Path) -> None:
    pd.DataFrame({"a": [1, 2, None] * 10, "b": list("xyz") * 10}).to_csv(tmp_path / name, index=False)

    def run(line: str) -> str:
        line = line.replace("python", shlex.quote(sys.executable), 1)
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, cwd=Path.cwd())
        assert done.returncode == 0, done.stderr
        return done.stdout

    described = run(f"python -m src.describe {shlex.quote(str(tmp_path / name))}")
    following = described.splitlines()[-1].strip()
    composed = yaml.safe_load(run(f"{following} --cfg job"))
    assert composed["dataset"]["path"] == str(tmp_path / name)
