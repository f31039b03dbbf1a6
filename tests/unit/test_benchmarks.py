"""The arithmetic of the benchmarks, and the page made of their results."""

import importlib
import json
from pathlib import Path

import pytest

from benchmarks import field
from benchmarks.field import page, run
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


def field_report(seed, missing, detection, **changed):
    references = {"real_holdout": {"detection/xgboost": 0.99}, "hot_deck": {"detection/xgboost": 0.5}}
    config = {"dataset": {"path": "folder/magic.parquet"}, "missing": missing, "evaluation": {"more_rows": 5}}
    return {
        "seed": seed,
        "commit": "0123456789abcdef",
        "device": "cpu",
        "config": {**config, "diffusion": {"name": "absorbing", "order": "fitted", **changed}},
        "metrics": {"detection/xgboost": detection, "utility/xgboost/rmse": 55.04, "other": 1.0},
        "references": references,
        "time": {"train_s": 61.4, "sample_s": 2.0},
    }


HOLED = {"name": "independent", "ratio": 0.3}


def test_the_page_of_the_field_has_a_line_for_each_kind_of_holes():
    reports = [field_report(0, HOLED, 0.8), field_report(1, HOLED, 0.9), field_report(0, {"name": "native"}, 0.97)]
    lines = page([run(report) for report in reports]).splitlines()
    start = lines.index("## magic")
    assert lines[start + 1] == "| | detection | RMSE | train s | draw s | seeds |"
    assert lines[start + 3 : start + 7] == [
        "| complete | 0.970 | 55.0 | 61 | 2 | 1 |",
        "| independent .3 | 0.850 ± 0.071 | 55.0 ± 0.0 | 61 | 2 | 2 |",
        "| *fresh real rows* | 0.990 |  |  |  | 1 |",
        "| *hot deck (real rows, holes filled from others)* | 0.500 ± 0.000 |  |  |  | 2 |",
    ]
    assert "3 runs at commit 0123456789," in " ".join(lines)
    assert "## Levers" not in lines


def test_a_changed_setting_is_compared_on_the_seeds_that_both_have():
    default = [field_report(seed, HOLED, 0.8) for seed in (0, 1, 2)]
    changed = [field_report(seed, HOLED, 0.7 + seed / 10, order="random") for seed in (0, 1, 3)]
    lines = page([run(report) for report in default + changed]).splitlines()
    levers = lines[lines.index("## Levers") :]
    compared = [line for line in levers if line.startswith("| `")]
    assert compared == [
        "| `diffusion.order=random` | magic | independent .3 | -0.050 ± 0.071 |  |  | +0.0 ± 0.0 |  | 2 |"
    ]
    assert "| independent .3 | 0.800 ± 0.000 | 55.0 ± 0.0 | 61 | 2 | 3 |" in lines


def test_runs_of_the_field_join_those_of_earlier_parts(tmp_path, monkeypatch, capsys):
    def write(folder, report):
        folder.mkdir(parents=True)
        (folder / "report.json").write_text(json.dumps(report))
        (folder / "DONE").touch()

    def main(*arguments):
        monkeypatch.setattr("sys.argv", ["field", *map(str, arguments), "--out", str(tmp_path / "field.md")])
        field.main()
        return [json.loads(line) for line in (tmp_path / "field.jsonl").read_text().splitlines()]

    write(tmp_path / "a" / "seed0", field_report(0, HOLED, 0.8))
    write(tmp_path / "b" / "seed0", field_report(0, HOLED, 0.85))
    write(tmp_path / "b" / "seed1", field_report(1, HOLED, 0.9))
    assert [one["scores"]["detection/xgboost"] for one in main(tmp_path / "a")] == [0.8]
    runs = main(tmp_path / "b")
    assert [one["scores"]["detection/xgboost"] for one in runs] == [0.85, 0.9]
    assert runs == main()
    assert "2 runs at commit 0123456789" in (tmp_path / "field.md").read_text()
    monkeypatch.setattr("sys.argv", ["field", "--out", str(tmp_path / "other" / "field.md")])
    with pytest.raises(SystemExit):
        field.main()
    assert "has no run" in capsys.readouterr().err
