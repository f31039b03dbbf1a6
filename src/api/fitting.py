"""Train the model of an estimator on a frame."""

import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from src.completion import COMPLETIONS
from src.config.run import Config
from src.models import Keeping, Training
from src.runs.synthetic import stored_table
from src.tables import Split
from src.tables.reading import frames
from src.tables.reading.frame_types import types_of
from src.tables.reading.understanding import Rules
from src.training import LAST
from src.training.checkpoint import read_checkpoint, without_training
from src.training.module import CHECKPOINT_KEY

ESTIMATOR_KEY = "estimator"
TYPES_KEY = "frame_types"


def trained(frame: pd.DataFrame, config: Config, parameters: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    """Train on a frame; return the checkpoint of the model.

    Arguments:
        frame: (N, d).
        config: of the estimator.
        parameters: of the estimator.
        rules: by which the frame is read.

    Raises:
        ConfigError: a parameter is wrong.
        TableError: a column cannot be used; names it and the row.
    """
    plain = frames.plain_parameters(parameters)
    frames.check_frame(frame)
    types = types_of(frame, [str(name) for name in parameters["exclude"]])
    columns = frames.understood(frame, frames.chosen(frame, parameters), rules)
    table = columns.layout.table(columns.frame, columns.layout.schema(columns.target), "the frame")
    split = Split(table, table, columns.layout)
    recipe, seed = config.recipe, config.general.seed
    data = recipe.data(split, config.missing, COMPLETIONS["keep"], table.n_rows, seed)
    with tempfile.TemporaryDirectory() as folder:
        stored = stored_table(split, data.data.mask, seed)
        Training(recipe, data, Keeping(Path(folder), config.identity, stored)).fit()
        checkpoint = read_checkpoint(Path(folder) / "checkpoints" / LAST)
    stored = {
        **checkpoint[CHECKPOINT_KEY],
        ESTIMATOR_KEY: plain,
        TYPES_KEY: frames.plain(asdict(types)),
        "n_rows": table.n_rows,
        "columns": [asdict(summary) for summary in columns.summaries],
        "notes": list(columns.notes),
    }
    return without_training(checkpoint, stored)
