"""The request of ``experiment=tune``: a search over settings of the training and the network."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from src.config.run import Config, build_config
from src.config.typed import plain_values, typed
from src.errors import ConfigError
from src.results.record.run_folder import flatten
from src.results.record.run_record import RunRecord

TUNE = "tune"
TUNABLE = ("training", "network")
RANGE_KEYS = ("low", "high", "log", "step")


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``; whole ones where both are whole."""

    key: str
    low: float
    high: float
    log: bool
    step: float | None

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise ConfigError(f"tune.space.{self.key}.{name} is a number, got {value!r}")
        if not self.low < self.high:
            raise ConfigError(f"tune.space.{self.key}: low is below high, got {self.low} and {self.high}")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ConfigError(f"tune.space.{self.key}: a logarithmic range starts above 0 and has no step")

    @property
    def ends(self) -> list[Any]:
        """Values to be checked before the search."""
        return [self.low, self.high]

    def __contains__(self, value: Any) -> bool:
        return isinstance(value, (int, float)) and self.low <= value <= self.high


@dataclass(frozen=True)
class Choices:
    """One of several values."""

    key: str
    values: list[Any]

    @property
    def ends(self) -> list[Any]:
        """Values to be checked before the search."""
        return self.values

    def __contains__(self, value: Any) -> bool:
        return value in self.values


@dataclass(frozen=True)
class Tuning:
    """``tune:`` of a configuration.

    Attributes:
        n_trials: trials in all, those of earlier commands on the same study included.
        n_checks: times a trial is judged on the validation rows; it may be pruned at each but the last.
        space: by group and setting: a list of values, or ``{low, high, log, step}``.
    """

    n_trials: int
    n_checks: int
    space: dict[str, Any]

    def __post_init__(self) -> None:
        for name in ("n_trials", "n_checks"):
            if getattr(self, name) < 1:
                raise ConfigError(f"tune.{name} is at least 1, got {getattr(self, name)}")
        if not any(self.space.values()):
            raise ConfigError("tune.space is empty; name settings, e.g. +tune.space.training.batch_size=[128,256]")
        for group, settings in self.space.items():
            if group not in TUNABLE or not isinstance(settings, Mapping):
                raise ConfigError(
                    f"tune.space.{group}: only settings of training and network are tuned: with another process or "
                    "encoding the validation loss is another quantity"
                )

    @property
    def axes(self) -> list[Range | Choices]:
        """The space, checked.

        Raises:
            ConfigError: a range is none, or a list is empty.
        """
        return [_axis(f"{group}.{name}", value) for group, of in self.space.items() for name, value in of.items()]


@dataclass(frozen=True)
class TuningRequest:
    """A search: ``config`` is what every trial starts from."""

    config: Config
    tuning: Tuning

    @property
    def outputs_dir(self) -> Path:
        """Root of all folders."""
        return Path(self.config.general.outputs_dir)

    @property
    def record(self) -> RunRecord:
        """Names and settings of what every trial starts from."""
        return self.config.record(self.outputs_dir)

    def trial(self, values: Mapping[str, Any]) -> Config:
        """The configuration of a trial.

        Raises:
            ConfigError: a value is out of range.
        """
        plain = deepcopy(self.config.plain)
        for key, value in values.items():
            group, name = key.split(".")
            plain[group][name] = value
        return build_config(OmegaConf.create(plain))

    @property
    def is_start_in_space(self) -> bool:
        """Whether a trial could have :attr:`start`."""
        return all(self.start[axis.key] in axis for axis in self.tuning.axes)

    @property
    def start(self) -> dict[str, Any]:
        """The values that the configuration has without a search."""
        return {axis.key: flatten(self.config.plain)[axis.key] for axis in self.tuning.axes}


def is_search(cfg: DictConfig) -> bool:
    """Whether a composed configuration asks for a search."""
    return cfg.get(TUNE) is not None


def build_tuning_request(cfg: DictConfig) -> TuningRequest:
    """Check the search, and the ends of its space as settings of a run.

    Raises:
        ConfigError: a key is unknown, not to be tuned, or a value out of range.
    """
    plain = plain_values(cfg)
    tuning = typed(Tuning, plain.pop(TUNE), TUNE)
    request = TuningRequest(build_config(OmegaConf.create(plain)), tuning)
    config, known = request.config, flatten(request.config.plain)
    if config.model != "diffusion":
        raise ConfigError(f"method={config.method} trains no model; there is nothing to tune")
    if config.trainer.n_processes > 1:
        raise ConfigError("a search trains each trial in one process; leave trainer=ddp out")
    if config.training.fine_tuning_epochs:
        raise ConfigError("training.fine_tuning_epochs chooses by the same validation rows; a search needs 0")
    for axis in tuning.axes:
        if axis.key not in known or axis.key.endswith(".name"):
            raise ConfigError(f"tune.space.{axis.key} is no setting of this training or network")
        for value in axis.ends:
            request.trial({axis.key: value})
    return request


def _axis(key: str, value: Any) -> Range | Choices:
    if isinstance(value, list):
        if not value:
            raise ConfigError(f"tune.space.{key} lists no value")
        return Choices(key, value)
    if not isinstance(value, Mapping) or not {"low", "high"} <= set(value) <= set(RANGE_KEYS):
        raise ConfigError(f"tune.space.{key} is a list of values, or has low, high, and if need be log or step")
    return Range(key, value["low"], value["high"], bool(value.get("log", False)), value.get("step"))
