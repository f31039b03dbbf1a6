"""The request of ``python -m src.sample``, checked before any work."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from src.config.requests import check_writable
from src.config.typed import plain_values, typed
from src.errors import ConfigError
from src.tables.text.dialect import KNOWN
from src.tables.text.formulas import check_formulas
from src.training import checkpoint_of

HOLES = ("none", "like_training")


@dataclass(frozen=True)
class SampleRequest:
    """``python -m src.sample``.

    Attributes:
        run: folder of a finished run, or a saved model.
        n_rows: rows to draw.
        out: file to write: .csv, .csv.gz, .tsv, .tsv.gz, .parquet or .feather.
        seed: fixes the rows; the run's seed gives those of its synthetic.parquet.
        where: columns to fix, as JSON, e.g. '{"income": ">50K", "sex": "Female"}'; None = none.
        repeats: how often each step of a continuous process (ddpm, vp, ve) is taken where columns are fixed: more agree
            better, and take longer.
        holes: ``none``, or ``like_training``: rows are drawn with their holes, or get those of training rows at random
            by a model that has not learned them.
        n_steps: steps of the sampler; None = those of the run.
        chunk_rows: rows of a columnar file that are held and written at a time; decides memory, not rows.
        formulas: of a text file: ``escape`` puts an apostrophe before texts that a spreadsheet would take for a
            formula, ``keep`` does not; None = as the run.
        accelerator: ``cpu``, ``gpu`` or ``auto``.
        devices: processes that draw, each on a device of its own.
    """

    run: str | None = None
    n_rows: int = 1000
    out: str | None = None
    seed: int = 0
    where: str | None = None
    repeats: int = 10
    holes: str = "none"
    n_steps: int | None = None
    chunk_rows: int = 65_536
    formulas: str | None = None
    accelerator: str = "auto"
    devices: int = 1

    def __post_init__(self) -> None:
        if not self.run:
            raise ConfigError("run=DIR is missing; name the folder of a finished run, or a saved model")
        if not self.out:
            raise ConfigError(f"out=FILE is missing; name the file to write ({', '.join(KNOWN)})")
        for key, least in (("n_rows", 1), ("seed", 0), ("repeats", 1), ("chunk_rows", 1), ("devices", 1)):
            if getattr(self, key) < least:
                raise ConfigError(f"{key} is at least {least}, got {getattr(self, key)}")
        if self.n_steps is not None and self.n_steps < 1:
            raise ConfigError(f"n_steps is at least 1, or null for as many as the run took, got {self.n_steps}")
        if self.holes not in HOLES:
            raise ConfigError(f"holes is one of {', '.join(HOLES)}, got {self.holes!r}")
        check_formulas("formulas", self.formulas or "keep")
        if self.accelerator not in ("cpu", "gpu", "auto"):
            raise ConfigError(f"accelerator is cpu, gpu or auto, got {self.accelerator!r}")
        if not self.out.lower().endswith(KNOWN):
            raise ConfigError(f"out={self.out}: the extension is none of {', '.join(KNOWN)}")
        check_writable("out", Path(self.out), is_folder=False)
        for refusing in ("fixed", "checkpoint"):
            getattr(self, refusing)

    @property
    def fixed(self) -> dict[str, Any]:
        """Values by column, as the user wrote them.

        Raises:
            ConfigError: ``where`` is no JSON object of single values.
        """
        if self.where is None:
            return {}
        example = """where='{"income": ">50K", "age": 30}'"""
        try:
            values = json.loads(self.where)
        except json.JSONDecodeError as error:
            raise ConfigError(f"where={self.where} is not JSON ({error}); e.g. {example}") from error
        if not isinstance(values, dict) or not values:
            raise ConfigError(f"where is an object of columns and values, e.g. {example}, got {self.where}")
        for name, value in values.items():
            if isinstance(value, dict | list) or value is None:
                raise ConfigError(f"where fixes {name!r} to {value!r}; a column is fixed to one value, e.g. {example}")
        return values

    @property
    def checkpoint(self) -> Path:
        """The checkpoint to draw from; see :func:`src.training.checkpoint.checkpoint_of`."""
        return checkpoint_of(Path(str(self.run)))

    def refuse_data(self, config: dict[str, Any]) -> None:
        """Refuse to write over the table the model was trained on.

        Raises:
            ConfigError: ``out`` is that file.
        """
        out, settings, run = Path(str(self.out)), config["dataset"], Path(str(self.run))
        if run.is_dir() and out.exists() and out.resolve().parent == run.resolve():
            raise ConfigError(f"out={out} is a file of the run itself, which its report describes; name another file")
        for key in ("path", "test_path"):
            data = Path(str(settings.get(key) or ""))
            if settings.get(key) and out.exists() and data.exists() and out.samefile(data):
                raise ConfigError(f"out={out} is dataset.{key}, the table the model was trained on; name another file")


def build_sample_request(cfg: DictConfig) -> SampleRequest:
    """Check every key and value of a request.

    Raises:
        ConfigError: see :func:`src.config.run.build_config`.
    """
    return typed(SampleRequest, plain_values(cfg), "")
