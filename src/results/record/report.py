"""``report.json``: the results of one run and of its reference rows."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from src.metrics.base.scores import Scores
from src.metrics.catalogue import describe
from src.results.record.files import write_json
from src.results.record.provenance import scoring_code, versions
from src.tables import Split


@dataclass
class Report:
    """One finished run; see the README for the meaning of every field.

    ``overrides``: what the command line has to say beside dataset, missing, ratio, method and seed to make this run.
    ``n_evaluations``: network evaluations that one draw of a row, synthetic or filled, took on average.
    ``validation_bits``: negative log-likelihood of the validation rows, bits per coordinate, before fine-tuning and
    after each of its epochs. ``dependent_pairs``: pairs that count with SDMetrics' default thresholds.
    ``warnings``: what a reader of the scores must know.
    ``notes``: how the table was read, and what of it is not learned.
    ``details``: metric -> how it came about, e.g. the chosen grid point.
    """

    status: str
    reason: str | None
    config: dict[str, Any]
    seed: int
    commit: str | None
    versions: dict[str, str]
    n_train: int
    overrides: list[str] = field(default_factory=list)
    device: str | None = None
    n_used: int = 0
    n_synthetic: int = 0
    n_evaluations: float = 0.0
    validation_bits: list[float] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    realised_ratio: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float | None] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    per_column: dict[str, float | None] = field(default_factory=dict)
    per_pair: dict[str, float | None] = field(default_factory=dict)
    dependent_pairs: list[str] = field(default_factory=list)
    references: dict[str, dict[str, float | None]] = field(default_factory=dict)
    reference_reasons: dict[str, dict[str, str]] = field(default_factory=dict)
    details: dict[str, dict[str, Any]] = field(default_factory=dict)
    reference_details: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    time: dict[str, float] = field(default_factory=dict)
    peak_memory_mb: float = 0.0

    def add_scores(self, scores: Scores) -> None:
        """Take over the scores of the synthetic table."""
        self.metrics, self.reasons = scores.values, scores.reasons
        self.per_column, self.per_pair = scores.per_column, scores.per_pair
        self.dependent_pairs = scores.dependent_pairs
        self.details = scores.details

    def add_references(self, references: Mapping[str, Scores]) -> None:
        """Take over the scores of the reference tables."""
        self.references = {name: scores.values for name, scores in references.items()}
        self.reference_reasons = {name: scores.reasons for name, scores in references.items() if scores.reasons}
        self.reference_details = {name: scores.details for name, scores in references.items() if scores.details}

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as written to ``report.json``, with ``metric_notes``: what each metric is."""
        level = {"level": self.config.get("evaluation", {}).get("level")}
        notes = {name: describe(name).note() for name in self.metrics}
        notes = {name: note | level if note["best"] == "level" else note for name, note in notes.items()}
        return {**asdict(self), "metric_notes": notes}


def fingerprint(split: Split) -> str:
    """Digest of the schema (names, kinds, categories, target) and of every cell of a training and a test table."""
    digest = hashlib.sha256(repr(split.train.schema).encode())
    for table in (split.train, split.test):
        digest.update(pd.util.hash_pandas_object(table.frame, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def cached_references(
    folder: Path, key: Mapping[str, Any], mask: np.ndarray, compute: Callable[[], dict[str, Scores]]
) -> dict[str, Scores]:
    """Reference scores from ``folder``, computed once per mask, settings, code of the scores and library versions.

    Arguments:
        folder: where the cache files are; a damaged file is computed anew.
        key: the settings the scores depend on.
        mask: (N, d) bool mask they belong to.
        compute: scores every reference table.
    """
    identity = json.dumps({"key": key, "versions": versions(), "code": scoring_code()}, sort_keys=True).encode()
    digest = hashlib.sha256(identity + np.packbits(mask).tobytes()).hexdigest()[:24]
    file = folder / f"{digest}.json"
    if file.exists():
        try:
            return {name: Scores(**values) for name, values in json.loads(file.read_text()).items()}
        except (json.JSONDecodeError, TypeError, AttributeError) as error:
            print(f"{file} is damaged ({error}); scoring the references anew")
    references = compute()
    write_json(file, {name: asdict(scores) for name, scores in references.items()})
    return references
