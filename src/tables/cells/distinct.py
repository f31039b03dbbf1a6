"""Reduce a column to its distinct cells, which are often few even in a column of many rows."""

from typing import Any

import numpy as np
import pandas as pd


def typed_categories(texts: tuple[str, ...], dtype: str) -> pd.Index:
    """Convert the texts of categories to categories of a pandas categorical."""
    if dtype == "bool":
        return pd.Index([text == "True" for text in texts])
    return pd.Index(texts, dtype=object) if dtype in ("object", "str") else pd.Index(texts, dtype=object).astype(dtype)


def distinct_cells(cells: pd.Series) -> tuple[list[Any], np.ndarray]:
    """Find the distinct cells of a column, and for every row the position of its cell; -1 for a hole.

    Arguments:
        cells: (N,), holes NaN or None.

    Returns:
        The distinct cells, and their codes (N,) int.
    """
    if isinstance(cells.dtype, pd.CategoricalDtype):
        used, codes = np.unique(cells.cat.codes.to_numpy(), return_inverse=True)
        has_holes = len(used) > 0 and used[0] == -1
        distinct = cells.cat.categories.to_numpy(dtype=object)[used[used >= 0]].tolist()
        return distinct, codes - int(has_holes)
    codes, distinct = pd.factorize(cells, use_na_sentinel=True)
    return list(distinct), codes
