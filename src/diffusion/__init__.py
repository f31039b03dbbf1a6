"""Diffusion on encoded rows: schedules, the masked objective, networks, samplers, likelihoods. Torch only."""

from src.diffusion.denoiser import Denoiser, masked_dsm
from src.diffusion.recipe import DIFFUSIONS, DiffusionRecipe
from src.diffusion.sampler import Sampler, draw
from src.diffusion.schedule import Schedule, VarianceExploding, VariancePreserving

__all__ = [
    "DIFFUSIONS",
    "Denoiser",
    "DiffusionRecipe",
    "Sampler",
    "Schedule",
    "VarianceExploding",
    "VariancePreserving",
    "draw",
    "masked_dsm",
]
