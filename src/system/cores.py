"""Count the CPU cores that this process may use."""

import os

import psutil


def usable_cores() -> int:
    """Count the cores that this process is bound to, or all cores where the system binds none (macOS)."""
    process = psutil.Process()
    if hasattr(process, "cpu_affinity"):
        return len(process.cpu_affinity())
    return psutil.cpu_count() or 1


def cores_of_a_job() -> int:
    """Count the cores that a job may use: :func:`usable_cores`, or ``OMP_NUM_THREADS`` if that is fewer."""
    usable = usable_cores()
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(int(limit), usable) if limit.isdigit() and int(limit) > 0 else usable
