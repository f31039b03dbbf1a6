"""``python -m src.evaluate``: look again at a finished run; its log-likelihood and Theorem 2.3.

See ``python -m src.evaluate --help``.
"""

from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from src.cli import compose_plain, main


def check(cfg: DictConfig, local_sweep: bool) -> None:
    """Refuse a bad request; see :func:`src.config.build_evaluation_request`."""
    from src.config import build_evaluation_request
    from src.results.run_folder import RunFolder

    RunFolder(Path(build_evaluation_request(cfg).run or "")).config()


def job(cfg: DictConfig) -> None:
    """Evaluate one run."""
    from src.config import NOT_IDENTITY, build_config, build_evaluation_request
    from src.likelihood import evaluate_likelihood, likelihood_summary
    from src.results.run_folder import RunFolder
    from src.results.terminal import run_summary

    request = build_evaluation_request(cfg)
    folder = RunFolder(Path(request.run or ""))
    defaults = {key: value for key, value in compose_plain([]).items() if key in NOT_IDENTITY}
    config = build_config(OmegaConf.create({**defaults, **folder.config()}))
    print(run_summary(folder, config.method))
    if request.likelihood:
        print(
            f"\n{likelihood_summary(evaluate_likelihood(config, folder, request))}\nwritten to      {folder.likelihood}"
        )


if __name__ == "__main__":
    main(job, check, "evaluate")
