"""Fill the holes of the user's file: read it, learn from it, write it again with nothing else changed."""

import signal
import time
from pathlib import Path

import numpy as np
import pandas as pd

from src.config.impute import Fill, ImputeRequest
from src.config.sample import checkpoint_of
from src.errors import InterruptedRunError, MissDiffError
from src.imputation import DiffusionImputer
from src.models import Keeping
from src.results.record.files import write_whole
from src.runs.blocks import device_of
from src.runs.draw import load_model
from src.runs.score_imputer import finish_run, fit_imputer, imputations_of, started_run
from src.runs.synthetic import stored_table
from src.seeding import numpy_stream
from src.system.quoting import command
from src.tables import Split, Table
from src.tables.columns.kinds import listed
from src.tables.files.filling import HoledFile, open_holed
from src.tables.files.layout import Layout
from src.tables.files.understanding import Columns
from src.tables.imputations import Imputations, draws_for
from src.training.fit import check_devices, is_rank_zero

BOUNDS = ("row", "column", "value", "lower", "upper", "probability")


def fill(request: ImputeRequest, asked: Fill) -> None:
    """Fill the holes of ``dataset.path`` and say what was done.

    Raises:
        MissDiffError: the file cannot be used, the model does not fit it, or the work was interrupted.
    """
    started = time.perf_counter()
    check_devices(request.config.trainer)
    source = Path(str(request.dataset.path))
    columns = _columns(request, asked)
    layout = columns.layout
    table = layout.table(columns.frame, layout.schema(columns.target), str(source))
    holed = open_holed(source, layout, columns.frame)
    n_draws, more = _n_draws(request, asked)
    notes = (*columns.reading_notes, *_not_filled(columns), *more)
    if is_rank_zero():
        for note in notes:
            print(f"note: {note}")
    if holed.holes and asked.run is None:
        _fit(request, Split(table, table, layout, notes=notes), started)
    if not is_rank_zero():
        return
    wanted = asked.n_imputations
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    imputing = time.perf_counter()
    try:
        found = imputations_of(request.imputer, table, n_draws) if holed.holes else Imputations(table, {})
        seconds = time.perf_counter() - imputing
        for number, out in enumerate(asked.tables):
            which = asked.estimate if wanted is None else number
            holed.write(out, _fills(found, which), _rng(request, number))
        if asked.intervals is not None:
            bounds = _bounds(holed, found, asked.intervals, asked.estimate, _rng(request, 0))
            write_whole(asked.bounds, lambda partial: bounds.to_csv(partial, index=False))
    except KeyboardInterrupt as error:
        kept = "; the trained model is kept, the same command goes on from it" if _trains(request, asked) else ""
        raise InterruptedRunError(f"stopped while filling{kept}") from error
    except OSError as error:
        raise MissDiffError(f"{asked.out} cannot be written: {error.strerror or error}") from error
    print(_summary(request, asked, table, holed, seconds))


def _n_draws(request: ImputeRequest, asked: Fill) -> tuple[int, list[str]]:
    """Draws for each hole, and a note where they are more than asked for.

    As many as tables, and where best values or bounds are wanted as many as these need.
    """
    n_draws = asked.n_imputations or 1
    if request.imputer.draws_differ and asked.n_imputations is None:
        n_draws = request.evaluation.n_draws
    if asked.intervals is None:
        return n_draws, []
    needed = draws_for(asked.intervals)
    more = [f"intervals={asked.intervals:g} needs {needed} draws for each hole, so many are made"]
    return max(n_draws, request.evaluation.n_draws, needed), more if needed > request.evaluation.n_draws else []


def _columns(request: ImputeRequest, asked: Fill) -> Columns:
    """What the columns of the file are: found in it, or as the model of a run learned them."""
    if asked.run is None:
        return request.dataset.understand()
    model = load_model(checkpoint_of(Path(asked.run)))
    assert isinstance(request.imputer, DiffusionImputer), "checked with the request"
    request.imputer.use_module(model.module.to(device_of(request.config.trainer.accelerator, 0, 1)))
    return request.dataset.understand_as(model.layout)


def _fit(request: ImputeRequest, split: Split, started: float) -> None:
    """Fit on all rows of the file; what trains a model keeps it in a run folder."""
    if not isinstance(request.imputer, DiffusionImputer):
        if is_rank_zero():
            fit_imputer(request.imputer, split.train)
        return
    with started_run(request) as (config, folder):
        stored = stored_table(split, split.train.observed, config.general.seed)
        request.imputer.recipe = config.recipe
        request.imputer.keeping = Keeping(folder.path, config.identity, stored, config.general.force)
        fitting = time.perf_counter()
        fit_imputer(request.imputer, split.train)
        if is_rank_zero() and not folder.done:
            finish_run(
                request, config, folder, split, started, {"train_s": time.perf_counter() - fitting}, notes=split.notes
            )


def _trains(request: ImputeRequest, asked: Fill) -> bool:
    return asked.run is None and isinstance(request.imputer, DiffusionImputer)


def _not_filled(columns: Columns) -> list[str]:
    """Which holes stay, and why."""
    notes = []
    for kind, why in (
        ("id", "nearly every row has a value of its own (kind category or integer learns the column)"),
        ("empty", "the column has no value"),
        ("drop", "the column is left out"),
    ):
        names = [
            form.name
            for form in columns.layout.forms
            if form.kind == kind and form.name in columns.frame and columns.frame[form.name].isna().any()
        ]
        if names:
            notes.append(f"not filled: {listed(map(repr, names))}: {why}")
    return notes


def _fills(found: Imputations, which: int | str) -> dict[str, np.ndarray]:
    """Canonical values of all holes by column: of one draw, or the best ones."""
    return {name: found.cells(name, which) for name in found.draws}


def _rng(request: ImputeRequest, number: int) -> np.random.Generator:
    return numpy_stream(request.config.general.seed, "writing", number)


def _bounds(
    holed: HoledFile, found: Imputations, level: float, estimate: str, rng: np.random.Generator
) -> pd.DataFrame:
    """A line for every filled number, and for every category that a draw gave a filled cell.

    Columns: ``row`` of the file, from 1; ``column``; ``value``, the best number or the category; ``lower`` and
    ``upper`` bounds of a number; ``probability`` of a category, the most probable first.
    """
    layout, schema = holed.layout, found.table.schema
    parts = []
    for i, name in enumerate(found.draws):
        rows = found.holes(name)
        if schema[name].kind == "numerical":
            lower, upper = found.interval(name, level)
            if schema[name].integer:
                lower, upper = np.ceil(lower), np.floor(upper)
            part = {
                "value": _written(layout, name, found.cells(name, estimate), rng),
                "lower": _written(layout, name, lower, rng),
                "upper": _written(layout, name, upper, rng),
                "probability": np.full(len(rows), np.nan),
            }
            order = np.zeros(len(rows))
        else:
            probabilities = found.probabilities(name)
            cell, code = np.nonzero(probabilities)
            rows, share = rows[cell], probabilities[cell, code]
            texts = np.array([_category(layout, name, value) for value in schema[name].categories], dtype=object)
            none = np.full(len(rows), "", dtype=object)
            part = {"value": texts[code], "lower": none, "upper": none, "probability": share}
            order = -share
        parts.append(pd.DataFrame({"row": rows + 1, "column": name, **part, "_column": i, "_order": order}))
    if not parts:
        return pd.DataFrame(columns=list(BOUNDS))
    joined = pd.concat(parts, ignore_index=True)
    return joined.sort_values(["row", "_column", "_order"], kind="stable", ignore_index=True)[list(BOUNDS)]


def _written(layout: Layout, name: str, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    cells = layout[name].write(pd.Series(values, name=name), 0, len(values), rng, for_text_file=True)
    return np.asarray(cells, dtype=object)


def _category(layout: Layout, name: str, value: object) -> str:
    form = layout[name]
    if value not in form.values:  # the rare values together
        return str(value)
    return str(form.cells.write(pd.Series([value], dtype=float if form.cells.is_number else object), True).iloc[0])


def _summary(request: ImputeRequest, asked: Fill, table: Table, holed: HoledFile, seconds: float) -> str:
    n_holes = sum(len(rows) for rows in holed.holes.values())
    share = n_holes / (table.n_rows * max(table.n_columns, 1))
    listed_columns = [f"  {name}  {len(rows):,}" for name, rows in holed.holes.items()]
    lines = [
        f"{n_holes:,} holes filled ({share:.1%} of the cells of the learned columns of {table.n_rows:,} rows):",
        *listed_columns,
        f"imputed in {seconds:.0f} s",
        f"written to  {', '.join(map(str, asked.tables))}",
    ]
    if asked.intervals is not None:
        lines.append(f"intervals   {asked.bounds}")
    if _trains(request, asked):
        folder = request.folder
        other = command("impute", run=str(folder), dataset="table") + " dataset.path=FILE out=FILE"
        lines.append(f"model       {folder} ({other} fills other files)")
    if not n_holes:
        lines[0] = "no hole in a learned column; the file is written as it is"
    return "\n".join(lines)
