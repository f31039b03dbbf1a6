"""Rebuild the configuration of a finished run or a checkpoint; what it did not record is at its default."""

from collections.abc import Mapping
from typing import Any

from omegaconf import OmegaConf

from src.config.options import base_values, option
from src.config.run import GROUPS, NOT_IDENTITY, Config, General, build_config
from src.errors import ConfigError
from src.results.record.run_folder import flatten

GONE = {("training", "fine_tuning_probes")}
"""Settings that earlier versions recorded and no model depends on any more."""


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
    recorded = {group: {k: v for k, v in identity[group].items() if (group, k) not in GONE} for group in known}
    groups = {group: _completed(defaults[group], recorded[group]) for group in known}
    return build_config(OmegaConf.create({**general, **identity, **groups}))


def _completed(defaults: Mapping[str, Any], recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Recorded settings, and those that their version did not have at today's defaults."""
    nested = {k: _completed(defaults[k], v) for k, v in recorded.items() if _both_mappings(defaults.get(k), v)}
    return {**defaults, **recorded, **nested}


def _both_mappings(default: Any, recorded: Any) -> bool:
    return isinstance(default, Mapping) and isinstance(recorded, Mapping)
