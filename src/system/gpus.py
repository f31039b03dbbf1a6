"""Give each job of a sweep a GPU of its own."""

import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from src.system.locks import hold

_locks: list[IO[str]] = []  # closing one gives its GPU back


def take_device(folder: Path, visible: Sequence[str]) -> None:
    """Take for the life of this process the GPU that fewest processes of the sweep have.

    Its name is put into ``CUDA_VISIBLE_DEVICES``. A process that sees one GPU or none is left alone.

    Arguments:
        folder: of the sweep, where the locks are.
        visible: names of the GPUs there are.
    """
    if len(visible) < 2:
        return
    for turn in itertools.count():
        for name in visible:
            lock = (folder / f"device-{name}-{turn}.lock").open("w")
            if not hold(lock, wait=False):
                lock.close()
                continue
            os.environ["CUDA_VISIBLE_DEVICES"] = name
            _locks.append(lock)
            return


def visible_gpus() -> list[str]:
    """Names of the GPUs this process may use, read from the driver's files: asking CUDA would wake each of them."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name for name in chosen.split(",") if name.strip()]
    return [str(i) for i, _ in enumerate(sorted(Path("/proc/driver/nvidia/gpus").glob("*")))]
