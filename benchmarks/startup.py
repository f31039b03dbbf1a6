"""Seconds until a command says something: python -m benchmarks.startup [--runs 5]

``--help`` of every command, a refused request, and the first training step of ``python -m src.train`` (when the run
opens its training curve), each from the start of a process of its own; and for comparison the import of the
libraries that a training cannot do without.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.common import write_result

COMMANDS = ("train", "sample", "impute", "evaluate", "describe", "report")
LIBRARIES = "import pandas, torch, pytorch_lightning"
POLL_S = 0.005


def finished(arguments: list[str]) -> float:
    """Seconds of a whole process."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - started


def first_step() -> float:
    """Seconds to the first training step."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "src.train", f"run_dir={folder}/run"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while not (Path(folder) / "run" / "metrics.csv").exists():
            if process.poll() is not None:
                raise SystemExit(f"the training ended with {process.returncode}")
            time.sleep(POLL_S)
        seconds = time.perf_counter() - started
        process.kill()
        process.wait()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="of each (default: 5); the median counts")
    given = parser.parse_args()
    work = {f"{name} --help": lambda name=name: finished(["-m", f"src.{name}", "--help"]) for name in COMMANDS}
    work["a refused request"] = lambda: finished(["-m", "src.train", "ratio=2"])
    work["import of pandas, torch and Lightning"] = lambda: finished(["-c", LIBRARIES])
    work["first training step"] = first_step
    seconds = {}
    for name, measured in work.items():
        seconds[name] = median(measured() for _ in range(given.runs))
        print(f"{name:40} {seconds[name]:5.2f} s", flush=True)
    write_result("startup", {"seconds": seconds, "runs": given.runs})


if __name__ == "__main__":
    main()
