"""Imputers learn from a table with holes and fill its holes or those of another table."""

from src.imputation.boosted import BoostedChain
from src.imputation.diffusion import ConditionalImputer, DiffusionImputer, MissDiffImputer
from src.imputation.gain import Gain
from src.imputation.imputer import Imputer
from src.imputation.mice import Mice, MiceDraws
from src.imputation.missforest import MissForest
from src.imputation.simple import Centre, HotDeck

IMPUTERS: dict[str, type[Imputer]] = {
    "mean_mode": Centre,
    "median_mode": Centre,
    "hot_deck": HotDeck,
    "mice": Mice,
    "mice_ordinal": Mice,
    "mice_draws": MiceDraws,
    "missforest": MissForest,
    "boosted": BoostedChain,
    "gain": Gain,
    "csdi_t": ConditionalImputer,
    "missdiff": MissDiffImputer,
}

__all__ = ["IMPUTERS", "ConditionalImputer", "DiffusionImputer", "Imputer"]
