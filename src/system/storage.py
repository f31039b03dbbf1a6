"""Recognise failures of storage (disk full, read-only, unreachable), which are no bugs, and describe them in a line."""

import errno

from src.errors import MissDiffError

REASONS = {
    errno.ENOSPC: "no space left",
    errno.EDQUOT: "the quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "no permission",
    errno.EPERM: "no permission",
    errno.EIO: "the device does not answer",
    errno.ESTALE: "the network file system lost the file",
}


class StorageError(MissDiffError):
    """A file could not be read or written for lack of space, permission or a device."""


def storage_error(error: BaseException | None) -> StorageError | None:
    """Find the failure of storage that caused an error, in the chain of its causes; None if there is none."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno in REASONS:
            where = f" for {error.filename}" if error.filename else " on the disk that is written to"
            return StorageError(
                f"{REASONS[error.errno]}{where}; what was finished before is kept, the same command goes on from there"
            )
        error = error.__cause__ or error.__context__
    return None
