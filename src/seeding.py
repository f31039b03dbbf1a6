"""Named random streams: one seed gives every use of it numbers of its own.

Split, mask, initial weights, row order, training noise, sampling and evaluation each draw from a
stream of their own, so that changing one (say, the batch size) leaves the others as they were.
"""

import hashlib

import numpy as np


def derive(seed: int, *stream: str | int) -> int:
    """Seed of the stream named ``stream`` under ``seed``: an integer in [0, 2**63)."""
    digest = hashlib.blake2b(repr((seed, *stream)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def derive_int32(seed: int, *stream: str | int) -> int:
    """As :func:`derive`, in [0, 2**31), for libraries that take 32-bit seeds."""
    return derive(seed, *stream) % 2**31


def numpy_stream(seed: int, *stream: str | int) -> np.random.Generator:
    """NumPy generator of the stream named ``stream`` under ``seed``."""
    return np.random.default_rng(derive(seed, *stream))
