"""Requests of ``evaluate``, ``report`` and ``ask``, checked before any work."""

import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from src.config.typed import chosen_option, only_known, plain_values, typed, without
from src.errors import ConfigError
from src.metrics.base.settings import EVALUATIONS, of_synthetic_rows
from src.results.mirror.tracking import LOGGERS, CsvLogger, WandbLogger
from src.runs.requests import FileComparison
from src.tables import OwnTable
from src.tables.columns.kinds import ColumnChoices
from src.tables.text.dialect import KNOWN
from src.training import checkpoint_of


@dataclass(frozen=True)
class EvaluationRequest:
    """``python -m src.evaluate run=DIR``: which run, and what to compute of it.

    Attributes:
        run: folder of a finished run.
        likelihood: whether to compute the log-likelihood and the bound of Theorem 2.3.
        n_rows: rows of either table that the likelihood is averaged over; None = all.
        n_probes: Rademacher probes of the trace; None = the exact trace.
        tolerance: tolerance of the ODE solver, relative and absolute.
    """

    run: str | None = None
    likelihood: bool = False
    n_rows: int | None = 1000
    n_probes: int | None = 10
    tolerance: float = 1e-4

    def __post_init__(self) -> None:
        if not self.run:
            raise ConfigError(
                "run=DIR is missing; name the folder of a finished run, or two tables: real=FILE synthetic=FILE"
            )
        for name in ("n_rows", "n_probes"):
            size = getattr(self, name)
            if size is not None and size < 1:
                raise ConfigError(f"{name} is at least 1, or null, got {size}")
        if not 0 < self.tolerance < 1:
            raise ConfigError(f"tolerance is between 0 and 1, got {self.tolerance}")


def check_writable(key: str, path: Path, is_folder: bool) -> None:
    """Refuse a file or folder that cannot be written.

    Raises:
        ConfigError: names the key, the path and what is in the way.
    """
    at = next(ancestor for ancestor in (path.absolute(), *path.absolute().parents) if ancestor.exists())
    exists = at == path.absolute()
    if at.is_dir() == (exists and not is_folder):
        raise ConfigError(f"{key}={path} cannot be written: {at} is {'a folder' if at.is_dir() else 'no folder'}")
    if not os.access(at, os.W_OK):
        raise ConfigError(f"{key}={path} cannot be written: no permission in {at}; name another {key}=...")


def build_evaluation_request(cfg: DictConfig) -> EvaluationRequest | FileComparison:
    """Check every key and value of a request to evaluate, and that its files are there.

    Raises:
        ConfigError: see :func:`src.config.run.build_config`; also keys of both uses at once.
        TableError: a file is absent, a folder or of an unknown kind.
    """
    plain = plain_values(cfg)
    of_run = [field.name for field in fields(EvaluationRequest)]
    only_known(set(plain), {*of_run, *OF_FILES}, "")
    if plain.get("real") or plain.get("synthetic"):
        return _file_request(plain)
    file_keys = [key for key in OF_FILES if key not in ("evaluation", "seed") and plain[key]]
    file_keys += ["holes"] if plain["holes"] == [] else []  # no marker at all is a wish too
    if file_keys:
        raise ConfigError(f"{file_keys[0]}=... goes with real=FILE synthetic=FILE, which are missing")
    return typed(EvaluationRequest, {key: plain[key] for key in of_run if key in plain}, "")


def _file_request(plain: dict[str, Any]) -> FileComparison:
    for key in ("real", "synthetic"):
        if not plain.get(key):
            raise ConfigError(f"{key}=FILE is missing; two tables are compared: real=FILE synthetic=FILE")
    for key in ("run", "likelihood"):
        if plain.get(key):
            raise ConfigError(f"{key}=... is for finished runs and real=... for tables of any origin; name one of them")
    choices = typed(ColumnChoices, {key: plain[key] for key in (field.name for field in fields(ColumnChoices))}, "")
    request_keys = typed(FileKeys, {field.name: plain[field.name] for field in fields(FileKeys)}, "")
    evaluation = of_synthetic_rows(chosen_option(EVALUATIONS, plain["evaluation"], "evaluation"))
    synthetic = Path(str(request_keys.synthetic))
    stem = next((synthetic.name[: -len(known)] for known in KNOWN if synthetic.name.lower().endswith(known)), "")
    comparison = FileComparison(
        real=Path(str(request_keys.real)),
        synthetic=synthetic,
        test=Path(request_keys.test) if request_keys.test else None,
        choices=choices,
        holes=request_keys.holes,
        also_holes=request_keys.also_holes,
        evaluation=evaluation,
        seed=request_keys.seed,
        out=Path(request_keys.out) if request_keys.out else synthetic.with_name(f"{stem}.evaluation.json"),
    )
    check_writable("out", comparison.out, is_folder=False)
    return comparison


@dataclass(frozen=True)
class FileKeys:
    """The keys of a :class:`FileComparison` as they are written, but for those of columns and metrics.

    Attributes:
        real: table that the synthetic one stands for.
        synthetic: table to score.
        test: real rows that the generator never saw: utility is tested and privacy measured on them.
        holes: texts that mark a hole, e.g. [NA,unknown]; None = empty, NA, N/A, NaN, null, None, ? and the like.
        also_holes: texts or numbers that mark one too, e.g. [-999].
        seed: fixes what the metrics draw.
        out: file of the record; None = <synthetic>.evaluation.json beside the synthetic file.
    """

    real: str | None = None
    synthetic: str | None = None
    test: str | None = None
    holes: list[str | int | float] | None = None
    also_holes: list[str | int | float] = field(default_factory=list)
    seed: int = 0
    out: str | None = None


OF_FILES = [field.name for kind in (FileKeys, ColumnChoices) for field in fields(kind)] + ["evaluation"]


@dataclass(frozen=True)
class ReportRequest:
    """``python -m src.report``: which runs, and where their report goes.

    Attributes:
        sweep: folder of run folders, or several: a list, or a text with commas.
        out: folder of the report; None = ``report`` in the first folder of ``sweep``.
        results: page of the paper's tables to write beside the report; None = none.
        card: folder of a run whose model card is written, in place of a report.
    """

    sweep: list[str] | str | None = None
    out: str | None = None
    results: str | None = None
    card: str | None = None

    def __post_init__(self) -> None:
        if self.card is not None:
            if self.sweep or self.results or self.out:
                raise ConfigError(
                    "card=DIR writes card.md into the folder of one run; leave sweep, out and results out"
                )
            if not Path(self.card, "DONE").exists():
                raise ConfigError(f"card={self.card} holds no finished run (no DONE in it)")
            check_writable("card", Path(self.card), is_folder=True)
            return
        for root in self.roots:
            if not root.is_dir():
                raise ConfigError(f"sweep={root} is no folder; name the root of finished runs, e.g. sweep=outputs")
        check_writable("out", self.folder, is_folder=True)
        if self.results is not None:
            if not self.results.endswith(".md"):
                raise ConfigError(f"results={self.results} is a page of Markdown to write, *.md")
            check_writable("results", Path(self.results), is_folder=False)

    @property
    def roots(self) -> list[Path]:
        """Folders to look for runs in."""
        names = self.sweep or []
        if isinstance(names, str):
            is_folder = Path(names).is_dir()
            names = [names] if is_folder else [name.strip() for name in names.strip("[]").split(",")]
        if not any(names):
            raise ConfigError("sweep=DIR is missing; name the folder of a sweep's run folders, e.g. sweep=outputs")
        return [Path(name) for name in names if name]

    @property
    def folder(self) -> Path:
        """Where the report goes."""
        return Path(self.out) if self.out else self.roots[0] / "report"


def build_report_request(cfg: DictConfig) -> ReportRequest:
    """Check every key and value of a request for a report.

    Raises:
        ConfigError: see :func:`src.config.run.build_config`.
    """
    return typed(ReportRequest, without(plain_values(cfg), "logger"), "")


def build_logger(cfg: DictConfig) -> CsvLogger | WandbLogger:
    """Where a report is mirrored.

    Raises:
        ConfigError: see :func:`src.config.run.build_config`.
    """
    return chosen_option(LOGGERS, plain_values(cfg)["logger"], "logger")


ANSWERS = (".csv", ".parquet")


@dataclass(frozen=True)
class AskKeys:
    """The keys beside those of the reader.

    Attributes:
        run: folder of a finished run, or a saved model.
        file: the rows to ask about; may stand without ``file=``.
        column: whose distribution given the other cells of a row is asked for; None = how probable the rows are.
        out: file to write: .csv or .parquet.
        n_orders: orders of the cells that the probability of a row is averaged over, where the model has several.
        seed: of these orders.
    """

    run: str | None = None
    file: str | None = None
    column: str | None = None
    out: str | None = None
    n_orders: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.run:
            raise ConfigError("run=DIR is missing; name the folder of a finished run, or a saved model")
        if not self.file:
            raise ConfigError("FILE is missing: the rows to ask about, a .csv, .tsv, .parquet or .feather file")
        if not self.out:
            raise ConfigError(f"out=FILE is missing; name the file to write ({', '.join(ANSWERS)})")
        if not self.out.lower().endswith(ANSWERS):
            raise ConfigError(f"out={self.out}: the extension is none of {', '.join(ANSWERS)}")
        for key, least in (("n_orders", 1), ("seed", 0)):
            if getattr(self, key) < least:
                raise ConfigError(f"{key} is at least {least}, got {getattr(self, key)}")


@dataclass(frozen=True)
class AskRequest:
    """``python -m src.ask``.

    Attributes:
        keys: of the request.
        table: the file, read as ``dataset=table`` reads it.
        checkpoint: of the model.
        out: file to write.
    """

    keys: AskKeys
    table: OwnTable
    checkpoint: Path
    out: Path


def split_reading(plain: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Divide the values of a request into those of its own keys, and those of how its file is read."""
    reading = {key: value for key, value in plain["dataset"].items() if key != "name"}
    return {key: value for key, value in plain.items() if key != "dataset"}, reading


def build_ask_request(cfg: DictConfig) -> AskRequest:
    """Check every key and value of a request, and that its files are there.

    Raises:
        ConfigError: see :func:`src.config.run.build_config`; also a file that would be written over.
        TableError: the file is absent, a folder, or of an unknown extension.
    """
    values, reading = split_reading(plain_values(cfg))
    only_known(set(values), {key.name for key in fields(AskKeys)}, "")
    keys = typed(AskKeys, values, "")
    table = typed(OwnTable, {**reading, "path": keys.file}, "dataset")
    files, out = table.files(), Path(str(keys.out))
    if out.exists() and any(out.samefile(file) for file in files):
        raise ConfigError(f"out={out} is the file with the rows; name another file")
    check_writable("out", out, is_folder=False)
    return AskRequest(keys, table, checkpoint_of(Path(str(keys.run))), out)
