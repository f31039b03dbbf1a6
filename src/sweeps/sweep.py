"""Watch the jobs of a sweep: where each stands, one live line for all, what failed and why.

Jobs may run in this process or side by side in others. Each has a file in the sweep's folder whose
suffix says where it stands (``0007.running`` becomes ``0007.done``), and a log with all it printed.
"""

import hashlib
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from src.errors import ConfigError
from src.sweeps.cells import name_of, still_finished
from src.system.locks import hold
from src.system.quoting import command

FOLDER = "MISSDIFF_SWEEP"
RUNNING, DONE, SKIPPED, FAILED = "running", "done", "skipped", "failed"
LOST = "lost"  # its process died while it ran; it is run once more, alone
TURN = "turn"
FINISHED = "finished.json"
DEATH_S = 10.0  # within which the launcher ends the processes beside a dead one
SECONDS = {True: 1.0, False: 30.0}  # between two looks at the folder, on a terminal and elsewhere


@dataclass(frozen=True)
class Job:
    """One job as its file tells it.

    Attributes:
        number: its place in the sweep, from 0.
        overrides: of its configuration.
        state: ``running``, ``done``, ``skipped`` (finished before this sweep) or ``failed``.
        reason: of a failure.
        exit_code: that it would have ended with, had it run alone.
        stamp: of the finished run (:meth:`src.sweeps.cells.Cell.stamp`).
    """

    number: int
    overrides: list[str]
    state: str
    reason: str | None
    exit_code: int
    stamp: dict[str, Any] | None = None


def sweep_folder(outputs_dir: Path, overrides: Sequence[str]) -> Path:
    """Folder of the sweep: the same for the same command."""
    digest = hashlib.sha256("\n".join(sorted(overrides)).encode()).hexdigest()[:12]
    return outputs_dir / ".sweeps" / digest


def jobs_of(folder: Path) -> list[Job]:
    """All jobs that were started, in the order of their numbers; before them those that need not be, numbered -1."""
    jobs = [Job(-1, name.split("\n"), SKIPPED, None, 0, stamp) for name, stamp in finished_before(folder).items()]
    for file in sorted(folder.glob("*.*")):
        state = file.suffix.removeprefix(".")
        if state in (RUNNING, DONE, SKIPPED, FAILED):
            try:
                values = json.loads(file.read_text())
            except FileNotFoundError:  # its job has gone on since the folder was listed
                continue
            jobs.append(Job(int(file.stem), state=state, **values))
    return jobs


def finished_before(folder: Path | None = None) -> dict[str, Any]:
    """Stamps of the cells of a sweep that were finished when it started, by name.

    Arguments:
        folder: of the sweep; None = of the one this process is part of, if any.
    """
    folder = folder or Path(os.environ.get(FOLDER, os.devnull))
    file = folder / FINISHED
    known: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
    return known


class End(Protocol):
    """Says what became of a job: ``done`` or ``skipped`` and the run's stamp; or ``failed``, why, with what code."""

    def __call__(
        self, state: str, reason: str | None = None, exit_code: int = 0, stamp: dict[str, Any] | None = None
    ) -> None: ...


@contextmanager
def recorded_job(number: int, overrides: Sequence[str]) -> Iterator[End]:
    """Run one job of a sweep: what it prints goes to its log, what becomes of it to its file.

    A job that ends without saying what became of it was interrupted: its file goes away. One whose
    process died before waits until it is alone.
    """
    running = _file(number, RUNNING)

    def end(state: str, reason: str | None = None, exit_code: int = 0, stamp: dict[str, Any] | None = None) -> None:
        _write(running, overrides, reason, exit_code, stamp)
        running.rename(running.with_suffix(f".{state}"))

    turn = _turn(running)
    _write(running, overrides, None, 0)
    try:
        with _output_to(running.with_suffix(".log")):
            yield end
    finally:
        running.unlink(missing_ok=True)
        turn.close()


def is_settled(number: int) -> bool:
    """Whether a job has its end already: a sweep whose process died is walked again."""
    return any(_file(number, state).exists() for state in (DONE, SKIPPED, FAILED))


def settle_lost_jobs(folder: Path) -> bool:
    """Note the jobs that were running when a process of the sweep died: to run again, alone; then as failed.

    Which of them brought it down is not known, and the launcher ends the others with it.

    Returns:
        Whether there was such a job.
    """
    lost = [job for job in jobs_of(folder) if job.state == RUNNING]
    for job in lost:
        running = folder / f"{job.number:04d}.{RUNNING}"
        once = running.with_suffix(f".{LOST}")
        if once.exists():
            reason = "its process was killed twice, the second time with no other beside it (out of memory?)"
            _write(running, job.overrides, reason, 1)
            running.rename(running.with_suffix(f".{FAILED}"))
        else:
            with suppress(FileNotFoundError):  # it came to its end meanwhile
                running.rename(once)
    return bool(lost)


def _turn(running: Path) -> IO[str]:
    """An open file that holds the job's turn: jobs share it, but one that was lost wants it for itself."""
    turn = running.with_name(TURN).open("w")
    lost = running.with_suffix(f".{LOST}").exists()
    hold(turn, shared=not lost)
    deadline = time.monotonic() + DEATH_S
    while lost and list(running.parent.glob(f"*.{RUNNING}")) and time.monotonic() < deadline:
        time.sleep(0.05)  # the job that had the turn is dead, and the launcher is about to end this process too
    return turn


def _file(number: int, state: str) -> Path:
    return Path(os.environ[FOLDER]) / f"{number:04d}.{state}"


def _write(
    file: Path, overrides: Sequence[str], reason: str | None, exit_code: int, stamp: dict[str, Any] | None = None
) -> None:
    partial = file.with_suffix(".partial")
    values = {"overrides": list(overrides), "reason": reason, "exit_code": exit_code, "stamp": stamp}
    partial.write_text(json.dumps(values))
    partial.rename(file)


@contextmanager
def watched_sweep(folder: Path, n_jobs: int, anew: bool = False) -> Iterator[None]:
    """Keep a live line on standard error while the jobs run, and list what failed at the end.

    Arguments:
        folder: of the sweep.
        n_jobs: its cells.
        anew: whether cells that were finished before are run again.

    Raises:
        ConfigError: another process runs the same sweep.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        if not hold(lock, wait=False):
            raise ConfigError(f"another process runs this very sweep; what it prints is in {folder}")
        finished = {} if anew else still_finished(_stamps(folder))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        if finished:
            (folder / FINISHED).write_text(json.dumps(finished))
        with _watched(folder, n_jobs):
            yield


def _stamps(folder: Path) -> dict[str, Any]:
    """Stamps of finished cells by name, as an earlier sweep of the same command left them."""
    found = {}
    with suppress(json.JSONDecodeError):  # of another version, or written halfway: its cells are looked at again
        found = finished_before(folder)
    for file in [*folder.glob(f"*.{DONE}"), *folder.glob(f"*.{SKIPPED}")]:
        with suppress(json.JSONDecodeError, KeyError):
            values = json.loads(file.read_text())
            found[name_of(values["overrides"])] = values["stamp"]
    return found


@contextmanager
def _watched(folder: Path, n_jobs: int) -> Iterator[None]:
    os.environ[FOLDER] = str(folder)
    started, over = time.monotonic(), threading.Event()
    with os.fdopen(os.dup(sys.stderr.fileno()), "w") as terminal:
        live = terminal.isatty()
        print(f"sweep of {n_jobs} runs; what each prints is in {folder}", file=terminal, flush=True)

        def watch() -> None:
            shown = ""
            while not over.wait(SECONDS[live]):
                line = live_line(jobs_of(folder), n_jobs, time.monotonic() - started)
                if live or line.split(", ETA")[0] != shown.split(", ETA")[0]:
                    print(f"\r\x1b[K{line}" if live else line, end="" if live else "\n", file=terminal, flush=True)
                shown = line

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()
            del os.environ[FOLDER]
            if live:
                print("\r\x1b[K", end="", file=terminal, flush=True)
            _say_end(folder, n_jobs, time.monotonic() - started, terminal)


def live_line(jobs: Sequence[Job], n_jobs: int, elapsed: float) -> str:
    """``12 of 81 done (3 before), 1 failed, 2 running, ETA 14 min``.

    The ETA takes what is left to last as long as what was run in this sweep, side by side as it was.
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


@contextmanager
def _output_to(file: Path) -> Iterator[None]:
    """Send standard output and error of this process, of its libraries too, to a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    target = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        os.dup2(target, 1)
        os.dup2(target, 2)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor, copy in zip((1, 2), kept, strict=True):
            os.dup2(copy, descriptor)
            os.close(copy)
        os.close(target)


def _say_end(folder: Path, n_jobs: int, elapsed: float, terminal: IO[str]) -> None:
    jobs = jobs_of(folder)
    line = live_line([job for job in jobs if job.state != RUNNING], n_jobs, 0.0).split(", ETA")[0]
    lines = [f"{line}, in {_duration(elapsed)}; logs in {folder}"]
    failed = [job for job in jobs if job.state == FAILED]
    if sum(job.state != RUNNING for job in jobs) < n_jobs:
        lines.append("interrupted: what was finished is kept, the same command goes on from there")
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
