r"""Columns of many categories: read and written by vectors in place of a coordinate for each category.

A *wide* column i of K categories has :data:`WIDTH` coordinates of the network, whatever K. The network reads a visible
category k as a vector :math:`v_{i,k}` of weights of its own (an embedding), and writes a vector :math:`a_i`, from which

.. math:: \log p(k \mid x_V) = \log \mathrm{softmax}_k(u_{i,k}^T a_i + b_{i,k})

So the network has no layer of K inputs or outputs, and what is learned of a category with few rows is its own.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, embedding

WIDTH = 64
"""Coordinates of a wide column: u, v and a have so many."""
MOST_LOGITS = 2**19
"""Logits of a batch, of one column, that are cheap beside the rest of a training step."""


class WideCategories(nn.Module):
    """Vectors of the categories of all wide columns, one column after another.

    Arguments:
        sizes: K of each wide column.

    Attributes:
        read: (sum of K, WIDTH) vectors v, in units of a visible category's coordinate.
        write: (sum of K, WIDTH) vectors u.
        bias: (sum of K,) biases b.
        start: position of each column's first category, and the number of all, (w + 1,).
        first: (w,) the same positions as a tensor.
    """

    first: Tensor

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.start = [0, *torch.tensor(sizes).cumsum(0).tolist()]
        self.register_buffer("first", torch.tensor(self.start[:-1]), persistent=False)
        n_categories = self.start[-1]
        self.read = nn.Parameter(torch.randn(n_categories, WIDTH) / WIDTH**0.5)
        self.write = nn.Parameter(torch.randn(n_categories, WIDTH) / WIDTH**0.5)
        self.bias = nn.Parameter(torch.zeros(n_categories))

    def vectors(self, category: Tensor, visible: Tensor, scale: float) -> Tensor:
        """Encode the cells of the wide columns for the network.

        Arguments:
            category: (B, w) int64.
            visible: (B, w) bool.
            scale: size of a visible category.

        Returns:
            (B, w WIDTH), zeros where hidden.
        """
        vectors = embedding(category + self.first, self.read) * (scale * visible[:, :, None])
        return vectors.flatten(1)

    def of_column(self, i: int) -> Tensor:
        """Vectors (K, WIDTH) by which the categories of wide column ``i`` are read."""
        return self.read[self.start[i] : self.start[i + 1]]

    def logits(self, inputs: Tensor, i: int) -> Tensor:
        """Logits (m, K) of the categories of wide column ``i`` from the outputs (m, WIDTH) of the network."""
        of_column = slice(self.start[i], self.start[i + 1])
        return torch.addmm(self.bias[of_column], inputs, self.write[of_column].t())

    def nats(self, inputs: Tensor, category: Tensor, every: Sequence[int]) -> Tensor:
        r"""Cross-entropy of each cell of the wide columns, :math:`-\log p(k \mid x_V)`.

        Arguments:
            inputs: (B, w WIDTH) outputs of the network.
            category: (B, w) int64, the true categories.
            every: by column, r: only every r-th row is computed, and counts r times.

        Returns:
            (B, w) nats.
        """
        nats = []
        for i, r in enumerate(every):
            a = inputs[::r, i * WIDTH : (i + 1) * WIDTH]
            of_rows = cross_entropy(self.logits(a, i), category[::r, i], reduction="none")
            nats.append(of_rows if r == 1 else nn.functional.pad((r * of_rows)[:, None], (0, r - 1)).flatten())
        return torch.stack([of_column[: len(inputs)] for of_column in nats], dim=1)

    def thinning(self, n_rows: int) -> list[int]:
        """By column, the r of :meth:`nats` of a training batch: a power of 2, so that shards thin as their whole."""
        sizes = [stop - start for start, stop in zip(self.start[:-1], self.start[1:], strict=True)]
        return [1 << max(-(-n_rows * size // MOST_LOGITS) - 1, 0).bit_length() for size in sizes]
