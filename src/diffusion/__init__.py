"""Diffusion models of encoded rows: the interface, its implementations, their networks. Torch only."""

from importlib import import_module
from pkgutil import walk_packages

from src.diffusion.base import (
    Accuracy,
    Coordinates,
    Diffusion,
    Drawn,
    KnownCoordinates,
    LogLikelihood,
    Moments,
    RowLosses,
    Targets,
)
from src.diffusion.settings import DIFFUSIONS, DiffusionSettings

for _module in walk_packages(__path__, f"{__name__}."):
    import_module(_module.name)  # importing settings registers them in DIFFUSIONS

__all__ = [
    "DIFFUSIONS",
    "Accuracy",
    "Coordinates",
    "Diffusion",
    "DiffusionSettings",
    "Drawn",
    "KnownCoordinates",
    "LogLikelihood",
    "Moments",
    "RowLosses",
    "Targets",
]
