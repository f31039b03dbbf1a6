"""Evaluate a network on as many rows at a time as memory can hold."""

import logging
from collections.abc import Callable

import torch
from torch import Tensor

_PHRASES = ("out of memory", "can't allocate memory", "not enough memory")  # CUDA, CPU on Linux, on Windows


class InPieces:
    """Evaluates a function on all rows at once, and on half as many at a time whenever memory runs out.

    The function evaluates rows independently of each other, so the result does not depend on the pieces.

    Attributes:
        n_pieces: number of pieces that the last call needed; the next one begins with it.
    """

    def __init__(self) -> None:
        self.n_pieces = 1

    def __call__(self, evaluate: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
        """Compute ``evaluate(*inputs)``, (n, ...).

        Arguments:
            evaluate: function of rows; call it without autograd, which would keep the memory of every piece.
            inputs: tensors (n, ...) of rows, or (1, ...) where all rows share a value.

        Raises:
            RuntimeError, MemoryError: a single row does not fit, or ``evaluate`` failed for another reason.
        """
        n_rows = max(len(tensor) for tensor in inputs)
        while True:
            size = max(-(-n_rows // self.n_pieces), 1)
            outputs = self._try_size(evaluate, inputs, n_rows, size)
            if outputs is not None:
                return outputs
            self.n_pieces *= 2
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            logging.getLogger("missdiff").warning(
                "out of memory: the network goes on with %d rows at a time", -(-n_rows // self.n_pieces)
            )

    def _try_size(
        self, evaluate: Callable[..., Tensor], inputs: tuple[Tensor, ...], n_rows: int, size: int
    ) -> Tensor | None:
        """Evaluate ``size`` rows at a time; None where memory ran out and there are smaller pieces to try."""
        try:
            if size >= n_rows:
                return evaluate(*inputs)
            starts = range(0, n_rows, size)
            return torch.cat(
                [evaluate(*(x[start : start + size] if len(x) == n_rows else x for x in inputs)) for start in starts]
            )
        except (RuntimeError, MemoryError) as error:
            if size == 1 or not is_out_of_memory(error):
                raise
        return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory has run out, on a GPU or on the CPU."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(phrase in str(error).lower() for phrase in _PHRASES)
