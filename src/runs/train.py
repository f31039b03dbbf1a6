"""Run one configuration from settings to report."""

import sys
import time
from functools import partial

import torch

from src.completion import draw_marginals
from src.errors import NotApplicableError
from src.metrics.base.settings import QuickEvaluation
from src.models import Experiment, Keeping, Training, load_model
from src.results.mirror.tracking import CsvLogger, Mirror, WandbLogger, open_mirror
from src.results.page.terminal import run_summary
from src.results.record.provenance import device_name, peak_memory_mb, reset_peak_memory
from src.results.record.run_folder import RunFolder
from src.results.record.run_record import RunRecord
from src.runs.blocks import drawn_blocks, n_blocks
from src.runs.synthetic import read_synthetic, stored_table, trained_layout, write_synthetic
from src.seeding import numpy_stream
from src.tables import Table
from src.tables.columns.kinds import listed
from src.tables.columns.summary import summary_table
from src.tables.rules.keeper import Keeper
from src.training import LAST
from src.training.checkpoint import read_checkpoint
from src.training.datamodule import TableDataModule
from src.training.fit import check_devices, is_rank_zero

NOTHING_TO_DO = "finished before, nothing to do (force=true runs it anew)"
FEW_ROWS = 100
FEW_SHARE = 0.05
Facts = dict[str, float | str]


def run(
    experiment: Experiment, evaluation: QuickEvaluation, record: RunRecord, logger: CsvLogger | WandbLogger
) -> bool:
    """Train, sample, score and record one experiment in the folder of its record.

    Picks up where an interrupted run of the same settings stopped; a finished one is left alone.
    Every rank of a multi-device run trains and samples; rank 0 alone writes, scores and records.

    Returns:
        Whether there was anything to do.

    Raises:
        MissDiffError: the request cannot be served (nothing is written), another process is at work on it, or the
            run failed.
    """
    started = time.perf_counter()
    folder = RunFolder(record.path)
    if _is_finished(record, folder):
        return False
    check_devices(experiment.recipe.trainer)
    data = experiment.data()
    try:
        data.setup("fit")
    except NotApplicableError as error:
        if is_rank_zero():
            from src.runs.record import record_not_applicable  # see below

            record_not_applicable(experiment, record, data.split, str(error), mirror_of(record, logger))
        return True
    if not is_rank_zero():
        _synthetic(experiment, record, data, Mirror())
        return True
    with folder.locked():
        if _is_finished(record, folder):  # by another process, meanwhile
            return False
        _run(experiment, evaluation, record, logger, data, started)
    return True


def _is_finished(record: RunRecord, folder: RunFolder) -> bool:
    is_finished = folder.finished(record.settings, record.force)
    if is_finished:
        print(f"{NOTHING_TO_DO}\n\n{run_summary(folder, record.method)}")
    return is_finished


def _run(
    experiment: Experiment,
    evaluation: QuickEvaluation,
    record: RunRecord,
    logger: CsvLogger | WandbLogger,
    data: TableDataModule,
    started: float,
) -> None:
    reset_peak_memory()
    folder = RunFolder(record.path)
    folder.open(record.settings, record.force)
    if data.split.summaries:
        print(f"{summary_table(data.split.summaries)}\n")
    of_training = [*_note_number(experiment, data), *_note_length(experiment, data), *_note_structural(data)]
    notes = [*data.split.notes, *of_training]
    for note in notes:
        print(f"note: {note}")
    print(f"run folder: {folder.path}")
    for warning in _warnings(data):
        print(f"warning: {warning}", file=sys.stderr)
    mirror = mirror_of(record, logger)
    try:
        synthetic = _synthetic(experiment, record, data, mirror)
        if synthetic is not None:
            from src.runs.record import score_and_record  # its libraries take as long to load as a second of training

            warnings = _warnings(data)
            draw = partial(_more_rows, experiment, record, data)
            with_holes = partial(draw, with_holes=True) if _learns_holes(experiment, data) else None
            score_and_record(
                experiment, evaluation, record, data, synthetic, warnings, notes, mirror, started, draw, with_holes
            )
    except BaseException:
        mirror.abandon()
        raise


def _synthetic(experiment: Experiment, record: RunRecord, data: TableDataModule, mirror: Mirror) -> Table | None:
    """Train and draw the synthetic table, or read it where that is done; None on ranks but 0."""
    folder = RunFolder(record.path)
    # of an earlier run, where rank 0 is about to delete it
    is_left_over = record.force and not is_rank_zero()
    if is_left_over or not folder.synthetic.exists():
        draw = _draw_marginals if experiment.learner == "marginals" else _train_and_draw
        table, facts = draw(experiment, record, data, mirror)
        if not is_rank_zero():
            return None
        folder.add_times(peak_memory_mb=peak_memory_mb(), **facts)
        write_synthetic(table, data.split, folder.path, experiment.seed)
    return read_synthetic(folder.synthetic, data.split) if is_rank_zero() else None


def _draw_marginals(
    experiment: Experiment, record: RunRecord, data: TableDataModule, mirror: Mirror
) -> tuple[Table, Facts]:
    sampling = time.perf_counter()
    rng = numpy_stream(experiment.seed, "sampling")
    table = draw_marginals(data.split.train, data.data.mask, data.n_synthetic, rng)
    return table, {"sample_s": time.perf_counter() - sampling, "device": device_name("cpu"), "n_evaluations": 0.0}


def _learns_holes(experiment: Experiment, data: TableDataModule) -> bool:
    """Whether the model draws rows together with holes that are unknown values."""
    return experiment.learner == "diffusion" and any(not of.is_structural for of in data.data.encoder.holes.values())


def _more_rows(
    experiment: Experiment, record: RunRecord, data: TableDataModule, n_rows: int, with_holes: bool = False
) -> Table:
    """Draw rows of the finished training; complete ones begin with those of ``synthetic.parquet``."""
    if experiment.learner == "marginals":
        rng = numpy_stream(experiment.seed, "sampling")
        return draw_marginals(data.split.train, data.data.mask, n_rows, rng)
    file = record.path / "checkpoints" / LAST
    module = load_model(read_checkpoint(file), file, experiment.recipe)
    keeper = _keeper(data)
    blocks = drawn_blocks(module, range(n_blocks(n_rows, None)), experiment.seed, None, with_holes, keeper)
    return _completed(data.data.encoder.backward(torch.cat(list(blocks))[:n_rows]), keeper)


def _train_and_draw(
    experiment: Experiment, record: RunRecord, data: TableDataModule, mirror: Mirror
) -> tuple[Table, Facts]:
    stored = stored_table(data.split, data.data.mask, experiment.seed)
    keeping = Keeping(record.path, record.settings, stored, record.force)
    training = Training(experiment.recipe, data, keeping, on_epoch=mirror.epoch)
    training.fit()
    sampling = time.perf_counter()
    training.module.keeper = keeper = _keeper(data)
    x, n_evaluations = training.draw()
    return _completed(data.data.encoder.backward(x), keeper), {
        "sample_s": time.perf_counter() - sampling,
        "device": device_name(training.device.type),
        "n_evaluations": n_evaluations,
    }


def _keeper(data: TableDataModule) -> Keeper | None:
    """What keeps the rules of the table, learned from the cells that are trained on."""
    return trained_layout(data.split, data.data.mask).keeper()


def _completed(table: Table, keeper: Keeper | None) -> Table:
    return table if keeper is None else Table(keeper.completed(table.frame), table.schema)


def _note_number(experiment: Experiment, data: TableDataModule) -> list[str]:
    n_rows = data.split.train.n_rows
    if experiment.n_synthetic or data.n_synthetic == n_rows:
        return []
    return [
        f"{data.n_synthetic:,} rows will be drawn, not the {n_rows:,} trained on: n_synthetic={n_rows} draws as many, "
        "and python -m src.sample run=DIR any number afterwards"
    ]


def _note_length(experiment: Experiment, data: TableDataModule) -> list[str]:
    if experiment.learner != "diffusion":
        return []
    recipe = experiment.recipe.for_table(data)
    return recipe.training.notes(data.steps_per_epoch(recipe.trainer.n_processes))


def _note_structural(data: TableDataModule) -> list[str]:
    structural = [column.name for column in data.split.train.schema.columns if column.structural]
    if not structural or data.data.encoder.holes:
        return []
    return [
        f"synthetic rows have a value in every cell of {listed(map(repr, structural))}, also where it does not apply: "
        "only diffusion=absorbing keeps structural holes"
    ]


def _warnings(data: TableDataModule) -> list[str]:
    """What a reader of the scores must know about the table that was trained on."""
    n_used, n_train = data.data.n_used, data.split.train.n_rows
    if n_used >= max(FEW_ROWS, FEW_SHARE * n_train):
        return []
    left = (
        f"{n_used} training rows" if n_used == n_train else f"{n_used} of {n_train} training rows are left to train on"
    )
    return [f"only {left}; expect a poor model"]


def mirror_of(record: RunRecord, logger: CsvLogger | WandbLogger) -> Mirror:
    """The run's mirror, of rank 0 alone."""
    if not is_rank_zero():
        return Mirror()
    return open_mirror(logger, record.path, record.group, record.method, record.settings, record.variant)
