"""Categories that differ only in case or blanks: ``Yes``, ``yes`` and ``" YES "``."""

from typing import Any

import numpy as np


def spelling_key(value: Any) -> Any:
    """Return what spellings of one category have in common; other values than texts as they are."""
    return " ".join(value.split()).casefold() if isinstance(value, str) else value


def merged(values: list[Any], counts: np.ndarray) -> tuple[list[Any], np.ndarray]:
    """Merge the spellings of every category into the most frequent one.

    Arguments:
        values: the distinct values, in order.
        counts: (n,) number of cells of each.

    Returns:
        The remaining values in order, and their numbers of cells.
    """
    groups = _groups(values)
    chosen = sorted((max(group, key=counts.__getitem__), int(counts[group].sum())) for group in groups)
    return [values[i] for i, _ in chosen], np.array([count for _, count in chosen])


def variants(values: list[Any], counts: np.ndarray) -> list[dict[Any, int]]:
    """Return, of every category of several spellings, the number of cells by spelling, most frequent first."""
    several = [sorted(group, key=lambda i: -counts[i]) for group in _groups(values) if len(group) > 1]
    return [{values[i]: int(counts[i]) for i in group} for group in several]


def _groups(values: list[Any]) -> list[list[int]]:
    """Group the positions of values by category."""
    groups: dict[Any, list[int]] = {}
    for i, value in enumerate(values):
        groups.setdefault(spelling_key(value), []).append(i)
    return list(groups.values())
