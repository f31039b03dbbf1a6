"""The folder of one run: its files, whether it is finished, whether it may be resumed."""

import json
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from omegaconf import OmegaConf

from src.errors import ConfigError, RunExistsError
from src.results.record.files import write_json, write_whole
from src.system.locks import hold

OWN_ENTRIES = (
    "config.yaml",
    "checkpoints",
    "synthetic.parquet",
    *(f"synthetic{suffix}" for suffix in (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".feather")),
    "figures",
    "metrics.csv",
    "wandb",
    "times.json",
    "likelihood.json",
    "report.json",
    "card.md",
    "DONE",
)


class RunFolder:
    """The folder of one run. Its configuration is written first and ``DONE`` last."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.synthetic = path / "synthetic.parquet"
        self.curve = path / "metrics.csv"
        self.figures = path / "figures"
        self.report = path / "report.json"
        self.card = path / "card.md"
        self.likelihood = path / "likelihood.json"
        self._done = path / "DONE"
        self._config = path / "config.yaml"
        self._times = path / "times.json"

    @property
    def done(self) -> bool:
        """Whether the run is finished and recorded."""
        return self._done.exists()

    def config(self) -> dict[str, Any]:
        """The settings of the run, as :meth:`open` recorded them.

        Raises:
            ConfigError: there is no finished run in the folder.
        """
        if not self.done or not self._config.exists():
            raise ConfigError(f"run={self.path} holds no finished run (no DONE or no config.yaml in it)")
        return cast(dict[str, Any], OmegaConf.to_container(OmegaConf.load(self._config)))

    def open(self, config: Mapping[str, Any], force: bool) -> None:
        """Make the folder ready for a run of ``config``; with ``force`` from an empty one.

        Raises:
            RunExistsError: it holds a run of another configuration.
        """
        if force:
            self._clear()
        if self._config.exists():
            self._refuse_other(_difference(OmegaConf.to_container(OmegaConf.load(self._config)), dict(config)))
            return
        self.path.mkdir(parents=True, exist_ok=True)
        text = OmegaConf.to_yaml(OmegaConf.create(dict(config)))
        write_whole(self._config, lambda partial: partial.write_text(text))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from this run.

        Raises:
            RunExistsError: another process is at work on it.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_name(f".{self.path.name}.lock").open("a+") as lock:
            if not hold(lock, wait=False):
                lock.seek(0)
                who = lock.read().strip() or "of unknown number"
                raise RunExistsError(
                    f"another process ({who}) is at work on {self.path}; wait for it or choose another run_dir"
                )
            lock.truncate(0)
            lock.write(f"{os.getpid()} on {socket.gethostname()}")
            lock.flush()
            for partial in self.path.rglob(".*.partial"):  # of a process that was killed as it wrote
                partial.unlink(missing_ok=True)
            yield

    def finished(self, config: Mapping[str, Any], force: bool) -> bool:
        """Whether there is nothing to do for a run of ``config``.

        Raises:
            RunExistsError: see :meth:`check_settings`.
        """
        if not self.done or force:
            return False
        self.check_settings(config)
        return True

    def check_settings(self, config: Mapping[str, Any]) -> None:
        """Refuse to take a finished run of other settings for that of ``config``.

        Settings that one of the two versions of the program does not have are no difference.

        Raises:
            RunExistsError: it is a run of another configuration.
        """
        recorded, requested = flatten(self.config()), flatten(config)
        shared = {k for k in {**recorded, **requested} if (k in recorded and k in requested) or k.startswith("data.")}
        before, after = ({k: values[k] for k in values if k in shared} for values in (recorded, requested))
        self._refuse_other(_difference(before, after))

    def _refuse_other(self, difference: str) -> None:
        if difference:
            raise RunExistsError(
                f"{self.path} holds a run with other settings ({difference}); "
                "choose another run_dir or outputs_dir, or force=true to replace it"
            )

    def times(self) -> dict[str, Any]:
        """What finished stages took (seconds, memory, device), over all sessions of a resumed run."""
        times: dict[str, Any] = json.loads(self._times.read_text()) if self._times.exists() else {}
        return times

    def add_times(self, **values: float | str) -> None:
        """Record stages as finished."""
        write_json(self._times, self.times() | values)

    def finish(self, report: Mapping[str, Any]) -> None:
        """Write ``report.json``, then ``DONE``."""
        write_json(self.report, report)
        write_whole(self._done, lambda partial: partial.write_text(""))

    def _clear(self) -> None:
        for name in reversed(OWN_ENTRIES):
            entry = self.path / name
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink(missing_ok=True)


def _difference(recorded: Any, requested: dict[str, Any]) -> str:
    before, after = flatten(recorded if isinstance(recorded, dict) else {}), flatten(requested)
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return "; ".join(_change(key, before.get(key), after.get(key)) for key in keys)


def _change(key: str, before: Any, after: Any) -> str:
    if key.startswith("data."):
        what = "has another content by now" if before and after else "is there now" if after else "is gone by now"
        return f"{key.removeprefix('data.')} {what}"
    return f"{key}: {before} there, {after} asked for"


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"a": {"b": 1}} -> {"a.b": 1}."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{name}.")
        else:
            flat[name] = value
    return flat
