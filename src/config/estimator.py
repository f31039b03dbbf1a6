"""The configuration behind the Python interface."""

from collections.abc import Mapping
from typing import Any

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from src.config.compose import compose, readable
from src.config.run import Config, build_config
from src.errors import ConfigError
from src.system.quoting import hydra_value
from src.tables.files.frames import plain

SETTINGS = ("diffusion", "network", "training", "budget", "trainer", "evaluation")


def estimator_config(settings: Mapping[str, Any], seed: int) -> Config:
    """The configuration of options and keys, e.g. ``{"training": "paper", "network.channels": 64}``.

    Raises:
        ConfigError: a setting is of another group, unknown, or out of range.
    """
    chosen = plain(dict(settings))
    for key in chosen:
        if key.split(".")[0] not in SETTINGS:
            raise ConfigError(f"settings names {key!r}; what can be set there are {', '.join(SETTINGS)} and their keys")
    every = {"dataset": "table", "missing": "native", "seed": plain(seed), **chosen}
    try:
        return build_config(compose([f"{key}={hydra_value(value)}" for key, value in every.items()]))
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(readable(error)) from error
