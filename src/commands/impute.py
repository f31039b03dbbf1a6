"""``python -m src.impute``: fill the holes of a table, or score imputers on cells that are taken away.

See ``python -m src.impute --help``.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from src.commands.cli.sweep import in_local_sweep
from src.config.compose import compose_plain
from src.errors import ConfigError
from src.sweeps.finished import FinishedRun, file_states

if TYPE_CHECKING:
    from src.config.impute import ImputeRequest


def check(cfg: DictConfig, local_sweep: bool) -> None:
    """Refuse a bad request; see :func:`src.config.impute.build_impute_request`."""
    from src.config.impute import build_impute_request

    request = build_impute_request(cfg)
    if local_sweep and request.fill is not None:
        raise ConfigError("--multirun would write all tables to one file; say one command for each out=FILE")
    if local_sweep:
        request.config.trainer.refuse_in_sweep()


def placed(request: "ImputeRequest") -> "ImputeRequest":
    """The request with its run's folder, and the overrides that tell the run from the imputer's defaults."""
    from src.config.impute import as_run
    from src.config.recorded import overrides, run_path
    from src.config.run import GROUPS, IMPUTER

    plain, config = request.plain, request.config
    options = [f"{group}={plain[group]['name']}" for group in (*GROUPS, IMPUTER) if group in plain]
    first = [option for option in options if option.split("=")[0] in ("dataset", "missing", IMPUTER)]
    defaults, chosen = (as_run(compose_plain(chosen_options, "impute")) for chosen_options in (first, options))
    config = replace(config, overrides=overrides(config, defaults, chosen), data=config.dataset.fingerprint())
    return replace(request, config=config, folder=run_path(config, defaults, chosen))


def job(cfg: DictConfig) -> FinishedRun | None:
    """Fill one file, or score one imputer."""
    from src.config.impute import build_impute_request
    from src.config.recorded import load_model
    from src.runs.fill_file import fill_file
    from src.runs.score_imputer import run
    from src.training import checkpoint_of

    check(cfg, in_local_sweep())
    request = placed(build_impute_request(cfg))
    config = request.config
    experiment, record = config.experiment, config.record(request.folder)
    if request.fill is not None:
        trained = request.fill.run
        model = None if trained is None else load_model(checkpoint_of(Path(trained)), answers=True)
        fill_file(request.fill, request.imputer, request.evaluation, experiment, record, model)
        return None
    files = file_states(config.dataset.watched())
    worked = run(request.imputer, request.evaluation, experiment, record, config.logger)
    return FinishedRun(request.folder, files, skipped=not worked)
