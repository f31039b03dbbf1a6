"""Errors as messages and exit codes: 0 finished (or not applicable), 2 the request is wrong, 1 anything else."""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from src.config.compose import readable
from src.errors import MissDiffError
from src.system.storage import storage_error


@contextmanager
def exit_codes(config_name: str) -> Iterator[None]:
    """End the program with a message and an exit code where the block raises an error that is no bug.

    Arguments:
        config_name: the command's file in ``conf/``; its keys are suggested for a misspelt one.
    """
    try:
        yield
    except MissDiffError as error:
        print_error(str(error))
        sys.exit(error.exit_code)
    except (HydraException, OmegaConfBaseException) as error:
        print_error(readable(error, config_name))
        sys.exit(2)
    except KeyboardInterrupt:
        print_error("interrupted; what was finished is kept, the same command goes on from there")
        sys.exit(1)
    except BrokenPipeError:  # whoever read the output has seen enough, as in `... --help | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python fails once more at exit
        sys.exit(1)
    except OSError as error:
        sys.exit(report_error(error)[1])


def report_error(error: Exception) -> tuple[str, int]:
    """Print an error, a bug with its trace.

    Returns:
        The message in one line, and the exit code.
    """
    known = error if isinstance(error, MissDiffError) else storage_error(error)
    if known is None:
        traceback.print_exc()
        return f"{type(error).__name__}: {error}", 1
    print_error(str(known))
    return str(known), known.exit_code


def print_error(message: str) -> None:
    """Print a message as that of an error."""
    print(f"error: {message}", file=sys.stderr)
