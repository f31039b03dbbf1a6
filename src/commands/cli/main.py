"""The main function of the commands: read the command line, check the request, run it once or as a sweep."""

import os
import signal
import sys
from argparse import Namespace

import hydra
from hydra._internal.utils import get_args_parser  # the parser of hydra.main, which has no public name
from omegaconf import DictConfig

from src.commands.cli.axes import Check, check_axes, read_axes
from src.commands.cli.exit_codes import exit_codes
from src.commands.cli.help import help_page
from src.commands.cli.settings_file import with_experiment_file
from src.commands.cli.sweep import Job, run_alone, run_sweep
from src.config.compose import CONF, HYDRA_VERSION, register
from src.errors import ConfigError
from src.system.quoting import keyed, quoted_path

SWEPT: dict[str, tuple[str, ...]] = {"config": (), "impute": ("impute",)}
"""Commands whose sweeps are recorded, and what tells the folder of one's sweep from another's of the same overrides."""


def main(job: Job, check: Check, config_name: str = "config", positional: str | None = None) -> None:
    """Run ``job`` on the composed configuration, or on each one under ``--multirun``.

    Ends the program where the request is wrong or a job fails (:mod:`src.commands.cli.exit_codes`).

    Arguments:
        job: does the work of one configuration; in a sweep, returns the run that it leaves. Raises a
            :class:`MissDiffError` on failure.
        check: raises :class:`ConfigError` for a wrong configuration. Called before the first job, with every value
            of the request, and told whether jobs run in a sweep on this machine.
        config_name: the command's file in ``conf/``.
        positional: key that an argument without ``=`` is the value of.
    """
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises its errors instead of printing them and ending the program
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends a run as Ctrl-C does
    with exit_codes(config_name):
        arguments = parse_arguments(positional)
        register()
        if arguments.help:
            print(help_page(config_name, arguments.overrides))
        elif arguments.hydra_help or arguments.shell_completion:
            run_hydra(job, config_name)
        else:
            multirun, axes = read_axes(arguments.overrides, arguments.multirun, config_name)
            cfg = check_axes(axes, multirun, check, config_name)
            if multirun and config_name in SWEPT and not (arguments.cfg or arguments.info):
                run_sweep(job, cfg, [*SWEPT[config_name], *arguments.overrides], axes, config_name)
            else:
                run_hydra(job, config_name)


def parse_arguments(positional: str | None) -> Namespace:
    """Read the command line as Hydra does, and quote its overrides for Hydra, in ``sys.argv`` too.

    Raises:
        ConfigError: an option names a folder of configurations, or ``experiment=FILE`` cannot be read.
    """
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
    return arguments


def run_hydra(job: Job, config_name: str) -> None:
    """Let Hydra do what ``sys.argv`` asks for: run the job, or show the configuration, its own help, a completion."""

    def task(cfg: DictConfig) -> None:
        run_alone(job, cfg)

    hydra.main(version_base=HYDRA_VERSION, config_path=CONF, config_name=config_name)(task)()
