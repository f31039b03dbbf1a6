"""Sweeps of many runs: interrupted and complete in the end, and little time beside the work."""

import json
import signal
import subprocess
import sys
import time

from tests.cli.command import ROOT, TINY, command, environment

N_RUNS = 200
SWEEP = [
    *(each for each in TINY if not each.startswith("training")),
    "training.epochs=1",
    "evaluation.references=false",
    "missing=row,independent",
    f"seed=range({N_RUNS // 2})",
]


def sweep(root):
    return subprocess.Popen(
        [sys.executable, "-m", "src.train", "--multirun", *SWEEP, f"outputs_dir={root}"],
        cwd=ROOT,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def n_done(root):
    return sum(1 for _ in root.rglob("DONE"))


def test_a_sweep_interrupted_three_times_ends_complete_with_little_overhead(tmp_path):
    spent = 0.0
    for part, how in enumerate((signal.SIGINT, signal.SIGTERM, signal.SIGKILL), 1):
        started = time.monotonic()
        process = sweep(tmp_path)
        while n_done(tmp_path) < part * N_RUNS // 4 and process.poll() is None:
            time.sleep(0.1)
        process.send_signal(how)
        _, said = process.communicate(timeout=60)
        assert process.returncode != 0
        assert "Traceback" not in said
        spent += time.monotonic() - started
    started = time.monotonic()
    last = sweep(tmp_path)
    _, said = last.communicate(timeout=3600)
    spent += time.monotonic() - started
    assert last.returncode == 0, said
    assert f"{N_RUNS} of {N_RUNS} done" in said
    assert n_done(tmp_path) == N_RUNS
    reports = [json.loads(file.read_text()) for file in tmp_path.rglob("report.json")]
    work = sum(report["time"][part] for report in reports for part in ("train_s", "sample_s", "evaluate_s"))
    overhead = (spent - work) / N_RUNS
    print(f"\n{N_RUNS} runs in {spent:.0f} s, of which {work:.0f} s work: {overhead:.2f} s a run beside it")
    assert overhead < 3

    started = time.monotonic()
    again = sweep(tmp_path)
    _, said = again.communicate(timeout=600)
    print(f"the same again: {time.monotonic() - started:.1f} s")
    assert f"({N_RUNS} before)" in said
    started = time.monotonic()
    assert command("src.report", f"sweep={tmp_path}").returncode == 0
    print(f"its report: {time.monotonic() - started:.1f} s")


def test_a_thousand_finished_jobs_are_skipped_in_seconds(tmp_path):
    """The jobs are made by hand: what a sweep leaves of each is its state, its stamp and a DONE."""
    from src.sweeps.finished import FinishedRun
    from src.sweeps.jobs import DONE, recorded_job
    from src.sweeps.watch import sweep_folder, watched_sweep

    arguments = ["method=marginals", *TINY, f"outputs_dir={tmp_path}", "seed=range(1000)"]
    folder = sweep_folder(tmp_path, arguments)
    with watched_sweep(folder, 1000):
        for seed in range(999):
            run = tmp_path / "made" / f"seed{seed}"
            run.mkdir(parents=True)
            (run / "DONE").touch()
            task = [*arguments[:-1], f"seed={seed}"]
            with recorded_job(folder, seed, task) as set_state:
                set_state(DONE, stamp=FinishedRun(run).stamp())
    command("src.train", "--help")  # starts what commands are started from
    started = time.monotonic()
    done = command("src.train", "--multirun", *arguments)
    seconds = time.monotonic() - started
    assert done.returncode == 0, done.stderr
    assert "1000 of 1000 done (999 before)" in done.stderr
    print(f"\n999 of 1,000 jobs skipped and one run in {seconds:.1f} s")
    assert seconds < 30
