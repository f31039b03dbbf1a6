"""Which metrics are computed, and on how many rows."""

from dataclasses import dataclass

from src.errors import ConfigError


@dataclass(frozen=True)
class QuickEvaluation:
    """``evaluation=quick``: fidelity, XGBoost utility, XGBoost detection.

    Attributes:
        detection_rows: rows of either side that the detector sees.
        references: whether the reference tables are scored too.
    """

    detection_rows: int
    references: bool

    def __post_init__(self) -> None:
        if self.detection_rows < 10:
            raise ConfigError(f"evaluation.detection_rows is at least 10, got {self.detection_rows}")
