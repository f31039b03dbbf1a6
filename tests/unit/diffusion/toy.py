"""A diffusion of 60 lines: one noise level, and rows drawn from independent Gaussians.

All that a diffusion needs is this file, in a folder of ``src/diffusion``, the settings below as
``conf/diffusion/toy.yaml``, and a row in ``test_contract.py``.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from src.diffusion import Coordinates, Diffusion, DiffusionSettings, Drawn, LogLikelihood, Moments, RowLosses
from src.errors import ConfigError

YAML = """
name: toy
sigma: 0.5
sampler:
  n_steps: 1
encoding:
  numerical: quantile
  low: -1
  na_coordinate: false
  repeated: false
  code: one_hot
"""


class ToyNoise(NamedTuple):
    """Standard normal noise ``eps`` (B, D)."""

    eps: Tensor


class ToyDiffusion(Diffusion[ToyNoise]):
    """Learns to take noise of one level off rows."""

    def __init__(self, network, moments, sigma):
        super().__init__(network)
        self.register_buffer("mean", moments.mean)
        self.register_buffer("std", moments.std.clamp(min=0.02))
        self.sigma = sigma

    def draw_noise(self, x, generator):
        return ToyNoise(torch.randn(x.shape, generator=generator, device=x.device))

    def losses(self, x, mask, noise):
        level = torch.full((len(x),), self.sigma, device=x.device)
        found = self.network(x + self.sigma * noise.eps, level, level)
        return RowLosses(((found - x) * mask).square().mean(dim=1), level)

    def draw(self, sampler, n_rows, generator, known=None, on_progress=lambda share: None):
        eps = torch.randn(n_rows, len(self.mean), generator=generator, device=generator.device)
        x = self.mean + self.std * eps
        on_progress(1.0)
        return Drawn(x if known is None else torch.where(known.mask, known.x, x), 1)

    def log_likelihood(self, x, mask, generator, accuracy, on_progress=lambda share: None):
        nats = -0.5 * ((x - self.mean) / self.std).square() - self.std.log() - 0.5 * math.log(2 * math.pi)
        return LogLikelihood((nats * mask).sum(dim=1), mask.sum(dim=1), 0)


@dataclass(frozen=True)
class OneStep:
    """Its sampler."""

    n_steps: int | None


@dataclass(frozen=True)
class ToySettings(DiffusionSettings, names=("toy",)):
    """``diffusion=toy``."""

    sigma: float
    sampler: OneStep
    rows: ClassVar[str] = "coordinates"
    is_continuous: ClassVar[bool] = True
    imputation_steps: ClassVar[int | None] = 1

    def build(self, network, coordinates: Coordinates, moments: Moments, targets=None):
        return ToyDiffusion(network.build(coordinates.width), moments, self.sigma)

    def check_steps(self, n_steps, n_columns):
        if n_steps > 1:
            raise ConfigError(f"n_steps is 1, got {n_steps}")
