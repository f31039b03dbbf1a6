"""Run one configuration from settings to report."""

import sys
import time
from pathlib import Path
from typing import Any

from src.completion import draw_marginals
from src.config.run import Config, group_name
from src.errors import NotApplicableError
from src.models import Keeping, Training
from src.results.mirror.tracking import Mirror, open_mirror
from src.results.page.terminal import run_summary
from src.results.record.provenance import device_name, peak_memory_mb, reset_peak_memory
from src.results.record.run_folder import RunFolder
from src.runs.synthetic import read_synthetic, stored_table, write_synthetic
from src.seeding import numpy_stream
from src.tables import Split, Table
from src.tables.columns.summary import summary_table
from src.training.datamodule import TableDataModule
from src.training.fit import check_devices, is_rank_zero
from src.training.module import MissDiffModule

NOTHING_TO_DO = "finished before, nothing to do (force=true runs it anew)"
FEW_ROWS = 100
FEW_SHARE = 0.05
MOST_UNASKED = 100_000
Facts = dict[str, float | str]


def run(config: Config, path: Path) -> bool:
    """Train, sample, score and record one configuration in the folder ``path``.

    Picks up where an interrupted run of the same settings stopped; a finished one is left alone.
    Every rank of a multi-device run trains and samples; rank 0 alone writes, scores and records.

    Returns:
        Whether there was anything to do.

    Raises:
        MissDiffError: the request cannot be served (nothing is written), another process is at work on it, or the
            run failed.
    """
    started = time.perf_counter()
    folder = RunFolder(path)
    if _finished(config, folder):
        return False
    check_devices(config.trainer)
    data = make_data(config)
    try:
        data.setup("fit")
    except NotApplicableError as error:
        if is_rank_zero():
            from src.runs.record import record_not_applicable

            record_not_applicable(config, folder, data.split, str(error), mirror_of(config, folder))
        return True
    if not is_rank_zero():
        _synthetic(config, folder, data, Mirror())
        return True
    with folder.locked():
        if _finished(config, folder):  # by another process, meanwhile
            return False
        _run(config, folder, data, started)
    return True


def _finished(config: Config, folder: RunFolder) -> bool:
    found = folder.finished(config.identity, config.general.force)
    if found:
        print(f"{NOTHING_TO_DO}\n\n{run_summary(folder, config.method)}")
    return found


def _run(config: Config, folder: RunFolder, data: TableDataModule, started: float) -> None:
    reset_peak_memory()
    folder.open(config.identity, config.general.force)
    if data.split.summaries:
        print(f"{summary_table(data.split.summaries)}\n")
    notes = [*data.split.notes, *_note_number(config, data), *_note_length(config, data)]
    for note in notes:
        print(f"note: {note}")
    print(f"run folder: {folder.path}")
    for warning in _warnings(data):
        print(f"warning: {warning}", file=sys.stderr)
    mirror = mirror_of(config, folder)
    try:
        synthetic = _synthetic(config, folder, data, mirror)
        if synthetic is not None:
            from src.runs.record import score_and_record  # its libraries take as long to load as a second of training

            score_and_record(config, folder, data, synthetic, _warnings(data), notes, mirror, started)
    except BaseException:
        mirror.abandon()
        raise


def make_data(config: Config, validation: bool = False) -> TableDataModule:
    """The run's split, with mechanism, completion and encoding to be applied.

    Arguments:
        config: of the run.
        validation: whether rows are kept out of training also where the recipe needs none.
    """
    split = config.dataset.load(config.general.seed)
    n_synthetic = config.general.n_synthetic or usual_number(split)
    return config.recipe.data(split, config.missing, config.completion, n_synthetic, config.general.seed, validation)


def usual_number(split: Split) -> int:
    """Synthetic rows where their number is not given: as many as training rows, of a user's table so many at most."""
    n_rows = split.train.n_rows
    return n_rows if split.layout is None else min(n_rows, MOST_UNASKED)


def make_module(config: Config, data: TableDataModule) -> MissDiffModule:
    """The run's model, untrained."""
    return config.recipe.module(data, config.identity, _stored(config, data))


def _stored(config: Config, data: TableDataModule) -> dict[str, Any]:
    return stored_table(data.split, data.data.mask, config.general.seed)


def _synthetic(config: Config, folder: RunFolder, data: TableDataModule, mirror: Mirror) -> Table | None:
    """Train and draw the synthetic table, or read it where that is done; None on ranks but 0."""
    # of an earlier run, where rank 0 is about to delete it
    is_left_over = config.general.force and not is_rank_zero()
    if is_left_over or not folder.synthetic.exists():
        draw = _draw_marginals if config.model == "marginals" else _train_and_draw
        table, facts = draw(config, folder, data, mirror)
        if not is_rank_zero():
            return None
        folder.add_times(peak_memory_mb=peak_memory_mb(), **facts)
        write_synthetic(table, data.split, folder.path, config.general.seed)
    return read_synthetic(folder.synthetic, data.split) if is_rank_zero() else None


def _draw_marginals(config: Config, folder: RunFolder, data: TableDataModule, mirror: Mirror) -> tuple[Table, Facts]:
    sampling = time.perf_counter()
    rng = numpy_stream(config.general.seed, "sampling")
    table = draw_marginals(data.split.train, data.data.mask, data.n_synthetic, rng)
    return table, {"sample_s": time.perf_counter() - sampling, "device": device_name("cpu"), "n_evaluations": 0.0}


def _train_and_draw(config: Config, folder: RunFolder, data: TableDataModule, mirror: Mirror) -> tuple[Table, Facts]:
    keeping = Keeping(folder.path, config.identity, _stored(config, data), config.general.force)
    training = Training(config.recipe, data, keeping, on_epoch=mirror.epoch)
    training.fit()
    sampling = time.perf_counter()
    x, n_evaluations = training.draw()
    return data.data.encoder.backward(x), {
        "sample_s": time.perf_counter() - sampling,
        "device": device_name(training.device.type),
        "n_evaluations": n_evaluations,
    }


def _note_number(config: Config, data: TableDataModule) -> list[str]:
    n_rows = data.split.train.n_rows
    if config.general.n_synthetic or data.n_synthetic == n_rows:
        return []
    return [
        f"{data.n_synthetic:,} rows will be drawn, not the {n_rows:,} trained on: n_synthetic={n_rows} draws as many, "
        "and python -m src.sample run=DIR any number afterwards"
    ]


def _note_length(config: Config, data: TableDataModule) -> list[str]:
    if config.model != "diffusion":
        return []
    return config.training.notes(data.steps_per_epoch(config.trainer.n_processes))


def _warnings(data: TableDataModule) -> list[str]:
    """What a reader of the scores must know about the table that was trained on."""
    n_used, n_train = data.data.n_used, data.split.train.n_rows
    if n_used >= max(FEW_ROWS, FEW_SHARE * n_train):
        return []
    left = (
        f"{n_used} training rows" if n_used == n_train else f"{n_used} of {n_train} training rows are left to train on"
    )
    return [f"only {left}; expect a poor model"]


def mirror_of(config: Config, folder: RunFolder) -> Mirror:
    """The run's mirror, of rank 0 alone."""
    if not is_rank_zero():
        return Mirror()
    group = group_name(config)
    in_place = config.general.run_dir is None
    variant = None if in_place else "-".join([config.method, *config.overrides])
    return open_mirror(config.logger, folder.path, group, config.method, config.identity, variant)
