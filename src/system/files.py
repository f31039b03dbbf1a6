"""Write a file atomically: into a temporary file of the same folder, which is then renamed."""

import glob
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil


@contextmanager
def atomic_file(file: Path) -> Iterator[Path]:
    """Yield a temporary path that becomes ``file`` when the ``with`` body succeeds and is deleted when it raises.

    Temporary files that killed processes left behind for the same ``file`` are deleted too.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    # the host is part of the name, because process ids of another machine say nothing about this one
    stem = f".{file.name}.{socket.gethostname()}"
    for leftover in file.parent.glob(f"{glob.escape(stem)}.*.partial"):
        pid = leftover.name.removeprefix(f"{stem}.").removesuffix(".partial")
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            leftover.unlink(missing_ok=True)
    partial = file.with_name(f"{stem}.{os.getpid()}.partial")
    try:
        yield partial
        os.replace(partial, file)
    finally:
        partial.unlink(missing_ok=True)
