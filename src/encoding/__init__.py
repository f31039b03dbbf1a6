"""Columns to coordinates and back: where pandas meets torch, and nowhere else."""

from collections.abc import Mapping
from typing import Any

from src.encoding.base import Encoder, Encoding
from src.encoding.encoder import EncodingRecipe, TableEncoder
from src.encoding.states import StateEncoder, StatesRecipe

__all__ = ["Encoder", "Encoding", "EncodingRecipe", "StateEncoder", "StatesRecipe", "TableEncoder", "encoder_from_dict"]


def encoder_from_dict(values: Mapping[str, Any]) -> Encoder:
    """The encoder that :meth:`Encoder.to_dict` made plain values of."""
    return (StateEncoder if values.get("kind") == StateEncoder.KIND else TableEncoder).from_dict(values)
