"""The axes of a request: which keys it sets, to which values, and whether all of them are right."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from src.config.compose import CONF, KEYLESS, compose, initialized
from src.errors import ConfigError

LOCAL_LAUNCHERS = ("basic", "joblib", "local", "submitit_local", "ray", "ray_here")
"""Launchers whose jobs run on this machine."""
IMPUTER = "imputer"

Check = Callable[[DictConfig, bool], object]
Axes = dict[str, list[str]]
"""Overrides by key, in the order of the request: several for a key that is swept, else one."""


def read_axes(overrides: Sequence[str], multirun: bool, config_name: str = "config") -> tuple[bool, Axes]:
    """Read the axes of a request, with those of a committed sweep before those of the command line.

    Where both have a key, the values of the command line win.

    Arguments:
        overrides: of the command line.
        multirun: whether ``--multirun`` is among its options; ``hydra.mode`` wins.
        config_name: the command's file in ``conf/``.

    Returns:
        Whether the request is a sweep, and its axes.

    Raises:
        ConfigError, HydraException: an override cannot be read, or has several values without ``--multirun``.
    """
    with initialized():
        parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())  # which knows glob(...)
        requested = parser.parse_overrides(list(overrides))
        mode, params = _committed_sweep(requested, config_name)
        if mode is not None:
            multirun = mode == RunMode.MULTIRUN
        committed = parser.parse_overrides([f"{key}={values}" for key, values in params.items()]) if multirun else []
        return multirun, {
            override.get_key_element(): _axis(override, multirun) for override in [*committed, *requested]
        }


def _axis(override: Override, multirun: bool) -> list[str]:
    if not override.is_sweep_override():
        return [str(override.input_line)]
    if not multirun:
        raise ConfigError(f"{override.input_line} names several values; add --multirun to run them all")
    return [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]


def _committed_sweep(requested: Iterable[Override], config_name: str) -> tuple[RunMode | None, Mapping[str, Any]]:
    """``hydra.mode`` and ``hydra.sweeper.params``, by the files in ``conf/experiment`` and the command line."""
    experiments = [name for override in requested if override.key_or_group == "experiment" for name in _names(override)]
    _refuse_unknown(experiments)
    of_hydra = [str(override.input_line) for override in requested if override.key_or_group.startswith("hydra")]
    if not experiments and not of_hydra:  # nothing else can set them, and composing takes a fifth of a second
        return None, {}
    options = [[f"experiment={name}"] for name in experiments] or [[]]
    settings = [hydra.compose(config_name, [*each, *of_hydra], return_hydra_config=True).hydra for each in options]
    for name, one in zip(experiments, settings, strict=False):
        _refuse_other_command(name, one.sweeper.params or {}, config_name)
    if len(settings) > 1 and any(one.sweeper.params for one in settings):
        raise ConfigError(f"experiment={','.join(experiments)}: committed sweeps run alone: name one of them")
    sweeper = settings[0].runtime.choices["hydra/sweeper"]
    if sweeper != "basic":
        raise ConfigError(f"hydra/sweeper={sweeper} is refused: --multirun runs every combination of the values")
    return settings[0].mode, settings[0].sweeper.params or {}


def _names(override: Override) -> list[str]:
    """The options that an override names."""
    values = override.sweep_string_iterator() if override.is_sweep_override() else [override.value()]
    return ["null" if value is None else str(value).strip("'\"") for value in values]


def _refuse_unknown(experiments: Sequence[str]) -> None:
    """Hydra passes over an optional option that does not exist; a misspelt sweep would be a single default run."""
    known = sorted(file.stem for file in Path(CONF, "experiment").glob("*.yaml"))
    for name in experiments:
        if name not in known and name != "null":
            raise ConfigError(f"experiment={name} does not exist; experiment is one of {', '.join(known)}")


def _refuse_other_command(experiment: str, params: Mapping[str, Any], config_name: str) -> None:
    """Refuse a committed sweep of the other command: one over imputers or one over methods."""
    if (IMPUTER in params) != (config_name == "impute") and (IMPUTER in params or "method" in params):
        command = "impute" if IMPUTER in params else "train"
        raise ConfigError(f"experiment={experiment} is one of another command: python -m src.{command}")


def check_axes(axes: Axes, multirun: bool, check: Check, config_name: str = "config") -> DictConfig:
    """Compose and check every value of every axis once, so that a typo fails before any work.

    Configuration i has value i of every axis, the shorter axes from their start again. Composing takes a fifth of a
    second, so values of plain settings (seeds, ratios) are set in a configuration that is composed already.

    Returns:
        The configuration of the first value of every axis.

    Raises:
        ConfigError, HydraException, OmegaConfBaseException: the request is wrong.
    """
    launcher = axes.get("hydra/launcher", ["=basic"])[0].partition("=")[2]
    first_values = tuple(axis[0] for axis in axes.values())
    first = compose(list(first_values), config_name)
    plain_keys = [key for key in axes if _is_plain(first, key)]
    composed = {first_values: deepcopy(first)}
    for i in range(max((len(axis) for axis in axes.values()), default=1)):
        overrides = tuple(axis[0 if key in plain_keys else i % len(axis)] for key, axis in axes.items())
        if overrides not in composed:
            composed[overrides] = compose(list(overrides), config_name)
        cfg = composed[overrides]
        for key in plain_keys:
            override = OverridesParser.create().parse_override(axes[key][i % len(axes[key])])
            OmegaConf.update(cfg, key, override.value(), merge=False)
        check(cfg, multirun and launcher in LOCAL_LAUNCHERS)
    return first


def _is_plain(cfg: DictConfig, key: str) -> bool:
    """Whether a key is a setting of the configuration whose value decides nothing about the composition."""
    value = OmegaConf.select(cfg, key, default=KEYLESS) if re.fullmatch(r"[\w.]+", key) else KEYLESS
    return value != KEYLESS and not isinstance(value, DictConfig)
