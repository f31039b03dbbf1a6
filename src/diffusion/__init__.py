"""Diffusion on encoded rows: schedules, the masked objective, networks, samplers. Torch only."""

from src.diffusion.denoiser import Denoiser, masked_dsm
from src.diffusion.recipe import DIFFUSIONS, DiffusionRecipe
from src.diffusion.sampler import ancestral_sample
from src.diffusion.schedule import Schedule, VarianceExploding, VariancePreserving

__all__ = [
    "DIFFUSIONS",
    "Denoiser",
    "DiffusionRecipe",
    "Schedule",
    "VarianceExploding",
    "VariancePreserving",
    "ancestral_sample",
    "masked_dsm",
]
