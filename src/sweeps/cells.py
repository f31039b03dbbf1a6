"""Tell which cells of a sweep are finished from what an earlier sweep left, without composing them.

Composing a configuration takes a fifth of a second, and a sweep of a thousand cells may be started again for one
that failed.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parents[1]
CONF = SOURCE.parent / "conf"
Stamps = dict[str, list[int] | None]


@dataclass(frozen=True)
class Cell:
    """What a job of a sweep leaves: a finished run.

    Attributes:
        folder: of the run; a ``DONE`` in it says that it is finished.
        files: of the user, that decide it, as they were when it began (:func:`stamps_of`).
        done_before: whether there was nothing to do.
    """

    folder: Path
    files: Stamps = field(default_factory=dict)
    done_before: bool = False

    def stamp(self) -> dict[str, Any]:
        """What must be unchanged for the cell to be finished still."""
        return {"folder": str(self.folder.absolute()), "files": self.files, "program": program()}


def name_of(overrides: Sequence[str]) -> str:
    """Name of a cell in its sweep, whatever the order of its axes."""
    return "\n".join(sorted(overrides))


def still_finished(stamps: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Of the stamps of cells by name, those of cells that are finished still."""
    return {name: stamp for name, stamp in stamps.items() if _is_finished(stamp)}


def _is_finished(stamp: dict[str, Any]) -> bool:
    files = stamps_of([Path(file) for file in stamp["files"]])
    same = stamp["program"] == program() and files == stamp["files"]
    return same and (Path(stamp["folder"]) / "DONE").exists()


def stamps_of(files: Sequence[Path]) -> Stamps:
    """Time and size of files by name; None where one is absent."""
    return {
        str(file.absolute()): [(stat := file.stat()).st_mtime_ns, stat.st_size] if file.exists() else None
        for file in files
    }


@cache
def program() -> str:
    """Digest of the configuration and the source: with another one, a cell is looked at again."""
    digest = hashlib.sha256()
    for folder, pattern in ((CONF, "*.yaml"), (SOURCE, "*.py")):
        for file in sorted(folder.rglob(pattern)):
            digest.update(str(file.relative_to(folder)).encode() + file.read_bytes())
    return digest.hexdigest()[:16]
