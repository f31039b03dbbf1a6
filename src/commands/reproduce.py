"""Check that the commands of a page give, at this commit, the settings that its runs recorded."""

import shlex
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from src.config.compose import REFUSALS, compose
from src.config.impute import build_impute_request
from src.config.run import build_config
from src.errors import MissDiffError
from src.results.record.run_folder import flatten
from src.results.sweep.origin import commands
from src.results.sweep.runs import Run

NO_SETTINGS = ("seed", "data.")
"""Keys that are no settings of a table: the axis that its cells are means over, and digests of the user's files."""


def departures(runs: Sequence[Run]) -> dict[Path, list[str]]:
    """By run folder, the keys that the run's command gives another value than was recorded; runs without any left out.

    A command that this commit refuses stands as ``the command itself``.
    """
    departed = {run.folder: _departing(run) for run in runs}
    return {folder: keys for folder, keys in departed.items() if keys}


def _departing(run: Run) -> list[str]:
    (command,) = commands([run])
    words = [word for word in shlex.split(command)[2:] if not word.startswith("seed=")]
    composed = settings_of(tuple(words))
    if composed is None:
        return ["the command itself"]
    recorded = _settings(run.report["config"])
    return sorted(key for key in {*recorded, *composed} if recorded.get(key) != composed.get(key))


@lru_cache(maxsize=4096)
def settings_of(words: tuple[str, ...]) -> Mapping[str, Any] | None:
    """Flat settings that a command of one run composes, e.g. ``("src.train", "ratio=0.2")``; None if it is refused."""
    module, *overrides = words
    try:
        if module == "src.impute":
            return _settings(build_impute_request(compose(overrides, "impute")).config.identity)
        return _settings(build_config(compose(overrides)).identity)
    except (MissDiffError, *REFUSALS):
        return None


def _settings(identity: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in flatten(identity).items() if not key.startswith(NO_SETTINGS)}
