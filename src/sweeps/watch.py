"""Watch a sweep: one live line for all jobs, and a list of the failed ones at the end."""

import hashlib
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from src.errors import ConfigError
from src.sweeps.finished import Stamp, job_name, read_stamps, valid_stamps, write_stamps
from src.sweeps.jobs import DONE, FAILED, RUNNING, SKIPPED, Job, read_jobs
from src.system.locks import hold
from src.system.quoting import command

REFRESH_S = {True: 1.0, False: 30.0}
"""Seconds between two looks at the folder, by whether standard error is a terminal."""


def sweep_folder(outputs_dir: Path, overrides: Sequence[str]) -> Path:
    """Folder of a sweep: the same for the same overrides, in any order."""
    digest = hashlib.sha256("\n".join(sorted(overrides)).encode()).hexdigest()[:12]
    return outputs_dir / ".sweeps" / digest


@contextmanager
def watched_sweep(folder: Path, n_jobs: int, force: bool = False) -> Iterator[None]:
    """Show a live line on standard error while the jobs run, and a summary after them.

    Arguments:
        folder: of the sweep; emptied but for the stamps of finished jobs.
        n_jobs: number of its jobs.
        force: whether finished jobs run again.

    Raises:
        ConfigError: another process runs the same sweep.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        if not hold(lock, wait=False):
            raise ConfigError(f"another process runs this very sweep; what it prints is in {folder}")
        stamps = {} if force else valid_stamps(_stamps_of_last_time(folder))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        if stamps:
            write_stamps(folder, stamps)
        with _live_line(folder, n_jobs):
            yield


def _stamps_of_last_time(folder: Path) -> dict[str, Stamp]:
    """Stamps that an earlier sweep in the folder read or left; a damaged one costs a job one more look at its run."""
    stamps = {}
    with suppress(json.JSONDecodeError):
        stamps = read_stamps(folder)
    for file in [*folder.glob(f"*.{DONE}"), *folder.glob(f"*.{SKIPPED}")]:
        with suppress(json.JSONDecodeError, KeyError):
            values = json.loads(file.read_text())
            stamps[job_name(values["overrides"])] = values["stamp"]
    return stamps


@contextmanager
def _live_line(folder: Path, n_jobs: int) -> Iterator[None]:
    start, is_over = time.monotonic(), threading.Event()
    with os.fdopen(os.dup(sys.stderr.fileno()), "w") as terminal:  # jobs of this process redirect standard error
        is_live = terminal.isatty()
        print(f"sweep of {n_jobs} runs; what each prints is in {folder}", file=terminal, flush=True)

        def refresh() -> None:
            last = ""
            while not is_over.wait(REFRESH_S[is_live]):
                line = live_line(read_jobs(folder), n_jobs, time.monotonic() - start)
                if is_live:
                    print(f"\r\x1b[K{line}", end="", file=terminal, flush=True)
                elif line.split(", ETA")[0] != last.split(", ETA")[0]:
                    print(line, file=terminal, flush=True)
                last = line

        thread = threading.Thread(target=refresh, daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()
            if is_live:
                print("\r\x1b[K", end="", file=terminal, flush=True)
            _print_summary(folder, n_jobs, time.monotonic() - start, terminal)


def live_line(jobs: Sequence[Job], n_jobs: int, elapsed: float) -> str:
    """``sweep: 12 of 81 done (3 before), 1 failed, 2 running, ETA 14 min``.

    The ETA assumes that a job that is left takes as long as those done in this sweep did, ``elapsed`` seconds in all.
    """
    count = {state: sum(job.state == state for job in jobs) for state in (RUNNING, DONE, SKIPPED, FAILED)}
    n_done = count[DONE] + count[SKIPPED]
    line = f"sweep: {n_done} of {n_jobs} done"
    line += f" ({count[SKIPPED]} before)" if count[SKIPPED] else ""
    line += f", {count[FAILED]} failed" if count[FAILED] else ""
    line += f", {count[RUNNING]} running" if count[RUNNING] else ""
    n_left = n_jobs - n_done - count[FAILED]
    if count[DONE] and n_left:
        line += f", ETA {_duration(elapsed / count[DONE] * n_left)}"
    return line


def _print_summary(folder: Path, n_jobs: int, elapsed: float, terminal: IO[str]) -> None:
    jobs = read_jobs(folder)
    settled = [job for job in jobs if job.state != RUNNING]
    line = live_line(settled, n_jobs, 0.0).split(", ETA")[0]
    lines = [f"{line}, in {_duration(elapsed)}; logs in {folder}"]
    if len(settled) < n_jobs:
        lines.append("interrupted: what was finished is kept, the same command goes on from there")
    failed = [job for job in jobs if job.state == FAILED]
    if failed:
        lines.append("failed (the same command runs these again and leaves the finished ones alone):")
        shared = set.intersection(*(set(job.overrides) for job in jobs)) if len(jobs) > 1 else set()
        for job in failed:
            name = " ".join(override for override in job.overrides if override not in shared)
            lines += [f"  {name}", f"    {job.reason}", f"    log: {folder / f'{job.number:04d}.log'}"]
    lines.append(f"all of it beside the paper: {command('report', sweep=str(folder.parents[1]))}")
    print("\n".join(lines), file=terminal, flush=True)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
