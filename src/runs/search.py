"""Search for the settings that do best on held-out rows, with Optuna (``experiment=tune``)."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import yaml
from optuna.trial import FrozenTrial, Trial, TrialState

from src.errors import ConfigError, InterruptedRunError, MissDiffError, TrainingDivergedError
from src.models import Keeping, Training
from src.results.record.files import write_whole
from src.runs.requests import Choices, Range, Search
from src.seeding import derive
from src.system.locks import hold
from src.system.quoting import command
from src.training.fit import check_devices
from src.training.held_out import HeldOut, held_out_loss
from src.training.recipe import a_tenth

STUDY = "study.db"
BEST = "best.yaml"
STARTUP_TRIALS = 8
"""Trials drawn at random before the sampler learns from them, and before any is pruned."""
SHOWN = 5


def tune(search: Search) -> Path:
    """Run the trials that are left, and write the best settings.

    The study is kept in the folder: the same command goes on where it was stopped, and a trial that was interrupted is
    run again from its own checkpoint.

    Returns:
        The file of the best settings, which ``experiment=FILE`` loads.

    Raises:
        MissDiffError: the search cannot be served, was interrupted, or another process is at work on it.
    """
    check_devices(search.experiment.recipe.trainer)
    folder = search.folder
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        if not hold(lock, wait=False):
            raise ConfigError(f"another process is at work on the search in {folder}")
        study = _study(search)
        print(f"search in {folder}: {_n_judged(study)} of {search.n_trials} trials are done")
        while (n_done := _n_judged(study)) < search.n_trials:
            study.sampler = optuna.samplers.TPESampler(
                n_startup_trials=STARTUP_TRIALS, seed=derive(search.experiment.seed, "tune", n_done) % 2**32
            )
            try:
                study.optimize(lambda trial: _judge(trial, search), n_trials=1)
            except InterruptedRunError:
                study.enqueue_trial(study.trials[-1].params)
                raise
            print(_line(study.trials[-1], _n_judged(study), search.n_trials))
        if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            raise MissDiffError(
                f"none of the {search.n_trials} trials came to its end: all diverged; narrow tune.space, e.g. "
                "tune.space.training.learning_rate.high"
            )
        best = folder / BEST
        write_whole(best, lambda partial: partial.write_text(_best(study, search, best)))
    print(_summary(study, best))
    return best


def _study(search: Search) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        study_name="missdiff",
        storage=f"sqlite:///{search.folder.absolute() / STUDY}",
        direction="minimize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS, n_warmup_steps=1),
        load_if_exists=True,
    )
    if not study.trials and search.is_start_in_space:
        study.enqueue_trial(search.start, skip_if_exists=True)  # what is found is at least as good as the defaults
    for trial in study.get_trials(states=(TrialState.RUNNING,)):  # of a process that was killed
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params)
    return study


def _judge(trial: Trial, search: Search) -> float:
    """Train with the trial's settings; its loss on the validation rows."""
    values = {axis.key: _suggested(trial, axis) for axis in search.axes}
    experiment, settings = search.trial(values)
    run = search.folder / "trials" / hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]
    data = experiment.data(a_tenth)

    def on_check(number: int, loss: float) -> None:
        trial.report(loss, number)
        if number < search.n_checks and trial.should_prune():
            raise optuna.TrialPruned

    held_out = HeldOut(data, search.n_checks, on_check)
    recipe = experiment.recipe
    recipe = replace(recipe, training=replace(recipe.training, held_out_rows=None, stop_at_best=False))
    training = Training(recipe, data, Keeping(run, settings), callbacks=[held_out])
    try:
        training.fit()
    except (optuna.TrialPruned, TrainingDivergedError) as end:
        shutil.rmtree(run)
        raise optuna.TrialPruned(str(end)) from end
    shutil.rmtree(run)
    return held_out_loss(training.module, data)


def _suggested(trial: Trial, axis: Range | Choices) -> Any:
    if isinstance(axis, Choices):
        return trial.suggest_categorical(axis.key, axis.values)
    if isinstance(axis.low, int) and isinstance(axis.high, int):
        return trial.suggest_int(axis.key, axis.low, axis.high, step=int(axis.step or 1), log=axis.log)
    return trial.suggest_float(axis.key, axis.low, axis.high, step=axis.step, log=axis.log)


def _n_judged(study: optuna.Study) -> int:
    return len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)))


def _line(trial: FrozenTrial, number: int, n_trials: int) -> str:
    settings = " ".join(f"{key}={_short(value)}" for key, value in trial.params.items())
    value = "pruned" if trial.state == TrialState.PRUNED else f"validation loss {trial.value:.4f}"
    return f"trial {number} of {n_trials}: {value}; {settings}"


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _best(study: optuna.Study, search: Search, file: Path) -> str:
    nested: dict[str, dict[str, Any]] = {}
    for key, value in study.best_params.items():
        group, name = key.split(".")
        nested.setdefault(group, {})[name] = value
    start = next((trial.value for trial in study.trials if trial.params == search.start and trial.value), None)
    comparison = "" if start is None else f", {start:.4f} with the settings it started from"
    text: str = yaml.safe_dump(nested, sort_keys=False)
    return (
        "# @package _global_\n"
        f"# Best of {_n_judged(study)} trials on {search.table}, method {search.method}: validation loss "
        f"{study.best_value:.4f}{comparison}.\n"
        f"# {command('train', experiment=file)} dataset=... missing=...\n{text}"
    )


def _summary(study: optuna.Study, best: Path) -> str:
    done = sorted(study.get_trials(states=(TrialState.COMPLETE,)), key=lambda trial: trial.value or 0.0)
    n_pruned = len(study.get_trials(states=(TrialState.PRUNED,)))
    lines = [f"best of {len(done)} finished and {n_pruned} pruned trials, by the loss on the validation rows:"]
    for trial in done[:SHOWN]:
        lines.append(f"  {trial.value:.4f}  " + " ".join(f"{k}={_short(v)}" for k, v in trial.params.items()))
    return "\n".join([*lines, f"settings         {best}", f"use them         {command('train', experiment=best)}"])
