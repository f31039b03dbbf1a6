"""Build typed settings from plain values; refuse unknown keys, wrong types and bad options by name."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from src.errors import ConfigError

TYPE_NAMES = {
    float: "a number",
    int: "a whole number",
    str: "a text",
    bool: "true or false",
    NoneType: "null",
    list: "a list",
}

T = TypeVar("T")


def plain_values(cfg: DictConfig) -> dict[str, Any]:
    """The configuration, interpolations resolved.

    Raises:
        ConfigError: an interpolation cannot be resolved.
    """
    try:
        container: Any = OmegaConf.to_container(cfg, resolve=True)
    except OmegaConfBaseException as error:
        raise ConfigError(str(error).splitlines()[0]) from error
    return {str(key): value for key, value in container.items()}


def chosen_option(options: Mapping[str, type[T]], node: Mapping[str, Any], group: str) -> T:
    """The class that ``node["name"]`` chooses among ``options``, built from the other keys of ``node``."""
    name = str(node.get("name"))
    if name not in options:
        raise ConfigError(f"{group}.name is one of {sorted(options)}, got {name!r}")
    return typed(options[name], without(node, "name"), group)


def types_of(kind: type) -> dict[str, Any]:
    """Types of the settings of a dataclass, which are written out: what it computes may be of types not loaded yet."""
    return {field.name: field.type for field in fields(kind) if field.init}


def typed(kind: type[T], values: Mapping[str, Any], prefix: str) -> T:
    """An instance of a dataclass from plain values, nested ones included, types checked."""
    hints = types_of(kind)
    known = set(hints)
    if not isinstance(values, Mapping):
        raise ConfigError(f"{prefix} has keys of its own ({', '.join(sorted(known))}), got {values!r}")
    only_known(set(values), known, prefix)
    absent = sorted(known - set(values))
    if absent:
        raise ConfigError(f"missing setting: {', '.join(_key(prefix, name) for name in absent)}")
    built = {}
    for name in known:
        key = _key(prefix, name)
        if is_dataclass(hints[name]):
            built[name] = typed(hints[name], values[name], key)
        else:
            built[name] = _value(hints[name], values[name], key)
    return kind(**built)


def _value(hint: Any, value: Any, key: str) -> Any:
    allowed = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    for kind in allowed:
        origin = get_origin(kind) or kind
        if origin is float and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if origin is list and isinstance(value, list) and all(isinstance(v, get_args(kind)[0]) for v in value):
            return value
        if isinstance(value, origin) and (origin is bool or not isinstance(value, bool)):
            return value
    names = " or ".join(TYPE_NAMES.get(get_origin(kind) or kind, str(kind)) for kind in allowed)
    raise ConfigError(f"{key} is {names}, got {value!r}")


def only_known(keys: set[str], known: set[str], prefix: str) -> None:
    """Refuse a key that is not known, naming the closest one that is."""
    for name in sorted(keys - known):
        close = get_close_matches(name, known, n=1)
        hint = f"; did you mean {_key(prefix, close[0])}?" if close else ""
        raise ConfigError(f"unknown setting {_key(prefix, name)}{hint} (allowed: {', '.join(sorted(known))})")


def without(node: Mapping[str, Any], name: str) -> dict[str, Any]:
    """``node`` but for one key."""
    return {key: value for key, value in node.items() if key != name}


def _key(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
