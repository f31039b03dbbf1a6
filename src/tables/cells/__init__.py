"""The cells of a column: the formats they are written in, inferred from them, parsed and written back."""
