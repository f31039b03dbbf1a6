"""Sinusoidal embeddings of diffusion times and column positions."""

import torch
from torch import Tensor, nn


def sinusoidal(position: Tensor, dim: int, base: float = 10_000.0) -> Tensor:
    """Embed positions (B,) as (B, dim): sines and cosines of frequencies spaced geometrically from 1 to 1 / base."""
    frequency = base ** -torch.linspace(0, 1, dim // 2, device=position.device)
    angle = position[:, None] * frequency
    return torch.cat([angle.sin(), angle.cos()], dim=1)


class TimeEmbedding(nn.Module):
    """Embeds diffusion times (B,), in whole steps, as (B, dim): sinusoids, then two SiLU layers, as in CSDI."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.layers = nn.Sequential(nn.Linear(dim, dim), nn.SiLU(), nn.Linear(dim, dim), nn.SiLU())

    def forward(self, t: Tensor) -> Tensor:
        embedded: Tensor = self.layers(sinusoidal(t, self.dim))
        return embedded
