"""The record of a configuration: folder and overrides of its run; configuration and model rebuilt from it."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from src import models
from src.config.options import base_values, option
from src.config.run import GROUPS, NOT_IDENTITY, Config, General, build_config, group_name
from src.errors import ConfigError
from src.results.record.run_folder import flatten
from src.runs.draw import Model, model_of
from src.system.quoting import hydra_value
from src.training.checkpoint import answering_weights, read_checkpoint, sampling_weights
from src.training.module import CHECKPOINT_KEY, MissDiffModule

IN_PATH = ("seed", "ratio", "missing.ratio")
IN_LABEL = ("dataset.path",)
LONGEST_NAME = 160
GONE = {("training", "fine_tuning_probes")}
"""Settings that earlier versions recorded and no model depends on any more."""
EARLIER: dict[tuple[str, str], dict[str, Any]] = {
    ("diffusion", "absorbing"): {
        "order": "random",
        "reads_values": False,
        "encoding": {"numbers": "levels", "holes": False},
    },
    ("diffusion", "vp"): {"encoding": {"repeated": False}},
    ("training", "fast"): {"growth_rows": None, "beta2": 0.999, "held_out_rows": None},
    ("network", "residual_mlp"): {"gated": False},
}
"""By group and option, what earlier versions did that had no such setting."""


def recorded_config(identity: Mapping[str, Any]) -> Config:
    """The configuration of :attr:`Config.identity` values from a run folder or a checkpoint.

    Raises:
        ConfigError: they are those of another version, or refer to something outside.
    """
    for key, value in flatten(identity).items():
        if "${" in str(value):
            raise ConfigError(f"recorded setting {key} is refused: '${{' refers to something outside, got {value!r}")
    known = [g for g in GROUPS if g not in NOT_IDENTITY and g != "method" and "name" in identity.get(g, {})]
    defaults = {group: option(group, identity[group]["name"]) for group in known}
    general = {**base_values(General), "logger": option("logger", "csv")}
    recorded = {
        group: _completed(
            EARLIER.get((group, identity[group]["name"]), {}),
            {key: value for key, value in identity[group].items() if (group, key) not in GONE},
        )
        for group in known
    }
    groups = {group: _completed(defaults[group], recorded[group]) for group in known}
    return build_config(OmegaConf.create({**general, **identity, **groups}))


def load_model(file: Path, n_steps: int | None = None, answers: bool = False) -> Model:
    """Read a checkpoint.

    Arguments:
        file: ``checkpoints/last.ckpt`` of a run, or a saved model.
        n_steps: of the sampler; None = as trained.
        answers: whether the weights are those to fill and answer with, not those to draw rows with.

    Raises:
        CheckpointError: the file is damaged or was not written by this program.
        ConfigError: the sampler does not take so many steps.
    """
    checkpoint = read_checkpoint(file)
    stored = checkpoint[CHECKPOINT_KEY]
    recipe = recorded_config(stored["config"]).recipe
    if n_steps is not None:
        recipe.diffusion.check_steps(n_steps, len(stored["encoder"]["blocks"]))
        recipe = replace(recipe, diffusion=recipe.diffusion.with_steps(n_steps))
    weights_of = answering_weights if answers else sampling_weights
    return model_of(models.load_model(checkpoint, file, recipe, weights_of), checkpoint)


def load_module(file: Path, n_steps: int | None) -> MissDiffModule:
    """The module of :func:`load_model`."""
    return load_model(file, n_steps).module


def _completed(defaults: Mapping[str, Any], recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Recorded settings, and those that their version did not have at today's defaults."""
    nested = {k: _completed(defaults[k], v) for k, v in recorded.items() if _both_mappings(defaults.get(k), v)}
    return {**defaults, **recorded, **nested}


def _both_mappings(default: Any, recorded: Any) -> bool:
    return isinstance(default, Mapping) and isinstance(recorded, Mapping)


def run_path(config: Config, defaults: Mapping[str, Any], chosen: Mapping[str, Any]) -> Path:
    """Run folder: a function of the settings alone.

    ``<outputs_dir>/<dataset>/<missing>-<ratio>/<method>[-<what differs from the defaults>]/seed<S>``

    Arguments:
        config: of the run.
        defaults: plain settings of its dataset, mechanism and method, all else at the default.
        chosen: plain settings of its option in every group, no key changed.
    """
    general = config.general
    if general.run_dir is not None:
        return Path(general.run_dir)
    parts = [f"{key}={value}" for key, value in differences(config, defaults, chosen) if key not in IN_LABEL]
    name = re.sub(r"[^\w.=,+-]", "_", "-".join([config.method, *parts]))
    if len(name) > LONGEST_NAME:
        name = f"{name[:LONGEST_NAME]}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return Path(general.outputs_dir) / group_name(config) / name / f"seed{general.seed}"


def differences(config: Config, defaults: Mapping[str, Any], chosen: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Options and keys of a run that are not its method's defaults; arguments as of :func:`run_path`."""
    options = [g for g in GROUPS if g not in NOT_IDENTITY and chosen[g]["name"] != defaults[g]["name"]]
    settings, default = flatten(config.identity), flatten(chosen)
    decisive = (key for key in sorted(settings) if key not in IN_PATH and not key.startswith("data."))
    keys = [key for key in decisive if settings[key] != default.get(key)]
    return [(group, chosen[group]["name"]) for group in options] + [(key, settings[key]) for key in keys]


def overrides(config: Config, defaults: Mapping[str, Any], chosen: Mapping[str, Any]) -> tuple[str, ...]:
    """:func:`differences` as the command line takes them, e.g. ``network.hidden=[64,128]``."""
    return tuple(f"{key}={hydra_value(value)}" for key, value in differences(config, defaults, chosen))


def choices(config: Config) -> list[str]:
    """Overrides that choose the option of every group, as ``group=option``."""
    return [f"{group}={config.plain[group]['name']}" for group in GROUPS]
