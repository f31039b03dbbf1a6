"""Codes of categories: which coordinates stand for each.

* ``one_hot`` (the paper's): one coordinate per category, 1 for the cell's and ``low`` elsewhere.
* ``analog_bits`` (Chen et al. 2023, https://arxiv.org/abs/2208.04202): the category's number, from 1, in binary
  digits ``low`` and 1.
* ``tokens`` (TabCSDI; Zheng and Charoenphakdee 2022, https://arxiv.org/abs/2210.17128): a fixed random vector of
  :data:`TOKEN_WIDTH` per category. A number becomes a vector too, z times a fixed random one; back by projection.
"""

import numpy as np

from src.seeding import numpy_stream

CODES = ("one_hot", "analog_bits", "tokens")
TOKEN_WIDTH = 8


def code_width(code: str, n_categories: int) -> int:
    """Coordinates of a column of K categories."""
    return {"one_hot": n_categories, "analog_bits": n_categories.bit_length(), "tokens": TOKEN_WIDTH}[code]


def codebook(code: str, low: int, name: str, n_categories: int, width: int) -> np.ndarray:
    """(K, width) float32 code of each category of the column ``name``."""
    if code == "tokens":
        return numpy_stream(0, "tokens", name).standard_normal((n_categories, width)).astype(np.float32)
    numbers = np.arange(1, n_categories + 1)[:, None]
    is_one = numbers == np.arange(1, width + 1) if code == "one_hot" else (numbers >> np.arange(width)) % 2 == 1
    return np.where(is_one, 1, low).astype(np.float32)


def direction(code: str, name: str) -> np.ndarray:
    """(width,) what z of the numerical column ``name`` is multiplied with."""
    if code != "tokens":
        return np.ones(1)
    return numpy_stream(0, "tokens", name).standard_normal(TOKEN_WIDTH)
