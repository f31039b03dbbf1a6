"""``python -m src.impute``: fill the holes of a table, or score imputers on cells that are taken away.

See ``python -m src.impute --help``.
"""

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from src.cli import main
from src.errors import ConfigError

LOCAL_LAUNCHERS = ("basic", "joblib")


def check(cfg: DictConfig, local_sweep: bool) -> None:
    """Refuse a bad request; see :func:`src.impute_request.build_impute_request`."""
    from src.impute_request import build_impute_request

    request = build_impute_request(cfg)
    if local_sweep and request.fill is not None:
        raise ConfigError("--multirun would write all tables to one file; say one command for each out=FILE")
    if local_sweep and request.config.trainer.n_processes > 1:
        raise ConfigError(
            f"trainer.strategy={request.config.trainer.strategy} with {request.config.trainer.n_processes} processes "
            "inside a local --multirun would make every process walk the whole sweep; sweep with one device a job"
        )


def job(cfg: DictConfig) -> bool:
    """Fill one file, or score one imputer; False if that was finished before."""
    from src.imputation_experiment import run
    from src.impute_request import build_impute_request
    from src.imputing import fill

    hydra = HydraConfig.get()
    check(cfg, hydra.mode == RunMode.MULTIRUN and hydra.runtime.choices["hydra/launcher"] in LOCAL_LAUNCHERS)
    request = build_impute_request(cfg)
    if request.fill is None:
        return run(request)
    fill(request, request.fill)
    return True


if __name__ == "__main__":
    main(job, check, "impute")
