"""Runs commands of the program, each in a process of its own, without loading its libraries for each of them.

One process loads torch, pandas, Lightning and the like, which takes as long as most commands of the tests, and forks
for every command. In the child a command is what ``python -m`` makes of it, so nothing of one is left for the next.
"""

import atexit
import contextlib
import importlib
import json
import os
import pkgutil
import runpy
import signal
import sys
import threading
import time
import traceback

SECONDS = 300


def load() -> None:
    """The modules of the program, with the libraries they load; not the commands, which run as ``__main__``."""
    import src

    for package in pkgutil.iter_modules(src.__path__, "src."):
        if package.ispkg:
            folder = importlib.import_module(package.name).__path__
            for module in pkgutil.walk_packages(folder, f"{package.name}."):
                importlib.import_module(module.name)


def serve() -> None:
    """One command a line of standard input, one result a line of standard output, to the end of the input."""
    load()
    assert threading.active_count() == 1, "a fork keeps the thread that forks alone"
    for line in sys.stdin:
        print(json.dumps(result(json.loads(line))), flush=True)


def result(asked: dict) -> dict:
    """What became of a command: its exit status as :mod:`subprocess` tells it."""
    pid = os.fork()
    if pid == 0:
        run(asked)
    started = time.monotonic()
    killed_after = asked.get("killed_after") or SECONDS
    parent = os.getppid()
    while time.monotonic() < started + killed_after and os.getppid() == parent:  # who is killed leaves nothing behind
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return {"returncode": os.waitstatus_to_exitcode(status), "seconds": time.monotonic() - started}
        time.sleep(0.002)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return {"returncode": None if killed_after == SECONDS else -signal.SIGKILL}


def run(asked: dict) -> None:
    """The child's part: never returns."""
    os.setsid()
    code = 1
    try:
        for descriptor, file, flags in (
            (0, os.devnull, os.O_RDONLY),
            (1, asked["stdout"], os.O_WRONLY | os.O_CREAT),
            (2, asked["stderr"], os.O_WRONLY | os.O_CREAT),
        ):
            os.dup2(os.open(file, flags, 0o600), descriptor)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
        os.chdir(asked["cwd"])
        os.environ.clear()
        os.environ.update(asked["env"])
        sys.path[0] = asked["cwd"]
        sys.argv = [asked["module"], *asked["arguments"]]
        runpy.run_module(asked["module"], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            threading._shutdown()
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
