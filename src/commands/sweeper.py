"""Sweep the cells of a grid in order, as Hydra's sweeper does, but skip those that are finished."""

import itertools
import sys
from typing import Any

import hydra_plugins
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.core.utils import filter_overrides
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from src.sweeps.cells import name_of
from src.sweeps.sweep import finished_before

PLUGIN = "hydra_plugins.missdiff"


class CellSweeper(Sweeper):
    """Launches the product of the axes in batches.

    The values of every axis have been checked one by one when it starts, so no job is composed before its turn.

    Arguments:
        max_batch_size: cells handed to the launcher at once; None = all.
        params: axes of a committed sweep; those of the command line come after them and win.
    """

    def __init__(self, max_batch_size: int | None = None, params: dict[str, str] | None = None) -> None:
        self.max_batch_size = max_batch_size
        self.params = params or {}
        self.launcher: Launcher | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra gives a sweeper, and the launcher that was chosen."""
        self.hydra_context = hydra_context
        self.config = config
        self.launcher = Plugins.instance().instantiate_launcher(hydra_context, task_function, config)

    def sweep(self, arguments: list[str]) -> None:
        """Launch the cells that are left, numbered from 0."""
        assert self.launcher is not None
        assert self.hydra_context is not None
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        axes = {}
        for override in parser.parse_overrides([*(f"{k}={v}" for k, v in self.params.items()), *arguments]):
            key = override.get_key_element()
            values = override.sweep_string_iterator() if override.is_sweep_override() else None
            axes[key] = [f"{key}={v}" for v in values or [override.get_value_element_as_str()]]
        finished = finished_before()
        cells = [list(cell) for cell in itertools.product(*axes.values())]
        left = [cell for cell in cells if name_of(filter_overrides(cell)) not in finished]
        size = self.max_batch_size or max(len(left), 1)
        for start in range(0, len(left), size):
            for end in self.launcher.launch(left[start : start + size], initial_job_idx=start):
                _ = end.return_value  # raises what the job raised


def register() -> None:
    """Make the sweeper known to Hydra by the name that the configuration has.

    Hydra takes plugins of the package ``hydra_plugins`` alone, so this module has a name in it.
    """
    plugins: Any = hydra_plugins
    plugins.missdiff = sys.modules[PLUGIN] = sys.modules[__name__]
    CellSweeper.__module__ = PLUGIN
    Plugins.instance().register(CellSweeper)
