import shlex
import shutil
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.results.page.tables import figure_1, paper_tables, setting_tables
from src.results.sweep.origin import _boxes, commands, mixtures, origin
from src.results.sweep.paper import paper_numbers
from src.results.sweep.runs import read_runs
from tests.unit.results.sweep_factory import COMMIT, write_run, write_sweep

STASY_250 = {"epochs": 250, "n_steps": None, "batch_size": 64}
STASY_1000 = {**STASY_250, "epochs": 1000}


def find(tables, name):
    (table,) = (table for table in tables if table.name == name)
    return table


def row(table, heading):
    return dict(zip(table.columns, dict(table.rows)[heading], strict=True))


def test_table_1_holds_means_papers_numbers_and_references(tmp_path):
    for seed, value in enumerate((0.92, 0.94)):
        write_run(tmp_path, "column", seed=seed, metrics={"fidelity/overall": value})
        write_run(tmp_path, "column", method="diff_mean", seed=seed, metrics={"fidelity/overall": value - 0.1})
        write_run(tmp_path, "row", method="diff_delete", seed=seed, reason="no complete row")
    (table,) = paper_tables(read_runs(tmp_path))
    assert table.name == "table_1"
    assert table.metric == "fidelity/overall"
    assert table.columns[:5] == ("missdiff", "diff_delete", "diff_mean", "stasy_delete", "stasy_mean")
    assert table.columns[-table.references :] == ("real_holdout", "hot_deck", "marginals", "holed_table")
    assert [heading for heading, _ in table.rows] == ["row-0.2", "column-0.2", "independent-0.2"]
    column = row(table, "column-0.2")
    assert column["missdiff"].mean == pytest.approx(0.93)
    assert column["missdiff"].paper == 0.827
    assert column["missdiff"].paper_bold
    assert column["diff_mean"].paper == 0.7617
    assert column["real_holdout"].values == (0.98, 0.98)
    assert column["stasy_mean"].folders == ()
    missing = row(table, "row-0.2")
    assert missing["diff_delete"].reason == "no complete row"
    assert missing["diff_delete"].paper is None
    assert missing["diff_delete"].paper_reason == "not applicable"
    assert "missdiff is first in every row with a rival (1 of 3 rows)." in table.notes
    assert "No value: diff_delete at row-0.2: no complete row." in table.notes


def test_runs_that_differ_in_their_downstream_models_alone_share_a_column(tmp_path):
    few, every = ["xgboost"], ["decision_tree", "xgboost"]
    for models, seeds, names in ((few, (0, 1, 2), ["xgboost", "mean"]), (every, (0,), [*every, "mean"])):
        for seed in seeds:
            metrics = {"fidelity/overall": 0.9} | {f"utility/{name}/accuracy": 0.8 for name in names}
            evaluation = {"name": "paper", "models": models}
            overrides = ["evaluation=paper"] + (["evaluation.models=[xgboost]"] if models == few else [])
            write_run(tmp_path, "column", seed=seed, metrics=metrics, evaluation=evaluation, overrides=overrides)
            deleted = {"method": "diff_delete", "seed": seed, "evaluation": evaluation, "overrides": overrides}
            write_run(tmp_path, "row", reason="no complete row", **deleted)
    runs = read_runs(tmp_path)
    first, trees = (find(paper_tables(runs), name) for name in ("table_1", "table_12"))
    for table, n_seeds in ((first, 3), (trees, 1)):
        assert table.columns[:3] == ("missdiff", "diff_delete", "diff_mean")
        assert len(row(table, "column-0.2")["missdiff"].values) == n_seeds
        assert len(row(table, "row-0.2")["diff_delete"].folders) == n_seeds
        assert not any("not computed" in note for note in table.notes)
    assert not any("[xgboost]" in command for command in trees.commands)
    mean = find(setting_tables(runs), "census-utility-mean-accuracy")
    assert [len(cell.values) for cell in row(mean, "column-0.2").values()][:2] == [1, 3]


def test_rows_that_missdiff_does_not_lead_are_named(tmp_path):
    for missing, ours in (("row", 0.7), ("column", 0.9), ("independent", 0.8)):
        write_run(tmp_path, missing, metrics={"utility/xgboost/accuracy": ours})
        write_run(tmp_path, missing, method="diff_mean", metrics={"utility/xgboost/accuracy": 0.8})
    note = find(paper_tables(read_runs(tmp_path)), "table_2").notes[0]
    assert note == "missdiff is not first in: row-0.2 (diff_mean 0.800, not 0.700)."


def test_a_shared_first_place_and_another_ratio_than_asked_for_are_said(tmp_path):
    for method in ("missdiff", "diff_mean"):
        fields = {"realised_ratio": {"overall": 0.0, "per_column": {}}}
        write_run(tmp_path, "row", 0.1, method, dataset="bayesian_network", **fields)
        write_run(tmp_path, "column", 0.1, method, dataset="bayesian_network")
        write_run(
            tmp_path, "column", 0.2, method, 0, {"fidelity/overall": len(method) / 10}, dataset="bayesian_network"
        )
    (table,) = figure_1(read_runs(tmp_path))
    assert "missdiff is not first in: column-0.2 (diff_mean 0.900, not 0.800)." in table.notes
    assert "Share of cells that are missing: 0.00 at row-0.1." in table.notes
    shutil.rmtree(tmp_path / "bayesian_network" / "column-0.2" / "diff_mean")
    (table,) = figure_1(read_runs(tmp_path))
    sentence = "missdiff is first in every row with a rival (2 of 3 rows; shared in row-0.1, column-0.1)."
    assert table.notes[0] == sentence


def test_rows_in_which_independent_draws_are_better_are_named(tmp_path):
    for missing, ours in (("row", 0.94), ("column", 0.96)):
        write_run(tmp_path, missing, metrics={"fidelity/overall": ours})
        write_run(tmp_path, missing, dataset="mimic4ed", metrics={"utility/xgboost/rmse": 6 * ours - 3.7})
    first, fourth = (find(paper_tables(read_runs(tmp_path)), name) for name in ("table_1", "table_4"))
    assert first.notes[0] == "missdiff is worse than independent draws in: row-0.2 (0.940, marginals 0.950)."
    assert fourth.notes[0] == "missdiff is worse than independent draws in: column-0.2 (2.060, marginals 2.000)."


def test_lower_errors_lead(tmp_path):
    write_run(tmp_path, dataset="mimic4ed", metrics={"utility/xgboost/rmse": 1.9})
    write_run(tmp_path, dataset="mimic4ed", method="diff_mean", metrics={"utility/xgboost/rmse": 1.5})
    table = find(paper_tables(read_runs(tmp_path)), "table_4")
    assert table.best == "low"
    assert table.notes[0] == "missdiff is not first in: row-0.2 (diff_mean 1.500, not 1.900)."
    assert row(table, "row-0.2")["missdiff"].paper == 1.826


def test_criteria_are_rows_of_tables_9_and_11(tmp_path):
    for missing in ("row", "mar"):
        write_run(tmp_path, missing, metrics={"utility/xgboost/f1": 0.4, "utility/xgboost/auroc": 0.6})
    tables = paper_tables(read_runs(tmp_path))
    assert [table.name for table in tables] == ["table_9", "table_11"]
    assert tables[0].metric is None
    assert row(tables[0], "row-0.2 f1")["missdiff"].mean == 0.4
    assert row(tables[0], "row-0.2 f1")["missdiff"].paper == 0.344
    assert row(tables[0], "row-0.2 auroc")["missdiff"].paper == 0.772
    assert row(tables[1], "mar-0.2 auroc")["diff_mean"].paper == 0.774
    assert len(tables[1].columns) - tables[1].references == 3


def test_every_table_of_the_paper_can_be_built(tmp_path):
    metrics = {number.metric: 0.5 for number in paper_numbers()}
    for dataset, missing, method in product(
        ("census", "mimic4ed"), ("row", "column", "independent", "mar", "nmar"), ("missdiff", "stasy_mean")
    ):
        for training, overrides in ((STASY_250, []), (STASY_1000, ["training.epochs=1000"])):
            write_run(
                tmp_path,
                missing,
                method=method,
                metrics=metrics,
                dataset=dataset,
                training=training,
                overrides=overrides,
            )
    numbers = {n.table for n in paper_numbers()}
    assert [table.name for table in paper_tables(read_runs(tmp_path))] == [f"table_{n}" for n in sorted(numbers)]


def test_stasy_of_1000_epochs_is_table_1_of_250_table_17(tmp_path):
    write_run(tmp_path, metrics={"fidelity/overall": 0.9})
    assert [table.name for table in paper_tables(read_runs(tmp_path))] == ["table_1"]
    write_run(tmp_path, method="stasy_mean", metrics={"fidelity/overall": 0.5}, training=STASY_250)
    tables = paper_tables(read_runs(tmp_path))
    assert row(find(tables, "table_1"), "row-0.2")["stasy_mean"].folders == ()
    assert row(find(tables, "table_17"), "row-0.2")["stasy_mean"].mean == 0.5
    assert row(find(tables, "table_17"), "row-0.2")["stasy_mean"].paper == 0.5008


def test_long_stasy_is_told_by_its_recipe_even_where_a_budget_counts_steps(tmp_path):
    cut = {"epochs": None, "n_steps": 5000, "batch_size": 64}
    write_run(
        tmp_path, method="stasy_mean_long", metrics={"fidelity/overall": 0.6}, training={**cut, "name": "stasy_long"}
    )
    write_run(tmp_path, method="stasy_mean", metrics={"fidelity/overall": 0.5}, training={**cut, "name": "stasy"})
    tables = paper_tables(read_runs(tmp_path))
    long, short = row(find(tables, "table_1"), "row-0.2"), row(find(tables, "table_17"), "row-0.2")
    assert (long["stasy_mean_long"].mean, long["stasy_mean_long"].paper) == (0.6, 0.5675)
    assert (short["stasy_mean"].mean, short["stasy_mean"].paper) == (0.5, 0.5008)
    assert "stasy_mean" not in long
    assert "stasy_mean_long" not in short
    assert setting_tables(read_runs(tmp_path))[0].columns[:2] == ("stasy_mean", "stasy_mean_long")


def test_variants_are_columns_named_by_what_differs(tmp_path):
    for overrides in ([], ["network=big"], ["budget=small", "network=big"]):
        write_run(tmp_path, overrides=overrides)
    write_run(tmp_path, method="diff_mean", overrides=["budget=small"])
    tables = read_runs(tmp_path)
    assert setting_tables(tables)[0].columns[:4] == (
        "missdiff",
        "missdiff network=big",
        "missdiff budget=small, network=big",
        "diff_mean",
    )
    first = dict(paper_tables(tables)[0].rows)["row-0.2"]
    assert [found.paper for found in first[:4]] == [0.8059, None, None, None]


def test_a_folder_of_an_older_version_tells_its_overrides(tmp_path):
    write_run(tmp_path)
    folder = write_run(tmp_path, overrides=["a.b=1-2", "c=_3_ 4_"])
    report = folder / "report.json"
    report.write_text(report.read_text().replace('"overrides"', '"old"'))
    assert setting_tables(read_runs(tmp_path))[0].columns[:2] == ("missdiff", "missdiff a.b=1-2, c=_3_ 4_")


def test_complete_and_marginals_are_beside_the_methods(tmp_path):
    for method, value in (("missdiff", 0.5), ("complete", 0.9), ("marginals", 0.8), ("stasy_missdiff", 0.4)):
        write_run(
            tmp_path,
            method=method,
            metrics={"fidelity/overall": value},
            references={"marginals": {"fidelity/overall": 0.7}},
        )
    (table,) = setting_tables(read_runs(tmp_path))
    assert table.columns == ("missdiff", "stasy_missdiff", "complete (run)", "marginals (run)", "marginals")
    assert table.references == 3


def test_a_table_for_every_dataset_and_metric(tmp_path):
    write_sweep(tmp_path, ratios=(0.5, 0.2), mechanisms=("independent", "row"))
    write_run(tmp_path, "native", None, dataset="own", metrics={"privacy/dcr_share": 0.5, "truth/d2_error": 0.1})
    tables = setting_tables(read_runs(tmp_path))
    assert {table.name: table.best for table in tables} == {
        "census-detection-xgboost": "high",
        "census-fidelity-overall": "high",
        "census-utility-xgboost-accuracy": "high",
        "own-privacy-dcr_share": "half",
        "own-truth-d2_error": "low",
    }
    assert [heading for heading, _ in tables[0].rows] == ["row-0.2", "row-0.5", "independent-0.2", "independent-0.5"]
    assert [heading for heading, _ in tables[-1].rows] == ["native"]


def test_unequal_seeds_warnings_and_references_that_disagree_are_said(tmp_path):
    write_run(tmp_path, seed=0, warnings=["only 5 rows"])
    write_run(tmp_path, seed=1, warnings=["only 7 rows"])
    write_run(tmp_path, method="diff_mean", references={"hot_deck": {"fidelity/overall": 0.1}})
    table = find(paper_tables(read_runs(tmp_path)), "table_1")
    assert "Warning: row-0.2: not all have the same number of seeds (missdiff 2, diff_mean 1)." in table.notes
    assert "Warning (2 runs, the first one's words): missdiff at row-0.2: only 5 rows." in table.notes
    assert sum("runs of one seed carry different hot_deck rows" in note for note in table.notes) == 1


def test_some_seeds_without_a_value_are_counted(tmp_path):
    write_run(tmp_path, method="diff_delete", seed=0)
    write_run(tmp_path, method="diff_delete", seed=1, reason="no row")
    table = find(paper_tables(read_runs(tmp_path)), "table_1")
    assert "No value: diff_delete at row-0.2 (1 of 2 seeds): no row." in table.notes


def test_mixed_commits_and_versions_are_named(tmp_path):
    write_run(tmp_path, seed=0)
    assert mixtures(read_runs(tmp_path)) == []
    write_run(tmp_path, seed=1, commit="f" * 40 + "+changes", versions={"python": "3.11", "sdmetrics": "0.31"})
    notes = mixtures(read_runs(tmp_path))
    assert len(notes) == 3
    assert COMMIT in notes[0]
    assert "+changes (1 runs)" in notes[0]
    assert "sdmetrics: 0.32.0 (1 runs), 0.31 (1 runs)" in notes[2]


def test_the_origin_states_budget_length_seeds_and_commit(tmp_path):
    for seed in (0, 2):
        write_run(tmp_path, method="stasy_mean", seed=seed, overrides=["budget=small"], training=STASY_250, n_used=900)
    write_run(tmp_path, method="diff_delete", reason="no row")
    first, second = origin(read_runs(tmp_path))
    assert f"3 runs, seeds 0, 2; commit {COMMIT}; evaluation=quick; 16,000 training rows" in first
    assert second == (
        "stasy_mean: budget full: 250 epochs, batches of 64 rows; 900 rows trained on; 100 s a run; "
        "settings: budget=small."
    )


def test_commands_cover_the_runs(tmp_path):
    write_sweep(tmp_path)
    write_run(tmp_path, "native", None, seed=7, overrides=["network.hidden=[64,128]"])
    lines = commands(read_runs(tmp_path))
    assert lines == [
        "python -m src.train --multirun dataset=census missing=row,independent ratio=0.2,0.5 "
        "method=missdiff,diff_delete,diff_mean seed=0,1",
        "python -m src.train dataset=census missing=native method=missdiff seed=7 'network.hidden=[64,128]'",
    ]
    assert shlex.split(lines[1])[-1] == "network.hidden=[64,128]"


points = st.tuples(
    st.sampled_from(["missdiff", "diff_mean", "own"]),
    st.sampled_from(["row", "mar"]),
    st.sampled_from([None, 0.2, 0.5]),
    st.integers(0, 3),
)


@settings(max_examples=60, deadline=None)
@given(st.sets(points, min_size=1))
def test_boxes_are_the_points_and_nothing_else(found):
    covered = [point for box in _boxes(found) for point in product(*box)]
    assert len(covered) == len(set(covered))
    assert set(covered) == found


def test_figure_1_as_numbers(tmp_path):
    for ratio, ours, other in ((0.1, 0.9, 0.8), (0.9, 0.5, 0.6)):
        for method, value in (("missdiff", ours), ("diff_mean", other)):
            metrics = {"fidelity/overall": value}
            write_run(tmp_path, "row", ratio, method=method, dataset="bayesian_network", metrics=metrics)
    write_run(tmp_path, "mar", 0.1, dataset="bayesian_network")
    (table,) = figure_1(read_runs(tmp_path))
    assert [heading for heading, _ in table.rows] == ["row-0.1", "row-0.9"]
    assert table.notes[0] == "missdiff is not first in: row-0.9 (diff_mean 0.600, not 0.500)."
    assert len(table.commands) == 1
    assert figure_1([run for run in read_runs(tmp_path) if run.ratio == 0.1]) == []
