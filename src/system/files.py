"""Write a file whole or not at all: beside its name first, then renamed."""

import glob
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil


@contextmanager
def whole_file(file: Path) -> Iterator[Path]:
    """Path to write to; it becomes ``file`` when the block ends well, and nothing is left of it otherwise.

    What a process that was killed has left of the same file goes away too.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    here = f".{file.name}.{socket.gethostname()}"
    for left in file.parent.glob(f"{glob.escape(here)}.*.partial"):
        pid = left.name.removeprefix(f"{here}.").removesuffix(".partial")
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            left.unlink(missing_ok=True)
    partial = file.with_name(f"{here}.{os.getpid()}.partial")
    try:
        yield partial
        os.replace(partial, file)
    finally:
        partial.unlink(missing_ok=True)
