"""Score one imputer: take cells away, fill them, compare, report."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd

from src.imputation import DiffusionImputer, Imputer
from src.metrics.base.scores import Scores
from src.metrics.base.settings import ImputationEvaluation
from src.metrics.imputation.scores import score_imputations
from src.missing import Mechanism, realised_ratio
from src.models import Experiment, Keeping
from src.results.mirror.tracking import CsvLogger, WandbLogger
from src.results.page.card import save_card
from src.results.page.imputation_summary import imputation_summary
from src.results.record.provenance import commit, device_name, peak_memory_mb, reset_peak_memory, versions
from src.results.record.report import Report
from src.results.record.run_folder import RunFolder
from src.results.record.run_record import RunRecord
from src.runs.synthetic import stored_table
from src.runs.train import NOTHING_TO_DO, mirror_of
from src.seeding import numpy_stream
from src.tables import Split, Table
from src.tables.files.layout import Layout
from src.tables.imputations import Imputations
from src.training.callbacks import progress_bar
from src.training.fit import check_devices, is_rank_zero

IN_SAMPLE = "imputation/in_sample_"
OUT_OF_SAMPLE = "imputation/"


def run(
    imputer: Imputer,
    evaluation: ImputationEvaluation,
    experiment: Experiment,
    record: RunRecord,
    logger: CsvLogger | WandbLogger,
) -> bool:
    """Fit, impute, score and record one imputer in the folder of its record.

    A model's training is picked up where an interrupted run of the same settings stopped; a finished run is
    left alone. Every rank of a multi-device run trains; rank 0 alone imputes, scores and records.

    Returns:
        Whether there was anything to do.

    Raises:
        MissDiffError: the request cannot be served (nothing is written), or the run failed.
    """
    started = time.perf_counter()
    folder = RunFolder(record.path)
    if _is_finished(record, folder):
        return False
    check_devices(experiment.recipe.trainer)
    split = experiment.dataset.load(experiment.seed)
    masks = sample_masks(experiment.mechanism, split, experiment.seed)
    if not is_rank_zero():
        prepare_imputer(imputer, experiment, record, stored_table(split, masks[0], experiment.seed))
        imputer.fit(split.train.with_holes(masks[0]))
        return True
    with folder.locked():
        if _is_finished(record, folder):  # by another process, meanwhile
            return False
        reset_peak_memory()
        folder.open(record.settings, record.force)
        for note in split.notes:
            print(f"note: {note}")
        print(f"run folder: {folder.path}")
        mirror = mirror_of(record, logger)
        try:
            prepare_imputer(imputer, experiment, record, stored_table(split, masks[0], experiment.seed))
            scores, times = impute_and_score(imputer, evaluation, split, masks)
        except BaseException:
            mirror.abandon()
            raise
        finish_run(imputer, record, split, started, times, scores, masks, split.notes)
        mirror.finish(json.loads(folder.report.read_text()), {}, None)
        print(f"\n{imputation_summary(folder)}")
    return True


@contextmanager
def started_run(record: RunRecord) -> Iterator[RunFolder]:
    """The folder of a run that fits without scores, kept from other processes."""
    folder = RunFolder(record.path)
    if not is_rank_zero():
        yield folder
        return
    with folder.locked():
        folder.open(record.settings, record.force)
        yield folder


def sample_masks(mechanism: Mechanism, split: Split, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Masks of the training and the test table, True = observed, of one mechanism with one set of parameters.

    That of the training table is the one that ``python -m src.train`` trains on. Test rows get theirs as
    rows that follow the training rows, from the same stream, so that weights and columns are the same and the draws
    are not. Structural columns lose no cell.
    """
    train = mechanism.sample_mask(split.train, numpy_stream(seed, "mask"))
    both = Table(pd.concat([split.train.frame, split.test.frame], ignore_index=True), split.train.schema)
    test = mechanism.sample_mask(both, numpy_stream(seed, "mask"))[split.train.n_rows :]
    structural = np.array([column.structural for column in split.train.schema.columns])
    train, test = train | structural, test | structural  # without a cell that applies, a column would not seem to
    return train & split.train.observed, test & split.test.observed


def impute_and_score(
    imputer: Imputer, evaluation: ImputationEvaluation, split: Split, masks: tuple[np.ndarray, np.ndarray]
) -> tuple[Scores, dict[str, float]]:
    """Fit on what is observed of the training table, fill both tables' holes, compare with what was held back.

    Arguments:
        imputer: not fitted; :func:`prepare_imputer` has set a model's recipe.
        evaluation: how many draws and rows are scored.
        split: complete tables.
        masks: of training and test table, True = observed.

    Returns:
        Scores, and seconds by stage.
    """
    train_mask, test_mask = masks
    fitting = time.perf_counter()
    fit_imputer(imputer, split.train.with_holes(train_mask))
    fitted = time.perf_counter()
    rows = np.arange(min(evaluation.in_sample_rows, split.train.n_rows))
    parts = [(OUT_OF_SAMPLE, split.test, test_mask)]
    if len(rows):
        parts.append((IN_SAMPLE, split.train.take(rows), train_mask[rows]))
    scores, imputing, scoring = Scores(), 0.0, 0.0
    for prefix, truth, mask in parts:
        start = time.perf_counter()
        imputations = imputations_of(imputer, truth.with_holes(mask), evaluation.n_draws)
        imputing += time.perf_counter() - start
        part = score_imputations(split.train, truth, imputations, evaluation.level, prefix)
        for name in ("values", "reasons", "details"):
            getattr(scores, name).update(getattr(part, name))
        scoring += time.perf_counter() - start
    return scores, {"train_s": fitted - fitting, "sample_s": imputing, "evaluate_s": scoring - imputing}


def fit_imputer(imputer: Imputer, table: Table) -> None:
    """Fit, with a bar; training of a model has one of its own."""
    if isinstance(imputer, DiffusionImputer):
        imputer.fit(table)
        return
    with progress_bar(100, "fitting", "%") as bar:
        imputer.on_progress = lambda share: bar.update(int(100 * share) - bar.n)
        imputer.fit(table)


def imputations_of(imputer: Imputer, table: Table, n_draws: int | None, n_imputations: int = 0) -> Imputations:
    """Fill, with a bar; arguments as for :meth:`Imputer.estimate`, no ``n_draws`` = no best values are wanted."""
    with progress_bar(100, "imputing", "%") as bar:
        imputer.on_progress = lambda share: bar.update(max(int(100 * share) - bar.n, 0))
        if n_draws is None:
            return imputer.transform(table, n_imputations)
        return imputer.estimate(table, n_draws, n_imputations)


def prepare_imputer(imputer: Imputer, experiment: Experiment, record: RunRecord, stored: dict[str, Any]) -> None:
    """Tell an imputer that trains a model its recipe, and where the model is kept; others need nothing.

    Arguments:
        imputer: not fitted.
        experiment: gives the recipe.
        record: of the run.
        stored: what the checkpoint holds of the table (:func:`src.runs.synthetic.stored_table`).
    """
    if isinstance(imputer, DiffusionImputer):
        imputer.recipe = experiment.recipe
        imputer.keeping = Keeping(record.path, record.settings, stored, record.force)
        imputer.keeper = Layout.from_dict(stored["layout"]).keeper()


def _is_finished(record: RunRecord, folder: RunFolder) -> bool:
    is_finished = folder.finished(record.settings, record.force)
    if is_finished:
        print(f"{NOTHING_TO_DO}\n\n{imputation_summary(folder)}")
    return is_finished


def finish_run(
    imputer: Imputer,
    record: RunRecord,
    split: Split,
    started: float,
    times: dict[str, float],
    scores: Scores | None = None,
    masks: tuple[np.ndarray, np.ndarray] | None = None,
    notes: Sequence[str] = (),
) -> None:
    """Write the report of a run; without scores and masks of one that only fits.

    ``notes`` are those printed, but for the imputer's own.
    """
    train_mask, test_mask = masks or (split.train.observed, split.test.observed)
    names = split.train.schema.names
    test_ratio = realised_ratio(test_mask, names)["overall"]
    report = Report(
        status="done",
        reason=None,
        config=record.settings,
        seed=record.seed,
        commit=commit(),
        versions=versions(),
        n_train=split.train.n_rows,
        overrides=list(record.overrides),
        device=device_name(_device(imputer)),
        n_used=split.train.n_rows,
        n_evaluations=float(getattr(imputer, "n_evaluations", 0)),
        realised_ratio=realised_ratio(train_mask, names) | {"test": test_ratio},
        time={"sample_s": 0.0, "evaluate_s": 0.0, **times, "total_s": time.perf_counter() - started},
        peak_memory_mb=peak_memory_mb(),
        notes=[*notes, *getattr(imputer, "notes", ())],
    )
    if scores is not None:
        report.add_scores(scores)
    folder = RunFolder(record.path)
    save_card(report.to_dict(), folder.card)
    folder.finish(report.to_dict())


def _device(imputer: Imputer) -> str:
    module = getattr(imputer, "module", None)
    return "cpu" if module is None else module.device.type
