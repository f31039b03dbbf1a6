"""Evaluate a network on as many rows at a time as memory holds."""

import logging
from collections.abc import Callable

import torch
from torch import Tensor

_PHRASES = ("out of memory", "can't allocate memory", "not enough memory")


class InPieces:
    """Evaluates a function of rows on all of them, or on half as many at a time whenever memory runs out.

    How many pieces that takes is remembered for the next time. Rows are evaluated independently of each other, so
    the pieces are no other rows than the whole.
    """

    def __init__(self) -> None:
        self.n_pieces = 1

    def __call__(self, evaluate: Callable[..., Tensor], *parts: Tensor) -> Tensor:
        """``evaluate(*parts)``, (n, ...).

        Arguments:
            evaluate: of rows; not under autograd, which would keep what a piece has used.
            parts: (n, ...) each, of rows, or (1, ...), of all rows.
        """
        n_rows = max(len(part) for part in parts)
        while True:
            size = max(-(-n_rows // self.n_pieces), 1)
            outputs = self._tried(evaluate, parts, n_rows, size)
            if outputs is not None:
                return outputs
            self.n_pieces *= 2
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            logging.getLogger("missdiff").warning(
                "out of memory: the network goes on with %d rows at a time", -(-n_rows // self.n_pieces)
            )

    def _tried(
        self, evaluate: Callable[..., Tensor], parts: tuple[Tensor, ...], n_rows: int, size: int
    ) -> Tensor | None:
        """None where memory ran out; a single row that is too much is the end."""
        try:
            if size >= n_rows:
                return evaluate(*parts)
            starts = range(0, n_rows, size)
            return torch.cat(
                [evaluate(*(p[start : start + size] if len(p) == n_rows else p for p in parts)) for start in starts]
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
