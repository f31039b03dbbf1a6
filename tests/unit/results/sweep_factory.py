"""Hand-made finished runs: the files a sweep's readers need, without training anything."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"
COLUMNS = ("age", "colour", "label")
PAIRS = tuple(f"{a} | {b}" for i, a in enumerate(COLUMNS) for b in COLUMNS[i + 1 :])
REFERENCES = {
    "real_holdout": {"fidelity/overall": 0.98, "utility/xgboost/accuracy": 0.87, "utility/xgboost/rmse": 1.0},
    "hot_deck": {"fidelity/overall": 0.96, "utility/xgboost/accuracy": 0.85, "utility/xgboost/rmse": 1.1},
    "marginals": {"fidelity/overall": 0.95, "utility/xgboost/accuracy": 0.75, "utility/xgboost/rmse": 2.0},
    "holed_table": {"fidelity/overall": None, "utility/xgboost/accuracy": 0.86, "utility/xgboost/rmse": 1.1},
}
METRICS = {"fidelity/overall": 0.9, "utility/xgboost/accuracy": 0.8, "detection/xgboost": 0.4}


def _config(
    dataset: str,
    missing: str,
    ratio: float | None,
    method: str,
    seed: int,
    training: Mapping[str, object],
    evaluation: Mapping[str, object],
) -> dict[str, object]:
    return {
        "dataset": {"name": dataset},
        "missing": {"name": missing, **({} if ratio is None else {"ratio": ratio})},
        "method": {"name": method, "completion": "keep", "model": "diffusion"},
        "diffusion": {"name": "ddpm"},
        "network": {"name": "residual_mlp", "channels": 256},
        "training": {"name": "fast", "epochs": None, "n_steps": 6300, "batch_size": 256, **training},
        "trainer": {"name": "cpu"},
        "evaluation": {"name": "quick", "detection_rows": 4000, "references": True, **evaluation},
        "budget": {"name": "full", "share": 1.0},
        "ratio": 0.2 if ratio is None else ratio,
        "seed": seed,
        "n_synthetic": None,
    }


def write_run(
    root: Path,
    missing: str = "row",
    ratio: float | None = 0.2,
    method: str = "missdiff",
    seed: int = 0,
    metrics: Mapping[str, float | None] = METRICS,
    *,
    dataset: str = "census",
    overrides: Sequence[str] = (),
    reason: str | None = None,
    references: Mapping[str, Mapping[str, float | None]] = REFERENCES,
    training: Mapping[str, object] | None = None,
    evaluation: Mapping[str, object] | None = None,
    seconds: float = 100.0,
    per_column: Mapping[str, float] | None = None,
    per_pair: Mapping[str, float] | None = None,
    **fields: object,
) -> Path:
    """Write ``report.json`` and ``DONE`` of one run where ``src.train`` would; returns its folder.

    With a ``reason`` the run is not applicable. ``overrides``: settings in its folder's name, such as
    ``budget=small``. Other ``fields`` replace those of the report: ``commit``, ``warnings``, ...
    """
    place = missing if ratio is None else f"{missing}-{ratio:g}"
    folder = root / dataset / place / "-".join([method, *overrides]) / f"seed{seed}"
    done = reason is None
    report = {
        "status": "done" if done else "not_applicable",
        "reason": reason,
        "config": _config(dataset, missing, ratio, method, seed, training or {}, evaluation or {}),
        "seed": seed,
        "commit": COMMIT,
        "versions": {"python": "3.11", "sdmetrics": "0.32.0"},
        "overrides": list(overrides),
        "n_train": 16000,
        "device": "cpu (x86_64, 2 threads)" if done else None,
        "n_used": 16000 if done else 0,
        "n_synthetic": 16000 if done else 0,
        "n_evaluations": 100.0 if done else 0.0,
        "validation_bits": [],
        "warnings": [],
        "realised_ratio": {"overall": ratio, "per_column": dict.fromkeys(COLUMNS, ratio)},
        "metrics": dict(metrics) if done else {},
        "reasons": {name: "not defined here" for name, value in metrics.items() if value is None} if done else {},
        "per_column": dict(per_column or dict.fromkeys(COLUMNS, 0.9)) if done else {},
        "per_pair": dict(per_pair or dict.fromkeys(PAIRS, 0.8)) if done else {},
        "references": {name: dict(values) for name, values in references.items()} if done else {},
        "reference_reasons": {"holed_table": {"fidelity/overall": "the table has holes"}} if done else {},
        "time": {"train_s": 0.8 * seconds, "sample_s": 0.1 * seconds, "evaluate_s": 0.1 * seconds, "total_s": seconds}
        if done
        else {},
        "peak_memory_mb": 700.0 if done else 0.0,
    } | fields
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(json.dumps(report))
    (folder / "DONE").touch()
    return folder


def write_sweep(
    root: Path,
    *,
    dataset: str = "census",
    mechanisms: Sequence[str] = ("row", "independent"),
    ratios: Sequence[float] = (0.2, 0.5),
    methods: Sequence[str] = ("missdiff", "diff_delete", "diff_mean"),
    seeds: Sequence[int] = (0, 1),
) -> Path:
    """A full sweep whose scores fall with the ratio and differ by method and seed; returns ``root``.

    As in real sweeps, ``diff_delete`` is not applicable where rows lose cells.
    """
    for missing in mechanisms:
        for ratio in ratios:
            for i, method in enumerate(methods):
                for seed in seeds:
                    score = round(0.95 - 0.1 * ratio - 0.05 * i + 0.01 * math.sin(seed + i), 6)
                    write_run(
                        root,
                        missing,
                        ratio,
                        method,
                        seed,
                        {
                            "fidelity/overall": score,
                            "utility/xgboost/accuracy": round(score - 0.1, 6),
                            "detection/xgboost": round(score / 2, 6),
                        },
                        dataset=dataset,
                        reason="none of the rows is complete" if (method, missing) == ("diff_delete", "row") else None,
                        seconds=60.0 * (i + 1) + seed,
                        per_column={name: round(score - 0.02 * j, 6) for j, name in enumerate(COLUMNS)},
                        per_pair={name: round(score - 0.05 * j, 6) for j, name in enumerate(PAIRS)},
                    )
    return root
