"""``python -m src.sample``: rows from a finished run, as many as you like, in constant memory.

See ``python -m src.sample --help``. Heavy imports wait until there is work, so that help and refusals are quick.
"""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from src.errors import ConfigError, InterruptedRunError, MissDiffError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from src.config.sample import SampleRequest
    from src.runs.blocks import Blocks
    from src.runs.draw import Fixed, Model


def check(cfg: DictConfig, local_sweep: bool) -> None:
    """Refuse a bad request; see :func:`src.config.sample.build_sample_request`."""
    from src.config.sample import build_sample_request

    build_sample_request(cfg)
    if local_sweep:
        raise ConfigError("--multirun would write all rows to one file; say one command for each out=FILE")


def job(cfg: DictConfig) -> None:
    """Draw rows, write them to a file, print how long it took."""
    from src.config.recorded import load_model
    from src.config.sample import build_sample_request
    from src.results.record.provenance import peak_memory_mb
    from src.runs.draw import draw_rows, fix, note_on_few_rows

    request = build_sample_request(cfg)
    model = load_model(request.checkpoint, request.n_steps)
    request.refuse_data(model.config)
    fixed = fix(model, request.fixed, request.repeats)
    if (note := note_on_few_rows(model, request.fixed)) is not None:
        print(f"note: {note}")
    blocks = blocks_of_processes(request, model, fixed)
    drawn = draw_rows(model, request.n_rows, request.seed, fixed, request.holes == "like_training", blocks)
    start = time.perf_counter()
    write(drawn, request, model)
    seconds = time.perf_counter() - start
    print(
        f"written to {request.out}: {request.n_rows:,} rows, {len(model.layout.names)} columns\n"
        f"{seconds:.0f} s, {request.n_rows / seconds:,.0f} rows a second, peak memory {peak_memory_mb():.0f} MiB"
    )


def blocks_of_processes(request: "SampleRequest", model: "Model", fixed: "Fixed | None") -> "Blocks | None":
    """Coordinates drawn by several processes, a device each; None where this process draws them, on its device.

    Raises:
        ConfigError: there are fewer devices than the request names.
    """
    from src.config.recorded import load_module
    from src.runs.blocks import Work, blocks_of_devices, device_of

    last_device = device_of(request.accelerator, request.devices - 1, request.devices)
    if request.devices == 1:
        model.module.to(last_device)
        return None
    load = partial(load_module, request.checkpoint, request.n_steps)
    coordinates = fixed.given if fixed else None
    return blocks_of_devices(
        Work(
            load,
            request.n_rows,
            request.seed,
            coordinates,
            request.accelerator,
            request.devices,
            request.holes == "like_training",
            model.keeper(fixed),
        )
    )


def write(
    drawn: "Iterator[tuple[pd.DataFrame, np.random.Generator]]", request: "SampleRequest", model: "Model"
) -> None:
    """Write rows as they are drawn; the file is written whole, or stays as it was.

    Raises:
        InterruptedRunError: Ctrl-C or a termination signal.
        MissDiffError: the file cannot be written.
    """
    from src.runs.draw import write_rows
    from src.tables.files.writing import table_writer
    from src.training.callbacks import progress_bar

    out, layout = Path(str(request.out)), model.layout.with_formulas(request.formulas)
    try:
        with (
            progress_bar(request.n_rows, "sampling", "row") as bar,
            table_writer(out, layout, request.chunk_rows) as rows,
        ):
            write_rows(rows, drawn, bar.update)
    except KeyboardInterrupt as error:
        raise InterruptedRunError(f"stopped; {out} is as it was before") from error
    except OSError as error:
        raise MissDiffError(f"{out} cannot be written: {error.strerror or error}; it is as it was before") from error
