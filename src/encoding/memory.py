"""Refuse a table whose encoding does not fit into memory, before encoding it."""

from collections.abc import Iterator
from pathlib import Path

import psutil

from src.encoding import Encoder
from src.errors import TableError

CGROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes")),
)
"""Files with the memory limit and use of a container; psutil knows those of the machine only."""
BYTES_OF_A_COORDINATE = 5
"""A float32 and a bool of the mask."""


def refuse_too_wide(encoder: Encoder, n_rows: int) -> None:
    """Refuse a table whose coordinates do not fit into the free memory.

    Raises:
        TableError: says how much memory is needed, which columns are the widest, and which settings help.
    """
    widest = sorted(encoder.blocks, key=lambda block: block.start - block.stop)[:3]
    largest_block = widest[0].stop - widest[0].start
    needed = n_rows * (BYTES_OF_A_COORDINATE * encoder.width + 3 * BYTES_OF_A_COORDINATE * largest_block)
    free = free_memory()
    if needed <= free:
        return
    columns = ", ".join(f"{block.name!r} ({block.stop - block.start:,})" for block in widest)
    raise TableError(
        f"encoded, the table takes {needed / 2**30:.1f} GiB ({n_rows:,} rows of {encoder.width:,} coordinates) and "
        f"{free / 2**30:.1f} GiB are free; the widest columns are {columns}. A smaller dataset.max_categories makes "
        "columns narrower, dataset.exclude leaves some out, a smaller dataset.n_rows draws fewer rows"
    )


def free_memory() -> int:
    """Return the bytes that this process may still allocate: those of the machine, or of its container if fewer."""
    return min([int(psutil.virtual_memory().available), *_left_in_containers()])


def _left_in_containers() -> Iterator[int]:
    for limit, used in CGROUPS:
        if limit.exists() and used.exists() and (text := limit.read_text().strip()).isdigit():
            yield max(int(text) - int(used.read_text()), 0)
