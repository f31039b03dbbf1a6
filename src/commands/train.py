"""``python -m src.train``: train on a table with holes, draw complete rows, score them.

See ``python -m src.train --help`` for the groups and keys. Heavy imports wait until there is work,
so that help and refusals are quick.
"""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from omegaconf import DictConfig

from src.commands.cli.sweep import in_local_sweep
from src.config.compose import compose_plain
from src.errors import ConfigError
from src.sweeps.finished import FinishedRun, file_states


def check(cfg: DictConfig, local_sweep: bool) -> None:
    """Refuse a bad configuration; see :func:`src.config.run.build_config`.

    Raises:
        TableError: the dataset's files are absent.
        ConfigError: a bad setting, or a multi-process trainer inside a local sweep.
    """
    from src.config.requests import check_writable
    from src.config.run import OF_IMPUTERS, build_config
    from src.config.tune import build_tuning_request, is_search
    from src.metrics.base.settings import of_synthetic_rows

    searches = is_search(cfg)
    config = build_tuning_request(cfg).config if searches else build_config(cfg)
    if searches and find_spec("optuna") is None:
        raise ConfigError("experiment=tune needs a library that is not installed: pip install optuna")
    if searches and local_sweep:
        raise ConfigError("experiment=tune is a search of its own; leave --multirun out")
    config.dataset.files()
    of_synthetic_rows(config.evaluation)
    key = "outputs_dir" if config.general.run_dir is None else "run_dir"
    check_writable(key, Path(getattr(config.general, key)), is_folder=True)
    if config.model in OF_IMPUTERS:
        raise ConfigError(f"method.model={config.model} is one of imputers; method.model is diffusion or marginals")
    if local_sweep:
        config.trainer.refuse_in_sweep()


def job(cfg: DictConfig) -> FinishedRun | None:
    """One run of the composed configuration, or the trials of a search."""
    from src.config.recorded import choices, overrides, run_path
    from src.config.run import build_config
    from src.config.tune import build_tuning_request, is_search
    from src.metrics.base.settings import of_synthetic_rows
    from src.runs.train import run

    check(cfg, in_local_sweep())
    if is_search(cfg):
        from src.runs.search import tune

        tune(build_tuning_request(cfg).search)
        return None
    config = build_config(cfg)
    options = choices(config)
    defaults = compose_plain([option for option in options if option.split("=")[0] in ("dataset", "missing", "method")])
    are_defaults = all(defaults[group]["name"] == name for group, name in (option.split("=") for option in options))
    chosen = defaults if are_defaults else compose_plain(options)
    data = config.dataset.fingerprint()
    path = run_path(config, defaults, chosen)
    files = file_states(config.dataset.watched())
    config = replace(config, overrides=overrides(config, defaults, chosen), data=data)
    worked = run(config.experiment, of_synthetic_rows(config.evaluation), config.record(path), config.logger)
    return FinishedRun(path, files, skipped=not worked)
