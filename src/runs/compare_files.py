"""Score one file against another: read, compare the columns, agree on a schema, score, record."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from src.completion import marginals
from src.metrics.base.measure import Downstream
from src.metrics.base.scores import Scores
from src.metrics.base.settings import PaperEvaluation
from src.metrics.catalogue import describe
from src.metrics.downstream.prediction import MAX_CLASSES
from src.metrics.downstream.sets import reference_rows, synthetic_rows
from src.metrics.evaluate import few_rows, n_steps, score
from src.results.record.comparison import comparison_summary
from src.results.record.files import write_json
from src.results.record.provenance import commit, versions
from src.runs.requests import FileComparison
from src.seeding import numpy_stream
from src.system.cores import cores_of_a_job
from src.system.quoting import setting
from src.tables import Split, Table
from src.tables.files.layout import Layout
from src.tables.reading.counterparts import read_counterparts
from src.tables.reading.understanding import Rules

COMPARE_WITH_HOLDOUT = "privacy/dcr"
DELAY_S = 5.0


@dataclass(frozen=True)
class FileTables:
    """What the files hold, of one schema.

    Attributes:
        real: rows that the synthetic ones stand for.
        synthetic: rows to score.
        layout: of the real file; it has the rules between columns.
        left_out: columns of the real file that are not scored.
        notes: a sentence for every decision the user may want to know of, in the order they were taken.
        test: real rows that the generator never saw; None = there are none.
    """

    real: Table
    synthetic: Table
    layout: Layout
    left_out: list[str]
    notes: list[str]
    test: Table | None = None

    @property
    def split(self) -> Split:
        """Training and test rows as the metrics take them; without a hold-out the real rows are both."""
        return Split(self.real, self.real if self.test is None else self.test, self.layout)


def run(comparison: FileComparison) -> None:
    """Score, print the scores and where the record is."""
    print(f"{comparison_summary(evaluate_files(comparison))}\n\nwritten to  {comparison.out}")


def evaluate_files(comparison: FileComparison) -> dict[str, Any]:
    """Score the synthetic file; the record is written to ``comparison.out`` and returned.

    Raises:
        TableError: a file cannot be read, or its columns are not those of the real file.
        ConfigError: a key names a column that is not there.
    """
    started = time.perf_counter()
    tables = read_tables(comparison)
    others = other_tables(tables, comparison.seed) if comparison.evaluation.references else {}
    others = {name: holed_alike(name, table, _present(tables), comparison.seed) for name, table in others.items()}
    n_threads = cores_of_a_job()
    scored = {}
    to_score = {"synthetic": tables.synthetic, **others}
    steps = n_steps(tables.real.schema, comparison.evaluation)
    unit = "table" if steps == 1 else "fit"
    with tqdm(total=len(to_score) * steps, desc="scoring", unit=unit, delay=DELAY_S, leave=False) as bar:
        for name, table in to_score.items():
            rows = ceiling_rows(tables, comparison) if name == "ceiling" else None
            scored[name] = score(
                tables.split, table, comparison.evaluation, comparison.seed, n_threads, rows=rows, on_fit=bar.update
            )
            bar.update(steps - bar.n % steps)  # fits that a table has no use for count as done
            if tables.test is None:
                without_holdout(scored[name], "needs real rows that the generator never saw: test=FILE")
            elif name == "ceiling":
                without_holdout(scored[name], "the hold-out rows themselves have no hold-out")
    scores = scored.pop("synthetic")
    record = _record(comparison, tables, scores, scored) | {"time_s": time.perf_counter() - started}
    write_json(comparison.out, record)
    return record


def other_tables(tables: FileTables, seed: int) -> dict[str, Table]:
    """Tables whose scores tell how to read those of the synthetic one.

    * ``floor``: every cell drawn from the real column on its own, no dependence at all.
    * ``ceiling``, with a hold-out only: its complete rows.
    * ``floor_small``, where those are few: as many rows of the floor.
    """
    rng = numpy_stream(seed, "reference", "marginals")
    others = {"floor": marginals(tables.real, tables.real.observed, rng)[0]}
    if tables.test is not None:
        complete = np.asarray(tables.test.observed.all(axis=1))
        n_fresh = int(complete.sum())
        if few_rows(n_fresh, tables.real.n_rows):
            others["floor_small"] = others["floor"].take(np.arange(n_fresh))
        if n_fresh:
            others["ceiling"] = tables.test.take(complete)
    return others


def holed_alike(name: str, table: Table, tables: Mapping[str, Table], seed: int) -> Table:
    """A table of :func:`other_tables` beside a synthetic one with holes: it has holes too, so that they have a scale.

    The floor as many as the real column, anywhere; the ceiling those of as many hold-out rows, complete or not.

    Arguments:
        name: of the table.
        table: without a hole.
        tables: the real, the synthetic and perhaps the test table, by these names.
        seed: draws holes and rows.
    """
    if tables["synthetic"].observed.all():
        return table
    rng = numpy_stream(seed, "reference", "holes")
    if name == "ceiling":
        return tables["test"].take(rng.permutation(tables["test"].n_rows)[: table.n_rows])
    return table.with_holes(rng.random(table.observed.shape) < tables["real"].observed.mean(axis=0))


def ceiling_rows(tables: FileTables, comparison: FileComparison) -> Downstream:
    """Rows of the ceiling's utility, that of the real table: hold-out rows test and may not train.

    Tuned models are not chosen on rows they were fitted to.
    """
    if not isinstance(comparison.evaluation, PaperEvaluation):
        return synthetic_rows(tables.split, tables.real)
    mask = np.asarray(tables.real.observed)
    return reference_rows(tables.split, "real_holdout", tables.real, mask, comparison.seed)


def without_holdout(scores: Scores, reason: str) -> None:
    """Take back the metrics that compare with a hold-out."""
    scores.undefined([name for name in scores.values if name.startswith(COMPARE_WITH_HOLDOUT)], reason)


def read_tables(comparison: FileComparison) -> FileTables:
    """Read the files as tables of one schema; see :func:`src.tables.reading.counterparts.read_counterparts`.

    Raises:
        TableError: see :func:`evaluate_files`.
        ConfigError: see :func:`evaluate_files`.
    """
    files = {"real": comparison.real, "synthetic": comparison.synthetic, "test": comparison.test}
    notes: list[str] = []
    found = read_counterparts(
        {name: file for name, file in files.items() if file is not None},
        comparison.choices,
        Rules(None, comparison.holes, tuple(comparison.also_holes)),
        notes,
    )
    tables = FileTables(**found.tables, layout=found.layout, left_out=found.left_out, notes=notes)
    _note_holes(tables, comparison, notes)
    _note_use(tables, notes)
    return tables


def _note_holes(tables: FileTables, comparison: FileComparison, notes: list[str]) -> None:
    markers = "empty cells, NA, NaN, None and null are holes" if comparison.holes is None else "empty cells are holes"
    named = [repr(marker) for marker in [*(comparison.holes or []), *comparison.also_holes]]
    what = ", ".join([markers, *named])
    for name, table in _present(tables).items():
        holes = table.frame.isna().sum()
        holed = holes[holes > 0].sort_values(ascending=False)
        if len(holed):
            columns = ", ".join(f"{column} {n:,}" for column, n in holed.head(5).items())
            more = f" and {len(holed) - 5} more columns" if len(holed) > 5 else ""
            notes.append(f"the {name} table has holes: {columns}{more} ({what})")
    if tables.synthetic.observed.all() and not tables.real.observed.all():
        notes.append("the synthetic table has no hole: it is taken for complete rows, and its holes are not scored")


def _note_use(tables: FileTables, notes: list[str]) -> None:
    schema = tables.real.schema
    if schema.target is None:
        notes.append("no utility: name the column to predict with target=COLUMN")
    elif tables.test is None:
        notes.append(
            "utility is tested on the real file: if the generator was trained on its rows, copies of them look useful; "
            "test=FILE names rows it never saw"
        )
    if schema.target is not None and schema.task == "regression" and schema[schema.target].integer:
        n_values = tables.real.frame[schema.target].nunique()
        as_classes = (
            f"; {setting('categorical', [schema.target])} makes them classes" if n_values <= MAX_CLASSES else ""
        )
        notes.append(f"the target {schema.target!r} is a number, {n_values:,} different values: regression{as_classes}")


def _present(tables: FileTables) -> dict[str, Table]:
    present = {"real": tables.real, "synthetic": tables.synthetic, "test": tables.test}
    return {name: table for name, table in present.items() if table is not None}


def _record(
    comparison: FileComparison, tables: FileTables, scores: Scores, references: dict[str, Scores]
) -> dict[str, Any]:
    plain = asdict(scores)
    files = {"real": comparison.real, "synthetic": comparison.synthetic, "test": comparison.test}
    schema = tables.real.schema
    return {
        "metrics": plain.pop("values"),
        "metric_notes": {name: describe(name).note() for name in scores.values},
        **plain,
        "references": {name: reference.values for name, reference in references.items()},
        "reference_reasons": {name: reference.reasons for name, reference in references.items() if reference.reasons},
        "files": {name: _file_record(file) for name, file in files.items() if file is not None},
        "n_rows": {name: table.n_rows for name, table in _present(tables).items()},
        "columns": {column.name: column.kind for column in schema.columns},
        "left_out": tables.left_out,
        "target": schema.target,
        "task": schema.task,
        "notes": tables.notes,
        "holes": comparison.holes,
        "also_holes": comparison.also_holes,
        "evaluation": asdict(comparison.evaluation),
        "seed": comparison.seed,
        "commit": commit(),
        "versions": versions(),
    }


def _file_record(file: Path) -> dict[str, str]:
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"path": str(file), "sha256": digest}
