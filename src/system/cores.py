"""Count the CPU cores that this process may use."""

import os

import psutil


def usable_cores() -> int:
    """Cores this process is bound to; on systems that bind none, as macOS, all there are."""
    process = psutil.Process()
    if hasattr(process, "cpu_affinity"):
        return len(process.cpu_affinity())
    return psutil.cpu_count() or 1


def cores_of_a_job() -> int:
    """Cores a job may use: the usable ones, or ``OMP_NUM_THREADS`` of them."""
    usable = usable_cores()
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(int(asked), usable) if asked.isdigit() and int(asked) > 0 else usable
