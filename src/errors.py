"""Typed errors: what went wrong, where, and what to do about it.

The exit code of a command is a property of the error: 2 for a request that cannot be served
(a setting, a table, a column), 1 for a run that failed on the way.
"""


class MissDiffError(Exception):
    """Base of every error this package raises on purpose."""

    exit_code = 1


class ConfigError(MissDiffError):
    """A setting is unknown, of the wrong type or out of range."""

    exit_code = 2


class TableError(MissDiffError):
    """A table cannot be used as it is; the message names the file, column or row."""

    exit_code = 2


class MechanismError(MissDiffError):
    """A missing mechanism cannot produce the asked share of holes on this table."""

    exit_code = 2


class MetricError(MissDiffError):
    """A metric is asked for by a name that no metric has."""

    exit_code = 2


class RunExistsError(MissDiffError):
    """The run folder holds a run with another configuration."""

    exit_code = 2


class NotApplicableError(MissDiffError):
    """A method cannot be applied to this table (for example: no complete row is left).

    Not a failure: the run is recorded as ``not_applicable`` and a sweep goes on.
    """

    exit_code = 0


class SweepError(MissDiffError):
    """A sweep cannot go on: its processes die before they reach a run."""


class TrainingDivergedError(MissDiffError):
    """The loss became NaN or infinite; the message names the step and the noise level."""


class SolverError(MissDiffError):
    """An adaptive ODE solver could not go on; the message says what to try."""


class InterruptedRunError(MissDiffError):
    """The run was stopped by the user; what was finished is on disk."""


class CheckpointError(MissDiffError):
    """A checkpoint cannot be read or does not belong to this program."""
