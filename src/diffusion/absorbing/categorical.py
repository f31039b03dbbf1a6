"""Sample from categorical distributions by uniform numbers."""

from torch import Tensor


def sample_categorical(logits: Tensor, u: Tensor) -> Tensor:
    """Sample one index of each row of logits (m, K): the first whose cumulative probability exceeds u (m, 1)."""
    cumulative = logits.softmax(dim=1).cumsum(dim=1)
    # Rounding may leave the sum of all probabilities a little off 1, so u is scaled to it.
    return (cumulative <= u * cumulative[:, -1:]).sum(dim=1).clamp(max=logits.shape[1] - 1)
