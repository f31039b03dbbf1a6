"""Mirror of a run on Weights & Biases. It is never the source, and losing it never loses the run."""

import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from src.errors import ConfigError
from src.results.record.files import write_json

SAMPLE_ROWS = 100
REFERENCE = "reference/"
LONGEST_TAG = 64
LONGEST_NAME = 128
HOOKED = ("sklearn", "xgboost", "lightgbm")
"""Libraries whose import W&B takes note of, which fails once its helper is gone: they are loaded before it starts."""


@dataclass(frozen=True)
class CsvLogger:
    """``logger=csv``: no mirror; the curve is in ``metrics.csv`` either way."""


@dataclass(frozen=True)
class WandbLogger:
    """``logger=wandb``: where the mirror is kept.

    Attributes:
        project: W&B project; the same for a sweep and its report, which finds the runs there.
        entity: W&B user or team; None = the account's default.
        tags: added to the tags every run gets: dataset, mechanism and ratio, method, budget.
    """

    project: str = "missdiff"
    entity: str | None = None
    tags: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.project:
            raise ConfigError("logger.project is empty; name a W&B project")


LOGGERS: dict[str, type[CsvLogger] | type[WandbLogger]] = {"csv": CsvLogger, "wandb": WandbLogger}


class Mirror:
    """A W&B run that swallows nothing silently and stops nothing: the first failure ends mirroring.

    Arguments:
        run: the W&B run; None mirrors nothing.
        folder: run folder where a complete mirror leaves word of itself (:func:`mirrored_as`).
    """

    def __init__(self, run: Any = None, folder: Path | None = None) -> None:
        self._run = run
        self._folder = folder

    @property
    def active(self) -> bool:
        """Whether anything is mirrored."""
        return self._run is not None

    def epoch(self, row: Mapping[str, float]) -> None:
        """Mirror one line of the training curve."""
        self._try(lambda run: run.log({k: v for k, v in row.items() if k != "step"}, step=int(row["step"])))

    def finish(self, report: Mapping[str, Any], figures: Mapping[str, Path], synthetic: pd.DataFrame | None) -> None:
        """Mirror final metrics, tables, pictures and the first synthetic rows; close the run."""

        def send(run: Any) -> None:
            """All that is known at the end, then the mark that the mirror is complete."""
            import wandb

            summary = _summary(report)
            run.summary.update(summary)
            # Logged, not only summarised: W&B draws panels of its own accord for logged names alone.
            numbers = {k: v for k, v in summary.items() if not isinstance(v, str) and not k.startswith(REFERENCE)}
            pictures = {f"figures/{name}": wandb.Image(str(file)) for name, file in figures.items()}
            tables = {"scores": _score_rows(report), "per_column": _column_rows(report)}
            if synthetic is not None:
                tables["synthetic"] = synthetic.head(SAMPLE_ROWS)
            run.log(numbers | pictures | {name: wandb_table(frame) for name, frame in tables.items() if len(frame)})
            run.finish()
            if self._folder is not None:
                mark = {"project": run.project, "id": run.id, "offline": bool(run.offline)}
                write_json(self._folder / "wandb" / "mirror.json", mark)

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
    logger: CsvLogger | WandbLogger,
    folder: Path,
    group: str,
    method: str,
    config: Mapping[str, Any],
    variant: str | None = None,
    say: bool = True,
) -> Mirror:
    """Start mirroring, offline where there is no account; a failure is said and ends the mirror only.

    Runs of one sweep are grouped as ``<dataset>/<missing>-<ratio>`` with the method as job type.
    What differs from the method's defaults is in the run's name and in ``config.variant``.

    Arguments:
        logger: where the mirror is kept.
        folder: the run folder, ``.../<method>[-<differences>]/seed<S>`` unless the user named another.
        group: ``<dataset>/<missing>-<ratio>``.
        method: name of the method.
        config: the run's settings.
        variant: the method and what differs from its defaults; None = as in the folder's path.
        say: print where the mirror is.
    """
    if isinstance(logger, CsvLogger) or disabled():
        return Mirror()
    seed, budget = config["seed"], config["budget"]["name"]
    if variant is None:
        is_default_path = folder.name == f"seed{seed}" and folder.parent.name.startswith(method)
        variant = folder.parent.name if is_default_path else method
    suffix = f"-seed{seed}"
    name = f"{variant[: LONGEST_NAME - len(suffix)]}{suffix}"
    tags = [*group.split("/"), method, f"budget={budget}"]
    try:
        run = open_run(logger, folder, group, method, name, tags, {**config, "variant": variant})
    except Exception as error:  # as above: whatever W&B raises, the run goes on
        print(f"W&B: {error!r}; this run goes on without its mirror", file=sys.stderr)
        return Mirror()
    if say:
        print(where(run))
    return Mirror(run, folder)


def disabled() -> bool:
    """Whether the user switched W&B off (``WANDB_MODE=disabled``)."""
    return os.environ.get("WANDB_MODE") == "disabled"


def where(run: Any) -> str:
    """Address of a W&B run; of an offline one the command that uploads it."""
    if not run.offline:
        return f"W&B: {run.url}"
    return f"W&B: offline, upload it with `wandb sync {shlex.quote(str(run.settings.sync_dir))}`"


def open_run(
    logger: WandbLogger,
    folder: Path,
    group: str,
    job_type: str,
    name: str,
    tags: Sequence[str],
    config: Mapping[str, Any],
) -> Any:
    """Open a W&B run with its files in ``folder/wandb``.

    ``WANDB_MODE`` decides the mode. Without it the run is online where there is an account and a
    server that answers, offline otherwise. Every call opens a run of its own, also in one process.

    Raises:
        Exception: whatever W&B raises if it cannot open the run.
    """
    import wandb

    for library in HOOKED:
        import_module(library)
    mode_of_user: Any = os.environ.get("WANDB_MODE")
    wandb.setup(wandb.Settings(silent=True))
    has_account = mode_of_user or wandb.login(prompt=False, verify=False)

    def begin(mode: Any) -> Any:
        """The W&B run, online or offline; names and tags cut to what W&B takes."""
        return wandb.init(
            project=logger.project,
            entity=logger.entity,
            group=group[:LONGEST_NAME],
            job_type=job_type[:LONGEST_TAG],
            name=name[:LONGEST_NAME],
            tags=[tag[:LONGEST_TAG] for tag in dict.fromkeys([*tags, *logger.tags])],
            config=dict(config),
            dir=str(folder),
            mode=mode,
            reinit="create_new",
            settings=wandb.Settings(silent=True),
        )

    try:
        return begin(mode_of_user or ("online" if has_account else "offline"))
    except Exception as error:  # a server that does not answer takes many forms; offline needs none
        if mode_of_user or not has_account:
            raise
        print(f"W&B: {error!r}; logging offline from here on (WANDB_MODE=offline saves the wait)", file=sys.stderr)
        os.environ["WANDB_MODE"] = "offline"  # the other runs of this process need not wait for it again
        return begin("offline")


def mirrored_as(folder: Path, project: str) -> tuple[str, bool] | None:
    """W&B id of the complete mirror of a run folder and whether it was written offline; None without one."""
    file = folder / "wandb" / "mirror.json"
    if not file.exists():
        return None
    try:
        mark = json.loads(file.read_text())
        return (str(mark["id"]), bool(mark["offline"])) if mark["project"] == project else None
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        print(f"{file} is damaged ({error}); mirroring the run anew", file=sys.stderr)
        return None


def wandb_table(frame: pd.DataFrame) -> Any:
    """A ``wandb.Table`` of any frame: nullable and mixed columns too, missing cells as None."""
    import wandb

    cells = frame.astype(object)
    rows = cells.where(cells.notna(), None).to_numpy().tolist()
    return wandb.Table(columns=[str(name) for name in frame.columns], data=rows, allow_mixed_types=True)


def _summary(report: Mapping[str, Any]) -> dict[str, Any]:
    """Flat names and numbers of a report, those of its reference rows under :data:`REFERENCE`."""
    summary = dict(report["metrics"])
    for reference, metrics in report["references"].items():
        summary |= {f"{REFERENCE}{reference}/{name}": value for name, value in metrics.items()}
    summary |= {f"time/{name}": value for name, value in report["time"].items()}
    summary["realised_ratio"] = report["realised_ratio"].get("overall")
    for name in ("status", "reason", "n_train", "n_used", "n_synthetic", "n_evaluations", "peak_memory_mb"):
        summary[name] = report[name]
    return {name: value for name, value in summary.items() if value is not None}


def _score_rows(report: Mapping[str, Any]) -> pd.DataFrame:
    """One row a metric: the synthetic table's value, the references' values, why one is undefined."""
    rows = [
        {
            "metric": name,
            "synthetic": value,
            **{reference: values.get(name) for reference, values in report["references"].items()},
            "reason": report["reasons"].get(name),
        }
        for name, value in report["metrics"].items()
    ]
    return pd.DataFrame(rows)


def _column_rows(report: Mapping[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(report["per_column"].items(), columns=["column", "marginal recovered"])
