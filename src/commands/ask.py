"""``python -m src.ask``: how probable rows are, and how a cell is distributed given the others of its row.

See ``python -m src.ask --help``. Heavy imports wait until there is work, so that help and refusals are quick.
"""

from typing import TYPE_CHECKING

from omegaconf import DictConfig

from src.errors import ConfigError, InterruptedRunError

if TYPE_CHECKING:
    import pandas as pd

    from src.config.requests import AskRequest
    from src.runs.draw import Model


def check(cfg: DictConfig, local_sweep: bool) -> None:
    """Refuse a bad request; see :func:`src.config.requests.build_ask_request`."""
    from src.config.requests import build_ask_request

    build_ask_request(cfg)
    if local_sweep:
        raise ConfigError("--multirun would write all answers to one file; say one command for each out=FILE")


def job(cfg: DictConfig) -> None:
    """Answer, write the answers to a file, print a summary."""
    from src.config.recorded import load_model
    from src.config.requests import build_ask_request
    from src.questions import refuse_others

    request = build_ask_request(cfg)
    model, column = load_model(request.checkpoint, answers=True), request.keys.column
    refuse_others(model.module)
    if column is not None and column not in model.schema.names:
        raise ConfigError(f"column is one of {', '.join(model.schema.names)}, got {column!r}")
    try:
        answers, summary = _answers(request, model)
    except KeyboardInterrupt as error:
        raise InterruptedRunError(f"stopped; {request.out} is as it was before") from error
    _write(answers, request)
    print(f"{summary}\nwritten to {request.out}: {len(answers):,} rows, {answers.shape[1]} columns")


def _answers(request: "AskRequest", model: "Model") -> "tuple[pd.DataFrame, str]":
    """Answers by row (data rows from 1), and a sentence about them."""
    import numpy as np
    import pandas as pd

    from src.questions import distribution, labelled, log_probabilities
    from src.training.callbacks import progress_bar

    keys = request.keys
    columns = request.table.understand_as(model.layout, keys.column)
    for note in columns.notes:
        print(f"note: {note}")
    table = columns.layout.table(columns.frame, columns.layout.schema(None), str(request.table.path))
    rows = pd.RangeIndex(1, table.n_rows + 1, name="row")
    with progress_bar(table.n_rows, "asking", "row") as bar:
        if keys.column is None:
            bits = log_probabilities(model.module, table, keys.seed, keys.n_orders, bar.update)
        else:
            found = distribution(model.module, table, keys.column, bar.update)
    if keys.column is not None:
        answers = labelled(found, model.layout[keys.column], rows)
        answers.columns = pd.Index(["missing" if label is np.nan else str(label) for label in answers.columns])
        return answers.reset_index(), f"probabilities of {keys.column!r} given the other cells of each row"
    is_possible = np.isfinite(bits)
    mean = f"{-bits[is_possible].mean():.3f} bits a row on average" if is_possible.any() else "no row is possible"
    odd = f"; {int((~is_possible).sum()):,} rows are impossible: a category that no training row has"
    return pd.DataFrame({"log2_p": bits}, index=rows).reset_index(), mean + ("" if is_possible.all() else odd)


def _write(answers: "pd.DataFrame", request: "AskRequest") -> None:
    from src.results.record.files import write_whole

    if request.out.name.lower().endswith(".parquet"):
        write_whole(request.out, lambda partial: answers.to_parquet(partial, index=False))
    else:
        write_whole(request.out, lambda partial: answers.to_csv(partial, index=False))
