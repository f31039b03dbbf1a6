"""Residual MLP over the encoded row: FiLM-conditioned residual blocks, as in the paper's network without attention."""

from torch import Tensor, nn

from src.diffusion.networks.embedding import TimeEmbedding


class ResidualBlock(nn.Module):
    """Computes h + W2 silu(W1 norm(h) * (1 + scale(t)) + shift(t)); without a time, scale and shift are 0.

    A gated block computes h + W2 (silu(...) * 2 sigmoid(W3 norm(h))) (gated linear units: Dauphin et al. 2017,
    https://arxiv.org/abs/1612.08083): products of two features are interactions of columns. The gate is bounded, since
    rows that miss cells in training are drawn complete, and a product of two unbounded features extrapolates badly. W2
    starts at zero, so that an untrained block is the identity.

    Arguments:
        channels: width of h.
        dim_time: width of the time's embedding; None = there is no time.
        gated: whether there is a gate.
    """

    def __init__(self, channels: int, dim_time: int | None, gated: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.inner = nn.Linear(channels, channels)
        self.gate = nn.Linear(channels, channels) if gated else None
        self.time = None if dim_time is None else nn.Linear(dim_time, 2 * channels)
        self.outer = nn.Linear(channels, channels)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, h: Tensor, time: Tensor | None) -> Tensor:
        norm = self.norm(h)
        inner = self.inner(norm)
        if self.time is not None:
            scale, shift = self.time(time).chunk(2, dim=1)
            inner = inner * (1 + scale) + shift
        inner = nn.functional.silu(inner)
        if self.gate is not None:
            inner = inner * (2 * self.gate(norm).sigmoid())
        update: Tensor = self.outer(inner)
        return h + update


class ResidualMLP(nn.Module):
    """``network=residual_mlp``: maps (B, D) rows and (B,) times to (B, D).

    The last layer starts at zero, so that the untrained network predicts 0 everywhere.

    Arguments:
        width: D.
        channels: width of the hidden layers.
        n_blocks: residual blocks.
        dim_time: width of the time embedding; None = the process has no time.
        gated: whether the blocks have gates.
        n_channels: C; with more than one, rows are (B, C, D).
    """

    def __init__(
        self,
        width: int,
        channels: int,
        n_blocks: int,
        dim_time: int | None,
        gated: bool = False,
        n_channels: int = 1,
    ) -> None:
        super().__init__()
        self.time = None if dim_time is None else TimeEmbedding(dim_time)
        self.input = nn.Linear(n_channels * width, channels)
        self.blocks = nn.ModuleList(ResidualBlock(channels, dim_time, gated) for _ in range(n_blocks))
        self.norm = nn.LayerNorm(channels)
        self.output = nn.Linear(channels, width)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, x: Tensor, t: Tensor, sigma: Tensor) -> Tensor:
        time = None if self.time is None else self.time(t)
        out: Tensor = self.output(self.hidden_layers(self.input(x.flatten(1)), time))
        return out

    def hidden_layers(self, h: Tensor, time: Tensor | None) -> Tensor:
        """Map the outputs (B, channels) of the first layer to the inputs (B, channels) of the last one."""
        for block in self.blocks:
            h = block(h, time)
        return nn.functional.silu(self.norm(h))
