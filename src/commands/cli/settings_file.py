"""Read settings from the user's file (``experiment=FILE.yaml``) as plain values; nothing in it is run."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from src.errors import ConfigError
from src.system.quoting import hydra_value

KEY = "experiment="
SUFFIXES = (".yaml", ".yml")


def with_experiment_file(overrides: Sequence[str]) -> list[str]:
    """The overrides with those of a named file in the place of ``experiment=FILE``; others of the same key win.

    Raises:
        ConfigError: the file cannot be read, or holds more than plain settings.
    """
    named = [override for override in overrides if override.startswith(KEY) and override.endswith(SUFFIXES)]
    if not named:
        return list(overrides)
    others = [override for override in overrides if override not in named]
    keys = {override.partition("=")[0].lstrip("+~") for override in others}
    read = [pair for override in named for pair in _settings(Path(override.removeprefix(KEY)))]
    return [f"{key}={value}" for key, value in dict(read).items() if key not in keys] + others


def _settings(file: Path) -> list[tuple[str, str]]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"experiment={file} cannot be read: {reason}") from error
    if not isinstance(content, Mapping):
        raise ConfigError(f"experiment={file} holds no settings (key: value)")
    defaults = content.get("defaults") or []
    options = [_option(entry, file) for entry in defaults]
    return [*options, *_flat({key: value for key, value in content.items() if key != "defaults"}, "", file)]


def _option(entry: Any, file: Path) -> tuple[str, str]:
    if isinstance(entry, Mapping) and len(entry) == 1:
        ((name, option),) = entry.items()
        key = str(name).removeprefix("override ").removeprefix("/")
        if isinstance(option, str) and key.isidentifier():
            return key, hydra_value(option)
    raise ConfigError(f"experiment={file}: defaults lists entries like 'override /training: paper', got {entry!r}")


def _flat(values: Mapping[Any, Any], prefix: str, file: Path) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        key = f"{prefix}{name}"
        if str(name).startswith("_") or str(name) in ("hydra", "()", "class"):
            raise ConfigError(f"experiment={file}: {key} is refused: a file of settings names nothing to be run")
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{key}.", file)
            continue
        if "${" in str(value):
            raise ConfigError(f"experiment={file}: {key} is refused: '${{' refers to something outside the file")
        if value is not None and not isinstance(value, (str, bool, int, float, list)):
            raise ConfigError(f"experiment={file}: {key} is a {type(value).__name__}, not a text, number or list")
        yield key, hydra_value(value)
