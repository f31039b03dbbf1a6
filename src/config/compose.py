"""Compose configurations with Hydra, from ``conf/`` and the classes its files start from; translate its errors."""

import re
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import Any, cast

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from src.config.describe import DescribeKeys
from src.config.options import CLASSES, FOLDER, base_values, option, option_names
from src.config.requests import AskKeys, EvaluationRequest, FileKeys, ReportRequest
from src.config.run import General, RunKeys
from src.config.sample import SampleRequest
from src.errors import ConfigError
from src.runs.requests import Fill
from src.tables.columns.kinds import ColumnChoices

OUTSIDE_GROUPS: dict[str, tuple[type, ...]] = {
    "config": (General,),
    "sample": (SampleRequest,),
    "impute": (Fill, RunKeys),
    "evaluate": (EvaluationRequest, FileKeys, ColumnChoices),
    "report": (ReportRequest,),
    "describe": (DescribeKeys,),
    "ask": (AskKeys,),
}
"""By the name of a command's file in ``conf/``: the classes of its keys that stand in no group."""
KEYLESS = "no such key"
CONF = str(FOLDER)
HYDRA_VERSION = "1.3"


REFUSALS = (HydraException, OmegaConfBaseException)
"""What :func:`compose` raises beside our own errors."""


@cache
def register() -> None:
    """Make the classes of settings known to Hydra, by their names, as what files in ``conf/`` start from."""
    store = ConfigStore.instance().store
    for group, of in CLASSES.items():
        for kind in {of} if isinstance(of, type) else set(of.values()):
            store(name=kind.__name__, group=group, node=base_values(kind))
    for kind in {kind for kinds in OUTSIDE_GROUPS.values() for kind in kinds}:
        store(name=kind.__name__, node=base_values(kind))


def initialized() -> AbstractContextManager[object]:
    """Hydra, ready to compose from ``conf/`` and the classes inside the block."""
    register()
    return cast(AbstractContextManager[object], hydra.initialize_config_dir(CONF, version_base=HYDRA_VERSION))


def compose(overrides: list[str], config_name: str = "config") -> DictConfig:
    """The configuration of ``overrides``, composed as the command line would.

    Raises:
        ConfigError, HydraException, OmegaConfBaseException: the overrides are wrong.
    """
    is_ready = GlobalHydra.instance().is_initialized()
    try:
        with nullcontext() if is_ready else initialized():
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
    unknown = re.search(
        r"Could not find '([\w/]+)/([^'/]+)'; Available options in '[^']*':; (.*?); Config search", text
    )
    if unknown:
        group, name, available = unknown.groups()
        names = [
            name for name in available.split("; ") if not name[0].isupper()
        ]  # not the classes that they start from
        return f"{group}={name} does not exist; {group} is one of {', '.join(names)}"
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
    group, _, inner_key = key.partition(".")
    names = option_names(group) if group in CLASSES else []
    options = {name: OmegaConf.create(option(group, name)) for name in names}
    return [name for name, values in options.items() if OmegaConf.select(values, inner_key, default=KEYLESS) != KEYLESS]


def _known_keys(config_name: str) -> list[str]:
    from src.results.record.run_folder import flatten

    plain = compose_plain([], config_name)
    return list(dict.fromkeys([*plain, *flatten(plain)]))
