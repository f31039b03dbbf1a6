"""Derive independent, named random streams from one seed.

The split, the mask, initial weights, the order of rows, training noise, sampling and evaluation draw from different
streams, so that a change of one (say, of the batch size) leaves the others as they were.
"""

import hashlib

import numpy as np


def derive(seed: int, *stream: str | int) -> int:
    """Derive the seed of the stream named ``stream`` from ``seed``: an integer in [0, 2**63)."""
    digest = hashlib.blake2b(repr((seed, *stream)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def derive_int32(seed: int, *stream: str | int) -> int:
    """Derive a seed in [0, 2**31), for libraries that require 32-bit seeds; see :func:`derive`."""
    return derive(seed, *stream) % 2**31


def numpy_stream(seed: int, *stream: str | int) -> np.random.Generator:
    """Create the NumPy generator of the stream named ``stream``; see :func:`derive`."""
    return np.random.default_rng(derive(seed, *stream))
