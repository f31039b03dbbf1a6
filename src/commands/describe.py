"""``python -m src.describe FILE``: what the columns of a table are, and a sidecar to correct it in.

See ``python -m src.describe --help``.
"""

from omegaconf import DictConfig


def check(cfg: DictConfig, local_sweep: bool) -> None:
    """Refuse a bad request, and a file that cannot be read at all."""
    from src.config.describe import build_describe_request

    build_describe_request(cfg)


def job(cfg: DictConfig) -> None:
    """Print the table of columns and write the sidecar."""
    from src.config.describe import build_describe_request
    from src.results.record.files import write_whole
    from src.system.quoting import command
    from src.tables.columns.sidecar import sidecar_of, sidecar_text
    from src.tables.columns.summary import summary_table
    from src.tables.reading.doubts import remedies_of

    request = build_describe_request(cfg)
    columns = request.table.understand()
    print(f"{request.file}: {len(columns.frame):,} rows, {columns.frame.shape[1]} columns\n")
    print(summary_table(columns.summaries, most=len(columns.summaries)), end="\n\n")
    for note in columns.notes:
        print(f"note: {note}")
    remedies = remedies_of(columns.doubts)
    for rule in columns.skip_rules:
        remedies[rule.column] = [*remedies.get(rule.column, ()), rule.remedy]
    rules = [rule.text for rule in columns.layout.rules]
    found = {one.rule.text: one.remedy for one in columns.found_rules}
    text = sidecar_text(request.file.name, columns.layout.forms, columns.summaries, remedies, rules, found)
    write_whole(request.out, lambda partial: partial.write_text(text, encoding="utf-8"))
    columns_of = {} if request.out == sidecar_of(request.file) else {"dataset__columns": str(request.out)}
    path, keys = str(request.file), {f"dataset__{key}": value for key, value in request.reading.items()}
    train = command("train", "dataset=table", dataset__path=path, **keys, **columns_of, missing="native")
    print(f"written to {request.out}: correct a kind there, then\n  {train}")
