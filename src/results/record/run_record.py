"""What is recorded of a run beside its results."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class RunRecord:
    """Names, settings and folder of a run.

    Attributes:
        path: folder of the run.
        settings: plain values of all settings that decide the result, and digests of the user's files.
        seed: of the run.
        method: its name.
        group: ``<dataset>/<missing>-<ratio>``: what runs to be compared have in common.
        variant: the method and what differs from its defaults; None = as in the folder's path.
        overrides: what the command line says beside dataset, missing, ratio, method and seed to make this run.
        force: whether to run again although the folder holds a finished run.
        cache: folder of reference scores that runs share.
    """

    path: Path
    settings: dict[str, Any]
    seed: int
    method: str
    group: str
    variant: str | None
    overrides: tuple[str, ...]
    force: bool
    cache: Path
