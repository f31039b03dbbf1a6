"""Diffusion on encoded rows: schedules, the masked objective, networks, samplers, likelihoods. Torch only."""

from src.diffusion.conditional import Given, draw_given
from src.diffusion.csdi import Condition, ConditionalDenoiser, Targets, draw_conditional
from src.diffusion.denoiser import Denoiser, masked_dsm
from src.diffusion.recipe import DIFFUSIONS, DiffusionRecipe
from src.diffusion.sampler import Drawn, Sampler, draw
from src.diffusion.schedule import Schedule, VarianceExploding, VariancePreserving

__all__ = [
    "DIFFUSIONS",
    "Condition",
    "ConditionalDenoiser",
    "Denoiser",
    "DiffusionRecipe",
    "Drawn",
    "Given",
    "Sampler",
    "Schedule",
    "Targets",
    "VarianceExploding",
    "VariancePreserving",
    "draw",
    "draw_conditional",
    "draw_given",
    "masked_dsm",
]
