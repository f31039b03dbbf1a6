"""The measurements of a GPU, rehearsed on the CPU."""

import json
import subprocess
import sys

import pytest

from benchmarks.performance import document


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gpu")
    command = [sys.executable, "-m", "benchmarks.gpu", "--device", "cpu", "--share", "0.01", "--ways", "eager"]
    command += ["--runs", "1", "--folder", str(folder / "runs"), "--out", str(folder / "gpu.json")]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return json.loads((folder / "gpu.json").read_text())


@pytest.mark.slow
def test_nothing_fails_and_every_section_has_its_figures(result):
    assert result["errors"] == {}
    assert [(line["recipe"], line["precision"]) for line in result["training"]] == [
        ("default", "fp32"),
        ("paper", "fp32"),
    ]
    assert all(line["bare_ms"] > 0 and line["floor_ms"] > 0 and line["lightning_ms"] > 0 for line in result["training"])
    (line,) = result["sampling"]
    assert line["rows_per_s"] > 0


@pytest.mark.slow
def test_the_cpu_agrees_with_itself_and_resumes(result):
    assert [line["loss"] for line in result["losses"]] == [0.0] * 4
    assert [line["weights"] for line in result["resume"]] == [0.0, 0.0]
    assert all(line["rows_equal"] for line in result["resume"])


@pytest.mark.slow
def test_the_papers_recipe_is_trained_to_its_end_and_scored(result):
    (run,) = result["paper"]["runs"]
    assert (run["run"], run["status"]) == ("row-missdiff", "done")
    assert run["steps"] > 0
    assert 0 < run["metrics"]["fidelity/overall"] <= 1


@pytest.mark.slow
def test_the_page_shows_it(result):
    page = document({"gpu": result})
    assert "| row-missdiff | done |" in page
    assert "| paper | fp32 | eager |" in page


@pytest.mark.slow
def test_a_gpu_that_is_not_there_is_said_before_anything_is_measured():
    command = [sys.executable, "-m", "benchmarks.gpu", "--device", "cuda"]
    found = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"CUDA_VISIBLE_DEVICES": "", "PATH": "/usr/bin"}
    )
    assert found.returncode == 2
    assert "torch sees no GPU on this machine" in found.stderr
