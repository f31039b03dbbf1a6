"""Select the runs of a table."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from src.results.sweep.origin import IMPUTE, settings
from src.results.sweep.paper import PaperNumber
from src.results.sweep.runs import Run

LONG = "_long"
"""Ends the names of methods and training recipes with the 1,000 epochs of STaSy in the paper's Tables 1 and 2."""
MODELS = "evaluation.models="
MEAN = "utility/mean/"
"""Begins the names of the only metrics that depend on the list of downstream models."""


def runs_of(runs: Sequence[Run], printed: Sequence[PaperNumber]) -> list[Run]:
    """The runs that belong into a table of the paper: its dataset and places, STaSy of the table's length."""
    places = {number.missingness for number in printed}
    lengths = {number.epochs for number in printed if number.method.startswith("stasy")}
    chosen = []
    for run in runs:
        if run.dataset == printed[0].dataset and run.missingness in places:
            is_stasy = run.method.startswith("stasy")
            if not is_stasy or None in lengths or not lengths or _is_long(run) == (1000 in lengths):
                chosen.append(run)
    repeats_but_for_stasy = printed[0].table in (17, 18)
    if repeats_but_for_stasy and not any(family_of(run.method) in ("stasy_delete", "stasy_mean") for run in chosen):
        return []
    return chosen


def family_of(method: str) -> str:
    """The paper's name of a method: long or short, STaSy is STaSy; an imputer's without its prefix."""
    return method.removesuffix(LONG).removeprefix(IMPUTE)


def _is_long(run: Run) -> bool:
    """Whether a run of STaSy has the recipe of 1,000 epochs rather than 250, whatever its budget left of it."""
    training = run.report["config"]["training"]
    named = run.method.endswith(LONG) or str(training.get("name")).endswith(LONG)
    return named or (training.get("epochs") or 0) >= 500


def measuring(runs: Sequence[Run], metrics: Sequence[str]) -> list[Run]:
    """The runs whose evaluation computes one of the metrics, one for each setting, place and seed.

    Runs that differ in ``evaluation.models`` alone trained the same model and score each downstream
    model alike, so the list of models is no part of their variant here, but for means over it; of two
    such runs that of the larger sweep is taken. Runs without scores go with those of the same evaluation.
    """
    variant = _variant if any(name.startswith(MEAN) for name in metrics) else _without_models
    groups = [repr(run.report["config"]["evaluation"]) for run in runs]
    sizes = Counter(groups)
    named = set(metrics)
    measured = {group for group, run in zip(groups, runs, strict=True) if named & run.report["metrics"].keys()}
    chosen: dict[tuple[str, str, str, int], int] = {}
    for i in sorted(range(len(runs)), key=lambda i: -sizes[groups[i]]):
        if groups[i] in measured:
            run = runs[i]
            chosen.setdefault((run.dataset, variant(run), run.missingness, run.seed), i)
    return [replace(runs[i], variant=variant(runs[i])) for i in sorted(chosen.values())]


def as_trained(runs: Sequence[Run]) -> list[Run]:
    """The same runs without the list of downstream models in their variant, for figures of what was trained."""
    return [replace(run, variant=_without_models(run)) for run in runs]


def n_models(run: Run) -> int:
    """How many downstream models scored a run."""
    return len(run.report["config"]["evaluation"].get("models") or [])


def _variant(run: Run) -> str:
    return run.variant


def _without_models(run: Run) -> str:
    return "-".join([run.method, *(setting for setting in settings(run) if not setting.startswith(MODELS))])
