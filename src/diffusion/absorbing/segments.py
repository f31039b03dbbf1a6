"""The softmax of each of many columns that lie side by side, without padding them to one width."""

from typing import Any

import torch
from torch import Tensor


class SegmentNats(torch.autograd.Function):
    r"""-log softmax of one coordinate of each column, the softmax taken over the column's own coordinates.

    The gradient is the softmax less one at that coordinate, so nothing but the exponentials is kept for it, and
    neither way is there a pass over more than the V coordinates there are.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, column: Tensor, at: Tensor) -> Tensor:
        index = column.expand_as(logits)
        top = logits.new_full(at.shape, -torch.inf).scatter_reduce_(1, index, logits, "amax")
        weight = (logits - top.index_select(1, column)).exp_()
        total = torch.zeros_like(top).scatter_add_(1, index, weight)
        ctx.save_for_backward(weight, total, column, at)
        return total.log() + top - logits.gather(1, at)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        weight, total, column, at = ctx.saved_tensors
        grad = weight * (grads[0] / total).index_select(1, column)
        return grad.scatter_add_(1, at, -grads[0]), None, None


def segment_nats(logits: Tensor, column: Tensor, at: Tensor) -> Tensor:
    """(B, d) -log p of the coordinates ``at``, under a softmax over each column's coordinates.

    Arguments:
        logits: (B, V) of all coordinates, those of a column side by side, finite.
        column: (V,) column of a coordinate.
        at: (B, d) a coordinate of each column.
    """
    nats: Tensor = SegmentNats.apply(logits, column, at)
    return nats
