"""An own table as the tests write and read it."""

import numpy as np

from src.tables import OwnTable

RNG = np.random.default_rng(0)


def own(path, **more):
    return OwnTable(path=str(path), **more)


def written(folder, content, name="table.csv"):
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def kinds(columns):
    return {form.name: form.kind for form in columns.layout.forms}


def as_written(columns, for_text_file=True):
    """The rows of a file, through the model's table and back."""
    layout = columns.layout
    table = layout.table(columns.frame, layout.schema(None), "there")
    return layout.restore(table.frame, 0, RNG, for_text_file)
