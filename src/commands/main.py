"""Run a command: check the request, let Hydra compose and sweep, turn errors into exit codes.

Exit codes: 0 finished (also ``not_applicable``), 2 the request is wrong, 1 anything else. Hydra's
own traces are shown for bugs only.
"""

import math
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from src.commands.help import help_page
from src.commands.settings_file import with_experiment_file
from src.commands.sweep import launch
from src.config.compose import CONF, HYDRA_VERSION, KEYLESS, compose, initialized, readable, register
from src.errors import ConfigError, InterruptedRunError, MissDiffError, SweepError
from src.sweeps.cells import Cell
from src.sweeps.sweep import (
    DONE,
    FAILED,
    FOLDER,
    SKIPPED,
    is_settled,
    jobs_of,
    recorded_job,
    settle_lost_jobs,
    sweep_folder,
    watched_sweep,
)
from src.system.gpus import claim_gpu, visible_gpus
from src.system.quoting import keyed, quoted_path
from src.system.storage import storage_error

LOCAL_LAUNCHERS = ("basic", "joblib", "local", "submitit_local", "ray", "ray_here")
RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID")
"""Where torchrun, Lightning and SLURM tell a process its number."""
MOST_DEATHS = 3
IMPUTER = "imputer"
SWEPT: dict[str, tuple[str, ...]] = {"config": (), "impute": ("impute",)}
"""Commands whose sweeps are watched, and what tells the folder of one's sweep from another's of the same overrides."""

Job = Callable[[DictConfig], Cell | None]
Check = Callable[[DictConfig, bool], object]
Axes = dict[str, list[str]]


def main(job: Job, check: Check, config_name: str = "config", positional: str | None = None) -> None:
    """Run ``job`` on the composed configuration (on each one, under ``--multirun``) and exit.

    Arguments:
        job: does the work of one configuration; in a sweep, says what it leaves. Raises a :class:`MissDiffError`
            on failure.
        check: raises :class:`ConfigError` for a bad configuration; called on every value named on
            the command line before the first job starts, and told whether jobs run in local sweep.
        config_name: the command's file in ``conf/``.
        positional: key that an argument without ``=`` is the value of.
    """
    os.environ["HYDRA_FULL_ERROR"] = "1"
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        arguments = get_args_parser().parse_intermixed_args()
        if arguments.config_dir or arguments.config_path or arguments.config_name:
            raise ConfigError(
                "--config-dir, --config-path and --config-name are refused: a folder of configurations can name code "
                "to be run; experiment=FILE.yaml takes settings from a file of yours"
            )
        options = [argument for argument in sys.argv[1:] if argument not in arguments.overrides]
        if positional:
            arguments.overrides = [keyed(argument, positional) for argument in arguments.overrides]
        arguments.overrides = [quoted_path(override) for override in with_experiment_file(arguments.overrides)]
        sys.argv = [sys.argv[0], *arguments.overrides, *options]
        register()
        if arguments.help:
            print(help_page(config_name, arguments.overrides))
            return
        if not (arguments.hydra_help or arguments.shell_completion):
            multirun, axes = sweep_axes(arguments.overrides, arguments.multirun, config_name)
            cfg = check_request(axes, multirun, check, config_name)
            if multirun and not (arguments.cfg or arguments.info) and config_name in SWEPT:
                with _watching(cfg, [*SWEPT[config_name], *arguments.overrides], axes):
                    _walk(lambda: launch(axes, config_name, _reporting(job)))
                return
        hydra.main(version_base=HYDRA_VERSION, config_path=CONF, config_name=config_name)(_reporting(job))()
    except MissDiffError as error:
        _say(str(error))
        sys.exit(error.exit_code)
    except (HydraException, OmegaConfBaseException) as error:
        _say(readable(error, config_name))
        sys.exit(2)
    except KeyboardInterrupt:
        _say("interrupted; what was finished is kept, the same command goes on from there")
        sys.exit(1)
    except OSError as error:
        sys.exit(_said(error)[1])


def in_local_sweep() -> bool:
    """Whether the job of this process is one of a ``--multirun`` on this machine."""
    settings = HydraConfig.get()
    return settings.mode == RunMode.MULTIRUN and settings.runtime.choices["hydra/launcher"] in LOCAL_LAUNCHERS


def sweep_axes(overrides: Sequence[str], multirun: bool, config_name: str = "config") -> tuple[bool, Axes]:
    """Whether the request is a sweep, and the overrides of every axis, those of a committed sweep included.

    Raises:
        ConfigError, HydraException: an override cannot be read, or has several values without ``--multirun``.
    """
    axes = {}
    with initialized():
        parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
        asked = parser.parse_overrides(list(overrides))
        experiments = [name for override in asked if override.key_or_group == "experiment" for name in _names(override)]
        _refuse_unknown(experiments)
        own = [str(override.input_line) for override in asked if override.key_or_group.startswith("hydra")]
        committed: dict[str, Any] = {}
        if experiments or own:  # else nothing can have been said of a sweep
            settings = [
                hydra.compose(config_name, [*chosen, *own], return_hydra_config=True).hydra
                for chosen in [[f"experiment={name}"] for name in experiments] or [[]]
            ]
            for name, each in zip(experiments, settings, strict=False):
                _refuse_other_command(name, each.sweeper.params or {}, config_name)
            if (sweeper := settings[0].runtime.choices["hydra/sweeper"]) != "basic":
                raise ConfigError(f"hydra/sweeper={sweeper} is refused: --multirun runs every combination of values")
            if len(settings) > 1 and any(each.sweeper.params for each in settings):
                raise ConfigError(f"experiment={','.join(experiments)}: committed sweeps run alone: name one of them")
            multirun = multirun if settings[0].mode is None else settings[0].mode == RunMode.MULTIRUN
            committed = settings[0].sweeper.params or {}
        params = [f"{key}={value}" for key, value in committed.items()] if multirun else []
        for override in [*parser.parse_overrides(params), *asked]:
            key = override.get_key_element()
            if not override.is_sweep_override():
                axes[key] = [str(override.input_line)]
            elif multirun:
                axes[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
            else:
                raise ConfigError(f"{override.input_line} names several values; add --multirun to run them all")
    return multirun, axes


def check_request(axes: Axes, multirun: bool, check: Check, config_name: str = "config") -> DictConfig:
    """Compose and check every value of every axis once, so that a typo fails before any work.

    Returns:
        The configuration of each axis' first value.

    Raises:
        ConfigError, HydraException, OmegaConfBaseException: the request is wrong.
    """
    launcher = axes.get("hydra/launcher", ["=basic"])[0].partition("=")[2]
    first = compose([axis[0] for axis in axes.values()], config_name)
    leaves = [key for key in axes if _is_leaf(first, key)]
    known: dict[tuple[str, ...], DictConfig] = {}
    for i in range(max((len(axis) for axis in axes.values()), default=1)):
        chosen = [axis[0 if key in leaves else i % len(axis)] for key, axis in axes.items()]
        cfg = known.get(tuple(chosen))
        if cfg is None:
            cfg = known[tuple(chosen)] = compose(chosen, config_name)
        for key in leaves:
            value = axes[key][i % len(axes[key])]
            OmegaConf.update(cfg, key, OverridesParser.create().parse_override(value).value(), merge=False)
        check(cfg, multirun and launcher in LOCAL_LAUNCHERS)
    return first


def _is_leaf(cfg: DictConfig, key: str) -> bool:
    """Whether the values of a key can be put into a composed configuration: it is there, and chooses nothing."""
    found = OmegaConf.select(cfg, key, default=KEYLESS) if re.fullmatch(r"[\w.]+", key) else KEYLESS
    return found != KEYLESS and not isinstance(found, DictConfig)


def _names(override: Override) -> list[str]:
    """The values of an override, one or those of a sweep."""
    values = override.sweep_string_iterator() if override.is_sweep_override() else [override.value()]
    return ["null" if value is None else str(value).strip("'\"") for value in values]


def _refuse_unknown(experiments: Sequence[str]) -> None:
    """Hydra passes over an optional option that does not exist; a misspelt sweep would be a single default run."""
    known = sorted(file.stem for file in Path(CONF, "experiment").glob("*.yaml"))
    for name in experiments:
        if name not in known and name != "null":
            raise ConfigError(f"experiment={name} does not exist; experiment is one of {', '.join(known)}")


def _refuse_other_command(experiment: str, params: Mapping[str, Any], config_name: str) -> None:
    """Refuse a committed sweep of the other command: one over imputers or one over methods."""
    if (IMPUTER in params) != (config_name == "impute") and (IMPUTER in params or "method" in params):
        command = "impute" if IMPUTER in params else "train"
        raise ConfigError(f"experiment={experiment} is one of another command: python -m src.{command}")


@contextmanager
def _watching(cfg: DictConfig, overrides: Sequence[str], axes: Axes) -> Iterator[None]:
    """Watch the sweep of a request; ends the program where a job failed."""
    folder = sweep_folder(Path(cfg.outputs_dir).absolute(), overrides)
    with watched_sweep(folder, math.prod(len(axis) for axis in axes.values()), anew=bool(cfg.force)):
        yield
    codes = {job.exit_code for job in jobs_of(folder) if job.state == FAILED}
    if codes:
        sys.exit(2 if codes == {2} else 1)


def _walk(jobs: Callable[[], object]) -> None:
    """Run the jobs; those of a sweep go on where one of the launcher's processes dies."""
    n_deaths = 0
    while True:
        try:
            jobs()
        except BrokenProcessPool as error:
            n_deaths = 0 if settle_lost_jobs(Path(os.environ[FOLDER])) else n_deaths + 1
            if n_deaths == MOST_DEATHS:
                raise SweepError(
                    "the processes of the sweep are killed before they reach a run (out of memory?)"
                ) from error
            print("a process of the sweep was killed; what was running is run once more, alone", file=sys.stderr)
        else:
            return


def _reporting(job: Job) -> Callable[[DictConfig], None]:
    """The job as Hydra calls it: errors become exit codes, or in a sweep one line of its end."""

    def alone(cfg: DictConfig) -> None:
        try:
            job(cfg)
        except Exception as error:
            sys.exit(_said(error)[1])

    def one_of_many(cfg: DictConfig) -> None:
        """One cell: its output and its end go to the sweep's folder, and the sweep goes on whatever they are."""
        settings = HydraConfig.get()
        if not is_first_rank():
            alone(cfg)
            return
        if is_settled(int(settings.job.num)):
            return
        if cfg.trainer.accelerator != "cpu":
            claim_gpu(Path(os.environ[FOLDER]), visible_gpus())
        with recorded_job(int(settings.job.num), list(settings.overrides.task)) as end:
            try:
                cell = job(cfg)
                assert cell is not None, "commands that sweep say what a job leaves"
                end(SKIPPED if cell.done_before else DONE, stamp=cell.stamp())
            except InterruptedRunError as error:
                _say(str(error))
                sys.exit(error.exit_code)
            except Exception as error:
                end(FAILED, *_said(error))

    return lambda cfg: (one_of_many if FOLDER in os.environ else alone)(cfg)


def is_first_rank() -> bool:
    """Whether this process is the one of its run that records, before anything of Lightning is loaded."""
    return next((os.environ[name] for name in RANKS if name in os.environ), "0") == "0"


def _said(error: Exception) -> tuple[str, int]:
    """Say what ended a job, a bug with its trace; the reason in one line and the exit code."""
    known = error if isinstance(error, MissDiffError) else storage_error(error)
    if known is None:
        traceback.print_exc()
        return f"{type(error).__name__}: {error}", 1
    _say(str(known))
    return str(known), known.exit_code


def _say(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
