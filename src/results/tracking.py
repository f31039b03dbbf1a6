"""Mirror of a run on Weights & Biases. It is never the source, and losing it never loses the run."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from src.errors import ConfigError

SAMPLE_ROWS = 100


@dataclass(frozen=True)
class CsvLogger:
    """``logger=csv``: no mirror; the curve is in ``metrics.csv`` either way."""


@dataclass(frozen=True)
class WandbLogger:
    """``logger=wandb``: where the mirror is kept.

    Attributes:
        project: W&B project.
        entity: W&B user or team; None = the account's default.
        tags: added to the tags every run gets (dataset, mechanism, ratio, method).
    """

    project: str
    entity: str | None
    tags: list[str]

    def __post_init__(self) -> None:
        if not self.project:
            raise ConfigError("logger.project is empty; name a W&B project")


LOGGERS: dict[str, type[CsvLogger] | type[WandbLogger]] = {"csv": CsvLogger, "wandb": WandbLogger}


class Mirror:
    """A W&B run that swallows nothing silently and stops nothing: the first failure ends mirroring."""

    def __init__(self, run: Any = None) -> None:
        self._run = run

    @property
    def active(self) -> bool:
        """Whether anything is mirrored."""
        return self._run is not None

    def epoch(self, row: Mapping[str, float]) -> None:
        """Mirror one line of the training curve."""
        self._try(lambda run: run.log({k: v for k, v in row.items() if k != "step"}, step=int(row["step"])))

    def finish(self, report: Mapping[str, Any], figures: Mapping[str, Path], synthetic: pd.DataFrame | None) -> None:
        """Mirror final metrics, pictures and the first synthetic rows; close the run."""

        def send(run: Any) -> None:
            import wandb

            run.summary.update({k: v for k, v in report["metrics"].items() if v is not None})
            for reference, metrics in report["references"].items():
                run.summary.update({f"reference/{reference}/{k}": v for k, v in metrics.items() if v is not None})
            run.summary.update({"status": report["status"], "peak_memory_mb": report["peak_memory_mb"]})
            run.summary.update({f"time/{k}": v for k, v in report["time"].items()})
            final: dict[str, Any] = {f"figures/{name}": wandb.Image(str(file)) for name, file in figures.items()}
            if synthetic is not None:
                final["synthetic"] = wandb.Table(dataframe=synthetic.head(SAMPLE_ROWS))
            run.log(final)
            run.finish()

        self._try(send)
        self._run = None

    def abandon(self) -> None:
        """Close the run as failed."""
        self._try(lambda run: run.finish(exit_code=1))
        self._run = None

    def _try(self, act: Callable[[Any], object]) -> None:
        if self._run is None:
            return
        try:
            act(self._run)
        except Exception as error:  # any failure of the mirror, of whatever kind, must leave the run alone
            print(f"W&B: {error!r}; this run goes on without its mirror", file=sys.stderr)
            self._run = None


def open_mirror(
    logger: CsvLogger | WandbLogger, folder: Path, group: str, method: str, config: Mapping[str, Any]
) -> Mirror:
    """Start mirroring, offline where there is no account; a failure is said and ends the mirror only.

    Runs of one sweep are grouped as ``<dataset>/<missing>-<ratio>`` with the method as job type.
    """
    if isinstance(logger, CsvLogger):
        return Mirror()
    try:
        import wandb

        mode: Any = os.environ.get("WANDB_MODE") or ("online" if wandb.api.api_key else "offline")
        run = wandb.init(
            project=logger.project,
            entity=logger.entity,
            group=group,
            job_type=method,
            name=f"{method}-seed{config['seed']}",
            tags=[*group.split("/"), method, *logger.tags],
            config=dict(config),
            dir=str(folder),
            mode=mode,
            reinit="finish_previous",
        )
        return Mirror(run)
    except Exception as error:  # as above: whatever W&B raises, the run goes on
        print(f"W&B: {error!r}; this run goes on without its mirror", file=sys.stderr)
        return Mirror()
