"""The formats of columns: what their cells mean and how they are written, inferred from the cells."""
