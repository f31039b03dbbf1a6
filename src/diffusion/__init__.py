"""Diffusion on encoded rows: schedules, the masked objective, networks, samplers, likelihoods. Torch only."""

from src.diffusion.absorbing import AbsorbingDenoiser
from src.diffusion.conditional import Given, draw_given
from src.diffusion.csdi import Condition, ConditionalDenoiser, Targets, draw_conditional
from src.diffusion.denoiser import Denoiser, masked_dsm
from src.diffusion.drawing import AnyDenoiser, draw_rows
from src.diffusion.recipe import (
    DIFFUSIONS,
    AbsorbingRecipe,
    AnyDiffusion,
    CellByCell,
    DiffusionRecipe,
    Moments,
    with_steps,
)
from src.diffusion.sampler import Drawn, Sampler, draw
from src.diffusion.schedule import Schedule, VarianceExploding, VariancePreserving
from src.diffusion.states import States

__all__ = [
    "DIFFUSIONS",
    "AbsorbingDenoiser",
    "AbsorbingRecipe",
    "AnyDenoiser",
    "AnyDiffusion",
    "CellByCell",
    "Condition",
    "ConditionalDenoiser",
    "Denoiser",
    "DiffusionRecipe",
    "Drawn",
    "Given",
    "Moments",
    "Sampler",
    "Schedule",
    "States",
    "Targets",
    "VarianceExploding",
    "VariancePreserving",
    "draw",
    "draw_conditional",
    "draw_given",
    "draw_rows",
    "masked_dsm",
    "with_steps",
]
