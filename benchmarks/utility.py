"""Seconds that ``evaluation=paper`` takes on Census: every model's grid, then a whole run's tables.

    python -m benchmarks.utility [--threads 2] [--only models|run]

The synthetic table is the hot-deck fill of 20 % missing rows. CPU seconds are those of all threads.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

from src.completion import hot_deck
from src.config.compose import compose
from src.config.run import build_config
from src.metrics.base.scores import Scores
from src.metrics.downstream.sets import synthetic_rows
from src.metrics.downstream.tuned import add_tuned_utility
from src.metrics.evaluate import score, score_references
from src.seeding import numpy_stream


def timed(name: str, work: Callable[[], object]) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    print(f"{name:22}{time.perf_counter() - wall:8.1f} s {time.process_time() - cpu:8.1f} CPU s   {result}", flush=True)


def brief(scores: Scores, *models: str) -> str:
    values = [scores.values.get(f"utility/{m}/{name}") for m in models for name in ("accuracy", "auroc")]
    return " / ".join("-" if value is None else f"{value:.3f}" for value in values)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--only", choices=("models", "run"))
    given = arguments.parse_args()
    config = build_config(compose(["dataset=census", "missing=row", "ratio=0.2", "evaluation=paper"]))
    evaluation = config.evaluation
    split = config.dataset.load(0)
    mask = config.missing.sample_mask(split.train, numpy_stream(0, "mask")) & split.train.observed
    table = hot_deck(split.train, mask, numpy_stream(1, "benchmark"))[0]
    print(f"{split.train.n_rows} synthetic, {split.train.n_rows} train, {split.test.n_rows} test rows")

    for model in evaluation.models if given.only != "run" else []:

        def one(model: str = model) -> str:
            scores = Scores()
            chosen = replace(evaluation, models=[model])
            add_tuned_utility(scores, synthetic_rows(split, table), chosen, 0, given.threads)
            return brief(scores, model)

        timed(model, one)
    if given.only == "models":
        return

    def whole() -> str:
        lines = {"synthetic": score(split, table, evaluation, 0, given.threads)}
        lines |= score_references(split, mask, evaluation, 0, given.threads, None, lambda: None)
        return "mean and XGBoost, accuracy / AUROC\n" + "\n".join(
            f"  {name:20}{brief(scores, 'mean', 'xgboost')}" for name, scores in lines.items()
        )

    timed("a run with references", whole)


if __name__ == "__main__":
    main()
