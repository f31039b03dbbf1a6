"""Score one imputer: take cells away, fill them, compare, report."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pandas as pd

from src.config.impute import ImputeRequest
from src.config.run import Config
from src.imputation import DiffusionImputer, Imputer
from src.metrics.base.scores import Scores
from src.metrics.imputation.scores import score_imputations
from src.missing import Mechanism, realised_ratio
from src.models import Keeping
from src.results.page.card import save_card
from src.results.page.imputation_summary import imputation_summary
from src.results.record.provenance import commit, device_name, peak_memory_mb, reset_peak_memory, versions
from src.results.record.report import Report
from src.results.record.run_folder import RunFolder
from src.runs.synthetic import stored_table
from src.runs.train import NOTHING_TO_DO, mirror_of
from src.seeding import numpy_stream
from src.tables import Split, Table
from src.tables.imputations import Imputations
from src.training.callbacks import progress_bar
from src.training.fit import check_devices, is_rank_zero

IN_SAMPLE = "imputation/in_sample_"
OUT_OF_SAMPLE = "imputation/"


def run(request: ImputeRequest) -> bool:
    """Fit, impute, score and record one configuration.

    A model's training is picked up where an interrupted run of the same settings stopped; a finished run is
    left alone. Every rank of a multi-device run trains; rank 0 alone imputes, scores and records.

    Returns:
        Whether there was anything to do.

    Raises:
        MissDiffError: the request cannot be served (nothing is written), or the run failed.
    """
    started = time.perf_counter()
    request, folder = _placed(request)
    config = request.config
    if _finished(config, folder):
        return False
    check_devices(config.trainer)
    split = config.dataset.load(config.general.seed)
    masks = sample_masks(config.missing, split, config.general.seed)
    if not is_rank_zero():
        _prepare(request, folder, split, masks[0])
        request.imputer.fit(split.train.with_holes(masks[0]))
        return True
    with folder.locked():
        if _finished(config, folder):  # by another process, meanwhile
            return False
        _run(request, folder, split, masks, started)
    return True


def _placed(request: ImputeRequest) -> tuple[ImputeRequest, RunFolder]:
    """The request with all that is recorded of it, and its folder."""
    config = replace(request.config, data=request.config.dataset.fingerprint())
    return replace(request, config=config), RunFolder(request.folder)


@contextmanager
def started_run(request: ImputeRequest) -> Iterator[tuple[Config, RunFolder]]:
    """The folder of a run that fits without scores, kept from other processes, and the settings it records."""
    request, folder = _placed(request)
    if not is_rank_zero():
        yield request.config, folder
        return
    with folder.locked():
        folder.open(request.config.identity, request.config.general.force)
        yield request.config, folder


def sample_masks(mechanism: Mechanism, split: Split, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Masks of the training and the test table, True = observed, of one mechanism with one set of parameters.

    That of the training table is the one that ``python -m src.train`` trains on. Test rows get theirs as
    rows that follow the training rows, from the same stream, so that weights and columns are the same and the draws
    are not.
    """
    train = mechanism.sample_mask(split.train, numpy_stream(seed, "mask"))
    both = Table(pd.concat([split.train.frame, split.test.frame], ignore_index=True), split.train.schema)
    test = mechanism.sample_mask(both, numpy_stream(seed, "mask"))[split.train.n_rows :]
    return train & split.train.observed, test & split.test.observed


def impute_and_score(
    request: ImputeRequest, split: Split, masks: tuple[np.ndarray, np.ndarray]
) -> tuple[Scores, dict[str, float]]:
    """Fit on what is observed of the training table, fill both tables' holes, compare with what was held back.

    Arguments:
        request: imputer and evaluation; a model's recipe is set.
        split: complete tables.
        masks: of training and test table, True = observed.

    Returns:
        Scores, and seconds by stage.
    """
    imputer, evaluation = request.imputer, request.evaluation
    train_mask, test_mask = masks
    fitting = time.perf_counter()
    fit_imputer(imputer, split.train.with_holes(train_mask))
    fitted = time.perf_counter()
    n_draws = evaluation.n_draws if imputer.draws_differ else 1
    rows = np.arange(min(evaluation.in_sample_rows, split.train.n_rows))
    parts = [(OUT_OF_SAMPLE, split.test, test_mask)]
    if len(rows):
        parts.append((IN_SAMPLE, split.train.take(rows), train_mask[rows]))
    scores, imputing, scoring = Scores(), 0.0, 0.0
    for prefix, truth, mask in parts:
        start = time.perf_counter()
        found = imputations_of(imputer, truth.with_holes(mask), n_draws)
        imputing += time.perf_counter() - start
        part = score_imputations(split.train, truth, found, evaluation.level, prefix)
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


def imputations_of(imputer: Imputer, table: Table, n_draws: int) -> Imputations:
    """Fill, with a bar."""
    with progress_bar(100, "imputing", "%") as bar:
        imputer.on_progress = lambda share: bar.update(int(100 * share) - bar.n)
        return imputer.transform(table, n_draws)


def _finished(config: Config, folder: RunFolder) -> bool:
    found = folder.finished(config.identity, config.general.force)
    if found:
        print(f"{NOTHING_TO_DO}\n\n{imputation_summary(folder)}")
    return found


def _prepare(request: ImputeRequest, folder: RunFolder, split: Split, mask: np.ndarray) -> None:
    if isinstance(request.imputer, DiffusionImputer):
        stored = stored_table(split, mask, request.config.general.seed)
        request.imputer.recipe = request.config.recipe
        request.imputer.keeping = Keeping(folder.path, request.config.identity, stored, request.config.general.force)


def _run(
    request: ImputeRequest, folder: RunFolder, split: Split, masks: tuple[np.ndarray, np.ndarray], started: float
) -> None:
    config = request.config
    reset_peak_memory()
    folder.open(config.identity, config.general.force)
    for note in split.notes:
        print(f"note: {note}")
    print(f"run folder: {folder.path}")
    mirror = mirror_of(config, folder)
    try:
        _prepare(request, folder, split, masks[0])
        scores, times = impute_and_score(request, split, masks)
    except BaseException:
        mirror.abandon()
        raise
    finish_run(request, config, folder, split, started, times, scores, masks, split.notes)
    mirror.finish(json.loads(folder.report.read_text()), {}, None)
    print(f"\n{imputation_summary(folder)}")


def finish_run(
    request: ImputeRequest,
    config: Config,
    folder: RunFolder,
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
        config=config.identity,
        seed=config.general.seed,
        commit=commit(),
        versions=versions(),
        n_train=split.train.n_rows,
        overrides=list(config.overrides),
        device=device_name(_device(request)),
        n_used=split.train.n_rows,
        n_evaluations=float(getattr(request.imputer, "n_evaluations", 0)),
        realised_ratio=realised_ratio(train_mask, names) | {"test": test_ratio},
        time={"sample_s": 0.0, "evaluate_s": 0.0, **times, "total_s": time.perf_counter() - started},
        peak_memory_mb=peak_memory_mb(),
        notes=[*notes, *getattr(request.imputer, "notes", ())],
    )
    if scores is not None:
        report.add_scores(scores)
    save_card(report.to_dict(), folder.card)
    folder.finish(report.to_dict())


def _device(request: ImputeRequest) -> str:
    module = getattr(request.imputer, "module", None)
    return "cpu" if module is None else module.device.type
