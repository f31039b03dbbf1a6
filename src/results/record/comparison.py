"""The summary that a comparison of two files prints: scores, floor and ceiling, the worst columns."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from src.metrics.catalogue import describe

N_WORST = 5
TINY = 1e-6
USES = {
    "real": "fidelity and detection compare with these rows",
    "synthetic": "the table that is scored",
    "test": "never seen by the generator",
}
REFERENCE_NOTE = {
    "floor": "floor: every cell drawn from the real column on its own, no dependence",
    "floor_small": "floor_small: as many rows of the floor as the ceiling has: few rows score low whatever they are",
    "ceiling": "ceiling: the real test rows themselves (utility: trained on the real file)",
}


def comparison_summary(record: Mapping[str, Any]) -> str:
    """The record of :func:`src.runs.compare_files.evaluate_files` for the terminal."""
    parts = [_files(record), _scores(record), _worst(record)]
    reasons = [f"{name}: {reason}" for name, reason in _grouped(record["reasons"])]
    notes = [*(f"note: {note}" for note in record["notes"]), *reasons]
    return "\n\n".join(part for part in [*parts, "\n".join(notes)] if part)


def _files(record: Mapping[str, Any]) -> str:
    uses = dict(USES)
    if record["target"] is not None:
        tested = "test" if "test" in record["files"] else "real"
        uses[tested] += f"; utility of the target {record['target']} is tested on them"
    rows = [
        [name, file["path"], _counted(record["n_rows"][name], "row"), uses[name]]
        for name, file in record["files"].items()
    ]
    kinds = list(record["columns"].values())
    n_numerical, n_categorical = kinds.count("numerical"), kinds.count("categorical")
    columns = f"{_counted(len(kinds), 'column')}: {n_numerical} numerical, {n_categorical} categorical"
    left_out = f"; left out: {', '.join(record['left_out'])}" if record["left_out"] else ""
    return f"{_aligned(rows, (0, 1, 3))}\n{columns}{left_out}"


def _scores(record: Mapping[str, Any]) -> str:
    references: Mapping[str, Mapping[str, Any]] = record["references"]
    rows = [["metric", "value", *references, "best"]]
    for name, value in record["metrics"].items():
        cells = [value, *(values.get(name) for values in references.values())]
        rows.append([name, *(_number(cell) for cell in cells), describe(name).ideal()])
    return "\n".join([_aligned(rows, (0,)), *(REFERENCE_NOTE[name] for name in references)])


def _worst(record: Mapping[str, Any]) -> str:
    parts = []
    for title, scores in (("worst columns", record["per_column"]), ("worst pairs", record["per_pair"])):
        known = sorted((value, name) for name, value in scores.items() if value is not None)
        if known:
            rows = [[f"  {name}", _number(value)] for value, name in known[:N_WORST]]
            parts.append(f"{title} (of {len(scores)}; 1 is best)\n{_aligned(rows, (0,))}")
    return "\n\n".join(parts)


def _grouped(reasons: Mapping[str, str]) -> list[tuple[str, str]]:
    """Metrics with one and the same reason in one line."""
    grouped: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        grouped.setdefault(reason, []).append(name)
    return [(", ".join(names), reason) for reason, names in grouped.items()]


def _counted(n: int, thing: str) -> str:
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    if abs(value) < TINY:
        return "0.000"
    return f"{value:.3f}" if -3 < math.log10(abs(value)) < 4 else f"{value:.3g}"


def _aligned(rows: Sequence[Sequence[str]], left: Sequence[int]) -> str:
    """Columns of equal width, those at the positions ``left`` flush left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(w) if i in left else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
