"""docs/performance.md from the results of the benchmarks: python -m benchmarks.performance [--results DIR] [--out FILE]

Reads what ``benchmarks.training_step``, ``sampling``, ``scoring``, ``startup``, ``scaling``, ``peers`` and ``gpu`` have
written to ``outputs/benchmarks``; a benchmark without a result is left out and said to be.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import FOLDER

OUT = Path("docs/performance.md")
Result = dict[str, Any]
HEAD = """# Performance

Written by `python -m benchmarks.performance` from the results of the other benchmarks, each of one run of one command;
ratios compare sides that took turns in it. Seconds are those of a noisy machine: compare ratios. The last section alone
is of a GPU.
"""


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table; numbers get three digits."""
    lines = [head, ["---"] * len(head), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if isinstance(value, int | float) and abs(value) >= 1000 else _short(value)


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def training_step(result: Result) -> str:
    """The training step beside a bare loop and the floor."""
    head = ["network", "process", "batch", "ms a step", "bare loop", "floor", "of bare loop", "of floor"]
    keys = ("network", "diffusion", "batch_size", "lightning_ms", "bare_ms", "floor_ms", "of_bare", "of_floor")
    text = "Lightning as a share of a bare PyTorch loop of the same work, and of the arithmetic floor.\n\n"
    text += table(head, ([case[key] for key in keys] for case in result["cases"]))
    compiled = [case for case in result["cases"] if case.get("compile_s") is not None]
    if compiled:
        head = ["network", "batch", "compilation s", "ms a step, compiled", "eager", "eager / compiled"]
        keys = ("network", "batch_size", "compile_s", "compiled_ms", "bare_ms", "compiled_of_eager")
        text += "\n`trainer.compile=true` (off by default):\n\n"
        text += table(head, ([case[key] for key in keys] for case in compiled))
    return text


def sampling(result: Result) -> str:
    """Rows a second."""
    rows = ([c["table"], c["columns"], c["chunk"], c["rows_per_s"], c["of_floor"]] for c in result["cases"])
    whole = f"\n{result['whole_table_rows']:,} rows of Census to a CSV file: {result['whole_table_s']:.1f} s.\n"
    return table(["table", "columns", "rows at a time", "rows a second", "of floor"], rows) + whole


def scoring(result: Result) -> str:
    """Seconds of each part of the quick evaluation."""
    rows = ([name, seconds, result["processor"][name]] for name, seconds in result["seconds"].items())
    note = f"The quick evaluation of Census, {result['tables']} tables: the synthetic one and its references.\n\n"
    return note + table(["part", "seconds", "processor seconds"], rows)


def startup(result: Result) -> str:
    """Seconds until a command says something."""
    return table(["from the start of the process to", "seconds"], result["seconds"].items())


def scaling(result: Result) -> str:
    """Curves and their exponents."""
    parts = []
    for axis, found in result.items():
        if axis == "machine":
            continue
        names = [name for name in found["points"][0] if name != axis]
        rows: list[list[Any]] = [[p[axis], *(p[name] for name in names)] for p in found["points"]]
        if "exponents" in found:
            rows.append(["**exponent**", *(found["exponents"].get(name) for name in names)])
        parts.append(f"### {axis.capitalize()}\n" + table([axis, *(_unit(name) for name in names)], rows))
    text = "Seconds of each step. Exponents are slopes over the upper half of the sizes: 1 = linear.\n\n"
    return text + "\n".join(parts)


def _unit(name: str) -> str:
    return {"peak_memory_mb": "peak MiB", "width": "coordinates"}.get(name, f"{name}, s")


def peers(result: Result) -> str:
    """Whole runs beside peers."""
    names = ("fidelity/overall", "fidelity/overall_default", "utility/xgboost/auroc", "detection/xgboost")
    head = ["system", "holes", "training s", "sampling s", "fidelity (0)", "(defaults)", "AUROC", "detection", "MiB"]
    rows = []
    for run in [*result["peers"], *result["missdiff"]]:
        name = f"**missdiff**, {run['steps']:,} steps" if "steps" in run else run["name"]
        if "metrics" not in run:
            rows.append([name, run.get("holes", ""), run["status"], *[""] * (len(head) - 3)])
            continue
        values = [run["metrics"][metric] for metric in names]
        rows.append(
            [name, run.get("holes", "as they are"), run["train_s"], run["sample_s"], *values, run["peak_memory_mb"]]
        )
    text = table(head, rows)
    head = ["peer", "its seconds", "MissDiff to its quality, s", "ratio", "to its fidelity, s", "ratio"]
    rows = [
        [each["peer"], each["seconds"], *_reached(each["all"]), *_reached(each["fidelity"])]
        for each in result["reached"]
    ]
    text += "\nSeconds of training and sampling until MissDiff has a peer's fidelity and AUROC, or fidelity alone:\n\n"
    return text + table(head, rows)


def _reached(found: Result | None) -> list[Any]:
    return [found["seconds"], found["ratio"]] if found else ["not reached", ""]


def gpu(result: Result) -> str:
    """Training and drawing on a GPU, the paper's recipe, agreement with the CPU."""
    parts = []
    if "losses" in result:
        worst = max(line["loss"] for line in result["losses"])
        parts.append(f"Losses of {len(result['losses'])} recipes beside the CPU's, float32: at most {worst:.1e} apart.")
    if "resume" in result:
        equal = "equal" if all(line["rows_equal"] for line in result["resume"]) else "not equal"
        parts.append(f"Rows drawn after a crash and a resumed training: {equal}.")
    if "training" in result:
        head = [
            "recipe",
            "precision",
            "way",
            "bare loop, ms",
            "the program, ms",
            "floor, ms",
            "compilation s",
            "peak MiB",
        ]
        keys = ("recipe", "precision", "way", "bare_ms", "lightning_ms", "floor_ms", "compile_s", "peak_memory_mb")
        rows = [[line.get(key) for key in keys] for line in result["training"] if "bare_ms" in line]
        parts.append("Milliseconds of a training step:\n\n" + table(head, rows))
    if "sampling" in result:
        head = ["rows at a time", "precision", "way", "rows a second", "floor, rows a second", "peak MiB"]
        keys = ("chunk", "precision", "way", "rows_per_s", "floor_rows_per_s", "peak_memory_mb")
        rows = [[line.get(key) for key in keys] for line in result["sampling"] if "rows_per_s" in line]
        parts.append("Rows drawn by the default recipe:\n\n" + table(head, rows))
    if "paper" in result:
        paper = result["paper"]
        head = ["run", "status", "steps", "ms a step", "fidelity (0)", "(defaults)", "AUROC", "detection"]
        names = ("fidelity/overall", "fidelity/overall_default", "utility/xgboost/auroc", "detection/xgboost")
        rows = [
            [r["run"], r["status"], r["steps"], r["ms_a_step"], *((r["metrics"] or {}).get(name) for name in names)]
            for r in paper["runs"]
        ]
        graphs = "with CUDA graphs" if paper["compiled"] else "eager"
        text = f"The paper's recipe, {paper['side_by_side']} runs side by side, {graphs}, in {paper['seconds']:.0f} s"
        memory = f", {paper['peak_memory_mb']:,.0f} MiB at most" if paper["peak_memory_mb"] else ""
        parts.append(f"{text}{memory}:\n\n" + table(head, rows))
    parts += [f"{name} failed: {message}." for name, message in result["errors"].items()]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


SECTIONS: dict[str, tuple[str, Callable[[Result], str]]] = {
    "training_step": ("Training step", training_step),
    "sampling": ("Sampling", sampling),
    "scoring": ("Evaluation", scoring),
    "startup": ("Start-up", startup),
    "scaling": ("Scaling", scaling),
    "peers": ("Peers", peers),
    "gpu": ("A GPU", gpu),
}


def document(results: dict[str, Result]) -> str:
    """The whole page."""
    parts = [HEAD]
    for name, (title, section) in SECTIONS.items():
        parts.append(f"## {title}\n`python -m benchmarks.{name}`")
        if name not in results:
            parts[-1] += ": no result.\n"
            continue
        machine = results[name]["machine"]
        facts = f"{machine['processor']}, {machine['cores']} cores, torch {machine['versions']['torch']}"
        if "gpu" in machine:
            facts = f"{machine['gpu']['name']}, CUDA {machine['gpu']['cuda']}, {facts}"
        parts[-1] += f" on {facts}, commit {str(machine['commit'])[:10]}.\n"
        parts.append(section(results[name]))
    return "\n".join(parts).rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=FOLDER)
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    files = {name: given.results / f"{name}.json" for name in SECTIONS}
    found = {name: json.loads(file.read_text()) for name, file in files.items() if file.exists()}
    given.out.write_text(document(found))
    print(f"{given.out}: " + ", ".join(f"{name} {'' if name in found else 'missing'}".strip() for name in SECTIONS))


if __name__ == "__main__":
    main()
