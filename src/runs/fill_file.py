"""Fill the holes of the user's file: read it, learn from it, write it again with nothing else changed."""

import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from src.errors import InterruptedRunError, MissDiffError
from src.imputation import DiffusionImputer, Imputer
from src.imputation.diffusion import MissDiffImputer
from src.metrics.base.settings import ImputationEvaluation
from src.models import Experiment
from src.results.record.files import write_whole
from src.results.record.run_record import RunRecord
from src.runs.blocks import device_of
from src.runs.draw import Model
from src.runs.requests import Fill
from src.runs.score_imputer import finish_run, fit_imputer, imputations_of, prepare_imputer, started_run
from src.runs.synthetic import stored_table
from src.seeding import numpy_stream
from src.system.quoting import command
from src.tables import OwnTable, Split, Table
from src.tables.columns.forms import Form
from src.tables.columns.kinds import listed
from src.tables.files.filling import HoledFile, open_holed
from src.tables.files.layout import Layout
from src.tables.imputations import Imputations, draws_for
from src.tables.reading.doubts import notes_left, rows_left
from src.tables.reading.understanding import Columns
from src.tables.rules.estimates import kept_cells, unkept_notes
from src.training.fit import check_devices, is_rank_zero

LEAST_PROBABILITY = 0.01
"""Categories that are less probable have no line in the file of intervals, unless they are the best."""
BOUNDS = ("row", "column", "value", "lower", "upper", "probability")


def fill_file(
    fill: Fill,
    imputer: Imputer,
    evaluation: ImputationEvaluation,
    experiment: Experiment,
    record: RunRecord,
    model: Model | None = None,
) -> None:
    """Fill the holes of the file of the experiment's dataset and say what was done.

    Arguments:
        fill: which files are written, by which estimate.
        imputer: not fitted.
        evaluation: gives the draws that an estimate is taken from.
        experiment: its dataset is the file, its recipe that of a model to train.
        record: of the run that keeps a trained model.
        model: of an earlier run, which fills the file; None = ``imputer`` is fitted on the file.

    Raises:
        MissDiffError: the file cannot be used, the model does not fit it, or the work was interrupted.
    """
    started = time.perf_counter()
    trains = model is None and isinstance(imputer, DiffusionImputer)
    check_devices(experiment.recipe.trainer)
    dataset = experiment.dataset
    assert isinstance(dataset, OwnTable), "checked with the request"
    source = Path(str(dataset.path))
    columns = _columns(model, imputer, dataset, experiment.recipe.trainer.accelerator)
    layout = columns.layout
    table = layout.table(columns.frame, layout.schema(columns.target), str(source))
    holed = open_holed(source, layout, columns.frame, rows_left(columns.doubts))
    diffusion = experiment.recipe.diffusion if model is None else model.module.diffusion
    draws = not isinstance(imputer, MissDiffImputer) or diffusion.is_continuous
    n_draws, more = _n_draws(fill, evaluation, draws)
    keeper = layout.keeper() if isinstance(imputer, DiffusionImputer) else None
    of_rules = unkept_notes(table, layout.rules, keeper)
    notes = (*columns.reading_notes, *notes_left(columns.doubts), *_not_filled(columns), *more, *of_rules)
    if is_rank_zero():
        for note in notes:
            print(f"note: {note}")
    if holed.holes and model is None:
        _fit(imputer, experiment, record, Split(table, table, layout, notes=notes), started)
    if not is_rank_zero():
        return
    wanted = fill.n_imputations
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    imputing = time.perf_counter()
    try:
        imputations = imputations_of(imputer, table, n_draws, wanted or 0) if holed.holes else Imputations(table, {})
        seconds = time.perf_counter() - imputing
        for number, out in enumerate(fill.tables):
            which = fill.estimate if wanted is None else number
            cells = kept_cells(imputations, which, keeper)
            holed.write(out, _fills(holed, imputations, cells), _rng(experiment.seed, number))
        if fill.intervals is not None:
            best = kept_cells(imputations, fill.estimate, keeper)
            bounds = _bounds(holed, imputations, fill.intervals, best, _rng(experiment.seed, 0))
            write_whole(fill.bounds, lambda partial: bounds.to_csv(partial, index=False))
    except KeyboardInterrupt as error:
        note = "; the trained model is kept, the same command goes on from it" if trains else ""
        raise InterruptedRunError(f"stopped while filling{note}") from error
    except OSError as error:
        raise MissDiffError(f"{fill.out} cannot be written: {error.strerror or error}") from error
    for note in imputer.notes_on_rules() if isinstance(imputer, DiffusionImputer) else []:
        print(f"note: {note}")
    print(_summary(fill, table, holed, seconds, record.path if trains else None))


def _n_draws(fill: Fill, evaluation: ImputationEvaluation, draws: bool) -> tuple[int | None, list[str]]:
    """Draws that best values and bounds are taken from, None if neither is wanted; a note where they are more than set.

    Arguments:
        fill: what is wanted.
        evaluation: number of draws.
        draws: whether best values and bounds are taken from draws; otherwise the distributions are known.
    """
    if fill.intervals is None:
        return (evaluation.n_draws if fill.n_imputations is None else None), []
    needed = draws_for(fill.intervals)
    if not draws or needed <= evaluation.n_draws:
        return evaluation.n_draws, []
    return needed, [f"intervals={fill.intervals:g} needs {needed} draws for each hole, so many are made"]


def _columns(model: Model | None, imputer: Imputer, dataset: OwnTable, accelerator: str) -> Columns:
    """What the columns of the file are: imputations in it, or as the model of a run learned them."""
    if model is None:
        return dataset.understand()
    assert isinstance(imputer, DiffusionImputer), "checked with the request"
    imputer.use_module(model.module.to(device_of(accelerator, 0, 1)))
    imputer.keeper = model.layout.keeper()
    return dataset.understand_as(model.layout)


def _fit(imputer: Imputer, experiment: Experiment, record: RunRecord, split: Split, started: float) -> None:
    """Fit on all rows of the file; what trains a model keeps it in a run folder."""
    if not isinstance(imputer, DiffusionImputer):
        if is_rank_zero():
            fit_imputer(imputer, split.train)
        return
    with started_run(record) as folder:
        prepare_imputer(imputer, experiment, record, stored_table(split, split.train.observed, experiment.seed))
        fitting = time.perf_counter()
        fit_imputer(imputer, split.train)
        if is_rank_zero() and not folder.done:
            times = {"train_s": time.perf_counter() - fitting}
            finish_run(imputer, record, split, started, times, notes=split.notes)


def _not_filled(columns: Columns) -> list[str]:
    """Which holes stay, and why."""
    forms, frame = columns.layout.forms, columns.frame
    holed = [form for form in forms if form.name in frame and frame[form.name].isna().any()]
    structural = [form.name for form in holed if form.structural]
    notes = []
    for names, why in (
        (_of_kind("id", holed), "nearly every row has a value of its own (kind category or integer learns the column)"),
        (_of_kind("empty", holed), "the column has no value"),
        (_of_kind("drop", holed), "the column is left out"),
        (structural, "the column does not apply there (structural)"),
    ):
        if names:
            notes.append(f"not filled: {listed(map(repr, names))}: {why}")
    return notes


def _of_kind(kind: str, forms: Sequence[Form]) -> list[str]:
    """Names of the columns of a kind."""
    return [form.name for form in forms if form.kind == kind]


def _fills(holed: HoledFile, imputations: Imputations, cells: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Canonical values of the holes that are filled by column, from those of all holes of the table."""
    return {name: cells[name][np.isin(imputations.holes(name), rows)] for name, rows in holed.holes.items()}


def _rng(seed: int, number: int) -> np.random.Generator:
    return numpy_stream(seed, "writing", number)


def _bounds(
    holed: HoledFile,
    imputations: Imputations,
    level: float,
    best: Mapping[str, np.ndarray],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """A line for every filled number, and for every category of a filled cell but improbable ones.

    Columns: ``row`` of the file, from 1; ``column``; ``value``, the best number or the category; ``lower`` and
    ``upper`` bounds of a number; ``probability`` of a category, the most probable first.
    """
    layout, schema = holed.layout, imputations.table.schema
    parts = []
    for i, name in enumerate(imputations.draws):
        rows = imputations.holes(name)
        if schema[name].kind == "numerical":
            lower, upper = imputations.interval(name, level)
            if schema[name].integer:
                lower, upper = np.ceil(lower), np.floor(upper)
            part = {
                "value": _written(layout, name, best[name], rng),
                "lower": _written(layout, name, lower, rng),
                "upper": _written(layout, name, upper, rng),
                "probability": np.full(len(rows), np.nan),
            }
            order = np.zeros(len(rows))
        else:
            probabilities = imputations.probabilities(name)
            is_best = probabilities == probabilities.max(axis=1, keepdims=True)
            cell, code = np.nonzero(is_best | (probabilities >= LEAST_PROBABILITY))
            rows, share = rows[cell], probabilities[cell, code].round(4)
            texts = np.array([_category(layout, name, value) for value in schema[name].categories], dtype=object)
            none = np.full(len(rows), "", dtype=object)
            part = {"value": texts[code], "lower": none, "upper": none, "probability": share}
            order = -share
        lines = pd.DataFrame({"row": rows + 1, "column": name, **part, "_column": i, "_order": order})
        parts.append(lines[np.isin(rows, holed.holes.get(name, ()))])
    if not parts:
        return pd.DataFrame(columns=list(BOUNDS))
    joined = pd.concat(parts, ignore_index=True)
    return joined.sort_values(["row", "_column", "_order"], kind="stable", ignore_index=True)[list(BOUNDS)]


def _written(layout: Layout, name: str, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    cells = layout.for_fills(name, values).write(pd.Series(values, name=name), 0, len(values), rng, for_text_file=True)
    return np.asarray(cells, dtype=object)


def _category(layout: Layout, name: str, value: object) -> str:
    form = layout[name]
    if value not in form.values:  # the rare values together
        return str(value)
    return str(form.cells.write(pd.Series([value], dtype=float if form.cells.is_number else object), True).iloc[0])


def _summary(fill: Fill, table: Table, holed: HoledFile, seconds: float, model: Path | None) -> str:
    n_holes = sum(len(rows) for rows in holed.holes.values())
    share = n_holes / (table.n_rows * max(table.n_columns, 1))
    listed_columns = [f"  {name}  {len(rows):,}" for name, rows in holed.holes.items()]
    lines = [
        f"{n_holes:,} holes filled ({share:.1%} of the cells of the learned columns of {table.n_rows:,} rows):",
        *listed_columns,
        f"imputed in {seconds:.0f} s",
        f"written to  {', '.join(map(str, fill.tables))}",
    ]
    if fill.intervals is not None:
        lines.append(f"intervals   {fill.bounds}")
    if model is not None:
        other = command("impute", run=str(model), dataset="table") + " dataset.path=FILE out=FILE"
        lines.append(f"model       {model} ({other} fills other files)")
    if not n_holes:
        lines[0] = "no hole in a learned column; the file is written as it is"
    return "\n".join(lines)
