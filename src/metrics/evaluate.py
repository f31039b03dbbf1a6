"""Score a synthetic table, and the floors and ceilings it has to be read beside."""

from collections.abc import Callable

import numpy as np

from src.completion import delete_rows, hot_deck, marginals, mean_mode
from src.errors import NotApplicableError
from src.metrics.detection import NAME as DETECTION
from src.metrics.detection import add_detection
from src.metrics.fidelity import NAMES as FIDELITY
from src.metrics.fidelity import add_fidelity
from src.metrics.scores import Scores
from src.metrics.settings import QuickEvaluation
from src.metrics.utility import add_utility, utility_names
from src.seeding import derive_int32, numpy_stream
from src.tables import Split, Table

Truth = Callable[..., dict[str, float]]


def score(
    split: Split,
    synthetic: Table,
    evaluation: QuickEvaluation,
    seed: int,
    n_threads: int,
    truth: Truth | None = None,
) -> Scores:
    """Score a table against the complete training table (fidelity, detection) and the test table (utility).

    Arguments:
        split: real rows, before any cell was taken away.
        synthetic: table to score, of the same schema.
        evaluation: which metrics.
        seed: of the run; fixes what the metrics draw.
        n_threads: threads of the downstream models.
        truth: for a simulated dataset, known quantities of a complete frame (``truth/...``).
    """
    scores = Scores()
    add_fidelity(scores, split.train, synthetic, derive_int32(seed, "fidelity"))
    add_utility(scores, split.test, synthetic, derive_int32(seed, "utility"), n_threads)
    add_detection(scores, split.train, synthetic, evaluation.detection_rows, derive_int32(seed, "detection"), n_threads)
    if truth is not None and synthetic.observed.all():
        for name, value in truth(synthetic.frame).items():
            scores.add(f"truth/{name}", value)
    return scores


def metric_names(split: Split) -> list[str]:
    """Names every scored table of this dataset has, but for ``truth/...``."""
    return [*FIDELITY, *utility_names(split.train.schema), DETECTION]


def reference_tables(split: Split, mask: np.ndarray, seed: int) -> dict[str, Callable[[], Table]]:
    """The floors and ceilings of one mask, each built when called.

    * ``real_holdout``: the complete real test rows (ceiling of a sample of their number). Its utility is
      that of a model trained on the complete real training table: the test rows may not train.
    * ``hot_deck``: holes filled by random observed cells of the same column.
    * ``marginals``: every cell drawn independently (floor: no dependence at all).
    * ``mean_mode``: holes filled by mean or mode.
    * ``complete_rows``: the rows without a hole, drawn with replacement to the table's size.
    * ``holed_table``: the table with its holes (utility only).
    """
    train = split.train

    def rng(name: str) -> np.random.Generator:
        return numpy_stream(seed, "reference", name)

    def complete_rows() -> Table:
        rows, _ = delete_rows(train, mask, rng("complete_rows"))
        return rows.take(rng("complete_rows").integers(rows.n_rows, size=train.n_rows))

    def holdout() -> Table:
        complete = np.asarray(split.test.observed.all(axis=1))
        if not complete.any():
            raise NotApplicableError(f"none of the {split.test.n_rows} test rows is complete")
        return split.test.take(complete)

    return {
        "real_holdout": holdout,
        "hot_deck": lambda: hot_deck(train, mask, rng("hot_deck"))[0],
        "marginals": lambda: marginals(train, mask, rng("marginals"))[0],
        "mean_mode": lambda: mean_mode(train, mask, rng("mean_mode"))[0],
        "complete_rows": complete_rows,
        "holed_table": lambda: train.with_holes(mask),
    }


def score_references(
    split: Split,
    mask: np.ndarray,
    evaluation: QuickEvaluation,
    seed: int,
    n_threads: int,
    truth: Truth | None,
    on_table: Callable[[], object],
) -> dict[str, Scores]:
    """Score every table of :func:`reference_tables`; one that cannot be built carries the reason."""
    results = {}
    for name, build in reference_tables(split, mask, seed).items():
        try:
            results[name] = score(split, build(), evaluation, seed, n_threads, truth)
            if name == "real_holdout":
                add_utility(results[name], split.test, split.train, derive_int32(seed, "utility"), n_threads)
        except NotApplicableError as error:
            results[name] = Scores()
            results[name].undefined(metric_names(split), str(error))
        on_table()
    return results
