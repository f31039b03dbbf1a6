"""Score a synthetic table, and its floors and ceilings."""

from collections.abc import Callable

import numpy as np

from src.completion import delete_rows, hot_deck, marginals, mean_mode
from src.errors import NotApplicableError
from src.metrics.base.measure import Comparison, Downstream, Truth
from src.metrics.base.scores import Scores
from src.metrics.base.settings import PaperEvaluation, QuickEvaluation
from src.metrics.catalogue import MEASURES
from src.metrics.downstream.sets import drawn_complete_rows, reference_rows, synthetic_rows
from src.metrics.downstream.tuned import n_fits
from src.metrics.quality.neighbours import complete_rows
from src.metrics.quality.privacy import DCR, add_privacy
from src.seeding import derive_int32, numpy_stream
from src.tables import Schema, Split, Table

FEW_ROWS = 1000
SMALL_FLOOR = "marginals_small"


def score(
    split: Split,
    synthetic: Table,
    evaluation: QuickEvaluation,
    seed: int,
    n_threads: int,
    truth: Truth | None = None,
    rows: Downstream | None = None,
    on_fit: Callable[[], object] = lambda: None,
    score_holes: bool = True,
    draw: Callable[[int], Table] | None = None,
    draw_with_holes: Callable[[int], Table] | None = None,
) -> Scores:
    """Score a table against the training table before it lost cells, and against the test table.

    Utility tests on the test table, privacy needs both, the others compare with the training table;
    :func:`src.metrics.catalogue.describe` says what each metric is. Where either has holes, what is observed is
    compared; a synthetic table with holes is also scored by them (``holes/...``).

    Arguments:
        split: real rows, before any cell was taken away.
        synthetic: table to score, of the same schema.
        evaluation: which metrics.
        seed: of the run; fixes what the metrics draw.
        n_threads: threads of the downstream models.
        truth: for a simulated dataset, known quantities of a complete frame (``truth/...``).
        rows: of the downstream models; by default ``synthetic`` is fitted and the choice is made on the training table.
        on_fit: called after every fit of ``evaluation=paper``.
        score_holes: whether the holes of ``synthetic`` are a result that has scores of its own.
        draw: draws so many synthetic rows, for the utility of more rows; None = there is no model to draw from.
        draw_with_holes: draws so many with their holes, for the scores of these; None = no model learns them.
    """
    comparison = Comparison(
        split=split,
        synthetic=synthetic,
        evaluation=evaluation,
        seed=seed,
        n_threads=n_threads,
        rows=rows or synthetic_rows(split, synthetic),
        truth=truth,
        on_fit=on_fit,
        score_holes=score_holes,
        draw=draw,
        draw_with_holes=draw_with_holes,
    )
    scores = Scores()
    for measure in MEASURES:
        measure.add(scores, comparison)
    return scores


def metric_names(split: Split, evaluation: QuickEvaluation) -> list[str]:
    """Names every scored table of this dataset has, but for ``truth/...`` and, with holes of its own, ``holes/...``."""
    return [name for measure in MEASURES for name in measure.names(split.train.schema, evaluation)]


def n_steps(schema: Schema, evaluation: QuickEvaluation) -> int:
    """Steps of progress that scoring one table takes: its fits, and one for all other metrics."""
    return 1 + (n_fits(schema, evaluation) if isinstance(evaluation, PaperEvaluation) else 0)


def few_rows(n_fresh: int, n_real: int) -> bool:
    """Whether fresh real rows are so few that their scores say more of their number than of anything else."""
    return 0 < n_fresh < min(n_real, FEW_ROWS)


def reference_tables(split: Split, mask: np.ndarray, seed: int) -> dict[str, Callable[[], Table]]:
    """The floors and ceilings of one mask, each built when called.

    * ``real_holdout``: the complete real test rows (ceiling of a sample of their number). Its utility is
      that of a model trained on the complete real training table: the test rows may not train. Its
      ``privacy/dcr_share`` is that of one half of the test rows, held against the other half.
    * ``hot_deck``: holes filled by random observed cells of the same column.
    * ``marginals``: every cell drawn independently (floor: no dependence at all).
    * ``marginals_small``, only where :func:`few_rows` says so: as many of the rows of ``marginals`` as ``real_holdout``
      has. Few rows score low whatever they are: this is the floor that the ceiling has to be read beside.
    * ``mean_mode``: holes filled by mean or mode.
    * ``complete_rows``: the rows without a hole, drawn with replacement to the table's size.
    * ``holed_table``: the table with its holes, compared on its observed cells: what the holes alone distort. Detection
      sees them.
    """
    train = split.train

    def rng(name: str) -> np.random.Generator:
        return numpy_stream(seed, "reference", name)

    def complete_rows() -> Table:
        delete_rows(train, mask, rng("complete_rows"))
        return train.take(drawn_complete_rows(mask, seed))

    complete = split.test.complete

    def holdout() -> Table:
        if not complete.any():
            raise NotApplicableError(f"none of the {split.test.n_rows} test rows is complete")
        return split.test.take(complete)

    def independent() -> Table:
        return marginals(train, mask, rng("marginals"))[0]

    n_fresh = int(complete.sum())
    small = {SMALL_FLOOR: lambda: independent().take(np.arange(n_fresh))}
    return {
        "real_holdout": holdout,
        "hot_deck": lambda: hot_deck(train, mask, rng("hot_deck"))[0],
        "marginals": independent,
        **(small if few_rows(n_fresh, train.n_rows) else {}),
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
    on_fit: Callable[[], object] = lambda: None,
) -> dict[str, Scores]:
    """Score every table of :func:`reference_tables`; one that cannot be built carries the reason."""
    results = {}
    for name, build in reference_tables(split, mask, seed).items():
        try:
            table = build()
            fitted = split.train if name == "real_holdout" else table
            tuned = isinstance(evaluation, PaperEvaluation)
            rows = reference_rows(split, name, fitted, mask, seed) if tuned else synthetic_rows(split, fitted)
            results[name] = score(split, table, evaluation, seed, n_threads, truth, rows, on_fit, score_holes=False)
            if name == "real_holdout":
                _hold_out_half(results[name], split, evaluation.detection_rows, derive_int32(seed, "privacy"))
        except NotApplicableError as error:
            results[name] = Scores()
            results[name].undefined(metric_names(split, evaluation), str(error))
        on_table()
    return results


def _hold_out_half(scores: Scores, split: Split, n_rows: int, seed: int) -> None:
    """Distances of one half of the complete test rows, the other half as hold-out: no row is its own neighbour."""
    fresh = complete_rows(split.test)
    halves = Scores()
    even = np.arange(fresh.n_rows) % 2 == 0
    add_privacy(halves, split.train, fresh.take(~even), fresh.take(even), n_rows, seed)
    scores.values[DCR] = halves.values[DCR]
    scores.reasons.pop(DCR, None)
    scores.reasons |= {name: reason for name, reason in halves.reasons.items() if name == DCR}
    scores.remark(DCR, "one half of the test rows, held against the other half")
