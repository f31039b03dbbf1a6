"""Residual attention over encoded coordinates: the paper's network (TabCSDI's, one input channel).

Each of the D coordinates is a token. A residual block is a transformer layer over the tokens, followed by a gated
1x1 convolution with the embeddings of the coordinate as side information; the output is read from the sum of the
skips of all blocks. Two things differ from the published network: attention is PyTorch's scaled-dot-product kernel,
and there is no second transformer, over a feature axis of length one, whose weights were never used.

References: Tashiro et al. 2021, https://arxiv.org/abs/2107.03502; Zheng and Charoenphakdee 2022,
https://arxiv.org/abs/2210.17128
"""

import torch
from torch import Tensor, nn

from src.diffusion.networks.embedding import TimeEmbedding, sinusoidal

DIM_POSITION = 128
"""Width of the sinusoidal embedding of a coordinate's position."""
DIM_FEATURE = 8
"""Width of the learned embedding of a coordinate."""
FEEDFORWARD = 64
"""Hidden width of the transformer's feed-forward layer, as in CSDI's code."""
DROPOUT = 0.1
"""As in CSDI's code. Drawn from PyTorch's global stream, which the training seeds for every step."""


class AttentionBlock(nn.Module):
    """Adds the time to the tokens, attends over them and gates the result.

    Returns the tokens for the next block and the skip for the output, (B, D, channels) each.
    """

    def __init__(self, channels: int, n_heads: int, dim_time: int) -> None:
        super().__init__()
        self.time = nn.Linear(dim_time, channels)
        self.attention = nn.TransformerEncoderLayer(
            channels, n_heads, FEEDFORWARD, DROPOUT, activation="gelu", batch_first=True
        )
        self.middle = _pointwise(channels, 2 * channels)
        self.side = _pointwise(DIM_POSITION + DIM_FEATURE, 2 * channels)
        self.out = _pointwise(channels, 2 * channels)

    def forward(self, h: Tensor, time: Tensor, side: Tensor) -> tuple[Tensor, Tensor]:
        y = self.attention(h + self.time(time)[:, None, :])
        gate, value = (self.middle(y) + self.side(side)).chunk(2, dim=-1)
        residual, skip = self.out(gate.sigmoid() * value.tanh()).chunk(2, dim=-1)
        return (h + residual) / 2**0.5, skip  # keeps the variance of h


class ResidualAttention(nn.Module):
    """``network=residual_attention``: maps (B, D) rows and (B,) or (1,) times to (B, D).

    The last layer starts at zero, so that the untrained network predicts 0 everywhere.

    Arguments:
        width: D, the number of tokens.
        channels: width of a token (64 in the paper, 128 in its code).
        n_blocks: residual blocks.
        n_heads: attention heads; divides ``channels``.
        dim_time: width of the time embedding.
        n_channels: C; with more than one, rows are (B, C, D).
    """

    position: Tensor

    def __init__(
        self, width: int, channels: int, n_blocks: int, n_heads: int, dim_time: int, n_channels: int = 1
    ) -> None:
        super().__init__()
        self.time = TimeEmbedding(dim_time)
        self.n_channels = n_channels
        self.input = _pointwise(n_channels, channels)
        self.feature = nn.Parameter(torch.randn(width, DIM_FEATURE))
        self.register_buffer("position", sinusoidal(torch.arange(width).float(), DIM_POSITION), persistent=False)
        self.blocks = nn.ModuleList(AttentionBlock(channels, n_heads, dim_time) for _ in range(n_blocks))
        self.mix = _pointwise(channels, channels)
        self.output = nn.Linear(channels, 1)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, x: Tensor, t: Tensor, sigma: Tensor) -> Tensor:
        time = self.time(t)
        side = torch.cat([self.position, self.feature], dim=1)
        h = self.input(x.view(len(x), self.n_channels, -1).transpose(1, 2)).relu()
        skips = torch.zeros_like(h)
        for block in self.blocks:
            h, skip = block(h, time, side)
            skips = skips + skip
        out: Tensor = self.output(self.mix(skips / len(self.blocks) ** 0.5).relu())  # keeps the variance at any depth
        return out[..., 0]


def _pointwise(n_in: int, n_out: int) -> nn.Linear:
    """A 1x1 convolution over tokens, initialised Kaiming-normal as in CSDI."""
    layer = nn.Linear(n_in, n_out)
    nn.init.kaiming_normal_(layer.weight)
    return layer
