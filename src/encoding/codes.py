"""Codes represent categories by coordinates.

* ``one_hot`` (the paper's): one coordinate per category, 1 for the category of the cell and ``low`` for the others.
* ``analog_bits`` (Chen et al. 2023, https://arxiv.org/abs/2208.04202): the category's number, from 1, in binary
  digits ``low`` and 1.
* ``tokens`` (TabCSDI; Zheng and Charoenphakdee 2022, https://arxiv.org/abs/2210.17128): a fixed random vector of
  :data:`TOKEN_WIDTH` numbers per category. A number z becomes z times a fixed random vector, and is decoded by
  projection onto that vector.
"""

import numpy as np

from src.seeding import numpy_stream

CODES = ("one_hot", "analog_bits", "tokens")
TOKEN_WIDTH = 8


def code_width(code: str, n_categories: int) -> int:
    """Count the coordinates that a column of K categories needs."""
    return {"one_hot": n_categories, "analog_bits": n_categories.bit_length(), "tokens": TOKEN_WIDTH}[code]


def codebook(code: str, low: int, name: str, n_categories: int, width: int) -> np.ndarray:
    """Return the codes of the categories of the column ``name``, (K, width) float32."""
    if code == "tokens":
        return numpy_stream(0, "tokens", name).standard_normal((n_categories, width)).astype(np.float32)
    numbers = np.arange(1, n_categories + 1)[:, None]
    is_one = numbers == np.arange(1, width + 1) if code == "one_hot" else (numbers >> np.arange(width)) % 2 == 1
    return np.where(is_one, 1, low).astype(np.float32)


def direction(code: str, name: str) -> np.ndarray:
    """Return the vector (width,) that z of the numerical column ``name`` is multiplied by."""
    if code != "tokens":
        return np.ones(1)
    return numpy_stream(0, "tokens", name).standard_normal(TOKEN_WIDTH)
