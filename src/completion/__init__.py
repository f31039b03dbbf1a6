"""Completions: treat the holes of a table before training."""

from src.completion.completions import (
    COMPLETIONS,
    Completion,
    complete,
    delete_rows,
    draw_marginals,
    hot_deck,
    keep,
    marginals,
    mean_mode,
)

__all__ = [
    "COMPLETIONS",
    "Completion",
    "complete",
    "delete_rows",
    "draw_marginals",
    "hot_deck",
    "keep",
    "marginals",
    "mean_mode",
]
