"""File locks between processes; the system releases them when a process dies.

``flock`` itself, not the library filelock: a sweep's jobs hold a lock together (shared), and a file system without
locks must not stop a run.
"""

import errno
import fcntl
from typing import IO

NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK)


def hold(file: IO[str], *, shared: bool = False, wait: bool = True) -> bool:
    """Lock an open file, among other holders if ``shared``.

    Returns:
        False where another process holds it and ``wait`` is off. True also where the file system has
        no locks, as some of clusters: there nobody is kept away.
    """
    how = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
    try:
        fcntl.flock(file, how)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
    return True
