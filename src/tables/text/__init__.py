"""Delimited text files: their dialect, records, positions of fields, and formulas in them."""
