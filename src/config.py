"""The typed configuration: every setting checked, every object built, before any work starts.

Groups whose options are classes (dataset, missing, diffusion, network, logger, evaluation) are
looked up by the ``name`` in their yaml; the fields of the class are the keys the yaml must have.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from src.completion import COMPLETIONS, Completion
from src.diffusion import DIFFUSIONS, DiffusionRecipe
from src.diffusion.networks import NETWORKS, NetworkRecipe
from src.encoding import EncodingRecipe
from src.errors import ConfigError
from src.metrics.settings import QuickEvaluation
from src.missing import MECHANISMS, Mechanism
from src.results.run_folder import flatten
from src.results.tracking import LOGGERS, CsvLogger, WandbLogger
from src.tables import DATASETS, BayesianNetwork, Census
from src.training.recipe import TrainerSettings, TrainingRecipe

GROUPS = ("dataset", "missing", "method", "diffusion", "network", "training", "trainer", "evaluation", "logger")
NOT_IDENTITY = ("outputs_dir", "run_dir", "force", "logger", "experiment")
IN_PATH = ("seed", "ratio", "missing.ratio")
LONGEST_NAME = 160
MODELS = ("diffusion", "marginals")
TYPE_NAMES = {
    float: "a number",
    int: "a whole number",
    str: "a text",
    bool: "true or false",
    NoneType: "null",
    list: "a list",
}

T = TypeVar("T")


@dataclass(frozen=True)
class MethodChoice:
    """``method=...``: what is done about the holes, and what learns from the result.

    Attributes:
        completion: a name of :data:`src.completion.COMPLETIONS`.
        model: ``diffusion``, or ``marginals`` (independent draws from the observed cells, no training).
    """

    completion: str
    model: str

    def __post_init__(self) -> None:
        for key, value, allowed in (("completion", self.completion, COMPLETIONS), ("model", self.model, MODELS)):
            if value not in allowed:
                raise ConfigError(f"method.{key} is one of {sorted(allowed)}, got {value!r}")


@dataclass(frozen=True)
class General:
    """Keys outside the groups."""

    ratio: float
    seed: int
    budget: float
    n_synthetic: int | None
    outputs_dir: str
    run_dir: str | None
    force: bool

    def __post_init__(self) -> None:
        if not 0 <= self.ratio < 1:
            raise ConfigError(f"ratio is the share missing, at least 0 and below 1, got {self.ratio}")
        if self.seed < 0:
            raise ConfigError(f"seed is not negative, got {self.seed}")
        if not 0 < self.budget <= 100:
            raise ConfigError(
                f"budget is the share of the training's length, above 0 and at most 100, got {self.budget}"
            )
        if self.n_synthetic is not None and self.n_synthetic < 1:
            raise ConfigError(
                f"n_synthetic is at least 1, or null for as many as training rows, got {self.n_synthetic}"
            )
        if not self.outputs_dir:
            raise ConfigError("outputs_dir is empty; name the folder for all run folders")


@dataclass(frozen=True)
class Config:
    """Everything a run needs, built. ``plain`` is the resolved configuration it was built from."""

    general: General
    dataset: BayesianNetwork | Census
    missing: Mechanism
    method: str
    model: str
    completion: Completion
    encoding: EncodingRecipe
    diffusion: DiffusionRecipe
    network: NetworkRecipe
    training: TrainingRecipe
    trainer: TrainerSettings
    evaluation: QuickEvaluation
    logger: CsvLogger | WandbLogger
    plain: dict[str, Any]

    @property
    def identity(self) -> dict[str, Any]:
        """The settings that decide the result: all but where it is written and mirrored."""
        return {key: value for key, value in self.plain.items() if key not in NOT_IDENTITY}


@dataclass(frozen=True)
class EvaluationRequest:
    """``python -m src.evaluate``: which run, and what to compute of it.

    Attributes:
        run: folder of a finished run.
        likelihood: whether to compute the log-likelihood and the bound of Theorem 2.3.
        n_rows: rows of either table that it is averaged over; None = all.
        n_probes: Rademacher probes of the trace; None = the exact trace.
        tolerance: of the ODE solver, relative and absolute.
    """

    run: str | None
    likelihood: bool
    n_rows: int | None
    n_probes: int | None
    tolerance: float

    def __post_init__(self) -> None:
        if not self.run:
            raise ConfigError("run=DIR is missing; name the folder of a finished run")
        for name in ("n_rows", "n_probes"):
            size = getattr(self, name)
            if size is not None and size < 1:
                raise ConfigError(f"{name} is at least 1, or null, got {size}")
        if not 0 < self.tolerance < 1:
            raise ConfigError(f"tolerance is between 0 and 1, got {self.tolerance}")


def build_evaluation_request(cfg: DictConfig) -> EvaluationRequest:
    """Check every key and value of a request to evaluate.

    Raises:
        ConfigError: see :func:`build_config`.
    """
    return _typed(EvaluationRequest, _plain(cfg), "")


def build_config(cfg: DictConfig) -> Config:
    """Check every key and value of a composed configuration and build its objects.

    Raises:
        ConfigError: a key is unknown or absent, a value of the wrong type or out of range; the
            message names the key and what is allowed.
    """
    plain = _plain(cfg)
    general_keys = {field.name for field in fields(General)}
    _only_known(set(plain), {*GROUPS, *general_keys, "experiment"}, "")
    general = _typed(General, {key: value for key, value in plain.items() if key in general_keys}, "")
    for group in GROUPS:
        if not isinstance(plain.get(group), Mapping):
            raise ConfigError(f"group {group!r} is missing; choose one of its options, e.g. {group}=...")
    method = _typed(MethodChoice, _without(plain["method"], "name"), "method")
    return Config(
        general=general,
        dataset=_chosen(DATASETS, plain["dataset"], "dataset"),
        missing=_chosen(MECHANISMS, plain["missing"], "missing"),
        method=str(plain["method"]["name"]),
        model=method.model,
        completion=COMPLETIONS[method.completion],
        encoding=_typed(EncodingRecipe, plain["diffusion"].get("encoding", {}), "diffusion.encoding"),
        diffusion=_chosen(DIFFUSIONS, _without(plain["diffusion"], "encoding"), "diffusion"),
        network=_chosen(NETWORKS, plain["network"], "network"),
        training=_typed(TrainingRecipe, _without(plain["training"], "name"), "training").scaled(general.budget),
        trainer=_typed(TrainerSettings, _without(plain["trainer"], "name"), "trainer"),
        evaluation=_chosen({"quick": QuickEvaluation}, plain["evaluation"], "evaluation"),
        logger=_chosen(LOGGERS, plain["logger"], "logger"),
        plain=plain,
    )


def group_name(config: Config) -> str:
    """``<dataset>/<missing>-<ratio>``: what runs to be compared have in common."""
    ratio = getattr(config.missing, "ratio", None)
    missing = config.plain["missing"]["name"]
    return f"{config.plain['dataset']['name']}/{missing if ratio is None else f'{missing}-{ratio:g}'}"


def run_path(config: Config, usual: Mapping[str, Any], chosen: Mapping[str, Any]) -> Path:
    """Run folder: a function of the settings alone.

    ``<outputs_dir>/<dataset>/<missing>-<ratio>/<method>[-<what differs from the defaults>]/seed<S>``

    Arguments:
        config: of the run.
        usual: plain settings of its dataset, mechanism and method, all else at the default.
        chosen: plain settings of its option in every group, no key changed.
    """
    general = config.general
    if general.run_dir is not None:
        return Path(general.run_dir)
    options = [g for g in GROUPS if g not in NOT_IDENTITY and chosen[g]["name"] != usual[g]["name"]]
    asked, default = flatten(config.identity), flatten(chosen)
    keys = [k for k in sorted(asked) if k not in IN_PATH and asked[k] != default.get(k)]
    parts = [f"{group}={chosen[group]['name']}" for group in options] + [f"{key}={asked[key]}" for key in keys]
    name = re.sub(r"[^\w.=,+-]", "_", "-".join([config.method, *parts]))
    if len(name) > LONGEST_NAME:
        name = f"{name[:LONGEST_NAME]}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return Path(general.outputs_dir) / group_name(config) / name / f"seed{general.seed}"


def choices(config: Config) -> list[str]:
    """Overrides that choose the option of every group, as ``group=option``."""
    return [f"{group}={config.plain[group]['name']}" for group in GROUPS]


def _plain(cfg: DictConfig) -> dict[str, Any]:
    try:
        container: Any = OmegaConf.to_container(cfg, resolve=True)
    except OmegaConfBaseException as error:
        raise ConfigError(str(error).splitlines()[0]) from error
    return {str(key): value for key, value in container.items()}


def _chosen(options: Mapping[str, type[T]], node: Mapping[str, Any], group: str) -> T:
    name = str(node.get("name"))
    if name not in options:
        raise ConfigError(f"{group}.name is one of {sorted(options)}, got {name!r}")
    return _typed(options[name], _without(node, "name"), group)


def _typed(kind: type[T], values: Mapping[str, Any], prefix: str) -> T:
    """An instance of a dataclass from plain values, nested ones included, types checked."""
    hints = get_type_hints(kind)
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if not isinstance(values, Mapping):
        raise ConfigError(f"{prefix} has keys of its own ({', '.join(sorted(known))}), got {values!r}")
    _only_known(set(values), known, prefix)
    absent = sorted(known - set(values))
    if absent:
        raise ConfigError(f"missing setting: {', '.join(_key(prefix, name) for name in absent)}")
    built = {}
    for name in known:
        key = _key(prefix, name)
        if is_dataclass(hints[name]):
            built[name] = _typed(hints[name], values[name], key)
        else:
            built[name] = _value(hints[name], values[name], key)
    return kind(**built)


def _value(hint: Any, value: Any, key: str) -> Any:
    allowed = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    for kind in allowed:
        origin = get_origin(kind) or kind
        if origin is float and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if origin is list and isinstance(value, list) and all(isinstance(v, get_args(kind)[0]) for v in value):
            return value
        if isinstance(value, origin) and (origin is bool or not isinstance(value, bool)):
            return value
    names = " or ".join(TYPE_NAMES.get(get_origin(kind) or kind, str(kind)) for kind in allowed)
    raise ConfigError(f"{key} is {names}, got {value!r}")


def _only_known(given: set[str], known: set[str], prefix: str) -> None:
    for name in sorted(given - known):
        close = get_close_matches(name, known, n=1)
        hint = f"; did you mean {_key(prefix, close[0])}?" if close else ""
        raise ConfigError(f"unknown setting {_key(prefix, name)}{hint} (allowed: {', '.join(sorted(known))})")


def _without(node: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in node.items() if key != name}


def _key(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
