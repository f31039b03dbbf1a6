"""A sweep's report on Weights & Biases: its runs, tables, pictures and a dashboard over them."""

import csv
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from src.results.mirror.dashboard import describe_dashboard, keep_dashboard
from src.results.mirror.tracking import (
    CsvLogger,
    WandbLogger,
    disabled,
    mirrored_as,
    open_mirror,
    open_run,
    wandb_table,
    where,
)
from src.results.record.run_folder import RunFolder
from src.results.sweep.runs import ResultTable, Run

INSTALL = 'pip install -e ".[dashboard]"'


def upload_report(
    logger: CsvLogger | WandbLogger,
    out: Path,
    runs: Sequence[Run],
    tables: Sequence[ResultTable],
    files: Sequence[Path],
) -> None:
    """Mirror the report of a sweep: runs not mirrored yet, tables, pictures, files and a dashboard.

    A failure of W&B is said and raises nothing; the report on disk stays as it is.
    ``logger=csv`` and ``WANDB_MODE=disabled`` upload nothing. Offline, everything waits in
    ``wandb`` folders for ``wandb sync``.

    Arguments:
        logger: where it goes.
        out: folder of the report; the description of the dashboard is left there.
        runs: runs of the sweep.
        tables: tables of the report.
        files: files of the report; PNG files are shown as pictures, HTML files as pages.
    """
    if isinstance(logger, CsvLogger) or disabled():
        return
    try:
        ids = mirror_runs(logger, runs)
        run = _upload(logger, out, runs, tables, files)
        _dashboard(logger, out, runs, tables, [*ids, run.id], run)
    except Exception as error:  # whatever W&B raises, the report is on disk and stays there
        print(f"W&B: {error!r}; the report is complete in {out}, its upload is not", file=sys.stderr)


def mirror_runs(logger: WandbLogger, runs: Sequence[Run]) -> list[str]:
    """W&B ids of the runs in the logger's project; runs without a mirror there get one from their folders.

    The first mirror that fails ends the mirroring; ids of mirrors that were there before still count.
    """
    marks = [mirrored_as(run.folder, logger.project) for run in runs]
    if None in marks:
        print(f"W&B: mirroring {marks.count(None)} runs that are not in project {logger.project} yet")
    for i, run in enumerate(runs):
        if marks[i] is None:
            marks[i] = _mirror_late(logger, run)
            if marks[i] is None:
                break
    mirrored = [mark for mark in marks if mark is not None]
    ids, n_offline = [run_id for run_id, _ in mirrored], sum(offline for _, offline in mirrored)
    if n_offline:
        root = shlex.quote(os.path.commonpath([run.folder for run in runs]))
        sync = f"find {root} -name 'offline-run-*' -exec wandb sync {{}} +"
        print(f"W&B: {n_offline} runs were mirrored offline; if not done yet, upload them with `{sync}`")
    if len(ids) < len(runs):
        print(f"W&B: {len(runs) - len(ids)} of {len(runs)} runs are not mirrored", file=sys.stderr)
    return ids


def _mirror_late(logger: WandbLogger, run: Run) -> tuple[str, bool] | None:
    folder = RunFolder(run.folder)
    group = f"{run.dataset}/{run.missingness}"
    mirror = open_mirror(logger, folder.path, group, run.method, run.report["config"], run.variant, say=False)
    if folder.curve.exists():
        with folder.curve.open(newline="") as stream:
            for row in csv.DictReader(stream):
                mirror.epoch({name: float(value) for name, value in row.items()})
    figures = {file.stem: file for file in sorted(folder.figures.glob("*.png"))}
    synthetic = pd.read_parquet(folder.synthetic) if folder.synthetic.exists() else None
    mirror.finish(run.report, figures, synthetic)
    return mirrored_as(folder.path, logger.project)


def _upload(
    logger: WandbLogger, out: Path, runs: Sequence[Run], tables: Sequence[ResultTable], files: Sequence[Path]
) -> Any:
    """The finished W&B run of the report."""
    import wandb

    group = "+".join(sorted({run.dataset for run in runs}))
    sweep = {"sweep": [f"{run.dataset}/{run.missingness}/{run.variant}/seed{run.seed}" for run in runs]}
    run = open_run(logger, out, group, "report", f"report-{out.resolve().name}", ["report"], sweep)
    print(where(run))
    try:
        shown: dict[str, Any] = {f"tables/{table.name}": wandb_table(_cells(table)) for table in tables}
        for file in files:
            base = out if file.resolve().is_relative_to(out.resolve()) else file.parent
            run.save(str(file.resolve()), base_path=str(base.resolve()), policy="now")
            if file.suffix == ".png":
                shown[f"figures/{file.stem}"] = wandb.Image(str(file))
            elif file.suffix == ".html":
                shown[f"pages/{file.stem}"] = wandb.Html(str(file))
        run.log(shown)
        n_done = sum(run_of_sweep.done for run_of_sweep in runs)
        run.summary.update({"n_runs": len(runs), "n_scored": n_done, "n_tables": len(tables), "n_files": len(files)})
    except BaseException:
        run.finish(exit_code=1)
        raise
    run.finish()
    return run


def _cells(table: ResultTable) -> pd.DataFrame:
    """One row a cell, under the names that W&B's tables show."""
    rows = [
        (setting, method, cell.mean, cell.std, len(cell.values), cell.paper, cell.reason)
        for setting, cells in table.rows
        for method, cell in zip(table.columns, cells, strict=True)
    ]
    return pd.DataFrame(rows, columns=["setting", "method", "mean", "std", "n", "paper", "reason"])


def _dashboard(
    logger: WandbLogger, out: Path, runs: Sequence[Run], tables: Sequence[ResultTable], ids: Sequence[str], run: Any
) -> None:
    description = describe_dashboard(run.entity, logger.project, runs, tables, ids)
    try:
        url = keep_dashboard(description, out / "wandb_dashboard.json", online=not run.offline)
    except ImportError as error:
        print(f"W&B: no dashboard, {error} ({INSTALL}); tables and pictures are uploaded", file=sys.stderr)
        return
    if url is None:
        print(
            f"W&B: the dashboard is described in {out / 'wandb_dashboard.json'}; "
            "after `wandb sync`, the same command with an account puts it online"
        )
    else:
        print(f"W&B: dashboard {url}")
