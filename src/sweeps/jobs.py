"""Jobs of a sweep: each records its state and its output in the folder of the sweep.

Jobs run in this process or in several at once. A job has a file whose suffix is its state (``0007.running`` becomes
``0007.done``) and a log of what it prints, so that processes need no server and a kill leaves the truth on disk.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from src.sweeps.finished import Stamp, read_stamps
from src.system.locks import hold

RUNNING, DONE, SKIPPED, FAILED = "running", "done", "skipped", "failed"
LOST = "lost"  # the process of the job died; the job runs once more, alone
TURN = "turn"
DEATH_S = 10.0  # within which a launcher ends its other processes after one has died


@dataclass(frozen=True)
class Job:
    """A job as its file describes it.

    Attributes:
        number: position in the sweep, from 0; -1 for a job that was finished before the sweep started.
        overrides: of its configuration.
        state: ``running``, ``done``, ``skipped`` (finished before) or ``failed``.
        reason: of a failure.
        exit_code: of the command that would have run this job alone.
        stamp: of the finished run (:meth:`src.sweeps.finished.FinishedRun.stamp`).
    """

    number: int
    overrides: list[str]
    state: str
    reason: str | None
    exit_code: int
    stamp: Stamp | None = None


def read_jobs(folder: Path) -> list[Job]:
    """Jobs that have started, by number, after those that were finished before the sweep started."""
    jobs = [Job(-1, name.split("\n"), SKIPPED, None, 0, stamp) for name, stamp in read_stamps(folder).items()]
    for file in sorted(folder.glob("*.*")):
        state = file.suffix.removeprefix(".")
        if state in (RUNNING, DONE, SKIPPED, FAILED):
            try:
                values = json.loads(file.read_text())
            except FileNotFoundError:  # the job changed its state since the folder was listed
                continue
            jobs.append(Job(int(file.stem), state=state, **values))
    return jobs


class SetState(Protocol):
    """Ends a job: ``done`` or ``skipped`` with the stamp of its run, or ``failed`` with reason and exit code."""

    def __call__(
        self, state: str, reason: str | None = None, exit_code: int = 0, stamp: Stamp | None = None
    ) -> None: ...


@contextmanager
def recorded_job(folder: Path, number: int, overrides: Sequence[str]) -> Iterator[SetState]:
    """Record a job while it runs: its output goes to its log, its final state to its file.

    A job that leaves the block without a final state was interrupted: its file is removed. A job whose process died
    before waits until no other job runs.

    Arguments:
        folder: of the sweep.
        number: of the job.
        overrides: of its configuration.
    """
    running = _file(folder, number, RUNNING)

    def set_state(state: str, reason: str | None = None, exit_code: int = 0, stamp: Stamp | None = None) -> None:
        _write(running, overrides, reason, exit_code, stamp)
        running.rename(running.with_suffix(f".{state}"))

    turn = _wait_for_turn(running)
    _write(running, overrides, None, 0)
    try:
        with _output_to(running.with_suffix(".log")):
            yield set_state
    finally:
        running.unlink(missing_ok=True)
        turn.close()


def is_settled(folder: Path, number: int) -> bool:
    """Whether a job has a final state: after the death of a process the launcher starts all jobs again."""
    return any(_file(folder, number, state).exists() for state in (DONE, SKIPPED, FAILED))


def settle_lost_jobs(folder: Path) -> bool:
    """Mark the jobs that ran when a process of the sweep died: lost the first time, failed the second time.

    All of them are marked: the launcher ends every process when one dies, and does not tell which one that was.

    Returns:
        Whether there was such a job.
    """
    running_jobs = [job for job in read_jobs(folder) if job.state == RUNNING]
    for job in running_jobs:
        running = _file(folder, job.number, RUNNING)
        lost = running.with_suffix(f".{LOST}")
        if lost.exists():
            reason = "its process was killed twice, the second time with no other beside it (out of memory?)"
            _write(running, job.overrides, reason, 1)
            running.rename(running.with_suffix(f".{FAILED}"))
        else:
            with suppress(FileNotFoundError):  # the job ended meanwhile
                running.rename(lost)
    return bool(running_jobs)


def _wait_for_turn(running: Path) -> IO[str]:
    """Wait until the job may run; the open file holds its lock. Jobs share the lock, a lost job holds it alone."""
    turn = running.with_name(TURN).open("w")
    is_lost = running.with_suffix(f".{LOST}").exists()
    hold(turn, shared=not is_lost)
    deadline = time.monotonic() + DEATH_S
    while is_lost and list(running.parent.glob(f"*.{RUNNING}")) and time.monotonic() < deadline:
        time.sleep(0.05)  # the process that held the lock is dead, and the launcher is about to end this one too
    return turn


def _file(folder: Path, number: int, state: str) -> Path:
    return folder / f"{number:04d}.{state}"


def _write(
    file: Path, overrides: Sequence[str], reason: str | None, exit_code: int, stamp: Stamp | None = None
) -> None:
    partial = file.with_suffix(".partial")
    values = {"overrides": list(overrides), "reason": reason, "exit_code": exit_code, "stamp": stamp}
    partial.write_text(json.dumps(values))
    partial.rename(file)


@contextmanager
def _output_to(file: Path) -> Iterator[None]:
    """Send standard output and error to a file, below Python, so that output of libraries in C goes there too."""
    sys.stdout.flush()
    sys.stderr.flush()
    originals = os.dup(1), os.dup(2)
    target = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        os.dup2(target, 1)
        os.dup2(target, 2)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor, original in zip((1, 2), originals, strict=True):
            os.dup2(original, descriptor)
            os.close(original)
        os.close(target)
