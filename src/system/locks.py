"""File locks between processes; the system releases them when a process dies.

``flock`` itself, not the library filelock: a sweep's jobs hold a lock together (shared), and a file system without
locks must not stop a run.
"""

import errno
import fcntl
from typing import IO

NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK)


def hold(file: IO[str], *, shared: bool = False, wait: bool = True) -> bool:
    """Lock an open file, exclusively or ``shared`` with other holders.

    Returns:
        False if ``wait`` is off and another process holds the lock, else True. True also where the file system has no
        locks, as on some clusters: a run goes on there without one.
    """
    operation = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
    try:
        fcntl.flock(file, operation)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
    return True
