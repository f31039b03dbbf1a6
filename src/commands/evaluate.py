"""``python -m src.evaluate``: score a synthetic file against a real one, or look again at a finished run.

See ``python -m src.evaluate --help``.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from src.errors import ConfigError

if TYPE_CHECKING:
    from src.config.requests import EvaluationRequest
    from src.config.run import Config
    from src.results.record.run_folder import RunFolder


def config_of_run(folder: "RunFolder") -> "Config":
    """The configuration that made a finished run; what does not decide its result is at the default.

    Raises:
        ConfigError: there is no finished run, or its settings are those of another version.
    """
    from src.config.recorded import recorded_config

    return recorded_config(folder.config())


def check(cfg: DictConfig, local_sweep: bool) -> None:
    """Refuse a bad request; see :func:`src.config.requests.build_evaluation_request`."""
    from src.config.requests import EvaluationRequest, build_evaluation_request
    from src.results.record.run_folder import RunFolder

    request = build_evaluation_request(cfg)
    if isinstance(request, EvaluationRequest):
        RunFolder(Path(request.run or "")).config()


def job(cfg: DictConfig) -> None:
    """Evaluate two files, or one run."""
    from src.config.requests import EvaluationRequest, build_evaluation_request

    request = build_evaluation_request(cfg)
    if isinstance(request, EvaluationRequest):
        look_at_run(request)
    else:
        from src.runs.compare_files import run

        run(request)


def look_at_run(request: "EvaluationRequest") -> None:
    """Print what a finished run came to and, if asked, compute its log-likelihood."""
    from src.diffusion import Accuracy
    from src.results.page.terminal import run_summary
    from src.results.record.run_folder import RunFolder
    from src.runs.likelihood import evaluate_likelihood, likelihood_summary

    folder = RunFolder(Path(request.run or ""))
    config = config_of_run(folder)
    print(run_summary(folder, config.method))
    if request.likelihood:
        if config.model != "diffusion":
            raise ConfigError(f"method={config.method} has no likelihood: it trains no diffusion of whole rows")
        likelihoods = evaluate_likelihood(
            config.experiment, folder, Accuracy(request.tolerance, request.n_probes), request.n_rows
        )
        print(f"\n{likelihood_summary(likelihoods)}\nwritten to      {folder.likelihood}")
