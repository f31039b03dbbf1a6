"""Settings from the user's own file: read as values, never run."""

import pytest

from src.commands.cli.settings_file import with_experiment_file
from src.config.compose import compose_plain
from src.config.recorded import recorded_config
from src.errors import ConfigError
from tests.cli.command import train


def written(tmp_path, text):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    return f"experiment={file}"


def test_a_file_stands_for_its_overrides_and_the_command_line_wins(tmp_path):
    mine = written(
        tmp_path,
        "defaults:\n  - override /training: paper\nratio: 0.4\ntraining:\n  learning_rate: 0.003\n  batch_size: 64\n"
        "network: {channels: 32}\n",
    )
    expanded = with_experiment_file(["training.batch_size=16", mine, "seed=3"])
    plain = compose_plain(expanded)
    assert (plain["training"]["name"], plain["ratio"], plain["seed"]) == ("paper", 0.4, 3)
    assert (plain["training"]["learning_rate"], plain["training"]["batch_size"]) == (0.003, 16)
    assert plain["network"]["channels"] == 32
    assert with_experiment_file(["experiment=paper_table1_2"]) == ["experiment=paper_table1_2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("training: {_target_: os.system}", "training._target_ is refused"),
        ("hydra: {callbacks: {x: {_target_: os.system}}}", "hydra is refused"),
        ("logger: {(): os.system}", r"logger.\(\) is refused"),
        ("seed: ${oc.env:HOME}", "seed is refused"),
        ("training: {schedule: ['${now:%Y}']}", "training.schedule is refused"),
        ("defaults: [{'/hydra/launcher': joblib}]", "defaults lists entries like"),
        ("defaults: [_self_]", "defaults lists entries like"),
        ("!!python/object/apply:os.system ['true']", "cannot be read"),
        ("seed: 2020-01-01", "seed is a date"),
        ("- 1", "holds no settings"),
        ("", "holds no settings"),
    ],
)
def test_what_could_run_or_reach_out_is_refused(text, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        with_experiment_file([written(tmp_path, text)])


def test_recorded_settings_that_reach_out_are_refused():
    identity = {**compose_plain([]), "seed": "${oc.env:HOME}"}
    with pytest.raises(ConfigError, match="recorded setting seed is refused"):
        recorded_config(identity)


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--config-dir", "--config-path", "--config-name"])
def test_folders_of_configurations_are_refused(option, tmp_path):
    done = train(option, str(tmp_path), "seed=1", f"outputs_dir={tmp_path / 'out'}")
    assert done.returncode == 2
    assert "experiment=FILE.yaml" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml cannot be read"):
        with_experiment_file([f"experiment={tmp_path / 'none.yaml'}"])
