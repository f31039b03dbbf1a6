import json
import os
from dataclasses import replace

import numpy as np
import pytest

from src.errors import RunExistsError
from src.metrics.base.scores import Scores
from src.results.page.terminal import score_table
from src.results.record import provenance
from src.results.record.figures import draw_figures
from src.results.record.files import write_json, write_whole
from src.results.record.provenance import CLEAR_REFS, peak_memory_mb, reset_peak_memory
from src.results.record.report import Report, cached_references, fingerprint
from src.results.record.run_folder import RunFolder, flatten
from src.tables import Split, Table
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


@pytest.mark.parametrize(
    "changed",
    [
        lambda schema: replace(schema, target="colour" if schema.target != "colour" else None),
        lambda schema: replace(schema, columns=(replace(schema.columns[0], name="renamed"), *schema.columns[1:])),
        lambda schema: replace(schema, columns=(replace(schema.columns[0], integer=False), *schema.columns[1:])),
        lambda schema: replace(
            schema,
            columns=tuple(
                replace(column, categories=column.categories[::-1]) if column.categories else column
                for column in schema.columns
            ),
        ),
    ],
    ids=["target", "name", "kind", "order of categories"],
)
def test_fingerprint_sees_what_decides_scores_beside_the_cells(split, changed):
    schema = changed(split.train.schema)
    other = Split(*(Table(table.frame.set_axis(schema.names, axis=1), schema) for table in (split.train, split.test)))
    assert fingerprint(other) != fingerprint(split)


def test_references_are_computed_anew_by_other_code(tmp_path, monkeypatch):
    mask, calls = np.ones((4, 2), dtype=bool), []

    def compute():
        calls.append(1)
        return {"hot_deck": Scores({"m": 0.5})}

    for code in ("before", "before", "after"):
        monkeypatch.setattr("src.results.record.report.scoring_code", lambda code=code: code)
        cached_references(tmp_path, {}, mask, compute)
    assert len(calls) == 2


def test_versions_are_those_of_what_computes():
    found = provenance.versions()
    assert {"scipy", "lightgbm", "torchdiffeq", "xgboost", "scikit-learn", "torch"} <= set(found)
    assert "sdmetrics" not in found  # fidelity is computed here; the tests hold it equal to the library's


def test_the_scoring_code_is_that_of_metrics_completions_tables_and_streams(monkeypatch, tmp_path):
    files = ["metrics/a.py", "metrics/deep/b.py", "completion/c.py", "tables/d.py", "seeding.py"]
    monkeypatch.setattr(provenance, "SOURCE", tmp_path)
    found = set()
    for file in [*files, "results/e.py"]:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("1")
        provenance.scoring_code.cache_clear()
        found.add(provenance.scoring_code())
    provenance.scoring_code.cache_clear()
    assert len(found) == len(files)


def test_score_table_marks_undefined_and_explains_the_rows():
    text = score_table("missdiff", {"fidelity/overall": 0.8765}, {"holed_table": {"fidelity/overall": None}})
    assert "0.876" in text or "0.877" in text
    holed = next(line for line in text.splitlines() if line.startswith("holed_table"))
    assert holed.split()[1] == "-"


@pytest.mark.integration
def test_figures_are_written(tmp_path):
    table = random_table(100)
    pairs = {"age | height": 0.9, "colour | label": 0.5}
    curve = [{"epoch": i, "train/loss": 1 / (i + 1)} for i in range(5)]
    files = draw_figures(tmp_path, table.schema, table.frame, random_table(50, 1).frame, pairs, curve)
    assert set(files) == {"marginals", "pair_trends", "training_curve"}
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in files.values())


@pytest.mark.integration
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
