"""What W&B wrote on disk, read back: a LevelDB log of protobuf records, wandb's own format."""

import json
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wandb.proto.wandb_internal_pb2 import Record

BLOCK = 32768
HEADER = struct.Struct("<IHB")  # checksum, length, kind: 1 whole, 2 first, 3 middle, 4 last
MAGIC = struct.Struct("<4sHB")


@dataclass
class WandbFile:
    """The content of one ``run-<id>.wandb`` and of the media files beside it."""

    run: Any = None
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    exit_code: int | None = None
    files: Path = Path()

    def table(self, key: str) -> dict[str, Any]:
        """Columns and rows of a logged table."""
        return json.loads(self.media(key).read_text())

    def media(self, key: str) -> Path:
        """The file of a logged table, picture or page."""
        return self.files / self.summary[f"{key}.path"]


def read(file: Path) -> WandbFile:
    found = WandbFile(files=file.parent / "files")
    for record in map(Record.FromString, records(file.read_bytes())):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            found.run = record.run
            found.config = {item.key: json.loads(item.value_json) for item in record.run.config.update}
        elif kind == "summary":
            found.summary |= {name(item): json.loads(item.value_json) for item in record.summary.update}
        elif kind == "history":
            found.history.append({name(item): json.loads(item.value_json) for item in record.history.item})
        elif kind == "exit":
            found.exit_code = record.exit.exit_code
    for row in found.history:  # an offline file leaves it to the server to take the last logged value
        found.summary = found.summary | row
    return found


def name(item: Any) -> str:
    return item.key or ".".join(item.nested_key)


def only(folder: Path) -> WandbFile:
    """The one run of a folder, once wandb's own process has written it to its end."""
    (file,) = folder.glob("wandb/offline-run-*/run-*.wandb")
    for _ in range(200):
        found = read(file)
        if found.exit_code is not None:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{file} has no end")


def records(data: bytes) -> Iterator[bytes]:
    assert MAGIC.unpack_from(data)[0] == b":W&B"
    position, parts = MAGIC.size, b""
    while position + HEADER.size <= len(data):
        left = BLOCK - position % BLOCK
        if left < HEADER.size:
            position += left
            continue
        _, length, kind = HEADER.unpack_from(data, position)
        position += HEADER.size
        if position + length > len(data):
            return
        parts += data[position : position + length]
        position += length
        if kind in (1, 4):
            yield parts
            parts = b""
