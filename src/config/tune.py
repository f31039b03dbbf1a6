"""The request of ``experiment=tune``: a search over settings of the training and the network."""

import hashlib
import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from src.config.run import Config, build_config, group_name
from src.config.typed import plain_values, typed
from src.errors import ConfigError
from src.models import Experiment
from src.results.record.run_folder import flatten
from src.runs.requests import Choices, Range, Search

TUNE = "tune"
TUNABLE = ("training", "network")
RANGE_KEYS = ("low", "high", "log", "step")


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
    def folder(self) -> Path:
        """``<outputs_dir>/tune/<dataset>/<missing>-<ratio>/<method>-<digest of settings and space>``."""
        config, tuning = self.config, self.tuning
        decides = json.dumps([config.identity, tuning.space, tuning.n_checks], sort_keys=True, default=str)
        digest = hashlib.sha256(decides.encode()).hexdigest()[:8]
        return Path(config.general.outputs_dir) / "tune" / group_name(config) / f"{config.method}-{digest}"

    @property
    def search(self) -> Search:
        """The search, as it is run."""
        config, tuning = self.config, self.tuning
        plain = flatten(config.plain)

        def trial(values: Mapping[str, Any]) -> tuple[Experiment, dict[str, Any]]:
            of_trial = self.trial(values)
            return of_trial.experiment, of_trial.identity

        return Search(
            folder=self.folder,
            table=group_name(config),
            method=config.method,
            experiment=config.experiment,
            start={axis.key: plain[axis.key] for axis in tuning.axes},
            axes=tuning.axes,
            n_trials=tuning.n_trials,
            n_checks=tuning.n_checks,
            trial=trial,
        )

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
