"""The errors of the package; their messages say what went wrong, where, and what to do about it.

An error sets the exit code of its command: 2 for a request that cannot be served (a setting, a table, a column), 1 for
a run that failed.
"""


class MissDiffError(Exception):
    """Base class of the errors that this package raises."""

    exit_code = 1


class ConfigError(MissDiffError):
    """A setting is unknown, of the wrong type or out of range."""

    exit_code = 2


class TableError(MissDiffError):
    """A table cannot be used as it is; the message names the file, column or row."""

    exit_code = 2


class MechanismError(MissDiffError):
    """A missing mechanism cannot produce the requested ratio of holes in this table."""

    exit_code = 2


class MetricError(MissDiffError):
    """No metric has the requested name."""

    exit_code = 2


class RunExistsError(MissDiffError):
    """The run folder holds a run with another configuration."""

    exit_code = 2


class NotApplicableError(MissDiffError):
    """A method cannot be applied to this table, e.g. because no row of it is complete.

    This is no failure: the run is recorded as ``not_applicable`` and its sweep goes on.
    """

    exit_code = 0


class SweepError(MissDiffError):
    """A sweep cannot go on, because its processes end before they begin a run."""


class TrainingDivergedError(MissDiffError):
    """The loss became NaN or infinite; the message names the step and the noise level."""


class SolverError(MissDiffError):
    """An adaptive ODE solver could not reach its tolerance; the message says what to try."""


class InterruptedRunError(MissDiffError):
    """The user stopped the run; its finished parts are on disk."""


class CheckpointError(MissDiffError):
    """A checkpoint cannot be read, or another program wrote it."""
