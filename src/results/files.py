"""Files that are either whole or absent, and JSON that is never NaN."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def write_whole(file: Path, write: Callable[[Path], object]) -> None:
    """Write beside ``file`` and rename: a reader or a crash never meets half a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    try:
        write(partial)
        os.replace(partial, file)
    finally:
        partial.unlink(missing_ok=True)


def write_json(file: Path, values: Any) -> None:
    """Write JSON whole; refuses NaN (ValueError) because other readers do."""
    text = json.dumps(values, indent=2, allow_nan=False) + "\n"
    write_whole(file, lambda partial: partial.write_text(text))
