"""Every option of every group composes and builds; the run folder is a function of the settings."""

from pathlib import Path

import pytest
import yaml

from src.cli import compose, compose_plain, quoted_path
from src.config import GROUPS, build_config, choices, run_path
from src.errors import ConfigError

CONF = Path(__file__).resolve().parents[2] / "conf"
OPTIONS = [(group, file.stem) for group in GROUPS for file in sorted((CONF / group).glob("*.yaml"))]


def path(*overrides):
    config = build_config(compose(list(overrides)))
    options = choices(config)
    usual = compose_plain([o for o in options if o.split("=")[0] in ("dataset", "missing", "method")])
    return str(run_path(config, usual, compose_plain(options)))


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_every_option_builds_and_is_named_as_its_file(group, option):
    config = build_config(compose([f"{group}={option}"]))
    assert config.plain[group]["name"] == option


@pytest.mark.parametrize("experiment", [file.stem for file in (CONF / "experiment").glob("*.yaml")])
def test_every_experiment_builds(experiment):
    build_config(compose([f"experiment={experiment}"]))


def test_every_yaml_says_what_it_is():
    for file in CONF.rglob("*.yaml"):
        assert file.read_text().startswith("#"), file
        assert yaml.safe_load(file.read_text().replace("${", "{")) is not None


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ((), "outputs/census/row-0.2/missdiff/seed0"),
        (("seed=3", "ratio=0.50", "missing=mar"), "outputs/census/mar-0.5/missdiff/seed3"),
        (("missing=native",), "outputs/census/native/missdiff/seed0"),
        (("training=paper",), "outputs/census/row-0.2/missdiff-training=paper/seed0"),
        (
            ("training=paper", "training.epochs=2"),
            "outputs/census/row-0.2/missdiff-training=paper-training.epochs=2/seed0",
        ),
        (("training.epochs=7", "outputs_dir=/x"), "/x/census/row-0.2/missdiff-training.epochs=7/seed0"),
        (("logger=wandb", "force=true"), "outputs/census/row-0.2/missdiff/seed0"),
        (("n_synthetic=9",), "outputs/census/row-0.2/missdiff-n_synthetic=9/seed0"),
        (("run_dir=a/b",), "a/b"),
    ],
)
def test_run_folder(overrides, expected):
    assert path(*overrides) == expected


def test_setting_a_default_explicitly_changes_nothing():
    assert path("training=fast", "ratio=0.2", "dataset.n_train=16000") == path()


def test_long_differences_are_shortened_and_stay_distinct():
    many = [
        "diffusion.process.beta_max=0.4",
        "diffusion.process.beta_min=0.001",
        "diffusion.process.n_steps=150",
        "training.epochs=7",
        "training.batch_size=128",
        "training.learning_rate=0.01",
        "network.channels=77",
    ]
    first, second = path(*many, "network.n_blocks=2"), path(*many, "network.n_blocks=4")
    assert first != second
    assert max(len(part) for part in first.split("/")) < 255


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("diffusion.prediction=x", "diffusion.prediction is one of"),
        ("diffusion.weight=x", "diffusion.weight is one of"),
        ("diffusion.sampler.noise=x", "diffusion.sampler.noise is one of"),
        ("diffusion.sampler.name=x", "diffusion.sampler.name is one of"),
        ("diffusion.sampler.n_steps=0", "diffusion.sampler.n_steps is at least 1"),
        ("method.model=x", "method.model is one of"),
        ("budget=0", "budget is the share of the training's length"),
        ("diffusion.encoding.numerical=x", "diffusion.encoding.numerical is one of"),
        ("diffusion.encoding=3", "diffusion.encoding"),
        ("network.channels=0", "network.channels is at least 1"),
        ("network.dim_time=7", "network.dim_time is an even number"),
        ("evaluation.detection_rows=1", "evaluation.detection_rows is at least 10"),
        ("missing.include_target=3", "missing.include_target is true or false"),
        ("method.completion=drop", "method.completion is one of"),
        ("dataset.native_missing=maybe", "dataset.native_missing is drop or keep"),
        ("outputs_dir=''", "outputs_dir is empty"),
    ],
)
def test_values_are_checked(override, message):
    with pytest.raises(ConfigError, match=message):
        build_config(compose([override]))


def test_stasy_methods_bring_their_recipe_and_the_command_line_wins():
    config = build_config(compose(["method=stasy_delete"]))
    assert [config.plain[group]["name"] for group in ("diffusion", "network", "training")] == [
        "ve",
        "concat_squash",
        "stasy",
    ]
    assert path("method=stasy_delete") == "outputs/census/row-0.2/stasy_delete/seed0"
    assert path("method=stasy_delete", "training=fast").endswith("row-0.2/stasy_delete-training=fast/seed0")
    assert build_config(compose(["method=stasy_delete", "training=fast"])).training.self_paced_steps is None


def test_a_continuous_process_needs_a_number_of_steps():
    with pytest.raises(ConfigError, match="time is continuous in VE"):
        build_config(compose(["method=stasy_mean", "diffusion.sampler.n_steps=null"]))
    build_config(compose(["method=stasy_mean", "diffusion.sampler.n_steps=null", "diffusion.sampler.name=ode"]))


def test_the_budget_reaches_the_training():
    assert build_config(compose(["budget=0.5"])).training.n_steps == 3150


def test_run_folders_can_be_named_on_the_command_line():
    assert quoted_path("run=a/b-x=1,2/seed0") == "run='a/b-x=1,2/seed0'"
    assert quoted_path("run='a=b'") == "run='a=b'"
    assert quoted_path("run=outputs/census") == "run=outputs/census"
    assert quoted_path("seed=0") == "seed=0"
    assert quoted_path("run_dir=null") == "run_dir=null"
    assert compose([quoted_path("outputs_dir=o'x=1, 2")]).outputs_dir == "o'x=1, 2"


@pytest.mark.parametrize("name", [file.stem for file in sorted((CONF / "experiment").glob("*.yaml"))])
def test_every_experiment_composes_with_every_value_it_sweeps(name):
    text = yaml.safe_load((CONF / "experiment" / f"{name}.yaml").read_text())
    axes = text.get("hydra", {}).get("sweeper", {}).get("params", {})
    build_config(compose([f"experiment={name}"]))
    for key, values in axes.items():
        for value in str(values).split(","):
            build_config(compose([f"experiment={name}", f"{key}={value}"]))
