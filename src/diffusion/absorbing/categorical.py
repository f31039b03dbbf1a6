"""Categorical distributions: samples of one, and the cross-entropy of many whose logits lie side by side."""

from typing import Any

import torch
from torch import Tensor


def sample_categorical(logits: Tensor, u: Tensor) -> Tensor:
    """Sample one index of each row of logits (m, K): the first whose cumulative probability exceeds u (m, 1)."""
    cumulative = logits.softmax(dim=1).cumsum(dim=1)
    # Rounding may leave the sum of all probabilities a little off 1, so u is scaled to it.
    return (cumulative <= u * cumulative[:, -1:]).sum(dim=1).clamp(max=logits.shape[1] - 1)


class SegmentNats(torch.autograd.Function):
    """Computes -log softmax of one coordinate of each column, the softmax over the coordinates of the column.

    Padding all columns to the widest one, and undoing it in the backward pass, took a third of a training step on
    Census (``docs/decisions/0022-speed.md``).

    The gradient is the softmax, less 1 at that coordinate. For it only the exponentials and their sums are saved, and
    both passes touch V coordinates a row.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, column: Tensor, target: Tensor) -> Tensor:
        index = column.expand_as(logits)
        # The largest logit of a column is taken off, so that no exponential overflows.
        top = logits.new_full(target.shape, -torch.inf).scatter_reduce_(1, index, logits, "amax")
        weight = (logits - top.index_select(1, column)).exp_()
        total = torch.zeros_like(top).scatter_add_(1, index, weight)
        ctx.save_for_backward(weight, total, column, target)
        return total.log() + top - logits.gather(1, target)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        weight, total, column, target = ctx.saved_tensors
        grad = weight * (grads[0] / total).index_select(1, column)
        return grad.scatter_add_(1, target, -grads[0]), None, None


def segment_nats(logits: Tensor, column: Tensor, target: Tensor) -> Tensor:
    """Compute -log p of one coordinate of each column, under a softmax over the coordinates of the column.

    Arguments:
        logits: (B, V) of all coordinates, those of a column side by side, finite.
        column: (V,) int64, column of a coordinate.
        target: (B, d) int64, a coordinate of each column.

    Returns:
        (B, d) nats.
    """
    nats: Tensor = SegmentNats.apply(logits, column, target)
    return nats
