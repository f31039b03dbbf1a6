"""Whole runs of MissDiff beside peers from the package index: one table with holes, the same cores, the same scores.

    python -m benchmarks.peers [--peers NAME,...] [--rows 16000] [--limit 1800] [--seed 0] [--steps 100,200,...]

Census, row missing 0.2. Every run is a process of its own (``benchmarks/peer_worker.py``); the peers' interpreter has
an environment of its own, made from ``benchmarks/peers-requirements.txt``. Runs are kept beside ``--out`` and not
repeated, but for failed ones (``--anew`` repeats all; changes that are not committed need it). A peer's quality is
reached by the fastest MissDiff run (fast recipe, so many steps) with at least its fidelity, both kinds, and its AUROC;
the ratio is the peer's seconds over that run's. Memory is that of the process, without ForestDiffusion's helpers.

Peers have their packages' defaults, the ``small`` ones less, as they would take hours on two cores: ForestDiffusion 10
noise levels, 1 noise a row and 10 trees, not 50, 100 and 100 (``forest_diffusion``, which the limit ends),
UnmaskingTrees 1 masking order a row, not 50, NRGBoost 50 trees, not 200 (``nrgboost``, about half an hour).
ForestDiffusion takes a hole in a categorical column for its first category; here the most frequent one is the first.

Left out: mostlyai-engine, realtabformer and be-great (they need the libraries of language models), synthpop-py (needs
pandas 3, the others pandas 2), DataSynthesizer (about differential privacy), copulas by itself (sdv has its Gaussian
copula with the categories encoded).
"""

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.common import FOLDER, write_result
from src.completion import mean_mode
from src.config.compose import compose
from src.config.run import build_config
from src.errors import TableError
from src.metrics.base.settings import QuickEvaluation
from src.metrics.evaluate import score
from src.results.record.provenance import commit
from src.seeding import numpy_stream
from src.system.cores import cores_of_a_job
from src.tables import Schema, Split, Table, make_table

WORKER, REQUIREMENTS = Path(__file__).with_name("peer_worker.py"), Path(__file__).with_name("peers-requirements.txt")
FILLED, AS_THEY_ARE = "filled with mean and mode", "as they are"
HOLES = dict.fromkeys(
    ("gaussian_copula", "tvae", "ctgan", "arf", "nrgboost_small", "nrgboost"), FILLED
) | dict.fromkeys(("unmasking_trees_small", "forest_diffusion_small", "forest_diffusion"), AS_THEY_ARE)
FIDELITY, AUROC = ("fidelity/overall", "fidelity/overall_default"), ("utility/xgboost/auroc",)
METRICS = (*FIDELITY, *AUROC, "utility/xgboost/accuracy", "detection/xgboost")
QUALITIES = {"all": (*FIDELITY, *AUROC), "fidelity": FIDELITY, "auroc": AUROC}
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS")
STEPS = "100,200,500,1000,2000,4000"
DONE = "done"
Record = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """What all systems share: the table, where runs are kept, how they are started and scored."""

    split: Split
    evaluation: QuickEvaluation
    overrides: list[str]
    seed: int
    limit: float
    scale: float
    threads: int
    folder: Path
    anew: bool

    def run(self, name: str, interpreter: Path, steps: int | None = None) -> Record:
        """Record of one run, of ``missdiff`` if there are ``steps``: its figures, or why it has none."""
        folder = self.folder / (name if steps is None else f"{name}-{steps}")
        kept = folder.with_name(f"{folder.name}-{self._key(steps)}.json")
        if kept.exists() and not self.anew:
            record = json.loads(kept.read_text())
            print(f"{folder.name}: kept, {figures(record)}", flush=True)
            return record
        print(f"{folder.name}: starts", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        record = {"name": name, "holes": HOLES.get(name, AS_THEY_ARE)} | ({} if steps is None else {"steps": steps})
        started = time.perf_counter()
        record["status"] = self._work(name, interpreter, folder, steps)
        record["wall_s"] = time.perf_counter() - started
        if record["status"] == DONE:
            record |= json.loads((folder / "facts.json").read_text())
            try:
                record |= self._scores(pd.read_parquet(folder / "rows.parquet"))
            except TableError as error:
                record["status"] = f"failed: {error}"
        if not record["status"].startswith("failed"):
            kept.write_text(json.dumps(record, indent=2) + "\n")
        print(f"{folder.name}: {figures(record)}", flush=True)
        return record

    def _work(self, name: str, interpreter: Path, folder: Path, steps: int | None) -> str:
        table = f"{HOLES.get(name, AS_THEY_ARE).replace(' ', '-')}.parquet"
        inputs = [str(file.absolute()) for file in (self.folder / table, self.folder / "kinds.json", folder)]
        rows = ["--rows", str(self.split.train.n_rows), "--seed", str(self.seed), "--threads", str(self.threads)]
        worker = ["-P", str(WORKER)] if steps is None else ["-m", "benchmarks.peer_worker"]
        command = [str(interpreter), *worker, name, *inputs, *rows, "--scale", str(self.scale)]
        if steps is not None:
            command += ["--overrides", *self.overrides, "training=fast", f"training.n_steps={steps}"]
        environment = os.environ | dict.fromkeys(THREADS, str(self.threads))
        return finished(command, environment, folder / "log.txt", self.limit)

    def _scores(self, frame: pd.DataFrame) -> Record:
        table, n_dropped = table_of_rows(frame, self.split.train.schema)
        values = score(self.split, table, self.evaluation, self.seed, self.threads).values
        return {"metrics": {metric: values.get(metric) for metric in METRICS}, "rows_dropped": n_dropped}

    def _key(self, steps: int | None) -> str:
        made_by = [requirements_digest(), self.scale] if steps is None else [commit()]
        facts = [self.overrides, self.limit, self.threads, WORKER.read_text(), made_by]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]


def main() -> None:
    given = arguments()
    overrides = ["dataset=census", f"dataset.n_train={given.rows}", "missing=row", "ratio=0.2", f"seed={given.seed}"]
    config = build_config(compose([*overrides, "evaluation=quick", "evaluation.references=false"]))
    split = config.dataset.load(given.seed)
    folder = given.out.with_suffix("")
    mask = config.missing.sample_mask(split.train, numpy_stream(given.seed, "mask")) & split.train.observed
    write_tables(split.train, mask, given.seed, folder)
    limits = {"seed": given.seed, "limit": given.limit, "scale": given.scale, "threads": cores_of_a_job()}
    bench = Bench(split, config.evaluation, overrides, folder=folder, anew=given.anew, **limits)
    interpreter = peers_interpreter(given.environment) if given.peers else Path(sys.executable)
    missdiff = [bench.run("missdiff", Path(sys.executable), steps) for steps in given.steps]
    peers = [bench.run(name, interpreter) for name in given.peers]
    reached = [reached_by(peer, missdiff) for peer in peers if peer["status"] == DONE]
    print(f"\n{printed([*missdiff, *peers], reached)}\n")
    table = {"overrides": overrides, "rows": given.rows}
    write_result(
        "peers", {"table": table, **limits, "peers": peers, "missdiff": missdiff, "reached": reached}, given.out
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=lambda text: [name for name in text.split(",") if name], default=list(HOLES))
    parser.add_argument("--rows", type=int, default=16_000, help="training rows, and rows to draw")
    parser.add_argument("--limit", type=float, default=1800, help="seconds a run may take, from start to end")
    parser.add_argument("--seed", type=int, default=0)
    steps = "100,200,500,1000,2000,4000"
    parser.add_argument(
        "--steps", type=lambda text: [int(n) for n in text.split(",")], default=steps, help="MissDiff's"
    )
    parser.add_argument("--out", type=Path, default=FOLDER / "peers.json")
    parser.add_argument("--environment", type=Path, default=FOLDER / "peers-env", help="of the peers, made on demand")
    parser.add_argument("--anew", action="store_true", help="repeat runs that are finished")
    parser.add_argument("--scale", type=float, default=1.0, help="of the peers' epochs and trees, for trying out")
    given = parser.parse_args()
    if unknown := [name for name in given.peers if name not in HOLES]:
        parser.error(f"--peers: {unknown} are none of {', '.join(HOLES)}")
    return given


def write_tables(train: Table, mask: np.ndarray, seed: int, folder: Path) -> None:
    """The table with its holes and with them filled, and the kinds of its columns, as the workers read them."""
    folder.mkdir(parents=True, exist_ok=True)
    filled = mean_mode(train, mask, numpy_stream(seed, "completion"))[0]
    for name, table in ((AS_THEY_ARE, train.with_holes(mask)), (FILLED, filled)):
        table.frame.to_parquet(folder / f"{name.replace(' ', '-')}.parquet", index=False)
    kinds = [{"name": c.name, "kind": c.kind, "integer": c.integer} for c in train.schema.columns]
    (folder / "kinds.json").write_text(json.dumps(kinds, indent=2) + "\n")


def requirements_digest() -> str:
    return hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()


def peers_interpreter(environment: Path) -> Path:
    """Python of the peers' environment, which is made if it does not hold what the requirements say."""
    interpreter, stamp = environment.absolute() / "bin" / "python", environment / "installed"
    if not stamp.exists() or stamp.read_text() != requirements_digest():
        print(f"installing the peers into {environment}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        subprocess.run([interpreter, "-m", "pip", "install", "--quiet", "-r", str(REQUIREMENTS)], check=True)
        stamp.write_text(requirements_digest())
    return interpreter


def finished(command: Sequence[str], environment: dict[str, str], log: Path, limit: float) -> str:
    """Run a command and everything it starts for ``limit`` seconds at most; its status."""
    with log.open("w") as file:
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=file, start_new_session=True)
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            return f"not finished in {limit:g} s"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if code == 0:
        return DONE
    lines = log.read_text(errors="replace").strip().splitlines()
    return f"failed: killed by signal {-code}" if code < 0 else f"failed: {lines[-1] if lines else f'exit code {code}'}"


def table_of_rows(frame: pd.DataFrame, schema: Schema) -> tuple[Table, int]:
    """Rows of a system as a table of the schema, and how many were dropped as they lack a value or are infinite.

    Whole numbers are rounded, nothing is clipped.

    Raises:
        TableError: other columns, a category that the schema does not have, or no row is left.
    """
    frame = frame.mask(frame.isin([np.inf, -np.inf]))
    complete = frame.dropna()
    table = make_table(complete, schema)
    rounded = {column.name: table.frame[column.name].round() for column in schema.columns if column.integer}
    return Table(table.frame.assign(**rounded), schema), len(frame) - len(complete)


def seconds(record: Record) -> float:
    return float(record["train_s"] + record["sample_s"])


def fastest_as_good(peer: Record, runs: Sequence[Record], metrics: Sequence[str]) -> Record | None:
    """The fastest run with at least the peer's value of every metric; None if there is none.

    A metric that the peer's rows have no value of (one class only, say) is reached by any value.
    """

    def is_as_good(run: Record) -> bool:
        pairs = [(run["metrics"][metric], peer["metrics"][metric]) for metric in metrics]
        return all(own is not None and (other is None or own >= other) for own, other in pairs)

    return min((run for run in runs if run["status"] == DONE and is_as_good(run)), key=seconds, default=None)


def reached_by(peer: Record, runs: Sequence[Record]) -> Record:
    """For each quality: steps and seconds of the fastest run that has the peer's, and the peer's seconds over them."""
    found = {quality: fastest_as_good(peer, runs, metrics) for quality, metrics in QUALITIES.items()}
    reached = {
        quality: run and {"steps": run["steps"], "seconds": seconds(run), "ratio": seconds(peer) / seconds(run)}
        for quality, run in found.items()
    }
    return {"peer": peer["name"], "seconds": seconds(peer), **reached}


def figures(record: Record) -> str:
    """The record of a run in a line."""
    if record["status"] != DONE:
        return f"{record['status']} ({record['wall_s']:.0f} s)"
    values = ", ".join(f"{metric} {_digits(record['metrics'][metric])}" for metric in METRICS)
    dropped = f", {record['rows_dropped']} rows dropped" if record["rows_dropped"] else ""
    return f"training {record['train_s']:.1f} s, sampling {record['sample_s']:.1f} s, {values}{dropped}"


def printed(records: Sequence[Record], reached: Sequence[Record]) -> str:
    """All runs as a Markdown table with columns of one width."""
    by_peer = {each["peer"]: each for each in reached}
    head = [
        "system",
        "train s",
        "sample s",
        "wall s",
        *METRICS,
        "MiB",
        *(f"MissDiff s, {q}" for q in QUALITIES),
        "ratio",
    ]
    lines = [head, ["-" * len(cell) for cell in head]]
    for record in records:
        name = f"missdiff, {record['steps']} steps" if "steps" in record else record["name"]
        if record["status"] != DONE:
            lines.append([name, record["status"][:40], "", f"{record['wall_s']:.1f}", *[""] * (len(head) - 4)])
            continue
        times = [f"{record[key]:.1f}" for key in ("train_s", "sample_s", "wall_s")]
        values = [_digits(record["metrics"][metric]) for metric in METRICS]
        cells = _reached_cells(by_peer.get(record["name"]))
        lines.append([name, *times, *values, f"{record['peak_memory_mb']:.0f}", *cells])
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join("| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in lines)


def _reached_cells(reached: Record | None) -> list[str]:
    if reached is None:
        return [""] * (len(QUALITIES) + 1)
    cells = [f"{each['seconds']:.1f}" if (each := reached[quality]) else "not reached" for quality in QUALITIES]
    return [*cells, f"{reached['all']['ratio']:.1f}" if reached["all"] else ""]


def _digits(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


if __name__ == "__main__":
    main()
