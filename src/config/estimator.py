"""The settings behind the Python interface, built from options and keys."""

from collections.abc import Mapping
from typing import Any

from omegaconf import OmegaConf

from src.config.options import FOLDER, base_values, option, option_names
from src.config.run import Config, General, build_config
from src.config.typed import only_known
from src.errors import ConfigError
from src.tables.reading.frames import plain

SETTINGS = ("diffusion", "network", "training", "budget", "trainer", "evaluation")
FIXED = {"dataset": "table", "missing": "native", "method": "missdiff", "logger": "csv"}


def estimator_config(settings: Mapping[str, Any], seed: int) -> Config:
    """The configuration of options and keys, e.g. ``{"training": "paper", "network.channels": 64}``.

    Raises:
        ConfigError: a setting is of another group, unknown, or out of range.
    """
    chosen = plain(dict(settings))
    for key in chosen:
        if key.split(".")[0] not in SETTINGS:
            raise ConfigError(f"settings names {key!r}; what can be set there are {', '.join(SETTINGS)} and their keys")
    names = {**default_options(), **FIXED, **{key: str(name) for key, name in chosen.items() if key in SETTINGS}}
    groups = {group: option(group, name) for group, name in names.items()}
    for group in ("training", "network"):
        groups[group].update(_budgeted(group, f"{names[group]}_{names['budget']}"))
    for key, value in chosen.items():
        if key not in SETTINGS:
            _set(groups, key, value)
    return build_config(OmegaConf.create({**base_values(General), "seed": plain(seed), **groups}))


def default_options() -> dict[str, str]:
    """The option of each group that ``python -m src.train`` takes where none is named."""
    entries: Any = OmegaConf.to_container(OmegaConf.load(FOLDER / "config.yaml"), resolve=False)
    named = [next(iter(entry.items())) for entry in entries["defaults"] if isinstance(entry, dict)]
    return {group: option for group, option in named if group in (*SETTINGS, *FIXED)}


def _budgeted(group: str, name: str) -> dict[str, Any]:
    """What a budget changes of an option."""
    return option(f"budget/{group}", name) if name in option_names(f"budget/{group}") else {}


def _set(groups: dict[str, Any], key: str, value: Any) -> None:
    """Set a key such as ``network.channels`` that is there."""
    *outer, name = key.split(".")
    node, prefix = groups, ""
    for part in outer:
        only_known({part}, set(node), prefix)
        node, prefix = node[part], f"{prefix}.{part}" if prefix else part
        if not isinstance(node, dict):
            raise ConfigError(f"unknown setting {key}: {prefix} has no keys")
    only_known({name}, set(node) - {"name"}, prefix)
    node[name] = value
