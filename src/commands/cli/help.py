"""``--help`` of a command: its text in ``conf/``, the options of its groups, and every key with default and meaning."""

import json
import textwrap
from collections.abc import Iterator, Sequence
from string import Template
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from src.config.compose import OUTSIDE_GROUPS, initialized
from src.config.options import ABSENT, CLASSES, class_of, option_names, option_text, settings_of

KEY_WIDTH, WIDTH = 42, 120


def help_page(config_name: str, overrides: Sequence[str]) -> str:
    """The page, with the keys and values of a composed configuration: ``diffusion=vp`` shows those of vp."""
    with initialized():
        composed = hydra.compose(config_name, list(overrides), return_hydra_config=True)
    template = composed.hydra.help.template
    groups, keys = "\n".join(_groups(composed)), "\n".join(_keys(composed, config_name))
    return Template(template).substitute(APP_CONFIG_GROUPS=groups, CONFIG=keys)


def _groups(cfg: DictConfig) -> Iterator[str]:
    """Every group that can be chosen from, its options, and what the chosen one is."""
    for group in (*CLASSES, "experiment"):
        names = option_names(group)
        if group == "experiment" and "dataset" in cfg and "missing" in cfg:
            yield _wrapped(f"  {group}: {', '.join(names)}", "    ")
        elif group in cfg and len(names) > 1:
            yield _wrapped(f"  {group}: {', '.join(names)}", "    ")
            yield _wrapped(f"    {cfg[group].name}: {option_text(group, cfg[group].name)}", "      ")


def _keys(cfg: DictConfig, config_name: str) -> Iterator[str]:
    """Every key, its value and its text."""
    values = {key: value for key, value in OmegaConf.to_container(cfg, resolve=False).items() if key != "hydra"}  # type: ignore[union-attr]
    texts = {one.key: one.text for kind in OUTSIDE_GROUPS[config_name] for one in settings_of(kind)}
    for key in texts:
        yield _line(key, values[key], texts[key])
    for group in (group for group in CLASSES if group in values):
        for one in settings_of(class_of(group, values[group]["name"])):
            value = OmegaConf.select(cfg, f"{group}.{one.key}", default=ABSENT)
            if value != ABSENT:
                yield _line(f"{group}.{one.key}", value, one.text)


def _line(key: str, value: Any, text: str) -> str:
    plain = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
    start = f"  {key}: {plain if isinstance(plain, str) else json.dumps(plain)}"
    return _wrapped(f"{start.ljust(KEY_WIDTH)} {text}", " " * (KEY_WIDTH + 1))


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)
