"""Run the jobs of a sweep by Hydra's launchers, in the order of Hydra's own sweeper, without composing them first."""

import itertools
from collections.abc import Callable, Mapping, Sequence

import hydra
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.types import HydraContext
from omegaconf import DictConfig

from src.config.compose import initialized
from src.sweeps.cells import name_of
from src.sweeps.sweep import finished_before

OF_HYDRA = ("hydra.", "hydra/")


def jobs_left(axes: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """The overrides of every combination that an earlier sweep did not finish; the last axis varies fastest."""
    swept = [values for key, values in axes.items() if not key.lstrip("+~").startswith(OF_HYDRA)]
    finished = finished_before()
    return [list(job) for job in itertools.product(*swept) if name_of(job) not in finished]


def launch(axes: Mapping[str, Sequence[str]], config_name: str, task: Callable[[DictConfig], None]) -> None:
    """Launch the jobs that are left, numbered from 0, in batches of ``hydra.sweeper.max_batch_size``.

    Hydra's ``BasicSweeper`` composes every job before the first one; here every value has been checked before, so each
    is composed by the launcher, at its turn.
    """
    jobs = jobs_left(axes)
    with initialized():
        first = [*(values[0] for values in axes.values()), "hydra.mode=MULTIRUN"]
        cfg = hydra.compose(config_name, first, return_hydra_config=True)
        callbacks = Callbacks(cfg)
        context = HydraContext(GlobalHydra.instance().config_loader(), callbacks)
        launcher = Plugins.instance().instantiate_launcher(context, task, cfg)
        callbacks.on_multirun_start(config=cfg, config_name=config_name)
        size = cfg.hydra.sweeper.max_batch_size or max(len(jobs), 1)
        for start in range(0, len(jobs), size):
            for end in launcher.launch(jobs[start : start + size], initial_job_idx=start):
                _ = end.return_value  # raises what the job raised
        callbacks.on_multirun_end(config=cfg, config_name=config_name)
