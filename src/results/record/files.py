"""Write files whole or not at all, and JSON without NaN."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from src.system.files import atomic_file


def write_whole(file: Path, write: Callable[[Path], object]) -> None:
    """Write beside ``file`` and rename: a reader or a crash never meets half a file."""
    with atomic_file(file) as partial:
        write(partial)


def write_json(file: Path, values: Any) -> None:
    """Write JSON whole; refuses NaN (ValueError) because other readers do."""
    text = json.dumps(values, indent=2, allow_nan=False) + "\n"
    write_whole(file, lambda partial: partial.write_text(text))
