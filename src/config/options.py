"""Options of the groups, read from their classes and files; no Hydra is needed for it.

A setting is a field of a dataclass: its name, type, default and, under "Attributes" of the class, its text. An option,
such as ``training=paper``, is a file in ``conf/`` that names the class it starts from and holds the values that differ.
"""

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import docstring_parser
from omegaconf import OmegaConf

from src.config.run import ENCODINGS, Budget, MethodChoice
from src.config.typed import types_of
from src.diffusion import DIFFUSIONS, DiffusionSettings
from src.diffusion.networks import NETWORKS
from src.errors import ConfigError
from src.imputation import IMPUTERS
from src.metrics.base.settings import EVALUATIONS
from src.missing import MECHANISMS
from src.results.mirror.tracking import LOGGERS
from src.tables import DATASETS
from src.training.recipe import TrainerSettings, TrainingRecipe

FOLDER = Path(__file__).resolve().parents[2] / "conf"
ABSENT = "???"
"""OmegaConf's mark of a value that somebody has to give."""
CLASSES: dict[str, Mapping[str, type] | type] = {
    "dataset": DATASETS,
    "missing": MECHANISMS,
    "method": MethodChoice,
    "diffusion": DIFFUSIONS,
    "network": NETWORKS,
    "training": TrainingRecipe,
    "budget": Budget,
    "trainer": TrainerSettings,
    "evaluation": EVALUATIONS,
    "logger": LOGGERS,
    "imputer": IMPUTERS,
}
"""Of a group: the class of its options, or of each."""
OF_THE_RUN = ("seed",)
"""Fields of imputers that are no settings of theirs."""


@dataclass(frozen=True)
class Setting:
    """A key that can be set.

    Attributes:
        key: inside the class or group, e.g. ``sampler.n_steps``.
        default: plain value; :data:`ABSENT` where there is none.
        text: what it is, one paragraph.
    """

    key: str
    default: Any
    text: str


def settings_of(kind: type) -> list[Setting]:
    """The fields of a dataclass, those of nested ones as ``outer.inner``; of a diffusion also those of its encoding."""
    texts = _texts(kind)
    hints = types_of(kind)
    settings = []
    for entry in fields(kind):
        if not entry.init or (entry.name in OF_THE_RUN and kind in IMPUTERS.values()):
            continue
        default = entry.default_factory() if entry.default_factory is not MISSING else entry.default
        if is_dataclass(hints[entry.name]):
            of = type(default) if is_dataclass(default) else hints[entry.name]
            values = {} if default is MISSING else vars(default)
            inner = ((one, values.get(one.key, one.default)) for one in settings_of(of))
            settings += [Setting(f"{entry.name}.{one.key}", value, one.text) for one, value in inner]
        else:
            settings.append(Setting(entry.name, ABSENT if default is MISSING else default, texts.get(entry.name, "")))
    if issubclass(kind, DiffusionSettings):
        settings += [Setting(f"encoding.{one.key}", one.default, one.text) for one in settings_of(ENCODINGS[kind.rows])]
    return settings


def base_values(kind: type) -> dict[str, Any]:
    """Plain values of a class, nested as its settings are."""
    values: dict[str, Any] = {}
    for setting in settings_of(kind):
        *outer, name = setting.key.split(".")
        node = values
        for part in outer:
            node = node.setdefault(part, {})
        node[name] = deepcopy(setting.default)
    return values


def class_of(group: str, name: str) -> type:
    """The class of an option."""
    of = CLASSES[group]
    return of if isinstance(of, type) else of[name]


def option_names(group: str) -> list[str]:
    """The options of a group: the files of its folder."""
    return sorted(file.stem for file in (FOLDER / group).glob("*.yaml"))


def option_text(group: str, name: str) -> str:
    """What an option is: the comment at the head of its file."""
    lines = []
    for line in (FOLDER / group / f"{name}.yaml").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        if "@package" not in line:
            lines.append(line.removeprefix("#").strip())
    return " ".join(lines)


def option(group: str, name: str) -> dict[str, Any]:
    """Plain values of an option, its ``name`` among them; what refers to other keys is left as it is written.

    Raises:
        ConfigError: there is none of this name; says which there are.
    """
    if name not in option_names(group):
        raise ConfigError(f"{group}={name} does not exist; {group} is one of {', '.join(option_names(group))}")
    return deepcopy(_option(group, name))


@lru_cache(maxsize=256)
def _option(group: str, name: str) -> dict[str, Any]:
    content = (FOLDER / group / f"{name}.yaml").read_text(encoding="utf-8")
    node = _plain(OmegaConf.create(content))
    starts_from = node.pop("defaults", [])
    values = node.get(group, {}) if "@package _global_" in content else node
    merged: dict[str, Any] = {}
    for start in starts_from:
        if start in option_names(group):
            merged = {**merged, **_option(group, start)}
        elif start != "_self_" and not (isinstance(start, dict) and next(iter(start)).startswith("override ")):
            merged = base_values(class_of(group, values["name"]))
    return _plain(OmegaConf.merge(merged, values))


def _plain(node: Any) -> dict[str, Any]:
    plain = OmegaConf.to_container(node, resolve=False)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


@lru_cache(maxsize=256)
def _texts(kind: type) -> dict[str, str]:
    """By field what the docstrings of a class and of those it inherits from say of it, in the command line's words."""
    texts: dict[str, str] = {}
    for ancestor in reversed(kind.__mro__):
        parsed = docstring_parser.parse(ancestor.__doc__ or "", docstring_parser.DocstringStyle.GOOGLE)
        for entry in parsed.params:
            for name in entry.args[1].split(","):
                texts[name.strip()] = _as_said_on_the_command_line(entry.description or "")
    return texts


def _as_said_on_the_command_line(text: str) -> str:
    plain = re.sub(r":\w+:`~?([^`]*)`", r"\1", " ".join(text.split())).replace("``", "")
    for python, written in (("None", "null"), ("True", "true"), ("False", "false")):
        plain = re.sub(rf"\b{python}\b", written, plain)
    return plain
