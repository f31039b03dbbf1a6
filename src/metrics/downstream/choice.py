"""Choose the grid point of a model that a metric is read from; see :mod:`src.metrics.downstream.tuned`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from src.metrics.base.scores import Scores
from src.metrics.base.settings import PaperEvaluation
from src.metrics.downstream.prediction import METRICS
from src.tables.schema import Task


@dataclass(frozen=True)
class Point:
    """One grid point: its parameters and its scores (``utility/<model>/<metric>``) on real rows."""

    params: Mapping[str, Any]
    validation: Scores
    test: Scores


def names_of(task: Task, evaluation: PaperEvaluation) -> list[str]:
    """Names of the metrics of one model: by the rule of the evaluation, then by the other."""
    return [name for rule in rules(task, evaluation) for name in _read_by(rule, task, evaluation)]


def rules(task: Task, evaluation: PaperEvaluation) -> list[str]:
    """The evaluation's rule of choice, then the other one that the same fits allow, if there is one."""
    if task != "regression":
        return ["own", "f1"] if evaluation.choose_by == "own" else ["f1", "own"]
    if not evaluation.log_target:
        return ["own"]
    return ["raw_target", "own"] if evaluation.raw_validation_target else ["own", "raw_target"]


def decider(rule: str, metric: str, task: Task, evaluation: PaperEvaluation) -> str:
    """The metric whose validation value decides where ``metric`` is read."""
    if task == "regression":
        return {"own": "rmse_log" if evaluation.log_target else "rmse", "raw_target": "rmse_raw_target"}[rule]
    return metric if rule == "own" else _f1(task)


def best(points: list[Point], name: str) -> Point | None:
    """The first point with the best validation value of a metric; None where no point has one."""
    sign = -1 if "/rmse" in name else 1
    values = [(point, point.validation.values[name]) for point in points]
    known = [(sign * value, point) for point, value in values if value is not None]
    return max(known, key=lambda pair: pair[0])[1] if known else None


def add_chosen(scores: Scores, model: str, points: list[Point], task: Task, evaluation: PaperEvaluation) -> None:
    """Add the metrics of one model, and the parameters each is read from to ``scores.details``."""
    prefix = f"utility/{model}"
    for rule in rules(task, evaluation):
        for name, metric in _read_by(rule, task, evaluation).items():
            deciding = f"{prefix}/{decider(rule, metric, task, evaluation)}"
            point = best(points, deciding)
            if point is None:
                scores.undefined([f"{prefix}/{name}"], f"no choice: {points[0].validation.reasons[deciding]}")
                continue
            value = point.test.values[f"{prefix}/{metric}"]
            if value is None:
                scores.undefined([f"{prefix}/{name}"], point.test.reasons[f"{prefix}/{metric}"])
            else:
                scores.add(f"{prefix}/{name}", value)
            scores.details[f"{prefix}/{name}"] = {
                "params": {key: list(v) if isinstance(v, tuple) else v for key, v in point.params.items()},
                "chosen_by": decider(rule, metric, task, evaluation),
                "validation": point.validation.values[deciding],
            }


def add_mean(scores: Scores, models: list[str], names: list[str]) -> None:
    """Add ``utility/mean/<name>``: the mean over all models, undefined where one has no value."""
    for name in names:
        values = {model: scores.values[f"utility/{model}/{name}"] for model in models}
        known = [value for value in values.values() if value is not None]
        if len(known) == len(models):
            scores.add(f"utility/mean/{name}", sum(known) / len(known))
        else:
            absent = [model for model, value in values.items() if value is None]
            scores.undefined([f"utility/mean/{name}"], f"undefined for {', '.join(absent)}")


def _f1(task: Task) -> str:
    return "f1" if task == "binary" else "macro_f1"


def _read_by(rule: str, task: Task, evaluation: PaperEvaluation) -> dict[str, str]:
    """Name in the record -> metric, for one rule; where both rules read alike, the second has no name."""
    metrics = [*METRICS[task], "rmse_log", "r2_log"] if task == "regression" else METRICS[task]
    if rule == rules(task, evaluation)[0]:
        return {metric: metric for metric in metrics}
    same = [] if task == "regression" else [_f1(task)]
    return {f"{metric}_by_{rule}": metric for metric in metrics if metric not in same}
