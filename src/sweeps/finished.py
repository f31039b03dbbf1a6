"""Stamps of finished jobs: the same sweep, started again, skips what is finished without composing its configuration.

Composing takes a fifth of a second, and a sweep of a thousand jobs may be started again for one that failed.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parents[1]
CONF = SOURCE.parent / "conf"
FINISHED = "finished.json"
FileStates = dict[str, list[int] | None]
Stamp = dict[str, Any]


@dataclass(frozen=True)
class FinishedRun:
    """What a job of a sweep leaves: a finished run.

    Attributes:
        folder: of the run; it is finished while there is a ``DONE`` in it.
        files: states of the user's files that decide the run, taken when it began (:func:`file_states`).
        skipped: whether the run was finished before the job began.
    """

    folder: Path
    files: FileStates = field(default_factory=dict)
    skipped: bool = False

    def stamp(self) -> Stamp:
        """What must be unchanged for the run to count as finished."""
        return {"folder": str(self.folder.absolute()), "files": self.files, "program": program_digest()}


def job_name(overrides: Sequence[str]) -> str:
    """Name of a job in its sweep, whatever the order of the axes."""
    return "\n".join(sorted(overrides))


def write_stamps(folder: Path, stamps: Mapping[str, Stamp]) -> None:
    """Leave the stamps of finished jobs in the folder of their sweep, by the jobs' names."""
    (folder / FINISHED).write_text(json.dumps(stamps))


def read_stamps(folder: Path) -> dict[str, Stamp]:
    """Stamps of the jobs that were finished when the sweep of a folder started, by the jobs' names.

    Raises:
        json.JSONDecodeError: the file is damaged.
    """
    file = folder / FINISHED
    stamps: dict[str, Stamp] = json.loads(file.read_text()) if file.is_file() else {}
    return stamps


def valid_stamps(stamps: Mapping[str, Stamp]) -> dict[str, Stamp]:
    """The stamps whose run, files and program are unchanged."""
    return {name: stamp for name, stamp in stamps.items() if _is_valid(stamp)}


def _is_valid(stamp: Stamp) -> bool:
    files = file_states([Path(file) for file in stamp["files"]])
    is_same = stamp["program"] == program_digest() and files == stamp["files"]
    return is_same and (Path(stamp["folder"]) / "DONE").exists()


def file_states(files: Sequence[Path]) -> FileStates:
    """Time of change (ns) and size (bytes) of files, by absolute path; None for a file that does not exist."""
    stats = {str(file.absolute()): file.stat() if file.exists() else None for file in files}
    return {path: [stat.st_mtime_ns, stat.st_size] if stat else None for path, stat in stats.items()}


@cache
def program_digest() -> str:
    """Digest of source and configuration: what another program finished is composed and compared again."""
    digest = hashlib.sha256()
    for folder, pattern in ((CONF, "*.yaml"), (SOURCE, "*.py")):
        for file in sorted(folder.rglob(pattern)):
            digest.update(str(file.relative_to(folder)).encode() + file.read_bytes())
    return digest.hexdigest()[:16]
