"""The request of ``python -m src.describe``, checked before any work."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from src.config.requests import check_writable, split_reading
from src.config.typed import only_known, plain_values, typed
from src.errors import ConfigError
from src.tables import OwnTable
from src.tables.columns.sidecar import sidecar_of

READING = (
    "separator",
    "encoding",
    "decimal",
    "quote",
    "header",
    "holes",
    "also_holes",
    "merge_spellings",
    "structural",
    "rules",
)


@dataclass(frozen=True)
class DescribeRequest:
    """``python -m src.describe FILE``.

    Attributes:
        table: the file, read as ``dataset=table`` reads it.
        file: its path.
        out: sidecar to write.
        reading: keys of the dataset, with values that are not the defaults, that decide how the file is read; what else
            the user chose is in the sidecar.
    """

    table: OwnTable
    file: Path
    out: Path
    reading: dict[str, Any]


@dataclass(frozen=True)
class DescribeKeys:
    """The keys beside those of the reader.

    Attributes:
        file: the table; may stand without ``file=``.
        out: the sidecar; None = <file>.columns.yaml beside the file, where training finds it.
        force: whether to replace an existing sidecar.
    """

    file: str | None = None
    out: str | None = None
    force: bool = False


def build_describe_request(cfg: DictConfig) -> DescribeRequest:
    """Check every key and value of a request, and that the file is there.

    Raises:
        ConfigError: see :func:`src.config.run.build_config`; also a sidecar that would be written over.
        TableError: the file is absent, a folder, or of an unknown extension.
    """
    keys, reading = split_reading(plain_values(cfg))
    only_known(set(keys), {key.name for key in fields(DescribeKeys)}, "")
    request_keys = typed(DescribeKeys, keys, "")
    if not request_keys.file:
        raise ConfigError("FILE is missing: python -m src.describe FILE, a .csv, .tsv, .parquet or .feather file")
    table = typed(OwnTable, {**reading, "path": request_keys.file}, "dataset")
    table.files()
    out = Path(request_keys.out) if request_keys.out else sidecar_of(Path(request_keys.file))
    if out.suffix not in (".yaml", ".yml"):
        raise ConfigError(f"out is the name of a .yaml file, got {out}")
    if out.exists() and not request_keys.force:
        raise ConfigError(f"{out} exists, and may hold corrections; force=true replaces it, out=FILE names another")
    check_writable("out", out, is_folder=False)
    defaults = OwnTable()
    chosen = {key: getattr(table, key) for key in READING if getattr(table, key) != getattr(defaults, key)}
    return DescribeRequest(table, Path(request_keys.file), out, chosen)
