"""Columns of files: the formats of their cells, their kinds, and the user's corrections."""
