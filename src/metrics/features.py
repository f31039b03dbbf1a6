"""Features of a table for gradient-boosted trees: numbers as they are, ordinal codes, NaN in holes."""

import numpy as np
import pandas as pd

from src.tables import Schema


def tree_features(frame: pd.DataFrame, schema: Schema, names: list[str]) -> np.ndarray:
    """(N, len(names)) float32; a category is its position in the schema's list, a hole is NaN."""
    columns = []
    for name in names:
        column = schema[name]
        if column.kind == "numerical":
            columns.append(frame[name].to_numpy(dtype=np.float32))
        else:
            columns.append(category_codes(frame[name], column.categories))
    return np.stack(columns, axis=1)


def category_codes(values: pd.Series, categories: tuple[object, ...]) -> np.ndarray:
    """(N,) float32 positions in ``categories``, NaN for a hole."""
    codes = pd.Index(categories, dtype=object).get_indexer(pd.Index(values, dtype=object)).astype(np.float32)
    codes[codes < 0] = np.nan
    return np.asarray(codes)
