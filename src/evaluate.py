"""``python -m src.evaluate``: look again at a finished run; its log-likelihood and Theorem 2.3.

See ``python -m src.evaluate --help``.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig, OmegaConf

from src.cli import compose_plain, main

if TYPE_CHECKING:
    from src.config import Config
    from src.results.run_folder import RunFolder


def config_of_run(folder: "RunFolder") -> "Config":
    """The configuration that made a finished run; what does not decide its result is at the default.

    Raises:
        ConfigError: there is no finished run, or its settings are those of another version.
    """
    from src.config import NOT_IDENTITY, build_config

    defaults = {key: value for key, value in compose_plain([]).items() if key in NOT_IDENTITY}
    return build_config(OmegaConf.create({**defaults, **folder.config()}))


def check(cfg: DictConfig, local_sweep: bool) -> None:
    """Refuse a bad request; see :func:`src.config.build_evaluation_request`."""
    from src.config import build_evaluation_request
    from src.results.run_folder import RunFolder

    RunFolder(Path(build_evaluation_request(cfg).run or "")).config()


def job(cfg: DictConfig) -> None:
    """Evaluate one run."""
    from src.config import build_evaluation_request
    from src.likelihood import evaluate_likelihood, likelihood_summary
    from src.results.run_folder import RunFolder
    from src.results.terminal import run_summary

    request = build_evaluation_request(cfg)
    folder = RunFolder(Path(request.run or ""))
    config = config_of_run(folder)
    print(run_summary(folder, config.method))
    if request.likelihood:
        print(
            f"\n{likelihood_summary(evaluate_likelihood(config, folder, request))}\nwritten to      {folder.likelihood}"
        )


if __name__ == "__main__":
    main(job, check, "evaluate")
