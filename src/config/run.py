"""The typed configuration of a run: it checks every setting and builds every object before any work starts.

Groups whose options are classes (dataset, missing, diffusion, network, logger, evaluation) are
looked up by the ``name`` in their yaml; the fields of the class are the keys the yaml must have.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from omegaconf import DictConfig

from src.completion import COMPLETIONS, Completion
from src.config.typed import chosen_option, only_known, plain_values, typed, without
from src.diffusion import DIFFUSIONS, DiffusionSettings
from src.diffusion.networks import NETWORKS, NetworkSettings
from src.encoding import Encoding, EncodingRecipe, StatesRecipe
from src.errors import ConfigError
from src.metrics.base.settings import EVALUATIONS, Evaluation
from src.missing import MECHANISMS, Mechanism
from src.models import Experiment, ModelRecipe
from src.results.mirror.tracking import LOGGERS, CsvLogger, WandbLogger
from src.results.record.run_record import RunRecord
from src.tables import DATASETS, Dataset
from src.tables.datasets.own_table import dataset_label
from src.training.recipe import TrainerSettings, TrainingRecipe

GROUPS = (
    "dataset",
    "missing",
    "method",
    "diffusion",
    "network",
    "training",
    "budget",
    "trainer",
    "evaluation",
    "logger",
)
NOT_IDENTITY = ("outputs_dir", "run_dir", "force", "logger", "experiment")
IMPUTER = "imputer"
"""Group of ``python -m src.impute`` alone."""
OF_IMPUTERS = ("conditional", "none")
"""Models of imputers alone: of hidden cells given the others, or none that is trained with a loss of ours."""
MODELS = ("diffusion", "marginals", *OF_IMPUTERS)

ENCODINGS: dict[str, type[Encoding]] = {"coordinates": EncodingRecipe, "states": StatesRecipe}
"""Of the rows that a diffusion takes."""

T = TypeVar("T")


@dataclass(frozen=True)
class MethodChoice:
    """``method=...``: what is done about the holes, and what learns from the result.

    Attributes:
        completion: what stands in the holes: ``keep`` (nothing: they stay holes), ``delete_rows``, ``mean_mode`` or
            ``complete`` (the cells before they were lost).
        model: ``diffusion``, ``marginals`` (independent draws from the observed cells, no training);
            ``conditional`` and ``none`` are those of imputers.
    """

    completion: str
    model: str

    def __post_init__(self) -> None:
        for key, value, allowed in (("completion", self.completion, COMPLETIONS), ("model", self.model, MODELS)):
            if value not in allowed:
                raise ConfigError(f"method.{key} is one of {sorted(allowed)}, got {value!r}")


@dataclass(frozen=True)
class Budget:
    """``budget=full|small``: how much of the recipe is trained.

    Attributes:
        share: factor of the training's length: epochs, steps, warm-up, curriculum and fine-tuning.
    """

    share: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.share <= 100:
            raise ConfigError(
                f"budget.share is the share of the training's length, above 0 and at most 100, got {self.share}"
            )


@dataclass(frozen=True)
class RunKeys:
    """Keys of a run that stand outside the groups.

    Attributes:
        ratio: share of cells that go missing, in [0, 1).
        seed: split, mask, weights, row order, noise and sampling each get a stream of it.
        outputs_dir: root of all run folders.
        run_dir: folder of the run; None =
            <outputs_dir>/<dataset>/<missing>-<ratio>/<method>[-<differences>]/seed<seed>.
        force: whether to run again although the folder holds a finished run.
    """

    ratio: float = 0.2
    seed: int = 0
    outputs_dir: str = "outputs"
    run_dir: str | None = None
    force: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.ratio < 1:
            raise ConfigError(f"ratio is the share missing, at least 0 and below 1, got {self.ratio}")
        if self.seed < 0:
            raise ConfigError(f"seed is not negative, got {self.seed}")
        if not self.outputs_dir:
            raise ConfigError("outputs_dir is empty; name the folder for all run folders")


@dataclass(frozen=True)
class General(RunKeys):
    """Keys outside the groups of a run that draws rows.

    Attributes:
        n_synthetic: synthetic rows; None = as many as the training table has (of dataset=table 100,000 at most).
    """

    n_synthetic: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_synthetic is not None and self.n_synthetic < 1:
            raise ConfigError(
                f"n_synthetic is at least 1, or null for as many as training rows, got {self.n_synthetic}"
            )


@dataclass(frozen=True)
class Config:
    """Everything a run needs, built.

    ``plain`` is the resolved configuration it was built from; ``overrides`` what the command line has to say to get it
    (:func:`overrides`), for the record; ``data`` digests of the user's files by name.
    """

    general: General
    dataset: Dataset
    missing: Mechanism
    method: str
    model: str
    completion: Completion
    encoding: Encoding
    diffusion: DiffusionSettings
    network: NetworkSettings
    training: TrainingRecipe
    trainer: TrainerSettings
    evaluation: Evaluation
    logger: CsvLogger | WandbLogger
    plain: dict[str, Any]
    overrides: tuple[str, ...] = ()
    data: dict[str, str] = field(default_factory=dict)

    @property
    def recipe(self) -> ModelRecipe:
        """What the model is trained by."""
        return ModelRecipe(self.encoding, self.diffusion, self.network, self.training, self.trainer)

    @property
    def experiment(self) -> Experiment:
        """The parts of the run that decide what is learned and drawn."""
        general = self.general
        return Experiment(
            self.dataset, self.missing, self.completion, self.model, self.recipe, general.seed, general.n_synthetic
        )

    def record(self, path: Path) -> RunRecord:
        """What is recorded of the run in the folder ``path``."""
        general = self.general
        variant = None if general.run_dir is None else "-".join([self.method, *self.overrides])
        return RunRecord(
            path=path,
            settings=self.identity,
            seed=general.seed,
            method=self.method,
            group=group_name(self),
            variant=variant,
            overrides=self.overrides,
            force=general.force,
            cache=Path(general.outputs_dir) / ".cache" / "references",
        )

    @property
    def identity(self) -> dict[str, Any]:
        """What decides the result: all settings but where it is written and mirrored, and the content of files."""
        settings = {key: value for key, value in self.plain.items() if key not in NOT_IDENTITY}
        return {**settings, "data": self.data} if self.data else settings


def build_config(cfg: DictConfig) -> Config:
    """Check every key and value of a composed configuration and build its objects.

    Raises:
        ConfigError: a key is unknown or absent, a value of the wrong type or out of range; the
            message names the key and what is allowed.
    """
    plain = plain_values(cfg)
    general = _general(plain)
    _check_groups(plain)
    method = _group(MethodChoice, plain, "method")
    diffusion = chosen_option(DIFFUSIONS, without(plain["diffusion"], "encoding"), "diffusion")
    budget = _group(Budget, plain, "budget")
    training = _group(TrainingRecipe, plain, "training").scaled(budget.share)
    _check_fine_tuning(training, diffusion)
    return Config(
        general=general,
        dataset=chosen_option(DATASETS, plain["dataset"], "dataset"),
        missing=chosen_option(MECHANISMS, plain["missing"], "missing"),
        method=str(plain["method"]["name"]),
        model=method.model,
        completion=COMPLETIONS[method.completion],
        encoding=typed(ENCODINGS[diffusion.rows], plain["diffusion"].get("encoding", {}), "diffusion.encoding"),
        diffusion=diffusion,
        network=chosen_option(NETWORKS, plain["network"], "network"),
        training=training,
        trainer=_group(TrainerSettings, plain, "trainer"),
        evaluation=chosen_option(EVALUATIONS, plain["evaluation"], "evaluation"),
        logger=chosen_option(LOGGERS, plain["logger"], "logger"),
        plain=plain,
        data=plain.get("data", {}),
    )


def _general(plain: Mapping[str, Any]) -> General:
    """Build the keys outside the groups; refuse any that is neither one of them nor a group."""
    names = {key.name for key in fields(General)}
    only_known(set(plain), {*GROUPS, *names, "experiment", "data", IMPUTER}, "")
    return typed(General, {name: value for name, value in plain.items() if name in names}, "")


def _check_groups(plain: Mapping[str, Any]) -> None:
    """Refuse a configuration that lacks a group, or the name of its option."""
    for group in GROUPS:
        if not isinstance(plain.get(group), Mapping):
            raise ConfigError(f"group {group!r} is missing; choose one of its options, e.g. {group}=...")
        name = plain[group].get("name")
        if not isinstance(name, str):
            raise ConfigError(f"{group}.name is the name of an option, chosen by {group}=..., got {name!r}")


def _group(kind: type[T], plain: Mapping[str, Any], group: str) -> T:
    """Build a group whose options are values of one class."""
    return typed(kind, without(plain[group], "name"), group)


def _check_fine_tuning(training: TrainingRecipe, diffusion: DiffusionSettings) -> None:
    if training.fine_tuning_epochs and not diffusion.is_continuous:
        raise ConfigError(
            "training.fine_tuning_epochs is driven by the likelihood of a continuous process; diffusion=absorbing has "
            "none: set training.fine_tuning_epochs=0, or diffusion=ve"
        )


def group_name(config: Config) -> str:
    """``<dataset>/<missing>-<ratio>``: what runs to be compared have in common."""
    ratio = getattr(config.missing, "ratio", None)
    missing = config.plain["missing"]["name"]
    return f"{dataset_label(config.plain['dataset'])}/{missing if ratio is None else f'{missing}-{ratio:g}'}"
