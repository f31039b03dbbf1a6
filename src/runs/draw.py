"""Draw rows from a trained model in constant memory; chunks and devices do not change the rows.

Rows are drawn in blocks of one size, each from a random stream of its own and always in full, so
that the first hundred rows are the same in a table of a hundred and in one of a million. With the seed of
the run, they are the rows of its ``synthetic.parquet``.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from src.diffusion import KnownCoordinates
from src.errors import ConfigError, TableError
from src.runs.blocks import Blocks, block_rows, drawn_blocks, n_blocks
from src.runs.synthetic import chunk_rng, stored_masks
from src.tables import Schema, Table
from src.tables.columns.kinds import check_names
from src.tables.files.layout import Layout, layout_of_schema, with_ranges
from src.tables.files.writing import Rows
from src.tables.rules.keeper import Keeper
from src.training.module import CHECKPOINT_KEY, MissDiffModule

ENOUGH_ROWS = 50
"""Rows with a value from which on what goes with it is learned about as well as the rest."""
OnRows = Callable[[int], object]


@dataclass(frozen=True)
class Model:
    """What a checkpoint holds.

    Attributes:
        module: the network.
        layout: of the file it was trained on.
        masks: (n, d) bool masks of training rows, True = observed; None in checkpoints of earlier versions.
        config: settings it was trained with.
    """

    module: MissDiffModule
    layout: Layout
    masks: np.ndarray | None
    config: dict[str, Any]

    def keeper(self, fixed: "Fixed | None" = None) -> Keeper | None:
        """What keeps the rules between columns; None if there are none."""
        return self.layout.keeper(None if fixed is None else fixed.values)

    @property
    def schema(self) -> Schema:
        """Schema of the learned columns."""
        return self.module.encoder.schema


@dataclass(frozen=True)
class Fixed:
    """Columns that every row has in common: canonical values by name, and the coordinates they stand for."""

    values: dict[str, Any]
    given: KnownCoordinates


def model_of(module: MissDiffModule, checkpoint: Mapping[str, Any]) -> Model:
    """The module of a checkpoint, with what else the checkpoint holds."""
    stored, schema = checkpoint[CHECKPOINT_KEY], module.encoder.schema
    layout = Layout.from_dict(stored["layout"]) if "layout" in stored else layout_of_schema(schema)
    layout = with_ranges(layout, {block.name: block.knots for block in module.encoder.blocks if block.knots})
    masks = stored_masks(stored["masks"].numpy(), len(schema.columns)) if "masks" in stored else None
    return Model(module, layout, masks, stored["config"])


def fix(model: Model, values: Mapping[str, Any], n_repeats: int) -> Fixed | None:
    """Columns to fix, None if there are none.

    Raises:
        ConfigError: there is no such column.
        TableError: the column is not learned, or was never seen with such a value.
    """
    if not values:
        return None
    check_names("where", values, model.layout.names)
    means = {name: model.layout[name].value_of(value) for name, value in values.items()}
    schema, encoder = model.schema, model.module.encoder
    row = pd.DataFrame({name: pd.Series([np.nan], dtype=object) for name in schema.names})
    for name, value in means.items():
        row[name] = model.layout[name].learned_as(pd.Series([value], dtype=object))
    mask = np.array([[name in means for name in schema.names]])
    x, coordinates = encoder.forward(Table(row, schema), mask)
    coordinates[:, ~mask[0, encoder.columns.numpy()]] = False  # nothing is said of them, not that they are missing
    for block in encoder.blocks:
        if block.name in means and not coordinates[0, block.start : block.stop].all():
            raise TableError(f"where: column {block.name!r} never has {values[block.name]!r} in the training rows")
    return Fixed(means, KnownCoordinates(x[0], coordinates[0], n_repeats))


def note_on_few_rows(model: Model, values: Mapping[str, Any]) -> str | None:
    """Say that few rows of the table have a value that rows are drawn for; None if enough have it."""
    forms = {name: model.layout[name] for name in values}
    counts = {name: form.n_cells(form.value_of(values[name])) for name, form in forms.items()}
    known = {name: count for name, count in counts.items() if count is not None}
    if not known or min(known.values()) >= ENOUGH_ROWS:
        return None
    name = min(known, key=lambda name: known[name])
    return (
        f"where: rows of the table with {name} = {values[name]!r}: {known[name]:,}; what goes with it is learned from "
        "these alone, so it is uncertain"
    )


def draw_rows(
    model: Model,
    n_rows: int,
    seed: int,
    fixed: Fixed | None = None,
    with_holes: bool = False,
    blocks: Blocks | None = None,
) -> Iterator[tuple[pd.DataFrame, np.random.Generator]]:
    """Canonical rows block by block, each with the stream that its rare values are drawn from.

    Arguments:
        model: to draw from.
        n_rows: rows in all.
        seed: of the rows.
        fixed: columns to fix.
        with_holes: whether rows have holes: drawn with the row where the model has learned them, else those of training
            rows; fixed columns never do.
        blocks: coordinates of the blocks in order; None = drawn here.

    Raises:
        ConfigError: the model has no masks of training rows.
        TableError: the fixed columns break a rule between them.
        MissDiffError: a rule cannot be kept.
    """
    learned = with_holes and any(not holes.is_structural for holes in model.module.encoder.holes.values())
    if with_holes and not learned and model.masks is None:
        raise ConfigError(
            "the model is one of an earlier version, which kept no masks: holes=like_training needs a new run"
        )
    given, keeper = None if fixed is None else fixed.given, model.keeper(fixed)
    if keeper is not None:
        keeper.check_fixed()
    blocks = blocks or drawn_blocks(model.module, range(n_blocks(n_rows, given)), seed, given, learned, keeper)
    masks = model.masks if with_holes and not learned else None
    return _rows(model, blocks, n_rows, seed, fixed, masks)


def _rows(
    model: Model, blocks: Blocks, n_rows: int, seed: int, fixed: Fixed | None, masks: np.ndarray | None
) -> Iterator[tuple[pd.DataFrame, np.random.Generator]]:
    size, keeper = block_rows(None if fixed is None else fixed.given), model.keeper(fixed)
    structural = [column.name for column in model.schema.columns if column.structural]
    for number, x in enumerate(blocks):
        rng = chunk_rng(seed, number)
        frame = model.module.encoder.backward(x[: n_rows - number * size]).frame
        if fixed is not None:
            for name, value in fixed.values.items():
                frame[name] = model.layout[name].fixed_cells(value, len(frame))
        if keeper is not None:
            frame = keeper.completed(frame)
        if masks is not None:
            holes = ~masks[rng.integers(len(masks), size=len(frame))]
            for name in (*(fixed.values if fixed else ()), *structural):
                holes[:, frame.columns.get_loc(name)] = False
            frame = frame.mask(holes)
        yield frame, rng


def write_rows(rows: Rows, drawn: Iterator[tuple[pd.DataFrame, np.random.Generator]], on: OnRows) -> None:
    """Hand the blocks on to a file."""
    for frame, rng in drawn:
        rows.add(frame, rng)
        on(len(frame))
