"""The arithmetic of the benchmarks, and the page made of their results."""

import importlib
from pathlib import Path

import pytest

from benchmarks.field import page
from benchmarks.performance import SECTIONS, document, table
from benchmarks.scaling import exponent
from benchmarks.scaling import table as made_table

ROOT = Path(__file__).resolve().parents[2]
MACHINE = {"processor": "P", "cores": 2, "commit": "abc", "versions": {"torch": "2"}}


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_the_exponent_is_the_slope_at_the_upper_sizes(power):
    sizes = [1e3, 1e4, 1e5, 1e6]
    assert exponent(sizes, [7.0, 0.1, *(3 * n**power for n in sizes[2:])]) == pytest.approx(power)


def test_tables_have_the_size_that_is_asked_for():
    frame = made_table(2_000, 5, 8)
    assert frame.shape == (2_000, 5)
    assert frame["column0"].nunique() == 8
    assert frame["column0"].str.startswith("c").all()


def test_cells_are_short():
    assert (
        table(["a", "b"], [["x", 1234.5], [None, 0.12345]]) == "| a | b |\n| --- | --- |\n| x | 1,234 |\n|  | 0.123 |\n"
    )


def test_a_benchmark_without_a_result_is_named():
    page = document({"startup": {"machine": MACHINE, "seconds": {"train --help": 1.5}, "runs": 3}})
    assert "| train --help | 1.5 |" in page
    assert page.count("no result") == len(SECTIONS) - 1


def test_peers_that_did_not_finish_have_a_line():
    metrics = dict.fromkeys(
        ("fidelity/overall", "fidelity/overall_default", "utility/xgboost/auroc", "detection/xgboost"), 0.5
    )
    run = {"train_s": 1.0, "sample_s": 2.0, "metrics": metrics, "peak_memory_mb": 100.0}
    peers = [
        {"name": "slow", "holes": "as they are", "status": "not finished in 9 s"},
        {"name": "ctgan", "holes": "f", **run},
    ]
    reached = [{"peer": "ctgan", "seconds": 3.0, "all": {"seconds": 1.0, "ratio": 3.0}, "fidelity": None}]
    page = document(
        {"peers": {"machine": MACHINE, "peers": peers, "missdiff": [{"steps": 10, **run}], "reached": reached}}
    )
    assert "| slow | as they are | not finished in 9 s |" in page
    assert "**missdiff**, 10 steps" in page
    assert "| ctgan | 3 | 1 | 3 | not reached |" in page


def test_what_is_carried_to_a_machine_without_a_network_is_what_is_locked():
    lines = [
        set(Path(name).read_text().splitlines()) for name in ("benchmarks/gpu/requirements.txt", "requirements.lock")
    ]
    carried = {line for line in lines[0] if not line.startswith("#")}
    locked = {line.partition(";")[0] for line in lines[1]}
    assert carried <= locked
    assert not {line for line in carried if line.startswith("torch==")}, "the machine has its own"


@pytest.mark.integration
@pytest.mark.parametrize("file", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda file: file.stem)
def test_every_benchmark_can_be_imported(file):
    importlib.import_module(f"benchmarks.{file.stem}")


def test_the_page_of_the_field_has_a_line_for_each_kind_of_holes():
    def report(seed, missing, detection):
        references = {"real_holdout": {"detection/xgboost": 0.99}, "hot_deck": {"detection/xgboost": 0.5}}
        return {
            "seed": seed,
            "commit": "0123456789abcdef",
            "device": "cpu",
            "config": {"dataset": {"path": "folder/magic.parquet"}, "missing": missing},
            "metrics": {"detection/xgboost": detection, "utility/xgboost/rmse": 55.04},
            "references": references,
            "time": {"train_s": 61.4, "sample_s": 2.0},
        }

    holed = {"name": "independent", "ratio": 0.3}
    lines = page([report(0, holed, 0.8), report(1, holed, 0.9), report(0, {"name": "native"}, 0.97)]).splitlines()
    start = lines.index("## magic")
    assert lines[start + 1] == "| | detection | RMSE | train s | draw s | seeds |"
    assert lines[start + 3 : start + 7] == [
        "| complete | 0.970 | 55.0 | 61 | 2 | 1 |",
        "| independent .3 | 0.850 ± 0.071 | 55.0 ± 0.0 | 61 | 2 | 2 |",
        "| *fresh real rows* | 0.990 |  |  |  | 1 |",
        "| *hot deck (real rows, holes filled from others)* | 0.500 ± 0.000 |  |  |  | 2 |",
    ]
    assert "3 runs at commit 0123456789," in " ".join(lines)
