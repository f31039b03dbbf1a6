"""Columns to coordinates and back: where pandas meets torch, and nowhere else."""

from src.encoding.encoder import EncodingRecipe, TableEncoder

__all__ = ["EncodingRecipe", "TableEncoder"]
