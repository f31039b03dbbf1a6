"""An own table as the tests write and read it."""

from pathlib import Path

import numpy as np
from omegaconf import OmegaConf

from src.tables import OwnTable

CONF = Path(__file__).resolve().parents[3] / "conf" / "dataset" / "table.yaml"
RNG = np.random.default_rng(0)


def own(path, **more):
    settings = OmegaConf.to_container(OmegaConf.load(CONF))
    settings.pop("name")
    return OwnTable(**{**settings, "path": str(path), **more})


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
