"""Turn tables into numbers: for trees, for models that need one scale, for counting, for distances."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from src.tables import Column, Schema, Table

MAX_FLOAT32 = float(np.finfo(np.float32).max)
MAX_DEVIATIONS = 30.0
MAX_CATEGORIES = 100
MAX_SCALED = 1e6


def tree_features(frame: pd.DataFrame, real: pd.DataFrame, schema: Schema, names: list[str]) -> np.ndarray:
    """(N, len(names)) float32; a category is its position in the schema's list, a hole is NaN.

    Numbers are shifted by the ``real`` column's median and divided by a power of two, which trees do not
    notice: seconds since 1970, cut to float32 as they are, would lose all that is less than a minute.
    """
    columns = []
    for name in names:
        column = schema[name]
        if column.kind == "numerical":
            values, known = (table[name].to_numpy(dtype=float) for table in (frame, real))
            columns.append(_centred(values, known[~np.isnan(known)]))
        else:
            columns.append(category_codes(frame[name], column.categories))
    return np.stack(columns, axis=1)


def _centred(values: np.ndarray, real: np.ndarray) -> np.ndarray:
    if len(real) == 0:
        real = np.zeros(1)
    middle, span = median_cell(real) / 2, real.max() / 2 - real.min() / 2  # halves: no difference overflows
    with np.errstate(over="ignore"):
        scaled = np.ldexp(values / 2 - middle, -np.frexp(span)[1])
    return np.asarray(scaled.clip(-MAX_FLOAT32, MAX_FLOAT32).astype(np.float32))


def median_cell(values: np.ndarray) -> float:
    """The lower median of (n,) numbers: one of them, so that whole numbers stay whole."""
    return float(np.quantile(values, 0.5, method="inverted_cdf"))


def coded_columns(table: Table) -> dict[str, np.ndarray]:
    """Column -> (N,) float64: numbers, or positions in the schema's categories; NaN in a hole."""
    return {
        column.name: table.frame[column.name].to_numpy(dtype=float)
        if column.kind == "numerical"
        else category_codes(table.frame[column.name], column.categories).astype(float)
        for column in table.schema.columns
    }


def category_codes(values: pd.Series, categories: tuple[object, ...]) -> np.ndarray:
    """(N,) float32 positions in ``categories``, NaN for a hole."""
    codes = pd.Index(categories, dtype=object).get_indexer(pd.Index(values, dtype=object)).astype(np.float32)
    codes[codes < 0] = np.nan
    return np.asarray(codes)


def coordinates(real: Table, holed: Sequence[Table] = ()) -> Callable[[Table], np.ndarray]:
    """Map from tables of one schema to points (N, width) float64, fixed by the real table.

    * A number is standardised by the real column's mean and standard deviation and cut off at 30
      deviations; a constant column is only centred.
    * A category is one-hot, scaled so that rows that differ in it alone are 1 apart. Beyond 100
      categories the rarest of the real column share a coordinate.
    * A hole is 0 everywhere, with a coordinate of its own (1 in a hole) where the column has any in the real
      table or in one of the tables ``holed``.
    """
    columns = real.schema.columns
    arrays = coded_columns(real)
    has_holes = ~np.all([table.observed.all(axis=0) for table in (real, *holed)], axis=0)
    maps = [
        _number_map(arrays[c.name], bool(any_hole))
        if c.kind == "numerical"
        else _one_hot_map(arrays[c.name], c, bool(any_hole))
        for c, any_hole in zip(columns, has_holes, strict=True)
    ]

    def transform(table: Table) -> np.ndarray:
        values = coded_columns(table)
        return np.concatenate([to_points(values[c.name]) for c, to_points in zip(columns, maps, strict=True)], axis=1)

    return transform


def _number_map(real: np.ndarray, holed: bool) -> Callable[[np.ndarray], np.ndarray]:
    known = real[~np.isnan(real)]
    largest = np.abs(known).max(initial=0) or 1.0  # sums and squares of very large numbers would overflow
    scaled = known / largest if len(known) else np.zeros(1)
    mean, deviation = scaled.mean() * largest, scaled.std() * largest

    def to_points(values: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            standardised = ((values - mean) / (deviation or 1.0)).clip(-MAX_DEVIATIONS, MAX_DEVIATIONS)
        points = [np.nan_to_num(standardised), np.isnan(values)] if holed else [standardised]
        return np.stack(points, axis=1).astype(float)

    return to_points


def _one_hot_map(real: np.ndarray, column: Column, holed: bool) -> Callable[[np.ndarray], np.ndarray]:
    n = len(column.categories)
    counts = np.bincount(real[~np.isnan(real)].astype(int), minlength=n)
    slots = np.arange(n)
    if n > MAX_CATEGORIES:
        slots = np.argsort(np.argsort(-counts, kind="stable"), kind="stable").clip(max=MAX_CATEGORIES - 1)
    width = int(slots.max()) + 1

    def to_points(values: np.ndarray) -> np.ndarray:
        known = ~np.isnan(values)
        points = np.zeros((len(values), width + holed))
        points[np.flatnonzero(known), slots[values[known].astype(int)]] = np.sqrt(0.5)
        if holed:
            points[~known, width] = 1
        return points

    return to_points


def scaled_features(
    fitted: pd.DataFrame, frames: list[pd.DataFrame], real: pd.DataFrame, schema: Schema, names: list[str]
) -> list[np.ndarray]:
    """Features of several frames as in STaSy's evaluation, for models that need numbers of one scale.

    * numerical: log(max(x, 0.01)) where the real values are never negative and reach 1,000, else
      5 (x - min) / (max - min), cut off at a million. STaSy reads min and max from hand-written
      metadata, here they are those of the ``real`` training rows; a constant column is 0.
    * categorical with at most two categories: position in the schema's list.
    * any other categorical: one column per category that occurs in ``fitted``, the 100 most frequent
      at most; any other category is 0 in all of them.

    STaSy's third kind, ordinal, has no counterpart in :class:`src.tables.Schema`. A hole is NaN in
    every coordinate of its column.

    Returns:
        One (N, width) float64 array per frame.
    """
    blocks: list[list[np.ndarray]] = [[] for _ in frames]
    for name in names:
        column = schema[name]
        present = _coded(fitted[name], column) if column.categories else None
        for block, frame in zip(blocks, frames, strict=True):
            if present is None:
                values = _scaled(frame[name].to_numpy(dtype=float), float(real[name].min()), float(real[name].max()))
                block.append(values[:, None])
                continue
            codes = category_codes(frame[name], column.categories).astype(float)[:, None]
            if len(column.categories) > 2:
                codes = np.where(np.isnan(codes), np.nan, codes == present)
            block.append(codes)
    return [np.concatenate(block, axis=1) for block in blocks]


def _coded(fitted: pd.Series, column: Column) -> np.ndarray:
    """Ascending codes of the categories that get a coordinate."""
    codes, counts = np.unique(category_codes(fitted.dropna(), column.categories), return_counts=True)
    return np.asarray(np.sort(codes[np.argsort(-counts, kind="stable")[:MAX_CATEGORIES]]))


def _scaled(values: np.ndarray, least: float, largest: float) -> np.ndarray:
    if least >= 0 and largest >= 1000:
        return np.asarray(np.log(np.maximum(values, 0.01)))
    with np.errstate(over="ignore"):
        if np.isinf(largest - least):
            values, least, largest = values / 2, least / 2, largest / 2
        scaled = (values - least) * (5 / (largest - least) if largest > least else 0.0)
    return np.asarray(scaled.clip(-MAX_SCALED, MAX_SCALED))
