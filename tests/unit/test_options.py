"""Options come to the same by Hydra and without it, and every setting says what it is."""

import pytest

from src.config.compose import OUTSIDE_GROUPS, compose_plain
from src.config.estimator import estimator_config
from src.config.options import CLASSES, class_of, option, option_names, option_text, settings_of
from src.errors import ConfigError
from tests.unit.settings_page import PAGE, page

OPTIONS = [(group, name) for group in CLASSES for name in option_names(group)]


@pytest.mark.slow
@pytest.mark.parametrize(("group", "name"), OPTIONS, ids="=".join)
def test_an_option_is_what_hydra_composes(group, name):
    command = "impute" if group == "imputer" else "config"
    composed = compose_plain([f"{group}={name}", "ratio=0.2"], command)[group]
    read = {key: 0.2 if value == "${ratio}" else value for key, value in option(group, name).items()}
    assert read == composed


@pytest.mark.parametrize(("group", "name"), OPTIONS, ids="=".join)
def test_an_option_names_the_class_it_is_made_of(group, name):
    assert option(group, name)["name"] == name
    assert option_text(group, name)
    assert set(option(group, name)) - {"name"} == {one.key.split(".")[0] for one in settings_of(class_of(group, name))}


def test_every_setting_has_a_text():
    kinds = {class_of(group, name) for group, name in OPTIONS} | {kind for of in OUTSIDE_GROUPS.values() for kind in of}
    without = [f"{kind.__name__}.{one.key}" for kind in kinds for one in settings_of(kind) if not one.text]
    assert without == []


def test_the_page_of_settings_is_fresh():
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.unit.settings_page writes it anew"


@pytest.mark.integration
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"training": "stasy", "budget": "small", "training.batch_size": 32},
        {"diffusion": "ve", "network": "concat_squash", "budget": "small", "network.hidden": [8, 8]},
        {"diffusion": "ddpm", "diffusion.process.n_steps": 7, "evaluation": "paper"},
    ],
)
def test_the_estimator_has_the_settings_of_the_command(settings):
    overrides = [f"{key}={value}" for key, value in settings.items()]
    composed = compose_plain(["dataset=table", "missing=native", "seed=3", *overrides])
    assert estimator_config(settings, 3).plain == {key: value for key, value in composed.items() if key != "experiment"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"training": "nope"}, "training=nope does not exist; training is one of fast, paper, stasy, stasy_long"),
        ({"network.chanels": 1}, "unknown setting network.chanels; did you mean network.channels?"),
        ({"training.epochs.x": 3}, "training.epochs has no keys"),
        ({"ratio": 0.5}, "settings names 'ratio'"),
    ],
)
def test_the_estimator_refuses_by_name(settings, message):
    with pytest.raises(ConfigError, match=message.replace("?", r"\?")):
        estimator_config(settings, 0)
