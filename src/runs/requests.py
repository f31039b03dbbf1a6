"""What the use cases take: a file to fill, files to compare, a search; plain objects that check themselves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src.errors import ConfigError
from src.metrics.base.settings import QuickEvaluation
from src.models import Experiment
from src.tables.columns.kinds import ColumnChoices
from src.tables.imputations import ESTIMATES
from src.tables.text.dialect import KNOWN, check_file


@dataclass(frozen=True)
class Fill:
    """Keys about the file to fill.

    Attributes:
        out: file to write, of the kind of dataset.path; None = score imputers on cells that are taken away.
        run: folder of a finished run, or a saved model, that fills dataset.path; None = train on dataset.path.
        n_imputations: m = write m tables, each another draw; None = one table with the best value for each hole.
        estimate: best value of a number, ``mean`` or ``median`` of the draws; of a category the most frequent one.
        intervals: e.g. 0.9 = write lower and upper bounds of numbers, and probabilities of categories, beside ``out``.
    """

    out: str | None = None
    run: str | None = None
    n_imputations: int | None = None
    estimate: str = "mean"
    intervals: float | None = None

    def __post_init__(self) -> None:
        if self.n_imputations is not None and self.n_imputations < 1:
            raise ConfigError(f"n_imputations is at least 1, or null for one best table, got {self.n_imputations}")
        if self.estimate not in ESTIMATES:
            raise ConfigError(f"estimate is one of {', '.join(ESTIMATES)}, got {self.estimate!r}")
        if self.intervals is not None and not 0 < self.intervals < 1:
            raise ConfigError(f"intervals is between 0 and 1, e.g. 0.9, or null, got {self.intervals}")

    @property
    def tables(self) -> list[Path]:
        """The files that filled tables go to."""
        out = Path(str(self.out))
        if self.n_imputations is None or self.n_imputations == 1:
            return [out]
        return [_with_mark(out, f"-{number + 1}") for number in range(self.n_imputations)]

    @property
    def bounds(self) -> Path:
        """The file that intervals go to."""
        return Path(str(self.out)).with_name(f"{_stem(Path(str(self.out)))}.intervals.csv")


@dataclass(frozen=True)
class FileComparison:
    """A file of synthetic rows to score against a file of real ones.

    Attributes:
        real: table the synthetic one stands for, as a rule the one its generator was trained on.
        synthetic: table to score.
        test: real rows that the generator never saw; None = there are none.
        choices: target, kinds and columns to leave out, where they are not as the cells suggest.
        holes: texts that mark a hole, as ``dataset.holes``; None = :data:`src.tables.text.dialect.HOLES`.
        also_holes: further texts or numbers that mark one, in any column.
        evaluation: which metrics.
        seed: fixes what the metrics draw.
        out: file of the record.
    """

    real: Path
    synthetic: Path
    test: Path | None
    choices: ColumnChoices
    holes: list[str | int | float] | None
    also_holes: list[str | int | float]
    evaluation: QuickEvaluation
    seed: int
    out: Path

    def __post_init__(self) -> None:
        for file in (self.real, self.synthetic, self.test):
            if file is not None:
                check_file(file)
        if self.test is not None and self.test.samefile(self.real):
            raise ConfigError(f"test={self.test} is the real file; the hold-out is rows that are not in it")
        if self.seed < 0:
            raise ConfigError(f"seed is not negative, got {self.seed}")
        if self.out.suffix != ".json" or self.out.is_dir():
            raise ConfigError(f"out is the name of a .json file, got {self.out}")


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
class Search:
    """A search over settings of a training.

    Attributes:
        folder: of the study, its trials and the best settings.
        table: ``<dataset>/<missing>-<ratio>`` that the trials are trained on.
        method: that the settings are of.
        experiment: the training without a search.
        start: values that it has on the axes, by key.
        axes: settings that are searched.
        n_trials: trials in all, those of earlier commands on the same study included.
        n_checks: times a trial is judged on the validation rows; it may be pruned at each but the last.
        trial: values by key -> the training with them, and its plain settings.
    """

    folder: Path
    table: str
    method: str
    experiment: Experiment
    start: dict[str, Any]
    axes: Sequence[Range | Choices]
    n_trials: int
    n_checks: int
    trial: Callable[[Mapping[str, Any]], tuple[Experiment, dict[str, Any]]]

    @property
    def is_start_in_space(self) -> bool:
        """Whether a trial could have the values of :attr:`start`."""
        return all(self.start[axis.key] in axis for axis in self.axes)


def _stem(file: Path) -> str:
    ending = next(known for known in sorted(KNOWN, key=len, reverse=True) if file.name.lower().endswith(known))
    return file.name[: -len(ending)]


def _with_mark(file: Path, mark: str) -> Path:
    stem = _stem(file)
    return file.with_name(f"{stem}{mark}{file.name[len(stem) :]}")
