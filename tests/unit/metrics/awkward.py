"""Pairs of tables that break metrics: few rows, ties, constants, tiny and huge numbers, absent categories."""

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from src.tables import Column, Schema, make_table

NUMBERS = {
    "normal": lambda rng, n: rng.normal(3, 2, n),
    "ties": lambda rng, n: rng.integers(0, 4, n).astype(float),
    "constant": lambda rng, n: np.full(n, 2.5),
    "heavy": lambda rng, n: rng.standard_cauchy(n) * 1e4,
    "tiny": lambda rng, n: rng.normal(0, 1e-15, n),
    "narrow": lambda rng, n: 1e17 + 16 * rng.integers(0, 2, n),
}


@st.composite
def awkward_tables(draw, n_columns: int):
    """A real and a synthetic table of one schema."""
    parts, arrays = [], ({}, {})
    n_real, n_synthetic = draw(st.integers(2, 60)), draw(st.integers(2, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shared = [rng.normal(size=n) for n in (n_real, n_synthetic)]
    for i in range(n_columns):
        name = f"c{i}"
        if draw(st.booleans()):
            parts.append(Column(name, "numerical", "float64"))
            follows = draw(st.booleans())
            for side, n, common in zip(arrays, (n_real, n_synthetic), shared, strict=True):
                own = NUMBERS[draw(st.sampled_from(sorted(NUMBERS)))](rng, n)
                side[name] = common * 10 + rng.normal(size=n) if follows else own
        else:
            k = draw(st.sampled_from([1, 2, 3, 40]))
            parts.append(Column(name, "categorical", "object", categories=tuple(f"v{j}" for j in range(k))))
            for side, n, common in zip(arrays, (n_real, n_synthetic), shared, strict=True):
                low, high = sorted(draw(st.tuples(st.integers(0, k - 1), st.integers(0, k - 1))))
                codes = rng.integers(low, high + 1, n)
                if draw(st.booleans()):
                    codes = np.where(common > 0, low, high)
                side[name] = [f"v{code}" for code in codes]
    schema = Schema(tuple(parts))
    return tuple(make_table(pd.DataFrame(side), schema) for side in arrays)
