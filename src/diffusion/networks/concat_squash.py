r"""STaSy's network: ConcatSquash layers with dense skips.

A layer is :math:`H(h, \tau) = W h \odot \mathrm{sigmoid}(W_\tau \tau) + V_\tau \tau` (biases left out), and its output
is concatenated with its input, :math:`h_i = \mathrm{elu}([H_i(h_{i-1}, \tau); h_{i-1}])`; a linear layer maps the last
one to the output. The embedding :math:`\tau` of the noise level is one of

* ``fourier``: a random Fourier projection of :math:`\log \sigma_t` through two layers, as the STaSy and
  MissDiff papers describe it;
* ``sigma``: :math:`\sigma_t` itself, as in the published code, which computes the projection and drops it.

Reference: Kim et al. 2023, https://arxiv.org/abs/2210.04018
"""

import math

import torch
from torch import Tensor, nn

EMBEDDINGS = ("fourier", "sigma")
FREQUENCIES = 64
FOURIER_SCALE = 16.0
"""Standard deviation of the frequencies, as in the published code."""


class FourierEmbedding(nn.Module):
    """Maps sigmas (B,) to (B, 4 x FREQUENCIES): fixed Gaussian frequencies of log sigma, then two layers."""

    frequency: Tensor

    def __init__(self) -> None:
        super().__init__()
        width = 4 * FREQUENCIES
        self.register_buffer("frequency", FOURIER_SCALE * torch.randn(FREQUENCIES))
        self.layers = nn.Sequential(nn.Linear(2 * FREQUENCIES, width), nn.ELU(), nn.Linear(width, width))

    def forward(self, sigma: Tensor) -> Tensor:
        angle = 2 * math.pi * sigma.log()[:, None] * self.frequency
        embedded: Tensor = self.layers(torch.cat([angle.sin(), angle.cos()], dim=1))
        return embedded


class ConcatSquashLayer(nn.Module):
    """Maps (B, n_in) rows and (B or 1, n_time) embeddings of the noise level to (B, n_out)."""

    def __init__(self, n_in: int, n_out: int, n_time: int) -> None:
        super().__init__()
        self.value = nn.Linear(n_in, n_out)
        self.gate = nn.Linear(n_time, n_out)
        self.shift = nn.Linear(n_time, n_out, bias=False)

    def forward(self, h: Tensor, time: Tensor) -> Tensor:
        out: Tensor = self.value(h) * self.gate(time).sigmoid() + self.shift(time)
        return out


class ConcatSquash(nn.Module):
    """``network=concat_squash``: maps (B, D) rows and (B,) or (1,) sigmas to (B, D).

    Arguments:
        width: D.
        hidden: widths of the layers; (256, 512, 1024, 1024, 512, 256) in STaSy.
        embedding: one of :data:`EMBEDDINGS`.
        n_channels: C; with more than one, rows are (B, C, D).
    """

    def __init__(self, width: int, hidden: list[int], embedding: str, n_channels: int = 1) -> None:
        super().__init__()
        self.embedding = FourierEmbedding() if embedding == "fourier" else None
        n_time = 4 * FREQUENCIES if embedding == "fourier" else 1
        self.layers = nn.ModuleList()
        n_in = n_channels * width
        for n_out in hidden:
            self.layers.append(ConcatSquashLayer(n_in, n_out, n_time))
            n_in += n_out
        self.output = nn.Linear(n_in, width)

    def forward(self, x: Tensor, t: Tensor, sigma: Tensor) -> Tensor:
        time = sigma[:, None] if self.embedding is None else self.embedding(sigma)
        h = x.flatten(1)
        for layer in self.layers:
            h = nn.functional.elu(torch.cat([layer(h, time), h], dim=1))
        out: Tensor = self.output(h)
        return out
