"""Where the jobs of a sweep stand, as its folder, its live line and its end tell it."""

import errno
import os
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import psutil
import pytest
from hydra._internal.core_plugins.basic_sweeper import BasicSweeperConf
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode

from src.commands.cli.axes import read_axes
from src.commands.cli.sweep import jobs_left, launch, survive_deaths
from src.errors import ConfigError, SweepError
from src.sweeps.finished import FinishedRun, file_states, read_stamps, valid_stamps, write_stamps
from src.sweeps.jobs import DONE, FAILED, RUNNING, SKIPPED, Job, read_jobs, recorded_job
from src.sweeps.watch import live_line, sweep_folder, watched_sweep
from src.system.cores import cores_of_a_job, usable_cores
from src.system.gpus import claim_gpu, visible_gpus
from src.system.locks import hold


def job(number, state):
    return Job(number, [f"seed={number}"], state, None, 0)


@pytest.mark.parametrize(
    ("states", "line"),
    [
        ([], "sweep: 0 of 10 done"),
        ([RUNNING, RUNNING], "sweep: 0 of 10 done, 2 running"),
        ([SKIPPED, SKIPPED, DONE, RUNNING], "sweep: 3 of 10 done (2 before), 1 running, ETA 7 min"),
        ([DONE, DONE, FAILED, RUNNING], "sweep: 2 of 10 done, 1 failed, 1 running, ETA 4 min"),
        ([DONE] * 10, "sweep: 10 of 10 done"),
    ],
)
def test_the_live_line_by_hand(states, line):
    shown = live_line([job(i, state) for i, state in enumerate(states)], 10, 60.0)
    assert shown == line


def test_a_job_leaves_its_state_and_its_log(tmp_path):
    with recorded_job(tmp_path, 3, ["seed=3"]) as set_state:
        assert [found.state for found in read_jobs(tmp_path)] == [RUNNING]
        os.write(1, b"from below Python\n")
        os.write(2, b"an error\n")
        set_state(FAILED, "no rows", 2)
    assert read_jobs(tmp_path) == [Job(3, ["seed=3"], FAILED, "no rows", 2)]
    assert (tmp_path / "0003.log").read_text() == "from below Python\nan error\n"


def test_an_interrupted_job_leaves_a_log_and_no_state(tmp_path):
    with pytest.raises(KeyboardInterrupt), recorded_job(tmp_path, 0, []):
        raise KeyboardInterrupt
    assert read_jobs(tmp_path) == []
    assert {file.name for file in tmp_path.iterdir()} == {"0000.log", "turn"}


def test_the_end_names_what_failed_by_what_sets_it_apart(tmp_path, capfd):
    folder = tmp_path / "sweep"
    with watched_sweep(folder, 2):
        for number, state in enumerate((DONE, FAILED)):
            with recorded_job(folder, number, ["ratio=0.8", f"seed={number}"]) as set_state:
                set_state(state, None if state == DONE else "it cannot be", 0 if state == DONE else 2)
    said = capfd.readouterr().err
    assert "sweep: 1 of 2 done, 1 failed, in 0 s" in said
    assert f"  seed=1\n    it cannot be\n    log: {folder / '0001.log'}\n" in said


def test_a_sweep_starts_from_an_empty_folder_of_its_own(tmp_path):
    folder = sweep_folder(tmp_path, ["seed=0,1", "missing=row"])
    assert folder == sweep_folder(tmp_path, ["missing=row", "seed=0,1"])
    assert folder != sweep_folder(tmp_path, ["missing=row", "seed=0,2"])
    folder.mkdir(parents=True)
    (folder / "0000.failed").write_text("of an earlier time")
    with watched_sweep(folder, 1):
        assert read_jobs(folder) == []


def test_every_process_takes_the_gpu_that_fewest_have(tmp_path):
    code = (
        "import os, sys, pathlib; from src.system.gpus import claim_gpu, visible_gpus\n"
        "claim_gpu(pathlib.Path(sys.argv[1]), visible_gpus())\n"
        "print(os.environ['CUDA_VISIBLE_DEVICES'], flush=True)\n"
        "sys.stdin.read()"
    )
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "0,1"}
    processes, taken = [], []
    for _ in range(3):
        command = [sys.executable, "-c", code, str(tmp_path)]
        pipe = subprocess.PIPE
        processes.append(subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True))
        taken.append(processes[-1].stdout.readline().strip())
    for process in processes:
        process.communicate()
    assert taken == ["0", "1", "0"]


def test_the_same_sweep_does_not_run_twice_at_once(tmp_path):
    folder = tmp_path / ".sweeps" / "0123"
    with watched_sweep(folder, 2):
        (folder / "0000.running").write_text("{}")
        with pytest.raises(ConfigError, match="another process runs this very sweep"), watched_sweep(folder, 2):
            pass
        assert (folder / "0000.running").exists()
        (folder / "0000.running").unlink()
    with watched_sweep(folder, 2):
        assert not list(folder.iterdir())


def test_one_gpu_or_none_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5")
    claim_gpu(tmp_path, visible_gpus())
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "5"
    assert not list(tmp_path.iterdir())


def test_the_cores_of_a_job(monkeypatch):
    bound = usable_cores()
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert cores_of_a_job() == bound
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert cores_of_a_job() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "1000")
    assert cores_of_a_job() == bound


def test_a_system_that_binds_no_process_to_cores_has_all_of_them(monkeypatch):
    monkeypatch.delattr(psutil.Process, "cpu_affinity", raising=False)
    monkeypatch.setattr(psutil, "cpu_count", lambda: 12)
    assert usable_cores() == 12
    monkeypatch.setattr(psutil, "cpu_count", lambda: None)
    assert usable_cores() == 1


def test_what_not_every_system_has_is_asked_for_in_one_place():
    root = Path(__file__).resolve().parents[2]
    users = {
        file.relative_to(root).as_posix()
        for folder in ("src", "benchmarks")
        for file in (root / folder).rglob("*.py")
        if any(word in file.read_text() for word in ("sched_getaffinity", "cpu_affinity", "import fcntl"))
    }
    assert users == {"src/system/cores.py", "src/system/locks.py"}


def test_axes_of_a_committed_sweep_give_way_to_the_command_line():
    multirun, axes = read_axes(["experiment=paper_figure1", "method=missdiff", "ratio=0.1,0.9"], multirun=False)
    assert multirun
    assert axes["method"] == ["method=missdiff"]
    assert axes["ratio"] == ["ratio=0.1", "ratio=0.9"]
    assert axes["seed"] == ["seed=0", "seed=1", "seed=2"]


@pytest.mark.integration
def test_hydra_s_own_settings_of_a_sweep_count():
    one = ["experiment=paper_figure1", "hydra.mode=RUN"]
    assert read_axes(one, multirun=False)[0] is False
    assert read_axes(["hydra.mode=MULTIRUN", "seed=0,1"], multirun=False)[1]["seed"] == ["seed=0", "seed=1"]
    assert read_axes([*one[:1], "hydra.sweeper.params.seed=7"], multirun=False)[1]["seed"] == ["seed=7"]
    assert "seed" not in read_axes([*one[:1], "~hydra.sweeper.params.seed"], multirun=False)[1]
    assert "seed" in read_axes(["experiment='paper_figure1'"], multirun=False)[1]


def test_a_pattern_of_options_is_an_axis():
    _, axes = read_axes(["method=glob(diff_*)"], multirun=True)
    assert axes["method"] == ["method=diff_delete", "method=diff_mean"]


@pytest.mark.integration
def test_committed_sweeps_are_named_one_a_command():
    with pytest.raises(ConfigError, match="name one of them"):
        read_axes(["experiment=paper_figure1,paper_table1_2"], multirun=True)


@pytest.mark.parametrize("batches", [[], ["hydra.sweeper.max_batch_size=2"]])
def test_jobs_are_launched_in_the_order_of_the_axes_numbered_and_without_the_finished(batches, tmp_path):
    write_stamps(tmp_path, {"missing=row\nratio=0.2\nseed=1": {}})
    multirun, axes = read_axes(["missing=row,mar", "seed=0,1,2", *batches, "ratio=0.2", "hydra.mode=MULTIRUN"], False)
    assert multirun
    launched = []

    def task(cfg):
        settings = HydraConfig.get()
        assert settings.mode == RunMode.MULTIRUN
        launched.append((settings.job.num, cfg.missing.name, cfg.seed, list(settings.overrides.task)))

    outputs = {"hydra.sweep.dir": [f"hydra.sweep.dir={tmp_path}"]}
    launch(jobs_left(axes, tmp_path), task, {**axes, **outputs}, "config")
    jobs = [("row", 0), ("row", 2), ("mar", 0), ("mar", 1), ("mar", 2)]
    assert launched == [
        (number, missing, seed, [f"missing={missing}", f"seed={seed}", "ratio=0.2"])
        for number, (missing, seed) in enumerate(jobs)
    ]


def test_an_error_of_a_job_ends_the_launch(tmp_path):
    def task(cfg):
        raise KeyError("of the program")

    with pytest.raises(KeyError):
        launch([["seed=0"], ["seed=1"]], task, {"hydra.sweep.dir": [f"hydra.sweep.dir={tmp_path}"]}, "config")


def test_sweepers_that_search_are_refused():
    ConfigStore.instance().store(group="hydra/sweeper", name="other", node=BasicSweeperConf, provider="a test")
    with pytest.raises(ConfigError, match="hydra/sweeper=other is refused"):
        read_axes(["hydra/sweeper=other", "seed=0,1"], multirun=True)


def test_processes_that_die_before_any_run_end_the_sweep(tmp_path):
    deaths = iter([True, True, False])

    def jobs(always=False):
        if always or next(deaths):
            raise BrokenProcessPool

    survive_deaths(jobs, tmp_path)
    with pytest.raises(SweepError, match="before they reach a run"):
        survive_deaths(lambda: jobs(always=True), tmp_path)


def test_a_file_system_without_locks_keeps_nobody_away(tmp_path, monkeypatch):
    def refuse(file, how):
        raise OSError(errno.ENOSYS, "Function not implemented")

    with (tmp_path / "lock").open("w") as first, (tmp_path / "lock").open("w") as second:
        assert hold(first)
        assert not hold(second, wait=False)
        monkeypatch.setattr("fcntl.flock", refuse)
        assert hold(second, wait=False)


def test_several_values_need_multirun():
    assert read_axes(["seed=3"], multirun=False) == (False, {"seed": ["seed=3"]})
    with pytest.raises(ConfigError, match="add --multirun"):
        read_axes(["seed=0,1"], multirun=False)


def test_a_sweep_knows_the_jobs_that_are_finished_and_unchanged(tmp_path):
    folder, table = tmp_path / ".sweeps" / "0123", tmp_path / "table.csv"
    table.write_text("a\n1\n")
    runs = [FinishedRun(tmp_path / f"seed{seed}", file_states([table])) for seed in range(3)]
    for run in runs:
        run.folder.mkdir()
        (run.folder / "DONE").touch()
    with watched_sweep(folder, 3):
        for seed, run in enumerate(runs):
            with recorded_job(folder, seed, [f"seed={seed}", "ratio=0.2"]) as set_state:
                set_state(DONE, stamp=run.stamp())
    (runs[1].folder / "DONE").unlink()
    for force, finished in ((False, ["seed=0", "seed=2"]), (True, [])):
        with watched_sweep(folder, 3, force):
            assert sorted(name.split("\n")[1] for name in read_stamps(folder)) == finished
            assert [skipped.state for skipped in read_jobs(folder)] == [SKIPPED] * len(finished)
    with watched_sweep(folder, 3):
        assert read_stamps(folder) == {}, "they were to be run anew, and were not"


def test_a_finished_run_of_another_file_or_program_is_looked_at_again(tmp_path, monkeypatch):
    table = tmp_path / "table.csv"
    table.write_text("a\n1\n")
    (tmp_path / "DONE").touch()
    sidecar = tmp_path / "table.columns.yaml"
    stamps = {"seed=0": FinishedRun(tmp_path, file_states([table, sidecar])).stamp()}
    assert valid_stamps(stamps) == stamps
    with monkeypatch.context() as patch:
        patch.setattr("src.sweeps.finished.program_digest", lambda: "another")
        assert valid_stamps(stamps) == {}
    sidecar.write_text("target: a")
    assert valid_stamps(stamps) == {}
    sidecar.unlink()
    assert valid_stamps(stamps) == stamps
    table.write_text("a\n12\n")
    assert valid_stamps(stamps) == {}
    table.unlink()
    assert valid_stamps(stamps) == {}
