"""Sweeps: run every combination of values by Hydra's launchers, skip what is finished, list what fails.

The order is that of Hydra's ``BasicSweeper``, which composes all configurations before the first job and again before
they run. Here the launcher alone composes, a job at its turn: every value has been checked, and jobs with a valid
stamp are left out.
"""

import itertools
import math
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

import hydra
from hydra._internal.callbacks import Callbacks  # a HydraContext takes one; Hydra has no public name for it
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig

from src.commands.cli.axes import LOCAL_LAUNCHERS, Axes
from src.commands.cli.exit_codes import print_error, report_error
from src.config.compose import initialized
from src.errors import InterruptedRunError, SweepError
from src.sweeps.finished import FinishedRun, job_name, read_stamps
from src.sweeps.jobs import DONE, FAILED, SKIPPED, is_settled, read_jobs, recorded_job, settle_lost_jobs
from src.sweeps.watch import sweep_folder, watched_sweep
from src.system.gpus import claim_gpu, visible_gpus

RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID")
"""Where torchrun, Lightning and SLURM tell a process its number."""
MOST_DEATHS = 3
OF_HYDRA = ("hydra.", "hydra/")

Job = Callable[[DictConfig], FinishedRun | None]
Task = Callable[[DictConfig], None]


def run_sweep(job: Job, cfg: DictConfig, names: Sequence[str], axes: Axes, config_name: str) -> None:
    """Run every job of a sweep; end the program with an exit code where one failed.

    Arguments:
        job: does the work of a configuration.
        cfg: of any job; gives ``outputs_dir`` and ``force``.
        names: overrides and what else tells the sweep from others.
        axes: of the sweep.
        config_name: the command's file in ``conf/``.
    """
    folder = sweep_folder(Path(cfg.outputs_dir).absolute(), names)
    task = partial(run_recorded, job, folder)
    with watched_sweep(folder, math.prod(len(axis) for axis in axes.values()), force=bool(cfg.force)):
        jobs = jobs_left(axes, folder)
        survive_deaths(lambda: launch(jobs, task, axes, config_name), folder)
    codes = {each.exit_code for each in read_jobs(folder) if each.state == FAILED}
    if codes:
        sys.exit(2 if codes == {2} else 1)


def jobs_left(axes: Axes, folder: Path) -> list[list[str]]:
    """Overrides of the jobs that are not finished; the last axis varies fastest."""
    of_jobs = [axis for key, axis in axes.items() if not key.lstrip("+~").startswith(OF_HYDRA)]
    finished = read_stamps(folder)
    return [list(overrides) for overrides in itertools.product(*of_jobs) if job_name(overrides) not in finished]


def launch(jobs: Sequence[Sequence[str]], task: Task, axes: Axes, config_name: str) -> None:
    """Run a task on the configuration of every job by ``hydra/launcher``, numbered from 0.

    The launcher takes ``hydra.sweeper.max_batch_size`` jobs at a time.
    """
    with initialized():
        first = [*(axis[0] for axis in axes.values()), f"hydra.mode={RunMode.MULTIRUN.name}"]
        cfg = hydra.compose(config_name, first, return_hydra_config=True)
        callbacks = Callbacks(cfg)
        context = HydraContext(GlobalHydra.instance().config_loader(), callbacks)
        launcher = Plugins.instance().instantiate_launcher(context, task, cfg)
        callbacks.on_multirun_start(config=cfg, config_name=config_name)
        size = cfg.hydra.sweeper.max_batch_size or max(len(jobs), 1)
        for start in range(0, len(jobs), size):
            for result in launcher.launch(jobs[start : start + size], initial_job_idx=start):
                _ = result.return_value  # raises what the job raised
        callbacks.on_multirun_end(config=cfg, config_name=config_name)


def survive_deaths(launch: Callable[[], object], folder: Path) -> None:
    """Launch, and again where a process of the launcher dies: settled jobs end at once, lost ones run alone.

    Raises:
        SweepError: processes die again and again before a job starts.
    """
    n_deaths = 0
    while True:
        try:
            launch()
        except BrokenProcessPool as error:
            n_deaths = 0 if settle_lost_jobs(folder) else n_deaths + 1
            if n_deaths == MOST_DEATHS:
                raise SweepError(
                    "the processes of the sweep are killed before they reach a run (out of memory?)"
                ) from error
            print("a process of the sweep was killed; what was running is run once more, alone", file=sys.stderr)
        else:
            return


def run_alone(job: Job, cfg: DictConfig) -> None:
    """Run a job; end the program with an exit code where it fails."""
    try:
        job(cfg)
    except Exception as error:
        sys.exit(report_error(error)[1])


def run_recorded(job: Job, folder: Path, cfg: DictConfig) -> None:
    """Run a job of a sweep: its output and its final state go to the sweep's folder, and no failure ends the sweep."""
    settings = HydraConfig.get()
    number = int(settings.job.num)
    if not is_first_rank():
        run_alone(job, cfg)
        return
    if is_settled(folder, number):
        return
    if cfg.trainer.accelerator != "cpu":
        claim_gpu(folder, visible_gpus())
    with recorded_job(folder, number, list(settings.overrides.task)) as set_state:
        try:
            run = job(cfg)
            assert run is not None, "commands that sweep leave a finished run"
            set_state(SKIPPED if run.skipped else DONE, stamp=run.stamp())
        except InterruptedRunError as error:
            print_error(str(error))
            sys.exit(error.exit_code)
        except Exception as error:
            set_state(FAILED, *report_error(error))


def is_first_rank() -> bool:
    """Whether this process is the one of its run that records; known before anything of Lightning is loaded."""
    return next((os.environ[name] for name in RANKS if name in os.environ), "0") == "0"


def in_local_sweep() -> bool:
    """Whether this process runs a job of a ``--multirun`` on this machine."""
    settings = HydraConfig.get()
    return settings.mode == RunMode.MULTIRUN and settings.runtime.choices["hydra/launcher"] in LOCAL_LAUNCHERS
