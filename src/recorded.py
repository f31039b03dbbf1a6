"""The configuration of something finished: what decided it as recorded, the rest at its default."""

from collections.abc import Mapping
from typing import Any

from omegaconf import OmegaConf

from src.cli import compose_plain
from src.config import NOT_IDENTITY, Config, build_config


def recorded_config(identity: Mapping[str, Any]) -> Config:
    """The configuration of :attr:`Config.identity` values from a run folder or a checkpoint.

    Raises:
        ConfigError: they are those of another version.
    """
    defaults = {key: value for key, value in compose_plain([]).items() if key in NOT_IDENTITY}
    return build_config(OmegaConf.create({**defaults, **identity}))
