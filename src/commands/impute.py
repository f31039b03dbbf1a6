"""``python -m src.impute``: fill the holes of a table, or score imputers on cells that are taken away.

See ``python -m src.impute --help``.
"""

from omegaconf import DictConfig

from src.commands.main import in_local_sweep
from src.errors import ConfigError
from src.sweeps.cells import Cell, stamps_of


def check(cfg: DictConfig, local_sweep: bool) -> None:
    """Refuse a bad request; see :func:`src.config.impute.build_impute_request`."""
    from src.config.impute import build_impute_request

    request = build_impute_request(cfg)
    if local_sweep and request.fill is not None:
        raise ConfigError("--multirun would write all tables to one file; say one command for each out=FILE")
    if local_sweep:
        request.config.trainer.refuse_in_sweep()


def job(cfg: DictConfig) -> Cell | None:
    """Fill one file, or score one imputer."""
    from src.config.impute import build_impute_request
    from src.config.run import user_files
    from src.runs.fill_file import fill
    from src.runs.score_imputer import run

    check(cfg, in_local_sweep())
    request = build_impute_request(cfg)
    if request.fill is not None:
        fill(request, request.fill)
        return None
    files = stamps_of(user_files(request.config))
    worked = run(request)
    return Cell(request.placed()[0], files, done_before=not worked)
