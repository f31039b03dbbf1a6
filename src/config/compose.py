"""Compose configurations with Hydra, and translate its errors."""

import re
from contextlib import nullcontext
from copy import deepcopy
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from src.errors import ConfigError

KEYLESS = "no such key"
CONF = str(Path(__file__).resolve().parents[2] / "conf")
HYDRA_VERSION = "1.3"


REFUSALS = (HydraException, OmegaConfBaseException)
"""What :func:`compose` raises beside our own errors."""


def compose(overrides: list[str], config_name: str = "config") -> DictConfig:
    """The configuration of ``overrides``, composed as the command line would.

    Raises:
        ConfigError, HydraException, OmegaConfBaseException: the overrides are wrong.
    """
    is_ready = GlobalHydra.instance().is_initialized()
    try:
        with nullcontext() if is_ready else hydra.initialize_config_dir(CONF, version_base=HYDRA_VERSION):
            return hydra.compose(config_name, overrides)
    except (HydraException, OmegaConfBaseException):
        raise
    except Exception as error:  # Hydra fails as it may on values where it wants the name of an option
        raise ConfigError(f"{' '.join(overrides)} cannot be composed: {error}") from error


def compose_plain(overrides: list[str], config_name: str = "config") -> dict[str, Any]:
    """As :func:`compose`, resolved to plain values; composed once in a process."""
    return deepcopy(_plain(tuple(overrides), config_name))


@lru_cache(maxsize=64)
def _plain(overrides: tuple[str, ...], config_name: str) -> dict[str, Any]:
    plain = OmegaConf.to_container(compose(list(overrides), config_name), resolve=True)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def readable(error: Exception, config_name: str = "config") -> str:
    """One message for an error of Hydra or OmegaConf: what is wrong and what is allowed."""
    lines = [line.strip() for line in f"{error}\n{error.__cause__ or ''}".splitlines() if line.strip()]
    text = "; ".join(dict.fromkeys(lines))
    option = re.search(r"Could not find '([\w/]+)/([^'/]+)'; Available options in '[^']*':; (.*?); Config search", text)
    if option:
        group, name, available = option.groups()
        return f"{group}={name} does not exist; {group} is one of {available.replace('; ', ', ')}"
    plugin = re.search(r"In 'hydra/launcher/(\w+)': Could not load 'hydra/launcher/([a-z]+)", text)
    if plugin:
        name, library = plugin.groups()
        return f"hydra/launcher={name} needs a library that is not installed: pip install hydra-{library}-launcher"
    if text.startswith("Could not override '"):
        key = text.split("'")[1]
        if options := _options_with(key):
            group = key.partition(".")[0]
            return f"unknown setting {key}; it goes with {' or '.join(f'{group}={name}' for name in options)}"
        known = _known_keys(config_name)
        close = get_close_matches(key, known, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        parent = key.rpartition(".")[0]
        allowed = [name for name in known if name.rpartition(".")[0] == parent]
        among = f" (allowed: {', '.join(allowed)})" if allowed else ""
        return f"unknown setting {key}{hint}{among}"
    return text


def _options_with(key: str) -> list[str]:
    """Options of the key's group that have it."""
    group, _, rest = key.partition(".")
    files = sorted(Path(CONF, group).glob("*.yaml")) if group.isidentifier() else []
    return [file.stem for file in files if OmegaConf.select(OmegaConf.load(file), rest, default=KEYLESS) != KEYLESS]


def _known_keys(config_name: str) -> list[str]:
    from src.results.record.run_folder import flatten

    plain = compose_plain([], config_name)
    return list(dict.fromkeys([*plain, *flatten(plain)]))
