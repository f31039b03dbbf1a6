"""Missing mechanisms: table -> mask, True = observed."""

from src.missing.logistic import MissingAtRandom, NotMissingAtRandom
from src.missing.mcar import ColumnMissing, IndependentMissing, NativeMissing, RowMissing
from src.missing.mechanism import Mechanism, realised_ratio

MECHANISMS: dict[str, type[Mechanism]] = {
    "row": RowMissing,
    "column": ColumnMissing,
    "independent": IndependentMissing,
    "mar": MissingAtRandom,
    "nmar": NotMissingAtRandom,
    "native": NativeMissing,
}

__all__ = ["MECHANISMS", "Mechanism", "realised_ratio"]
