"""The command line: Hydra composes and sweeps; here requests are checked first and errors become exit codes.

Exit codes: 0 finished (also ``not_applicable``), 2 the request is wrong, 1 anything else. Hydra's
own traces are shown for bugs only.
"""

import os
import re
import sys
import traceback
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from src.errors import ConfigError, InterruptedRunError, MissDiffError

CONF = str(Path(__file__).resolve().parents[1] / "conf")
HYDRA_VERSION = "1.3"
PATH_KEYS = ("run", "run_dir", "outputs_dir", "dataset.path")

Check = Callable[[DictConfig, bool], object]


def main(job: Callable[[DictConfig], None], check: Check, config_name: str = "config") -> None:
    """Run ``job`` on the composed configuration (on each one, under ``--multirun``) and exit.

    Arguments:
        job: does the work of one configuration; raises a :class:`MissDiffError` on failure.
        check: raises :class:`ConfigError` for a bad configuration; called on every value named on
            the command line before the first job starts, and told whether jobs run in local sweep.
        config_name: the command's file in ``conf/``.
    """
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        arguments = get_args_parser().parse_intermixed_args()
        options = [argument for argument in sys.argv[1:] if argument not in arguments.overrides]
        arguments.overrides = [quoted_path(override) for override in arguments.overrides]
        sys.argv = [sys.argv[0], *arguments.overrides, *options]
        if not (arguments.help or arguments.hydra_help or arguments.shell_completion):
            multirun = arguments.multirun or _is_sweep(arguments.overrides, config_name)
            check_request(arguments.overrides, multirun, check, config_name)
        hydra.main(version_base=HYDRA_VERSION, config_path=CONF, config_name=config_name)(_reporting(job))()
    except MissDiffError as error:
        if not getattr(error, "reported", False):
            _say(str(error))
        sys.exit(error.exit_code)
    except (HydraException, OmegaConfBaseException) as error:
        _say(readable(error, config_name))
        sys.exit(2)
    except KeyboardInterrupt:
        _say("interrupted; what was finished is kept, the same command goes on from there")
        sys.exit(1)


def quoted_path(override: str) -> str:
    """An override whose value is a path, quoted: run folders have ``=`` and ``,``, which Hydra would parse."""
    key, sign, value = override.partition("=")
    if not sign or key not in PATH_KEYS or not re.search("[=,(){}: ]", value) or value[0] in "'\"":
        return override
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"{key}='{escaped}'"


def check_request(overrides: list[str], multirun: bool, check: Check, config_name: str = "config") -> None:
    """Compose and check every value of every override once, so that a typo fails before any work.

    Raises:
        ConfigError, HydraException, OmegaConfBaseException: the request is wrong.
    """
    axes = []
    for override in OverridesParser.create().parse_overrides(overrides):
        if override.is_sweep_override():
            if not multirun:
                raise ConfigError(f"{override.input_line} names several values; add --multirun to run them all")
            key = override.get_key_element()
            axes.append([f"{key}={value}" for value in override.sweep_string_iterator()])
        else:
            axes.append([str(override.input_line)])
    for i in range(max((len(axis) for axis in axes), default=1)):
        chosen = [axis[i % len(axis)] for axis in axes]
        try:
            cfg = compose(chosen, config_name)
        except ValueError as error:
            raise ConfigError(f"{' '.join(chosen)}: {error}") from error
        check(cfg, multirun and not any(override.startswith("hydra/launcher=") for override in overrides))


def compose(overrides: list[str], config_name: str = "config") -> DictConfig:
    """The configuration of ``overrides``, composed as the command line would."""
    if GlobalHydra.instance().is_initialized():
        return hydra.compose(config_name, overrides)
    with hydra.initialize_config_dir(CONF, version_base=HYDRA_VERSION):
        return hydra.compose(config_name, overrides)


def compose_plain(overrides: list[str], config_name: str = "config") -> dict[str, Any]:
    """As :func:`compose`, resolved to plain values."""
    plain = OmegaConf.to_container(compose(overrides, config_name), resolve=True)
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
    if text.startswith("Could not override '"):
        key = text.split("'")[1]
        known = _known_keys(config_name)
        close = get_close_matches(key, known, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        parent = key.rpartition(".")[0]
        allowed = [name for name in known if name.rpartition(".")[0] == parent]
        return (
            f"unknown setting {key}{hint} (allowed: {', '.join(allowed)})"
            if allowed
            else f"unknown setting {key}{hint}"
        )
    return text


def _is_sweep(overrides: list[str], config_name: str) -> bool:
    """Whether a committed sweep (``experiment=...``) among the overrides makes this a multirun."""
    experiments = [override for override in overrides if override.startswith("experiment=")]
    if not experiments:
        return False
    with hydra.initialize_config_dir(CONF, version_base=HYDRA_VERSION):
        mode = hydra.compose(config_name, experiments, return_hydra_config=True).hydra.mode
    return bool(mode == RunMode.MULTIRUN)


def _known_keys(config_name: str) -> list[str]:
    from src.results.run_folder import flatten

    plain = compose_plain([], config_name)
    return list(dict.fromkeys([*plain, *flatten(plain)]))


def _reporting(job: Callable[[DictConfig], None]) -> Callable[[DictConfig], None]:
    """Say an error when it happens: in a sweep the others go on and Hydra raises at the end only."""

    def reporting(cfg: DictConfig) -> None:
        try:
            job(cfg)
        except InterruptedRunError as error:
            _say(str(error))
            sys.exit(error.exit_code)
        except MissDiffError as error:
            _say(str(error))
            if HydraConfig.get().mode != RunMode.MULTIRUN:
                sys.exit(error.exit_code)
            error.reported = True  # type: ignore[attr-defined]
            raise
        except Exception:  # a bug: shown as it is, with exit code 1; in a sweep the other runs go on
            traceback.print_exc()
            if HydraConfig.get().mode != RunMode.MULTIRUN:
                sys.exit(1)
            raise

    return reporting


def _say(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
