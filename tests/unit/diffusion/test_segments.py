"""The softmax of columns side by side against PyTorch's, column by column."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src.diffusion.absorbing.categorical import segment_nats


def one_by_one(logits, sizes, at):
    starts = torch.tensor([0, *sizes]).cumsum(0)
    parts = logits.split(sizes, dim=1)
    return torch.stack(
        [-part.log_softmax(dim=1).gather(1, (at[:, i] - starts[i])[:, None])[:, 0] for i, part in enumerate(parts)],
        dim=1,
    )


def made(sizes, n_rows, seed=0, scale=3.0):
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(n_rows, sum(sizes), generator=generator, dtype=torch.float64)
    column = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    first = torch.tensor([0, *sizes]).cumsum(0)[:-1]
    at = torch.stack([torch.randint(0, n, (n_rows,), generator=generator) for n in sizes], dim=1) + first
    return logits, column, at


@pytest.mark.integration
@settings(deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 5), st.integers(0, 1000))
def test_values_and_gradients_are_those_of_log_softmax(sizes, n_rows, seed):
    logits, column, at = made(sizes, n_rows, seed)
    found = []
    for nats in (lambda x: segment_nats(x, column, at), lambda x: one_by_one(x, sizes, at)):
        x = logits.clone().requires_grad_()
        values = nats(x)
        (values * torch.arange(1.0, len(sizes) + 1)).sum().backward()
        found.append((values.detach(), x.grad))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_the_gradient_is_right_by_differences():
    logits, column, at = made([3, 1, 4], 3)
    assert torch.autograd.gradcheck(lambda x: segment_nats(x, column, at), logits.requires_grad_())


@pytest.mark.parametrize("shift", [-1e4, 0.0, 1e4])
def test_large_logits_neither_overflow_nor_touch_the_next_column(shift):
    sizes = [2, 3]
    logits, column, at = made(sizes, 4)
    logits[:, :2] += shift
    torch.testing.assert_close(segment_nats(logits, column, at), one_by_one(logits, sizes, at))
    assert segment_nats(logits.float(), column, at).isfinite().all()
