"""Read the finished runs of a sweep, average them over seeds, lay them out as tables.

Everything here is read from ``report.json`` files beside a ``DONE``; nothing else is a source.
"""

import json
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

from src.errors import ConfigError
from src.metrics.base.metric import Best
from src.tables.datasets.own_table import dataset_label

DETAILS = ("metrics", "reasons", "per_column", "per_pair", "references", "time")


@dataclass(frozen=True)
class Run:
    """One finished run.

    Attributes:
        folder: its run folder.
        dataset: name of the dataset.
        missing: name of the mechanism.
        ratio: share of missing cells asked for; None for native holes.
        method: name of the method.
        variant: the method and what differs from the defaults, as in the run folder's path.
        seed: seed of the run.
        report: its ``report.json``.
    """

    folder: Path
    dataset: str
    missing: str
    ratio: float | None
    method: str
    variant: str
    seed: int
    report: dict[str, Any]

    @property
    def done(self) -> bool:
        """Whether it has scores; if not, ``report["reason"]`` says why the method is not applicable."""
        return bool(self.report["status"] == "done")

    @property
    def missingness(self) -> str:
        """``<missing>-<ratio>``, as in the run folder's path."""
        return self.missing if self.ratio is None else f"{self.missing}-{self.ratio:g}"

    @property
    def level(self) -> float | None:
        """What its intervals are to cover (``evaluation.level``); None of a run without intervals."""
        value: float | None = self.report["config"].get("evaluation", {}).get("level")
        return value

    def metric(self, name: str) -> float | None:
        """A metric of the synthetic table; None where undefined."""
        value: float | None = self.report["metrics"].get(name)
        return value

    def reason(self, name: str) -> str | None:
        """Why a metric has no value; None where it has one."""
        if self.metric(name) is not None:
            return None
        evaluation = self.report["config"].get("evaluation", {}).get("name")
        return self.report["reason"] or self.report["reasons"].get(name) or f"not computed by evaluation={evaluation}"

    def reference(self, row: str, name: str) -> float | None:
        """A metric of a reference table; None where undefined."""
        value: float | None = self.report["references"].get(row, {}).get(name)
        return value


@dataclass(frozen=True)
class Cell:
    """Values of one metric over the seeds of one setting.

    Attributes:
        values: one number a seed; undefined ones are left out.
        folders: run folders of the seeds, undefined ones included.
        reason: why a seed has no value, if one has none.
        paper: the number the paper prints at this place, if it prints one.
        paper_bold: whether the paper prints it in bold.
        paper_reason: why the paper has no number at this place, where it prints "-".
        level: what the intervals of its runs are to cover; None without intervals, or where the runs differ.
    """

    values: tuple[float, ...] = ()
    folders: tuple[Path, ...] = ()
    reason: str | None = None
    paper: float | None = None
    paper_bold: bool = False
    paper_reason: str | None = None
    level: float | None = None

    @cached_property
    def mean(self) -> float | None:
        """Mean over the seeds."""
        return fmean(self.values) if self.values else None

    @cached_property
    def std(self) -> float | None:
        """Standard deviation over the seeds (n - 1); None with fewer than two."""
        if self.mean is None or len(self.values) < 2:
            return None
        return math.dist(self.values, [self.mean] * len(self.values)) / math.sqrt(len(self.values) - 1)


@dataclass(frozen=True)
class ResultTable:
    """A table of cells.

    Attributes:
        name: short unique name, e.g. ``table_1`` or ``census-fidelity-overall``; a file name.
        title: one line for a reader.
        metric: name of the metric, or None where rows have different ones.
        best: which cell of a row is best, see :class:`src.metrics.base.metric.Metric`.
        columns: headings; methods first, reference rows of the same masks after them.
        references: how many of the last columns are references (never best).
        rows: heading and one cell a column.
        notes: sentences to print below.
        above: sentences to print above: budget, length, commit of the runs.
        commands: what makes the runs, to print above.
    """

    name: str
    title: str
    metric: str | None
    best: str
    columns: tuple[str, ...]
    references: int
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    notes: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()

    @property
    def good(self) -> str:
        """Which values are good, in words."""
        levels = {cell.level for _, cells in self.rows for cell in cells if cell.level is not None}
        return Best(self.best).words(sorted(levels))


def read_runs(*roots: Path) -> list[Run]:
    """Finished runs below the folders, in the order of their paths; one found twice counts once.

    Raises:
        ConfigError: no folder holds one, a ``report.json`` cannot be read, or two runs are of the same setting and
            seed; names the files.
    """
    finished = {folder.resolve(): folder for root in roots for folder in run_folders(root)[0]}
    if not finished:
        raise ConfigError(f"{', '.join(map(str, roots))}: no finished run (no DONE file) below it")
    runs: dict[tuple[str, str, str, int], Run] = {}
    for folder in finished.values():
        run = _read_run(folder / "report.json")
        key = run.dataset, run.missingness, run.variant, run.seed
        if key in runs:
            setting = "/".join(map(str, key))
            raise ConfigError(f"{runs[key].folder} and {folder} are both {setting}; name folders that hold one of them")
        runs[key] = run
    return list(runs.values())


def run_folders(root: Path) -> tuple[list[Path], list[Path]]:
    """Folders of finished and of unfinished runs below ``root``, sorted."""
    finished: list[Path] = []
    unfinished: list[Path] = []
    for path, folders, files in os.walk(root):
        if "DONE" in files or "config.yaml" in files:
            (finished if "DONE" in files else unfinished).append(Path(path))
            folders.clear()  # W&B keeps a config.yaml of its own below a run's folder
    return sorted(finished), sorted(unfinished)


def _read_run(file: Path) -> Run:
    try:
        report = json.loads(file.read_text(), parse_constant=_refuse)
        config = report["config"]
        missing, method = config["missing"], str(config["method"]["name"])
        for key in DETAILS:  # a thousand runs share the names of their columns and pairs
            report[key] = {sys.intern(name): value for name, value in report[key].items()}
        _check(report)
        folder = file.parent
        is_default_path = folder.name == f"seed{report['seed']}" and folder.parent.name.startswith(method)
        return Run(
            folder=folder,
            dataset=dataset_label(config["dataset"]),
            missing=str(missing["name"]),
            ratio=None if missing.get("ratio") is None else float(f"{missing['ratio']:g}"),  # as in its folder's name
            method=method,
            variant=folder.parent.name if is_default_path else "-".join([method, *report.get("overrides", [])]),
            seed=int(report["seed"]),
            report=report,
        )
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"{file} is not the report of a run ({error!r}); delete its folder and run it anew"
        raise ConfigError(message) from error


def _check(report: dict[str, Any]) -> None:
    absent = {"reason", "commit", "versions", "warnings", "n_used", "n_train", "device"} - set(report)
    absent |= {"training", "evaluation", "budget"} - set(report["config"])
    if report["status"] == "done":
        absent |= {"train_s", "sample_s", "evaluate_s", "total_s"} - set(report["time"])
    if absent:
        raise ValueError(f"{', '.join(sorted(absent))} absent")
    if report["status"] not in ("done", "not_applicable"):
        raise ValueError(f"status is {report['status']!r}")
    for values in (report["metrics"], *report["references"].values()):
        wrong = [name for name, value in values.items() if not isinstance(value, int | float | None)]
        if wrong:
            raise ValueError(f"{wrong[0]} is no number")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def cell(runs: Sequence[Run], metric: str, paper: float | None = None) -> Cell:
    """The cell of the given runs, one a seed."""
    values = [run.metric(metric) for run in runs]
    reasons = [run.reason(metric) for run in runs]
    levels = {run.level for run in runs}
    return Cell(
        values=tuple(value for value in values if value is not None),
        folders=tuple(run.folder for run in runs),
        reason=next((reason for reason in reasons if reason), None),
        paper=paper,
        level=next(iter(levels)) if len(levels) == 1 else None,
    )


def shown(value: float) -> str:
    """A number as tables print it: three decimals, or three significant digits where it is small."""
    if value == 0 or abs(value) >= 0.1:
        return f"{value:.3f}"
    return f"{value:.{min(2 - math.floor(math.log10(abs(value))), 6)}f}"


def best_cell(table: ResultTable, cells: Sequence[Cell]) -> Cell:
    """The best of some cells that have a mean."""
    return min(cells, key=lambda cell: Best(table.best).distance(cell.mean or 0, cell.level))


def best_columns(table: ResultTable, row: Sequence[Cell]) -> set[int]:
    """Which columns of a row are best by the mean; those that print alike tie, references never count."""
    means = {i: mean for i, cell in enumerate(row[: len(row) - table.references]) if (mean := cell.mean) is not None}
    if not means:
        return set()
    distances = {i: Best(table.best).distance(mean, row[i].level) for i, mean in means.items()}
    first = min(distances, key=lambda i: distances[i])
    if math.isinf(distances[first]):
        return set()
    alike = (shown(means[first]), row[first].level)
    return {i for i in means if distances[i] == distances[first] or (shown(means[i]), row[i].level) == alike}
