"""Process a column through its distinct cells, which are few where rows are many."""

from typing import Any

import numpy as np
import pandas as pd


def typed_categories(texts: tuple[str, ...], dtype: str) -> pd.Index:
    """Categories of a pandas categorical from their texts."""
    if dtype == "bool":
        return pd.Index([text == "True" for text in texts])
    return pd.Index(texts, dtype=object) if dtype in ("object", "str") else pd.Index(texts, dtype=object).astype(dtype)


def distinct_cells(cells: pd.Series) -> tuple[list[Any], np.ndarray]:
    """The different cells, and for each row the position of its own; -1 where there is a hole."""
    if isinstance(cells.dtype, pd.CategoricalDtype):
        used, codes = np.unique(cells.cat.codes.to_numpy(), return_inverse=True)
        has_holes = len(used) > 0 and used[0] == -1
        distinct = cells.cat.categories.to_numpy(dtype=object)[used[used >= 0]].tolist()
        return distinct, codes - int(has_holes)
    codes, found = pd.factorize(cells, use_na_sentinel=True)
    return list(found), codes
