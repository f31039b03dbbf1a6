"""Diffusion on encoded rows: schedules, the masked objective, networks, samplers, likelihoods. Torch only."""

from src.diffusion.absorbing.denoiser import AbsorbingDenoiser
from src.diffusion.absorbing.states import States
from src.diffusion.drawing import AnyDenoiser, draw_rows
from src.diffusion.gaussian.conditional import Given, draw_given
from src.diffusion.gaussian.csdi import Condition, ConditionalDenoiser, Targets, draw_conditional
from src.diffusion.gaussian.denoiser import Denoiser, masked_dsm
from src.diffusion.gaussian.recipe import (
    DIFFUSIONS,
    AbsorbingRecipe,
    AnyDiffusion,
    CellByCell,
    DiffusionRecipe,
    Moments,
    with_steps,
)
from src.diffusion.gaussian.sampler import Drawn, Sampler, draw
from src.diffusion.gaussian.schedule import Schedule, VarianceExploding, VariancePreserving

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
