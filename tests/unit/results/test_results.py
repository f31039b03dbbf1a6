import json
import os

import numpy as np
import pytest

from src.errors import RunExistsError
from src.metrics.scores import Scores
from src.results.figures import draw_figures
from src.results.files import write_json, write_whole
from src.results.provenance import CLEAR_REFS, peak_memory_mb, reset_peak_memory
from src.results.report import Report, cached_references, fingerprint
from src.results.run_folder import RunFolder, flatten
from src.results.terminal import score_table
from tests.conftest import random_table

CONFIG = {"seed": 0, "training": {"epochs": 3}}


def test_write_whole_leaves_nothing_behind_when_writing_fails(tmp_path):
    file = tmp_path / "a" / "table.csv"
    file.parent.mkdir()
    file.write_text("before")

    def fail(partial):
        partial.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(file, fail)
    assert file.read_text() == "before"
    assert list(file.parent.iterdir()) == [file]


def test_json_refuses_nan(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "x.json", {"a": float("nan")})
    assert not (tmp_path / "x.json").exists()


def test_run_folder_resumes_its_own_and_refuses_another_configuration(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.open(CONFIG, force=False)
    folder.open(CONFIG, force=False)
    folder.add_times(sample_s=2.0)
    folder.add_times(device="cpu")
    assert folder.times() == {"sample_s": 2.0, "device": "cpu"}
    with pytest.raises(RunExistsError, match=r"training\.epochs: 3 there, 4 asked for"):
        folder.open({"seed": 0, "training": {"epochs": 4}}, force=False)
    folder.finish({"status": "done"})
    assert folder.done
    (folder.path / "notes.txt").write_text("mine")
    folder.open({"seed": 1}, force=True)
    assert not folder.done
    assert sorted(p.name for p in folder.path.iterdir()) == ["config.yaml", "notes.txt"]


def test_flatten():
    assert flatten({"a": 1, "b": {"c": 2, "d": {"e": None}}}) == {"a": 1, "b.c": 2, "b.d.e": None}


def test_references_are_computed_once_per_mask(tmp_path):
    calls = []

    def compute():
        calls.append(1)
        return {"hot_deck": Scores({"m": 0.5}, {}, {"age": 1.0}, {})}

    mask = np.ones((4, 2), dtype=bool)
    first = cached_references(tmp_path, {"seed": 0}, mask, compute)
    assert cached_references(tmp_path, {"seed": 0}, mask, compute) == first
    assert len(calls) == 1
    cached_references(tmp_path, {"seed": 1}, mask, compute)
    mask[0, 0] = False
    cached_references(tmp_path, {"seed": 0}, mask, compute)
    assert len(calls) == 3
    for file in tmp_path.iterdir():
        file.write_text("{")
    assert cached_references(tmp_path, {"seed": 0}, mask, compute) == first
    assert len(calls) == 4


def test_fingerprint_sees_one_changed_cell(split):
    before = fingerprint(split)
    split.test.frame.loc[3, "age"] += 1
    assert fingerprint(split) != before


def test_score_table_marks_undefined_and_explains_the_rows():
    text = score_table("missdiff", {"fidelity/overall": 0.8765}, {"holed_table": {"fidelity/overall": None}})
    assert "0.876" in text or "0.877" in text
    holed = next(line for line in text.splitlines() if line.startswith("holed_table"))
    assert holed.split()[1] == "-"


def test_figures_are_written(tmp_path):
    table = random_table(100)
    pairs = {"age | height": 0.9, "colour | label": 0.5}
    curve = [{"epoch": i, "train/loss": 1 / (i + 1)} for i in range(5)]
    files = draw_figures(tmp_path, table.schema, table.frame, random_table(50, 1).frame, pairs, curve)
    assert set(files) == {"marginals", "pair_trends", "training_curve"}
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in files.values())


def test_peak_memory_is_that_of_a_run_not_of_the_process():
    block = np.ones(50_000_000)
    with_block = peak_memory_mb()
    del block
    assert peak_memory_mb() == pytest.approx(with_block, rel=0.05)
    if os.access(CLEAR_REFS, os.W_OK):
        reset_peak_memory()
        assert peak_memory_mb() < with_block - 300


def test_a_report_says_what_each_of_its_metrics_is():
    scores = Scores()
    scores.add("privacy/dcr_share", 0.5)
    scores.undefined(["utility/xgboost/rmse"], "no row")
    scores.dependent_pairs = ["a | b"]
    report = Report("done", None, CONFIG, 0, None, {}, 3)
    report.add_scores(scores)
    written = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert written["dependent_pairs"] == ["a | b"]
    assert set(written["metric_notes"]) == set(written["metrics"])
    note = written["metric_notes"]["privacy/dcr_share"]
    assert (note["best"], note["bounds"]) == ("half", [0, 1])
    assert written["metric_notes"]["utility/xgboost/rmse"]["bounds"] == [0, None]
    assert note["meaning"]
    assert note["blind"]
