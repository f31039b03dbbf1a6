"""Clock and processor seconds of each metric on Census and its reference rows: python -m benchmarks.scoring

Scores what one run with ``evaluation=quick`` scores: a synthetic table (here: independent draws) and
the six references, 20 % of the cells missing in rows. The last line is the score by SDMetrics itself.
"""

import time
from collections import defaultdict
from contextlib import contextmanager

import numpy as np

from benchmarks.common import write_result
from src.metrics import evaluate
from src.metrics.base.settings import QuickEvaluation
from src.metrics.quality.sdmetrics_report import quality_report
from src.results.page.terminal import score_table
from src.system.cores import usable_cores
from src.tables.datasets.census import Census

STEPS = ("add_fidelity", "add_utility", "add_dependence", "add_detection", "add_coverage", "add_privacy")


def main() -> None:
    split = Census("bundled", None, "drop", 16_000, 4_000).load(0)
    mask = np.random.default_rng(0).random((16_000, 15)) > 0.2
    clock: dict[str, float] = defaultdict(float)
    processor: dict[str, float] = defaultdict(float)

    @contextmanager
    def timing(name):
        started = time.perf_counter(), time.process_time()
        yield
        clock[name] += time.perf_counter() - started[0]
        processor[name] += time.process_time() - started[1]

    def timed(name):
        step = getattr(evaluate, name)

        def call(*args):
            with timing(name):
                step(*args)

        return call

    for name in STEPS:
        setattr(evaluate, name, timed(name))
    quick, n_threads = QuickEvaluation(detection_rows=4_000, references=True), usable_cores()
    with timing("everything"):
        synthetic = evaluate.reference_tables(split, mask, 1)["marginals"]()
        scores = evaluate.score(split, synthetic, quick, 0, n_threads)
        references = evaluate.score_references(split, mask, quick, 0, n_threads, None, lambda: None)
    with timing("SDMetrics itself, one table"):
        for every_pair in (True, False):
            quality_report(split.train.frame, synthetic.frame, split.train.schema, 0, every_pair)
    print(score_table("synthetic", scores.values, {name: row.values for name, row in references.items()}))
    for name in sorted(set(scores.values)):
        rows = {"synthetic": scores, **references}
        cells = [row.values[name] for row in rows.values()]
        print(f"{name:38}", *("     -" if cell is None else f"{cell:6.3f}" for cell in cells))
    for name in clock:
        print(f"{name:30} {clock[name]:6.2f} s, processor {processor[name]:6.2f} s")
    write_result("scoring", {"tables": 1 + len(references), "seconds": dict(clock), "processor": dict(processor)})


if __name__ == "__main__":
    main()
