"""Networks of the denoiser: they map (B, D) noisy rows and (B,) or (1,) times and sigmas to (B, D).

A network of C > 1 channels reads (B, C, D): the noisy row and its condition.
"""

from dataclasses import dataclass, field
from typing import Protocol

from torch import nn

from src.diffusion.networks.concat_squash import EMBEDDINGS, ConcatSquash
from src.diffusion.networks.residual_attention import ResidualAttention
from src.diffusion.networks.residual_mlp import ResidualMLP
from src.errors import ConfigError


class NetworkSettings(Protocol):
    """Sizes of a network; builds it once the width D of the encoded rows is known."""

    def build(self, width: int, n_channels: int = 1, has_time: bool = True) -> nn.Module:
        """Build the network; its weights are drawn from torch's global stream.

        Arguments:
            width: D.
            n_channels: C.
            has_time: False = the process has no time; then a network may leave out the layers that read it.
        """
        ...


@dataclass(frozen=True)
class ResidualMLPSettings:
    """``network=residual_mlp``; see :class:`ResidualMLP`.

    Attributes:
        channels: width of the hidden layers.
        n_blocks: residual blocks.
        dim_time: width of the time's embedding, an even number; unused where the process has no time.
        gated: whether the blocks multiply features by gates.
    """

    channels: int = 256
    n_blocks: int = 3
    dim_time: int = 64
    gated: bool = True

    def __post_init__(self) -> None:
        _positive(channels=self.channels, n_blocks=self.n_blocks)
        _even(self.dim_time)

    def build(self, width: int, n_channels: int = 1, has_time: bool = True) -> nn.Module:
        """See :class:`NetworkSettings`."""
        dim_time = self.dim_time if has_time else None
        return ResidualMLP(width, self.channels, self.n_blocks, dim_time, self.gated, n_channels)


@dataclass(frozen=True)
class ResidualAttentionSettings:
    """``network=residual_attention``; see :class:`ResidualAttention`.

    Attributes:
        channels: width of a coordinate's embedding, a multiple of ``n_heads``; 64 in the paper, 128 in its code.
        n_blocks: residual blocks.
        n_heads: heads of the attention.
        dim_time: width of the time's embedding, an even number.
    """

    channels: int = 64
    n_blocks: int = 4
    n_heads: int = 4
    dim_time: int = 128

    def __post_init__(self) -> None:
        _positive(channels=self.channels, n_blocks=self.n_blocks, n_heads=self.n_heads)
        _even(self.dim_time)
        if self.channels % self.n_heads:
            raise ConfigError(f"network.n_heads={self.n_heads} must divide network.channels={self.channels}")

    def build(self, width: int, n_channels: int = 1, has_time: bool = True) -> nn.Module:
        """See :class:`NetworkSettings`."""
        return ResidualAttention(width, self.channels, self.n_blocks, self.n_heads, self.dim_time, n_channels)


@dataclass(frozen=True)
class ConcatSquashSettings:
    """``network=concat_squash``; see :class:`ConcatSquash`.

    Attributes:
        hidden: widths of the layers.
        embedding: input for the noise level: ``fourier``, as in the papers, or ``sigma``, as in the published code.
    """

    hidden: list[int] = field(default_factory=lambda: [256, 512, 1024, 1024, 512, 256])
    embedding: str = "fourier"

    def __post_init__(self) -> None:
        if not self.hidden or min(self.hidden) < 1:
            raise ConfigError(f"network.hidden is a list of widths of at least 1, got {self.hidden}")
        if self.embedding not in EMBEDDINGS:
            raise ConfigError(f"network.embedding is one of {list(EMBEDDINGS)}, got {self.embedding!r}")

    def build(self, width: int, n_channels: int = 1, has_time: bool = True) -> nn.Module:
        """See :class:`NetworkSettings`."""
        return ConcatSquash(width, self.hidden, self.embedding, n_channels)


def _positive(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise ConfigError(f"network.{name} is at least 1, got {size}")


def _even(dim_time: int) -> None:
    if dim_time < 4 or dim_time % 2:
        raise ConfigError(f"network.dim_time is an even number of at least 4, got {dim_time}")


NETWORKS: dict[str, type[NetworkSettings]] = {
    "residual_mlp": ResidualMLPSettings,
    "residual_attention": ResidualAttentionSettings,
    "concat_squash": ConcatSquashSettings,
}
