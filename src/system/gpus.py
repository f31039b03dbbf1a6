"""Distribute the jobs of a sweep over the GPUs of a machine."""

import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from src.system.locks import hold

_locks: list[IO[str]] = []  # kept open until the process ends: closing a lock file releases its GPU


def claim_gpu(folder: Path, visible: Sequence[str]) -> None:
    """Claim the GPU that the fewest processes of the sweep use, until this process ends.

    The function sets ``CUDA_VISIBLE_DEVICES`` to the name of that GPU. It does nothing where fewer than two GPUs are
    visible.

    Arguments:
        folder: the folder of the sweep, which holds the lock files.
        visible: the names of the visible GPUs.
    """
    if len(visible) < 2:
        return
    for n_others in itertools.count():  # processes that use the GPU already
        for name in visible:
            lock = (folder / f"device-{name}-{n_others}.lock").open("w")
            if not hold(lock, wait=False):
                lock.close()
                continue
            os.environ["CUDA_VISIBLE_DEVICES"] = name
            _locks.append(lock)
            return


def visible_gpus() -> list[str]:
    """List the names of the GPUs that this process may use.

    They are counted in the driver's files, because CUDA would initialise every GPU that it is asked about.
    """
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name for name in chosen.split(",") if name.strip()]
    return [str(i) for i, _ in enumerate(sorted(Path("/proc/driver/nvidia/gpus").glob("*")))]
