"""The commands of a page of results give the settings of its runs, or the page says where they do."""

import shlex
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from src.commands.impute import placed
from src.commands.reproduce import departures, settings_of
from src.config.compose import compose, compose_plain
from src.config.impute import build_impute_request
from src.config.recorded import choices, overrides
from src.config.run import build_config
from src.results.page.sweep_report import write_results
from src.results.page.tables import paper_tables
from src.results.sweep.runs import Run, read_runs
from tests.unit.results.sweep_factory import write_run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "results.md"
AXES = ("missing", "ratio", "method", "imputer", "seed")


def as_run(config, changed=()):
    """A run as the record of one has it."""
    missing = config.plain["missing"]
    identity = config.identity
    report = {"config": {**identity, **dict(changed)}, "overrides": list(config.overrides), "status": "done"}
    folder, name = Path(f"{config.method}-{id(config)}"), config.plain["dataset"]["name"]
    seed = config.general.seed
    return Run(folder, name, missing["name"], missing.get("ratio"), config.method, config.method, seed, report)


def trained(*asked):
    config = build_config(compose(list(asked)))
    options = choices(config)
    usual = compose_plain([option for option in options if option.split("=")[0] in ("dataset", "missing", "method")])
    found = overrides(config, usual, compose_plain(options))
    return replace(config, overrides=found)


@pytest.mark.slow
@pytest.mark.parametrize(
    "asked",
    [
        [],
        ["dataset=bayesian_network", "missing=mar", "ratio=0.5", "seed=3"],
        ["diffusion=vp", "network.channels=64", "diffusion.prediction=noise"],
        *(
            [f"experiment={experiment}", f"method={method}"]
            for experiment in ("paper_table1_2", "paper_table5_6", "paper_table12_16", "paper_figure1", "paper_recipe")
            for method in ("missdiff", "diff_mean", "stasy_delete")
        ),
        ["experiment=paper_table1_2", "method=stasy_mean_long", "budget.share=0.3"],
    ],
    ids=" ".join,
)
def test_the_printed_command_of_a_run_composes_its_settings(asked):
    assert departures([as_run(trained(*asked))]) == {}


@pytest.mark.integration
@pytest.mark.parametrize("imputer", ["missdiff", "csdi_t", "mice"])
def test_so_does_that_of_an_imputation(imputer):
    request = build_impute_request(
        compose(["experiment=paper_table7", "missing=independent", f"imputer={imputer}"], "impute")
    )
    assert departures([as_run(placed(request).config)]) == {}


@pytest.mark.integration
def test_settings_that_a_command_gives_no_longer_are_named():
    config = trained("diffusion=vp")
    run = as_run(config, {"diffusion": {**config.plain["diffusion"], "weight": "noise"}})
    assert departures([run]) == {run.folder: ["diffusion.weight"]}
    run = as_run(config)
    run.report["overrides"] = ["diffusion=gone"]
    assert departures([run]) == {run.folder: ["the command itself"]}


def test_the_page_says_at_which_commit_its_commands_hold(tmp_path):
    write_run(tmp_path / "runs")
    runs = read_runs(tmp_path / "runs")
    keys = {runs[0].folder: ["diffusion.prediction", "diffusion.weight"]}
    for found, is_said in ((keys, True), ({}, False)):
        page = write_results(tmp_path / "page.md", runs, paper_tables(runs), [], [tmp_path], [], found).read_text()
        sentence = (
            f"git checkout {runs[0].report['commit']}. Here they differ in diffusion.prediction, diffusion.weight"
        )
        assert (sentence in page) == is_said


def printed(page):
    return [line for line in page.read_text().splitlines() if line.startswith("python -m src.")]


@pytest.mark.slow
def test_every_command_of_the_committed_page_is_one_of_this_commit():
    lines = printed(PAGE)
    assert len(lines) > 10
    for line in dict.fromkeys(lines):
        module, *words = [word for word in shlex.split(line)[2:] if word != "--multirun"]
        axes = [word for word in words if word.partition("=")[0] in AXES]
        rest = [word for word in words if word not in axes]
        values = [[f"{key}={value}" for value in text.split(",")] for key, _, text in (a.partition("=") for a in axes)]
        shortest = [choices if choices[0].startswith(("method=", "imputer=")) else choices[:1] for choices in values]
        for point in product(*shortest):
            assert settings_of((module, *rest, *point)) is not None, (line, point)
