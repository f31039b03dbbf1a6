"""``python -m src.sample``: rows from a finished run, as many as you like, in constant memory.

See ``python -m src.sample --help``.
"""

from omegaconf import DictConfig

from src.errors import ConfigError


def check(cfg: DictConfig, local_sweep: bool) -> None:
    """Refuse a bad request; see :func:`src.config.sample.build_sample_request`."""
    from src.config.sample import build_sample_request

    build_sample_request(cfg)
    if local_sweep:
        raise ConfigError("--multirun would write all rows to one file; say one command for each out=FILE")


def job(cfg: DictConfig) -> None:
    """Draw and write; nothing is left under the file's name unless it is whole."""
    import signal
    import time
    from functools import partial
    from pathlib import Path

    from src.config.sample import build_sample_request
    from src.errors import InterruptedRunError, MissDiffError
    from src.results.record.provenance import peak_memory_mb
    from src.runs.blocks import Work, blocks_of_devices, device_of
    from src.runs.draw import draw_rows, fix, load_model, load_module, write_rows
    from src.tables.files.writing import table_writer
    from src.training.callbacks import progress_bar

    request = build_sample_request(cfg)
    model = load_model(request.checkpoint, request.n_steps)
    out = Path(str(request.out))
    request.refuse_data(model.config)
    layout = model.layout.with_formulas(request.formulas)
    fixed = fix(model, request.fixed, request.repeats)
    last = device_of(request.accelerator, request.devices - 1, request.devices)
    blocks = None
    if request.devices == 1:
        model.module.to(last)
    else:
        load, given = partial(load_module, request.checkpoint, request.n_steps), fixed.given if fixed else None
        work = Work(load, request.n_rows, request.seed, given, request.accelerator, request.devices)
        blocks = blocks_of_devices(work)
    drawn = draw_rows(model, request.n_rows, request.seed, fixed, request.holes == "like_training", blocks)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started = time.perf_counter()
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
    seconds = time.perf_counter() - started
    print(
        f"written to {out}: {request.n_rows:,} rows, {len(model.layout.names)} columns\n"
        f"{seconds:.0f} s, {request.n_rows / seconds:,.0f} rows a second, peak memory {peak_memory_mb():.0f} MiB"
    )
