"""Score a run's synthetic rows, draw its figures, write its report."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

import pandas as pd

from src.metrics.base.measure import Truth
from src.metrics.base.scores import Scores
from src.metrics.base.settings import QuickEvaluation
from src.metrics.evaluate import (
    SMALL_FLOOR,
    metric_names,
    n_steps,
    reference_tables,
    score,
    score_references,
)
from src.metrics.quality.privacy import more_copies
from src.missing import realised_ratio
from src.models import Experiment
from src.results.mirror.tracking import Mirror
from src.results.page.card import save_card
from src.results.page.terminal import run_summary
from src.results.record.figures import draw_figures
from src.results.record.provenance import commit, peak_memory_mb, versions
from src.results.record.report import Report, cached_references, fingerprint
from src.results.record.run_folder import RunFolder
from src.results.record.run_record import RunRecord
from src.seeding import numpy_stream
from src.system.cores import cores_of_a_job
from src.tables import Split, Table
from src.training import LAST
from src.training.callbacks import progress_bar, read_curve
from src.training.checkpoint import best_epoch, fine_tuning_bits, finished_epochs, read_checkpoint
from src.training.datamodule import TableDataModule


def score_and_record(
    experiment: Experiment,
    evaluation: QuickEvaluation,
    record: RunRecord,
    data: TableDataModule,
    synthetic: Table,
    warnings: list[str],
    notes: list[str],
    mirror: Mirror,
    started: float,
    draw: Callable[[int], Table],
    draw_with_holes: Callable[[int], Table] | None,
) -> None:
    """Score the synthetic rows and the references, draw the figures, write the report.

    Arguments:
        experiment: what was run.
        evaluation: how rows are scored.
        record: of the run.
        data: what it was trained on.
        synthetic: rows drawn.
        warnings: what a reader of the scores must know.
        notes: what was printed before the training: how the table was read, what of it is not learned.
        mirror: where else the report goes.
        started: when the run started, on the clock of ``time.perf_counter``.
        draw: draws so many synthetic rows, of which the first are ``synthetic``.
        draw_with_holes: draws so many together with their holes; None = the model learns none.
    """
    folder = RunFolder(record.path)
    split, prepared = data.split, data.data
    evaluating = time.perf_counter()
    scores, references = _scores(
        evaluation, experiment.dataset.truth, record, split, prepared.mask, synthetic, draw, draw_with_holes
    )
    evaluated = time.perf_counter() - evaluating
    curve = read_curve(folder.curve)
    figures = draw_figures(
        folder.figures, split.train.schema, split.train.frame, synthetic.frame, scores.per_pair, curve
    )
    before = folder.times()
    report = _new_report(record, split, "done", None)
    report.n_used = prepared.n_used
    report.warnings = [*warnings, *_copies(split, synthetic)]
    small = _small_ceiling(references, split)
    last = folder.path / "checkpoints" / LAST
    checkpoint = read_checkpoint(last) if last.exists() else {}
    of_results = [*_best_epoch(checkpoint, data), *small]
    report.notes = [*notes, *of_results]
    report.n_evaluations = float(before["n_evaluations"])
    report.validation_bits = fine_tuning_bits(checkpoint)
    report.n_synthetic = synthetic.n_rows
    report.device = str(before["device"])
    report.realised_ratio = realised_ratio(prepared.mask, split.train.schema.names)
    report.add_scores(scores)
    report.add_references(references)
    train_s, sample_s = sum(row["seconds"] for row in curve), float(before["sample_s"])
    total_s = max(time.perf_counter() - started, train_s + sample_s + evaluated)
    report.time = {"train_s": train_s, "sample_s": sample_s, "evaluate_s": evaluated, "total_s": total_s}
    report.peak_memory_mb = max(peak_memory_mb(), float(before["peak_memory_mb"]))
    save_card(report.to_dict(), folder.card)
    folder.finish(report.to_dict())
    mirror.finish(report.to_dict(), figures, pd.read_parquet(folder.synthetic))
    print("".join(f"\nnote: {note}" for note in of_results) + f"\n{run_summary(folder, record.method)}")


def _best_epoch(checkpoint: dict[str, Any], data: TableDataModule) -> list[str]:
    epoch = best_epoch(checkpoint)
    if epoch is None:
        return []
    return [
        f"holes are filled and questions answered with the weights after {epoch} of {finished_epochs(checkpoint)} "
        f"epochs, at which {len(data.held_out_rows):,} held-out rows were most likely"
    ]


def _small_ceiling(references: Mapping[str, Scores], split: Split) -> list[str]:
    if SMALL_FLOOR not in references:
        return []
    n_rows = int(split.test.complete.sum())
    return [
        f"real_holdout has {n_rows:,} rows, the other tables {split.train.n_rows:,}: few rows score low; its floor is "
        f"{SMALL_FLOOR}, which has as many"
    ]


def _copies(split: Split, synthetic: Table) -> list[str]:
    shares = more_copies(split.train, split.test, synthetic)
    if shares is None:
        return []
    return [
        f"{shares[0]:.2%} of the synthetic rows are copies of training rows, of rows never trained on {shares[1]:.2%}: "
        "some rows were learned by heart; fewer steps or more rows help"
    ]


def _scores(
    evaluation: QuickEvaluation,
    truth: Truth | None,
    record: RunRecord,
    split: Split,
    mask: Any,
    synthetic: Table,
    draw: Callable[[int], Table],
    draw_with_holes: Callable[[int], Table] | None,
) -> tuple[Scores, dict[str, Scores]]:
    seed, n_threads = record.seed, cores_of_a_job()
    n_tables = 1 + (len(reference_tables(split, mask, seed)) if evaluation.references else 0)
    steps = n_steps(split.train.schema, evaluation)
    with progress_bar(n_tables * steps, "scoring", "table" if steps == 1 else "fit") as bar:

        def on_table() -> None:
            bar.update(steps - bar.n % steps)  # fits that a table has no use for count as done

        scores = score(
            split, synthetic, evaluation, seed, n_threads, truth, None, bar.update, True, draw, draw_with_holes
        )
        on_table()

        def compute() -> dict[str, Scores]:
            return score_references(split, mask, evaluation, seed, n_threads, truth, on_table, bar.update)

        if not evaluation.references:
            return scores, {}
        key = {
            "tables": fingerprint(split),
            "dataset": record.settings["dataset"],  # decides the truth of a simulated one
            "seed": seed,
            "evaluation": asdict(replace(evaluation, more_rows=1)),  # of synthetic rows alone
            "metrics": metric_names(split, evaluation),
        }
        references = cached_references(record.cache, key, mask, compute)
        bar.update(bar.total - bar.n)
    return scores, references


def record_not_applicable(experiment: Experiment, record: RunRecord, split: Split, reason: str, mirror: Mirror) -> None:
    """Write the report of a run whose method leaves no row to train on."""
    folder = RunFolder(record.path)
    folder.open(record.settings, record.force)
    report = _new_report(record, split, "not_applicable", reason)
    mask = experiment.mechanism.sample_mask(split.train, numpy_stream(record.seed, "mask")) & split.train.observed
    report.realised_ratio = realised_ratio(mask, split.train.schema.names)
    report.notes = list(split.notes)
    save_card(report.to_dict(), folder.card)
    folder.finish(report.to_dict())
    mirror.finish(report.to_dict(), {}, None)
    print(f"not applicable: {reason}\nreport: {folder.report}")


def _new_report(record: RunRecord, split: Split, status: str, reason: str | None) -> Report:
    return Report(
        status=status,
        reason=reason,
        config=record.settings,
        seed=record.seed,
        commit=commit(),
        versions=versions(),
        overrides=list(record.overrides),
        n_train=split.train.n_rows,
    )
