"""Columns of files: their kinds and forms, and the user's corrections."""
