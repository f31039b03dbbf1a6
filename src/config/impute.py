"""The request of ``python -m src.impute``, checked before any work."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from src.config.options import option
from src.config.requests import check_writable
from src.config.run import IMPUTER, Config, build_config
from src.config.tune import is_search
from src.config.typed import chosen_option, plain_values, typed
from src.errors import ConfigError
from src.imputation import IMPUTERS, ConditionalImputer, DiffusionImputer, Imputer
from src.metrics.base.settings import ImputationEvaluation
from src.missing.mcar import NativeMissing
from src.results.sweep.origin import IMPUTE
from src.runs.requests import Fill
from src.tables import OwnTable
from src.tables.files.filling import check_out
from src.tables.text.dialect import KNOWN
from src.training import checkpoint_of


@dataclass(frozen=True)
class ImputeRequest:
    """``python -m src.impute``.

    Attributes:
        config: as of ``python -m src.train``, for a run whose method is ``impute_<imputer>``.
        imputer: not fitted.
        evaluation: how imputations are scored, and from how many draws best values are taken.
        fill: the file to fill; None = score.
        plain: settings that decide the run's folder, as composed. That of a file to fill holds the model, which
            ``evaluation`` has no part in.
        folder: of the run; set by the command.
    """

    config: Config
    imputer: Imputer
    evaluation: ImputationEvaluation
    fill: Fill | None
    plain: dict[str, Any]
    folder: Path = Path()

    @property
    def dataset(self) -> OwnTable:
        """The file to fill."""
        assert isinstance(self.config.dataset, OwnTable)
        return self.config.dataset


def build_impute_request(cfg: DictConfig) -> ImputeRequest:
    """Check every key and value of a request.

    Raises:
        ConfigError: a key is unknown, a value of the wrong type or out of range, or two keys do not go together.
        TableError: the file is absent.
    """
    plain = plain_values(cfg)
    if is_search(cfg):
        raise ConfigError("experiment=tune is one of another command: python -m src.train")
    fill_keys = {key: plain.pop(key) for key in Fill.__dataclass_fields__}
    fill = typed(Fill, fill_keys, "")
    config = build_config(OmegaConf.create(as_run(plain)))
    evaluation = config.evaluation
    if not isinstance(evaluation, ImputationEvaluation):
        raise ConfigError(f"evaluation={plain['evaluation']['name']} scores synthetic rows; here it is imputation")
    if fill.out is not None:
        plain["evaluation"] = option("evaluation", "imputation")
        config = build_config(OmegaConf.create(as_run(plain)))
    imputer = chosen_option(IMPUTERS, {**plain[IMPUTER], "seed": config.general.seed}, IMPUTER)
    request = ImputeRequest(config, imputer, evaluation, fill if fill.out else None, plain)
    if isinstance(imputer, DiffusionImputer):
        imputer.check(config.recipe)
    key = "outputs_dir" if config.general.run_dir is None else "run_dir"
    check_writable(key, Path(getattr(config.general, key)), is_folder=True)
    if fill.out is None:
        _check_scoring(request, fill_keys)
    else:
        _check_filling(request, fill)
    return request


def as_run(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of an imputation run as those of a run: its method is the imputer."""
    run_settings = {key: value for key, value in plain.items() if key not in Fill.__dataclass_fields__}
    name = plain[IMPUTER]["name"]
    kind = IMPUTERS.get(name, Imputer)
    trained = "conditional" if issubclass(kind, ConditionalImputer) else "diffusion"
    model = trained if issubclass(kind, DiffusionImputer) else "none"
    method = {"name": f"{IMPUTE}{name}", "completion": "keep", "model": model}
    return {**run_settings, "method": method, "n_synthetic": None}


def _check_scoring(request: ImputeRequest, fill_keys: Mapping[str, Any]) -> None:
    for key in ("run", "n_imputations", "intervals"):
        if fill_keys[key] is not None:
            raise ConfigError(
                f"{key}={fill_keys[key]} is about a file to fill; name it: dataset=table dataset.path=FILE out=FILE"
            )
    if isinstance(request.config.missing, NativeMissing):
        raise ConfigError(
            "missing=native takes no cell away that could be scored; name a file to fill (dataset=table "
            "dataset.path=FILE out=FILE) or a mechanism (missing=independent ratio=0.2)"
        )
    request.config.dataset.files()


def _check_filling(request: ImputeRequest, fill: Fill) -> None:
    config = request.config
    if not isinstance(config.dataset, OwnTable):
        raise ConfigError("out=FILE fills the holes of a file; name it: dataset=table dataset.path=FILE")
    if not isinstance(config.missing, NativeMissing):
        raise ConfigError(
            f"out=FILE fills the holes that the file has (missing=native), missing={request.plain['missing']['name']} "
            "takes cells away to score imputers; leave one of the two out"
        )
    files = config.dataset.files()
    for key in ("test_path", "n_rows"):
        if getattr(config.dataset, key) is not None:
            raise ConfigError(f"dataset.{key} is not for filling: all rows of dataset.path are filled")
    out = Path(str(fill.out))
    if not out.name.lower().endswith(KNOWN):
        raise ConfigError(f"out={out}: the extension is none of {', '.join(KNOWN)}")
    for file in fill.tables:
        check_out(files[0], file)
        check_writable("out", file, is_folder=False)
        if file.exists() and any(file.samefile(source) for source in files):
            raise ConfigError(f"out={file} is a file that is read; name another one")
    if not request.imputer.draws_differ:
        for key, value in (("n_imputations", fill.n_imputations), ("intervals", fill.intervals)):
            if value not in (None, 1):
                able = ", ".join(name for name, kind in IMPUTERS.items() if kind.draws_differ)
                raise ConfigError(
                    f"imputer={request.plain[IMPUTER]['name']} has one answer for each hole, so {key} is null; "
                    f"imputers that draw are {able}"
                )
    if fill.run is not None:
        checkpoint_of(Path(fill.run))
        if not isinstance(request.imputer, DiffusionImputer):
            raise ConfigError(f"run={fill.run} is a diffusion model; imputer is missdiff, or csdi_t for one of csdi_t")
