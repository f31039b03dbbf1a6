"""Training and sharded generation, by Lightning."""

from pathlib import Path

from src.errors import ConfigError

LAST = "last.ckpt"
PREVIOUS = "previous.ckpt"


def checkpoint_of(run: Path) -> Path:
    """The checkpoint of a finished run's folder, or the file of a saved model itself.

    Raises:
        ConfigError: the run is not finished, or has no model.
    """
    if run.is_file():
        return run
    if not (run / "DONE").is_file():
        raise ConfigError(f"run={run} holds no finished run (no DONE in it), and is no file of a model")
    file = run / "checkpoints" / LAST
    if not file.is_file():
        raise ConfigError(f"run={run} has no model: its method trains none, or was not applicable")
    return file
