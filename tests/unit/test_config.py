"""Every option of every group composes and builds; the run folder is a function of the settings."""

from dataclasses import replace
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from src.commands.cli.axes import read_axes
from src.config.compose import compose, compose_plain
from src.config.impute import build_impute_request
from src.config.recorded import choices, overrides, recorded_config, run_path
from src.config.run import GROUPS, build_config
from src.config.tune import build_tuning_request
from src.config.typed import plain_values
from src.errors import ConfigError
from src.imputation import IMPUTERS
from src.system.quoting import quoted_path

CONF = Path(__file__).resolve().parents[2] / "conf"
OPTIONS = [(group, file.stem) for group in GROUPS for file in sorted((CONF / group).glob("*.yaml"))]


def with_defaults(*asked):
    config = build_config(compose(list(asked)))
    options = choices(config)
    usual = compose_plain([o for o in options if o.split("=")[0] in ("dataset", "missing", "method")])
    return config, usual, compose_plain(options)


def path(*asked):
    return str(run_path(*with_defaults(*asked)))


@pytest.mark.slow
@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_every_option_builds_and_is_named_as_its_file(group, option):
    config = build_config(compose([f"{group}={option}", *(["diffusion=ve"] if option.startswith("stasy") else [])]))
    assert config.plain[group]["name"] == option


def test_every_yaml_says_what_it_is():
    for file in CONF.rglob("*.yaml"):
        assert file.read_text().startswith("#"), file
        assert OmegaConf.load(file)


@pytest.mark.slow
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


@pytest.mark.integration
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ((), ()),
        (("method=stasy_mean", "seed=2", "ratio=0.5", "logger=wandb"), ()),
        (("training=paper", "training.epochs=2"), ("training=paper", "training.epochs=2")),
        (
            ("method=stasy_mean", "network.hidden=[64, 128]", "training.epochs=null", "training.n_steps=9"),
            ("network.hidden=[64,128]", "training.epochs=null", "training.n_steps=9"),
        ),
        (("evaluation.references=false",), ("evaluation.references=false",)),
        (("training.learning_rate=1e-5", "n_synthetic=8"), ("n_synthetic=8", "training.learning_rate=1e-05")),
    ],
)
def test_recorded_overrides_are_few_and_make_the_same_run(asked, expected):
    config, usual, chosen = with_defaults(*asked)
    assert overrides(config, usual, chosen) == expected
    again = [f"method={config.method}", f"seed={config.general.seed}", f"ratio={config.general.ratio}", *expected]
    assert build_config(compose(again)).identity == config.identity


@pytest.mark.integration
def test_texts_among_the_overrides_survive_the_command_line():
    config, usual, chosen = with_defaults("network.channels=64")
    odd = {"a": "it's, a=b", "b": "null", "c": "1.5", "d": "data/x.csv", "e": [1, "x y"]}
    asked = overrides(
        replace(config, plain={**config.plain, "dataset": odd}), usual, {**chosen, "dataset": {"name": 1}}
    )
    parsed = {o.get_key_element(): o.value() for o in OverridesParser.create().parse_overrides(list(asked))}
    for key, value in odd.items():
        assert parsed[f"dataset.{key}"] == value


@pytest.mark.integration
def test_setting_a_default_explicitly_changes_nothing():
    assert path("training=fast", "ratio=0.2", "dataset.n_train=16000") == path()


@pytest.mark.integration
def test_long_differences_are_shortened_and_stay_distinct():
    many = [
        "diffusion=ddpm",
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


@pytest.mark.integration
@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("diffusion.encoding.n_groups=1", "diffusion.encoding.n_groups is a whole number from 2"),
        ("diffusion.sampler.n_steps=0", "diffusion.sampler.n_steps is at least 1"),
        ("training.fine_tuning_epochs=3", "likelihood of a continuous process"),
        ("diffusion=ddpm diffusion.prediction=x", "diffusion.prediction is one of"),
        ("diffusion=ddpm diffusion.weight=x", "diffusion.weight is one of"),
        ("diffusion=ddpm diffusion.sampler.noise=x", "diffusion.sampler.noise is one of"),
        ("diffusion=ddpm diffusion.sampler.name=x", "diffusion.sampler.name is one of"),
        ("diffusion=ddpm diffusion.sampler.n_steps=0", "diffusion.sampler.n_steps is at least 1"),
        ("method.model=x", "method.model is one of"),
        ("budget.share=0", "budget.share is the share of the training's length"),
        ("diffusion=ddpm diffusion.encoding.numerical=x", "diffusion.encoding.numerical is one of"),
        ("diffusion.encoding=3", "diffusion.encoding"),
        ("network.channels=0", "network.channels is at least 1"),
        ("network.dim_time=7", "network.dim_time is an even number"),
        ("evaluation.detection_rows=1", "evaluation.detection_rows is at least 10"),
        ("missing.include_target=3", "missing.include_target is true or false"),
        ("method.completion=drop", "method.completion is one of"),
        ("dataset.native_missing=maybe", "dataset.native_missing is drop, keep or null"),
        ("outputs_dir=''", "outputs_dir is empty"),
    ],
)
def test_values_are_checked(override, message):
    with pytest.raises(ConfigError, match=message):
        build_config(compose(override.split()))


@pytest.mark.integration
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


@pytest.mark.integration
@pytest.mark.parametrize(
    ("overrides", "n_steps"),
    [
        (["diffusion=ddpm"], 100),
        (["dataset=mimic4ed", "diffusion=ddpm"], 150),
        (["dataset=mimic4ed_standin", "diffusion=ddpm"], 150),
        (["diffusion=vp"], 100),
        (["dataset=mimic4ed", "diffusion=vp"], 150),
        (["dataset=mimic4ed_standin", "diffusion=vp"], 150),
        (["experiment=paper_table3_4", "method=diff_mean"], 150),
        (["dataset=mimic4ed", "diffusion=ddpm", "diffusion.process.n_steps=9"], 9),
        (["experiment=paper_table3_4", "method=stasy_mean"], None),
        (["dataset=mimic4ed", "diffusion=ve"], None),
    ],
)
def test_the_number_of_times_is_the_datasets_where_the_process_has_one(overrides, n_steps):
    assert build_config(compose(overrides)).plain["diffusion"]["process"].get("n_steps") == n_steps


@pytest.mark.integration
def test_the_number_of_times_of_a_dataset_is_no_difference_from_its_defaults():
    ours = "outputs/mimic4ed/row-0.2/missdiff-diffusion=ddpm/seed0"
    assert path("dataset=mimic4ed", "diffusion=ddpm") == ours


@pytest.mark.integration
def test_a_continuous_process_needs_a_number_of_steps():
    with pytest.raises(ConfigError, match="time is continuous in VE"):
        build_config(compose(["method=stasy_mean", "diffusion.sampler.n_steps=null"]))
    build_config(compose(["method=stasy_mean", "diffusion.sampler.n_steps=null", "diffusion.sampler.name=ode"]))


@pytest.mark.integration
def test_the_budget_reaches_the_training():
    whole, half = (build_config(compose([f"budget.share={share}"])).training.n_steps for share in (1, 0.5))
    assert half == whole // 2


@pytest.mark.integration
@pytest.mark.parametrize("override", ["budget.name=0", "budget.name=[0]"])
def test_the_name_of_an_option_is_a_name(override):
    with pytest.raises(ConfigError, match=r"budget\.name is the name of an option"):
        build_config(compose([override]))


def test_what_hydra_fails_on_is_a_message():
    with pytest.raises(ConfigError, match=r"budget=\[0\] cannot be composed"):
        compose(["budget=[0]"])


@pytest.mark.integration
def test_run_folders_can_be_named_on_the_command_line():
    assert quoted_path("run=a/b-x=1,2/seed0") == "run='a/b-x=1,2/seed0'"
    assert quoted_path("run='a=b'") == "run='a=b'"
    assert quoted_path("run=outputs/census") == "run=outputs/census"
    assert quoted_path("seed=0") == "seed=0"
    assert quoted_path("run_dir=null") == "run_dir=null"
    assert compose([quoted_path("outputs_dir=o'x=1, 2")]).outputs_dir == "o'x=1, 2"


@pytest.mark.slow
@pytest.mark.parametrize("name", [file.stem for file in sorted((CONF / "experiment").glob("*.yaml"))])
def test_every_experiment_composes_with_every_value_it_sweeps(name):
    settings = OmegaConf.load(CONF / "experiment" / f"{name}.yaml")
    swept = OmegaConf.select(settings, "hydra.sweeper.params") or {}
    imputes = "imputer" in swept
    command, build = ("impute", build_impute_request) if imputes else ("config", build_config)
    build = build_tuning_request if "tune" in settings else build
    _, axes = read_axes([f"experiment={name}"], True, command)
    for i in range(max(2, *(len(axis) for axis in axes.values()))):
        chosen = [axis[i % len(axis)] for axis in axes.values()]
        build(compose([*chosen, f"budget={('small', 'full')[i % 2]}"], command))
    if imputes or "method" in swept:
        with pytest.raises(ConfigError, match="is one of another command"):
            read_axes([f"experiment={name}"], True, "config" if imputes else "impute")


@pytest.mark.integration
@pytest.mark.parametrize("name", sorted(IMPUTERS))
def test_every_imputer_has_its_options(name):
    request = build_impute_request(compose([f"imputer={name}", "missing=row", "seed=5"], "impute"))
    assert type(request.imputer) is IMPUTERS[name]
    assert request.imputer.seed == 5
    assert request.config.method == f"impute_{name}"


@pytest.mark.integration
def test_the_small_budget_is_the_smaller_one_and_the_command_line_wins():
    for method in ("missdiff", "stasy_mean", "stasy_mean_long"):
        full, small = (build_config(compose([f"method={method}", f"budget={b}"])).training for b in ("full", "small"))
        assert small.n_epochs(250) < full.n_epochs(250) / 1.3
    assert build_config(compose(["budget=small", "training.n_steps=7"])).training.n_steps == 7


@pytest.mark.integration
@pytest.mark.parametrize("value", ['{"q": "a\\\\b \\"c\\" \\u00e9"}', "it's", "a\\", "\\'", "${x}", "{'a': 1}"])
def test_texts_reach_the_request_as_they_are(value):
    cfg = compose([quoted_path(f"where={value}")], "sample")
    assert plain_values(cfg)["where"] == value


def test_an_own_table_takes_orders_and_a_sweep_over_files(tmp_path):
    files = [tmp_path / name for name in ("a.csv", "b=1.csv")]
    for file in files:
        file.write_text("x,y\n1,2\n")
    swept = quoted_path(f"dataset.path={files[0]},{files[1]}")
    assert swept == f"dataset.path='{files[0]}','{files[1]}'"
    with_comma = tmp_path / "c,d.csv"
    with_comma.write_text("x\n")
    assert quoted_path(f"dataset.path={with_comma}") == f"dataset.path='{with_comma}'"
    arguments = ["dataset=table", "missing=native", "dataset.ordered={size: [S, M, L]}", "dataset.exclude=my id,x"]
    dataset = build_config(compose([quoted_path(argument) for argument in arguments])).dataset
    assert dataset.orders == {"size": ["S", "M", "L"]}
    assert dataset.exclude == ["my id", "x"]


def test_settings_that_an_earlier_version_did_not_have_are_what_it_did():
    recorded = build_config(compose([])).identity
    for group, keys in {
        "diffusion": ["order", "reads_values"],
        "network": ["gated"],
        "training": ["growth_rows", "beta2"],
    }.items():
        recorded[group] = {key: value for key, value in recorded[group].items() if key not in keys}
    del recorded["diffusion"]["encoding"]["numbers"]
    config = recorded_config(recorded)
    assert config.diffusion.order == "random"
    training = config.training
    assert (config.network.gated, training.growth_rows, training.beta2) == (False, None, 0.999)
    assert config.recipe.encoding.numbers == "levels"
