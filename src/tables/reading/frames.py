"""Check and understand the frames of the Python interface, and convert them to tables of a model."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from src.errors import ConfigError, TableError
from src.seeding import numpy_stream
from src.tables import Table
from src.tables.columns.choice import ColumnChoice, choices_of, refuse_contradictions, refuse_target, with_marked
from src.tables.columns.kinds import check_names
from src.tables.files.layout import Layout, with_more_categories
from src.tables.files.raw import RawFile
from src.tables.imputations import Imputations
from src.tables.reading.doubts import Doubt, notes_left, rows_left
from src.tables.reading.frame_types import FrameTypes, plain_frame
from src.tables.reading.understanding import Columns, Rules, marked_as, understand
from src.tables.rules.estimates import kept_cells
from src.tables.rules.keeper import Keeper

LISTS = ("categorical", "numerical", "ids", "exclude", "merge_spellings", "structural", "rules", "holes", "also_holes")
LEAST_ROWS = 2
KINDS = {"categorical": "category", "numerical": "numerical", "ids": "id", "exclude": "drop"}


def check_frame(frame: pd.DataFrame) -> None:
    """Check that a model can be trained on a frame.

    Raises:
        TableError: it is no DataFrame, or has too few rows.
    """
    if not isinstance(frame, pd.DataFrame):
        raise TableError(f"expected a pandas DataFrame, got {type(frame).__name__}")
    if len(frame) < LEAST_ROWS:
        raise TableError(f"the frame has {len(frame)} rows; at least {LEAST_ROWS} are needed")


def plain_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Check the parameters of the estimator that say how a frame is read; return all as values checkpoints can store.

    Raises:
        ConfigError: a list is a text, ``max_categories`` is below 2, or ``decimal`` is no decimal sign.
    """
    for key in LISTS:
        if isinstance(parameters[key], str):
            raise ConfigError(f"{key} is a list of names, got {parameters[key]!r}")
    if parameters["max_categories"] < 2:
        raise ConfigError(f"max_categories is at least 2, got {parameters['max_categories']}")
    ColumnChoice(decimal=parameters["decimal"]).check("the frame")
    return {key: plain(value) for key, value in parameters.items()}


def chosen(frame: pd.DataFrame, parameters: Mapping[str, Any]) -> dict[str, ColumnChoice]:
    """Create choices from the parameters of the estimator that name columns.

    Raises:
        ConfigError: a parameter names no column, two name the same one, or ``exclude`` names the target.
    """
    orders = {str(name): list(order) for name, order in (parameters["ordered"] or {}).items()}
    kinds = {key: [str(name) for name in parameters[key]] for key in KINDS}
    merging, structural = ([str(name) for name in parameters[key]] for key in ("merge_spellings", "structural"))
    named = {**kinds, "ordered": list(orders), "merge_spellings": merging, "structural": structural}
    for key, names in named.items():
        check_names(key, names, map(str, frame.columns))
    refuse_contradictions({**kinds, "ordered": list(orders)})
    refuse_target("exclude", kinds["exclude"], None if parameters["target"] is None else str(parameters["target"]))
    choices = choices_of({kind: kinds[key] for key, kind in KINDS.items()}, orders)
    choices = with_marked(choices, merging, structural)
    return {name: replace(choices.get(name, ColumnChoice()), decimal=parameters["decimal"]) for name in frame.columns}


def understood(frame: pd.DataFrame, choices: Mapping[str, ColumnChoice], rules: Rules) -> Columns:
    """Infer the forms of the columns of a frame.

    Raises:
        ConfigError, TableError: see :func:`src.tables.reading.understanding.understand`.
    """
    return understand(RawFile(plain_frame(frame), None), "the frame", choices, rules, [], prefix="")


def doubts_of(frame: pd.DataFrame, layout: Layout, rules: Rules) -> tuple[Doubt, ...]:
    """Find the markers of holes of a further frame that may be values, and warn of those that are not filled."""
    doubts = marked_as(plain_frame(frame), layout, {}, rules).doubts
    for note in notes_left(doubts, prefix=""):
        warnings.warn(note, stacklevel=3)
    return doubts


def with_filled(
    frame: pd.DataFrame,
    types: FrameTypes,
    layout: Layout,
    imputations: Imputations,
    which: int | str,
    seed: int,
    doubts: Sequence[Doubt] = (),
    keeper: Keeper | None = None,
) -> pd.DataFrame:
    """Fill the holes of a frame; its observed cells, dtypes and index stay as they are.

    Arguments:
        frame: the user's frame.
        types: the types of the frame that the layout is of.
        layout: the layout of its columns.
        imputations: imputations of its table.
        which: a draw or an estimate, see :meth:`Imputations.cells`.
        seed: seed of the draws of rare values.
        doubts: markers that may be values; their cells stay as they are.
        keeper: of the rules that best values keep; None = there are none.
    """
    filled, left = frame.copy(), rows_left(doubts)
    labels = {str(label): label for label in frame.columns}
    for name, best in kept_cells(imputations, which, keeper).items():
        values, rng = pd.Series(best, name=name), numpy_stream(seed, "writing", name)
        cells = layout.for_fills(name, best).write(values, 0, len(values), rng, for_text_file=False)
        cells, label = types.restored(name, cells), labels[name]
        column = filled[label].copy()
        if column.isna().all():  # its dtype says nothing of what belongs there
            column = column.astype(cells.dtype)
        rows = imputations.holes(name)
        is_filled = ~np.isin(rows, left.get(name, ()))
        column.iloc[rows[is_filled]] = cells[is_filled].astype(column.dtype).array
        filled[label] = column
    return filled


def as_tables(frames: Mapping[str, pd.DataFrame], layout: Layout, rules: Rules) -> dict[str, Table]:
    """Convert frames, by name, to tables of one schema, which has the categories of all of them.

    Raises:
        TableError: a frame is no DataFrame, has no rows, or lacks a learned column.
    """
    for name, frame in frames.items():
        if not isinstance(frame, pd.DataFrame) or frame.empty:
            raise TableError(f"expected a pandas DataFrame with rows as {name} frame, got {type(frame).__name__}")
    frames = {name: marked_as(plain_frame(frame), layout, {}, rules).frame for name, frame in frames.items()}
    for name, frame in frames.items():
        absent = [form.name for form in layout.learned if form.name not in frame.columns]
        if absent:
            raise TableError(f"the {name} frame lacks the columns {absent}")
        layout = with_more_categories(layout, frame, f"the {name} frame")
    schema = layout.schema(rules.target)
    return {name: layout.table(frame, schema, f"the {name} frame") for name, frame in frames.items()}


def plain(value: Any) -> Any:
    """Convert NumPy scalars, arrays and mappings to plain Python values, which checkpoints can store."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple | set | np.ndarray | pd.Index) else value
