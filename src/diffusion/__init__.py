"""Diffusion models of encoded rows: the interface, its implementations, their networks. Torch only."""

from importlib import import_module
from pkgutil import walk_packages

from src.diffusion.base import (
    RECIPES,
    Accuracy,
    Coordinates,
    Diffusion,
    DiffusionRecipe,
    Drawn,
    KnownCoordinates,
    LogLikelihood,
    Moments,
    RowLosses,
    Targets,
)

for _module in walk_packages(__path__, f"{__name__}."):
    import_module(_module.name)  # importing a recipe registers it in RECIPES

__all__ = [
    "RECIPES",
    "Accuracy",
    "Coordinates",
    "Diffusion",
    "DiffusionRecipe",
    "Drawn",
    "KnownCoordinates",
    "LogLikelihood",
    "Moments",
    "RowLosses",
    "Targets",
]
