"""Encode columns as coordinates and decode them; the only package that joins pandas and torch."""

from collections.abc import Mapping
from typing import Any

from src.encoding.base import Encoder, Encoding
from src.encoding.encoder import EncodingRecipe, TableEncoder
from src.encoding.levels import N_KNOTS
from src.encoding.slopes import log_slopes
from src.encoding.states import StateBlock, StateEncoder, StatesRecipe

__all__ = [
    "N_KNOTS",
    "Encoder",
    "Encoding",
    "EncodingRecipe",
    "StateBlock",
    "StateEncoder",
    "StatesRecipe",
    "TableEncoder",
    "encoder_from_dict",
    "log_slopes",
]


def encoder_from_dict(values: Mapping[str, Any]) -> Encoder:
    """Rebuild an encoder from the plain values of :meth:`Encoder.to_dict`."""
    return (StateEncoder if values.get("kind") == StateEncoder.KIND else TableEncoder).from_dict(values)
