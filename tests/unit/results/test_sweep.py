import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.errors import ConfigError
from src.results.sweep.runs import Cell, ResultTable, best_columns, cell, read_runs, run_folders, shown
from tests.unit.results.sweep_factory import write_run, write_sweep


def table(best, references=0, n_columns=3):
    return ResultTable("t", "t", "m", best, tuple("abcdef"[:n_columns]), references, ())


def test_a_sweep_is_read_in_the_order_of_its_paths(tmp_path):
    runs = read_runs(write_sweep(tmp_path))
    assert len(runs) == 2 * 2 * 3 * 2
    assert [run.folder for run in runs] == sorted(run.folder for run in runs)
    first = runs[0]
    assert (first.dataset, first.missingness, first.variant, first.seed) == (
        "census",
        "independent-0.2",
        "diff_delete",
        0,
    )
    assert sum(not run.done for run in runs) == 4


def test_overlapping_folders_count_a_run_once(tmp_path):
    write_sweep(tmp_path)
    assert len(read_runs(tmp_path, tmp_path / "census")) == len(read_runs(tmp_path))


def test_two_runs_of_one_setting_are_refused_by_name(tmp_path):
    folders = [write_run(tmp_path / name, seed=3) for name in ("a", "b")]
    with pytest.raises(ConfigError) as error:
        read_runs(tmp_path)
    for folder in folders:
        assert str(folder) in str(error.value)


def test_a_run_outside_its_usual_folder_is_told_by_its_overrides(tmp_path):
    write_run(tmp_path, overrides=["budget=small"]).rename(tmp_path / "mine")
    write_run(tmp_path)
    assert sorted(run.variant for run in read_runs(tmp_path)) == ["missdiff", "missdiff-budget=small"]


def test_unfinished_runs_are_counted_and_what_lies_below_a_run_is_not(tmp_path):
    done, half = write_run(tmp_path), tmp_path / "census" / "row-0.2" / "missdiff" / "seed9"
    for folder in (half, done / "wandb" / "files", half / "wandb" / "files"):
        folder.mkdir(parents=True)
        (folder / "config.yaml").touch()
    assert run_folders(tmp_path) == ([done], [half])


def damage_text(file: Path):
    file.write_text(file.read_text()[:100])


def damage_number(file: Path):
    file.write_text(file.read_text().replace('"fidelity/overall": 0.9', '"fidelity/overall": "good"'))


def damage_nan(file: Path):
    file.write_text(file.read_text().replace('"fidelity/overall": 0.9', '"fidelity/overall": NaN'))


def damage_shape(file: Path):
    file.write_text("[1, 2]")


def damage_times(file: Path):
    file.write_text(json.dumps(json.loads(file.read_text()) | {"time": {}}))


def damage_encoding(file: Path):
    file.write_bytes(b"\xff\xfe\x00")


def remove(file: Path):
    file.unlink()


@pytest.mark.parametrize(
    "damage", [damage_text, damage_number, damage_nan, damage_shape, damage_times, damage_encoding, remove]
)
def test_a_damaged_report_is_named(tmp_path, damage):
    write_run(tmp_path, seed=0)
    file = write_run(tmp_path, seed=1) / "report.json"
    damage(file)
    with pytest.raises(ConfigError, match="is not the report of a run") as error:
        read_runs(tmp_path)
    assert str(file) in str(error.value)


def test_no_run_at_all_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="no finished run"):
        read_runs(tmp_path)


def test_a_cell_is_the_mean_over_seeds(tmp_path):
    for seed, value in enumerate((0.1, 0.2, 0.6)):
        write_run(tmp_path, seed=seed, metrics={"m": value})
    write_run(tmp_path, seed=3, metrics={"m": None})
    write_run(tmp_path, seed=4, metrics={})
    found = cell(read_runs(tmp_path), "m")
    assert found.values == (0.1, 0.2, 0.6)
    assert found.mean == pytest.approx(0.3)
    assert found.std == pytest.approx(0.07**0.5)
    assert len(found.folders) == 5
    assert found.reason == "not defined here"
    assert cell(read_runs(tmp_path)[4:], "m").reason == "not computed by evaluation=quick"


@pytest.mark.parametrize(
    ("best", "values", "expected"),
    [
        ("high", (0.1, 0.3, 0.2), {1}),
        ("low", (0.1, 0.3, 0.2), {0}),
        ("half", (0.1, 0.9, 0.45), {2}),
        ("high", (0.5, 0.5004, 0.2), {0, 1}),
        ("high", (0.5, 0.501, 0.2), {1}),
        ("low", (0.00123, 0.0014, 3.0), {0}),
        ("high", (None, None, None), set()),
        ("high", (None, 0.0, None), {1}),
    ],
)
def test_the_best_of_a_row(best, values, expected):
    row = [Cell(() if value is None else (value,)) for value in values]
    assert best_columns(table(best), row) == expected


def test_references_are_never_best():
    row = [Cell((0.1,)), Cell((0.2,)), Cell((0.9,))]
    assert best_columns(table("high", references=1), row) == {1}
    assert best_columns(table("high", references=3), row) == set()


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1, max_size=5), st.sampled_from(["high", "low"]))
def test_no_method_beats_the_best(values, best):
    row = [Cell(() if value is None else (value,)) for value in values]
    chosen = best_columns(table(best, n_columns=len(values)), row)
    known = [value for value in values if value is not None]
    assert bool(chosen) == bool(known)
    if known:
        assert values.index(max(known) if best == "high" else min(known)) in chosen


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.000"),
        (0.9366, "0.937"),
        (-0.25, "-0.250"),
        (1234.5, "1234.500"),
        (0.01234, "0.0123"),
        (4.2e-9, "0.000000"),
    ],
)
def test_shown(value, text):
    assert shown(value) == text
