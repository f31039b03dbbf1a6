"""The origin of the numbers of a table: commands, settings, lengths, commits, seconds."""

import re
import shlex
from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import mean
from typing import Any

from src.results.sweep.runs import Run

IMPUTE = "impute_"
"""Begins the names of the methods of imputation runs."""
METHODS = (
    *("missdiff", "diff_delete", "diff_mean", "stasy_missdiff"),
    *("stasy_delete", "stasy_delete_long", "stasy_mean", "stasy_mean_long"),
)
"""Methods in the order of the paper; others come after them by name."""
MECHANISMS = ("row", "column", "independent", "mar", "nmar", "native")


def method_order(method: str) -> tuple[int, str]:
    """Sorts methods as the paper does."""
    method = method.removeprefix(IMPUTE)
    return (METHODS.index(method) if method in METHODS else len(METHODS), method)


def mechanism_order(mechanism: str) -> tuple[int, str]:
    """Sorts mechanisms as the paper does."""
    return (MECHANISMS.index(mechanism) if mechanism in MECHANISMS else len(MECHANISMS), mechanism)


def settings(run: Run) -> tuple[str, ...]:
    """What differs from the method's defaults, as ``key=value``; of older runs read from the folder's name."""
    recorded = run.report.get("overrides")
    if recorded is not None:
        return tuple(str(setting) for setting in recorded)
    return tuple(re.split(r"-(?=[A-Za-z_][\w.]*=)", run.variant)[1:])


def commands(runs: Iterable[Run]) -> list[str]:
    """The fewest ``python -m src.train`` and ``src.impute`` commands that make exactly these runs."""
    points: dict[tuple[Any, ...], set[tuple[Any, ...]]] = defaultdict(set)
    for run in runs:
        kind = ("src.impute", "imputer") if run.method.startswith(IMPUTE) else ("src.train", "method")
        point = (run.method.removeprefix(IMPUTE), run.missing, run.ratio, run.seed)
        points[kind, run.dataset, settings(run)].add(point)
    lines = []
    for ((command, key_of_method), dataset, other_settings), of_point in points.items():
        for methods, mechanisms, ratios, seeds in _boxes(of_point):
            axes = [("missing", mechanisms), ("ratio", ratios), (key_of_method, methods), ("seed", seeds)]
            chosen = [
                f"{key}={','.join(_text(value) for value in values)}" for key, values in axes if values != (None,)
            ]
            several = ["--multirun"] if any(len(values) > 1 for _, values in axes) else []
            words = ["python", "-m", command, *several, f"dataset={dataset}", *chosen, *other_settings]
            lines.append(shlex.join(words))
    return lines


def origin(runs: Sequence[Run]) -> list[str]:
    """Sentences on how the runs of a table came about: seeds, commits, and each variant's budget and length."""
    seeds = sorted({run.seed for run in runs})
    sentences = [
        f"{len(runs)} runs, {'seed' if len(seeds) == 1 else 'seeds'} {', '.join(map(str, seeds))}; {_commits(runs)}; "
        f"evaluation={_listed(run.report['config'].get('evaluation', {}).get('name') for run in runs)}; "
        f"{_listed(run.report['n_train'] for run in runs)} training rows; "
        f"{_listed(run.report['device'] for run in runs if run.report.get('device'))}."
    ]
    variants: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        variants[run.variant].append(run)
    for of_variant in sorted(
        variants.values(), key=lambda of_variant: (method_order(of_variant[0].method), of_variant[0].variant)
    ):
        if any(run.done for run in of_variant):
            sentences.append(_variant(of_variant))
    return sentences


def mixtures(runs: Sequence[Run]) -> list[str]:
    """Warnings where runs of several commits or library versions stand side by side."""
    notes = []
    if len({run.report["commit"] for run in runs}) > 1:
        notes.append(f"Warning: runs of several commits: {_commits(runs)}.")
    if any(str(run.report["commit"]).endswith("+changes") for run in runs):
        notes.append("Warning: some runs were made with changes that are in no commit (+changes).")
    for package in sorted({package for run in runs for package in run.report["versions"]}):
        versions = _counts(run.report["versions"].get(package, "unknown") for run in runs)
        if len(versions) > 1:
            notes.append(f"Warning: runs of several versions of {package}: {_count_list(versions)}.")
    return notes


def _variant(runs: Sequence[Run]) -> str:
    done = [run for run in runs if run.done]
    config = done[0].report["config"]
    of_run = settings(done[0])
    used = sorted({run.report["n_used"] for run in done})
    rows = f"{used[0]:,}" if len(used) == 1 else f"{used[0]:,} to {used[-1]:,}"
    seconds = mean(run.report["time"]["total_s"] for run in done)
    untrained = {"marginals": "no training", "none": "no diffusion model"}
    length = untrained.get(config["method"].get("model")) or _length(config)
    changed = f"; settings: {', '.join(of_run)}" if of_run else ""
    return f"{done[0].method.removeprefix(IMPUTE)}: {length}; {rows} rows trained on; {seconds:,.0f} s a run{changed}."


def _length(config: dict[str, Any]) -> str:
    """The recipe's length and the share of it that the budget left, e.g. "budget full: 0.1 of 250 epochs"."""
    training, budget = config["training"], config["budget"]
    share = "" if budget["share"] == 1 else f"{budget['share']:g} of "
    epochs, n_steps = training.get("epochs"), training.get("n_steps")
    more_steps = " (more for large tables)" if training.get("growth_rows") else ""
    length = f"{epochs:,} epochs" if epochs is not None else f"{n_steps:,} steps{more_steps}"
    more = training.get("fine_tuning_epochs")
    tuned = f" and {more} epochs of fine-tuning" if more else ""
    return f"budget {budget['name']}: {share}{length}{tuned}, batches of {training['batch_size']:,} rows"


def _boxes(points: set[tuple[Any, ...]]) -> list[tuple[tuple[Any, ...], ...]]:
    """Products of sets that together are exactly ``points``, merged from the last axis on."""
    boxes = [tuple((value,) for value in point) for point in sorted(points, key=_order)]
    for axis in reversed(range(len(boxes[0]))):
        merged: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
        for box in boxes:
            merged[box[:axis] + box[axis + 1 :]] += box[axis]
        boxes = [(*others[:axis], tuple(values), *others[axis:]) for others, values in merged.items()]
    return boxes


def _order(point: tuple[Any, ...]) -> tuple[Any, ...]:
    method, missing, ratio, seed = point
    return (*method_order(method), *mechanism_order(missing), ratio or 0, seed)


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _commits(runs: Sequence[Run]) -> str:
    counts = _counts(str(run.report["commit"]) for run in runs)
    if len(counts) == 1:
        return f"commit {next(iter(counts))}"
    return f"commits {_count_list(counts)}"


def _counts(values: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for value in values:
        counts[value] += 1
    return counts


def _count_list(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} ({count} runs)" for name, count in counts.items())


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(f"{value:,}" if isinstance(value, int) else str(value) for value in dict.fromkeys(values))
