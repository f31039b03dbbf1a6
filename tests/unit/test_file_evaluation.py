"""Two files against each other, without the command line around it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sdmetrics.reports import QualityReport

from src.config.compose import compose
from src.config.requests import build_evaluation_request
from src.errors import ConfigError, TableError
from src.metrics.base.scores import Scores
from src.metrics.catalogue import describe
from src.results.record.comparison import comparison_summary
from src.runs.compare_files import ceiling_rows, evaluate_files, read_tables
from src.runs.requests import FileComparison
from src.system.quoting import quoted_path
from src.tables.reading.pairing import MANY_UNSEEN
from tests.conftest import random_frame

QUICK = ["evaluation.detection_rows=100", "evaluation.references=false"]


@pytest.fixture
def files(tmp_path):
    frames = {"real": random_frame(300, 1), "synthetic": random_frame(200, 2), "test": random_frame(150, 3)}
    for name, frame in frames.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path


def request(folder: Path, *overrides: str, **names: str) -> FileComparison:
    files = {"real": "real.csv", "synthetic": "synthetic.csv", **names}
    arguments = [*(f"{key}={folder / name}" for key, name in files.items()), *overrides]
    built = build_evaluation_request(compose([quoted_path(argument) for argument in arguments], "evaluate"))
    assert isinstance(built, FileComparison)
    return built


def evaluate(folder: Path, *overrides: str, **names: str) -> dict:
    return evaluate_files(request(folder, *QUICK, *overrides, **names))


def sdmetrics_score(real, synthetic, categorical):
    report = QualityReport()
    report.real_correlation_threshold = report.real_association_threshold = 0
    columns = {name: {"sdtype": "categorical" if name in categorical else "numerical"} for name in real}
    report.generate({"t": real}, {"t": synthetic}, {"tables": {"t": {"columns": columns}}}, verbose=False)
    return report.get_score(), report.get_details("Column Shapes", table_name="t").set_index("Column")["Score"]


@pytest.mark.integration
def test_fidelity_is_that_of_sdmetrics_on_the_two_frames(files):
    real, synthetic = (pd.read_csv(files / f"{name}.csv") for name in ("real", "synthetic"))
    synthetic.loc[:9, "colour"] = ["pink", "black"] * 5
    synthetic.loc[:4, "label"] = 7
    synthetic[["label", "age", "colour", "height"]].to_csv(files / "synthetic.csv", index=False, sep=";")
    found = evaluate(files)
    overall, shapes = sdmetrics_score(real, synthetic, ["colour", "label"])
    assert found["metrics"]["fidelity/overall"] == pytest.approx(overall, abs=1e-9)
    assert found["per_column"] == pytest.approx(shapes.to_dict(), abs=1e-9)
    notes = "\n".join(found["notes"])
    assert "the columns of the synthetic file are in another order" in notes
    assert "column 'colour': 10 of 200 cells hold values the real table never has ('pink' 5x, 'black' 5x)" in notes
    assert "column 'label': 5 of 200 cells" in notes


@pytest.mark.integration
def test_a_format_changes_nothing(files):
    first = evaluate(files, "target=label")
    for name in ("real", "synthetic"):
        pd.read_csv(files / f"{name}.csv").to_parquet(files / f"{name}.parquet")
    second = evaluate(files, "target=label", real="real.parquet", synthetic="synthetic.parquet")
    assert second["metrics"] == pytest.approx(first["metrics"], abs=1e-9)
    assert second["per_pair"] == pytest.approx(first["per_pair"], abs=1e-9)


@pytest.mark.integration
def test_the_record_says_what_was_compared(files):
    wanted = request(files, *QUICK, "target=label", "exclude=height", f"out={files / 'a=1, b' / 'é.json'}")
    found = evaluate_files(wanted)
    assert json.loads(wanted.out.read_text()) == found
    assert found["columns"] == {"age": "numerical", "colour": "categorical", "label": "categorical"}
    assert found["n_rows"] == {"real": 300, "synthetic": 200}
    assert (found["target"], found["task"], found["seed"]) == ("label", "binary", 0)
    assert len(found["files"]["real"]["sha256"]) == 64
    assert found["files"]["real"]["path"] == str(files / "real.csv")
    assert request(files).out == files / "synthetic.evaluation.json"


@pytest.mark.integration
def test_without_a_test_file_the_real_rows_test_and_it_is_said(files):
    tables = read_tables(request(files, "target=label"))
    assert tables.split.test is tables.split.train
    assert any("utility is tested on the real file" in note for note in tables.notes)
    fresh = read_tables(request(files, "target=label", test="test.csv"))
    assert (fresh.split.train.n_rows, fresh.split.test.n_rows) == (300, 150)
    assert not any("utility is tested on the real file" in note for note in fresh.notes)
    none = read_tables(request(files))
    assert any("name the column to predict" in note for note in none.notes)


def test_a_category_of_the_test_file_is_a_real_one(files):
    pd.read_csv(files / "test.csv").assign(colour="violet").to_csv(files / "test.csv", index=False)
    pd.read_csv(files / "synthetic.csv").assign(colour="violet").to_csv(files / "synthetic.csv", index=False)
    tables = read_tables(request(files, test="test.csv"))
    assert tables.real.schema["colour"].categories == ("blue", "green", "red", "violet")
    assert not any("never has" in note for note in tables.notes)


@pytest.mark.integration
def test_privacy_needs_a_hold_out(files, monkeypatch):
    def with_privacy(*arguments, **more):
        return Scores({"fidelity/overall": 0.5, "privacy/dcr_share": 0.7, "privacy/copies": 0.1})

    monkeypatch.setattr("src.runs.compare_files.score", with_privacy)
    found = evaluate(files)
    assert found["metrics"] == {"fidelity/overall": 0.5, "privacy/dcr_share": None, "privacy/copies": 0.1}
    assert "test=FILE" in found["reasons"]["privacy/dcr_share"]
    found = evaluate(files, "evaluation.references=true", test="test.csv")
    assert found["metrics"]["privacy/dcr_share"] == 0.7
    assert found["references"]["ceiling"]["privacy/dcr_share"] is None


@pytest.mark.integration
def test_floor_and_ceiling_frame_a_good_table(files):
    found = evaluate(files, "target=label", "evaluation.references=true", test="test.csv")
    assert set(found["references"]) == {"floor", "floor_small", "ceiling"}
    floor, ceiling = found["references"]["floor"], found["references"]["ceiling"]
    name = "utility/xgboost/auroc"
    assert floor[name] < 0.65 < ceiling[name]
    assert floor[name] < found["metrics"][name]
    assert set(floor) == set(ceiling) == set(found["metrics"])
    real = replace(request(files, *QUICK, "target=label", test="test.csv"), synthetic=files / "real.csv")
    assert evaluate_files(real)["metrics"][name] == ceiling[name]


@pytest.mark.slow
def test_the_ceiling_of_tuned_models_is_not_chosen_on_rows_they_learned(files):
    paper = ["evaluation=paper", "evaluation.models=[decision_tree]", "evaluation.detection_rows=100", "target=label"]
    asked = request(files, *paper, test="test.csv")
    rows = ceiling_rows(read_tables(asked), asked)
    assert (rows.fitted.n_rows, rows.validation.n_rows, rows.test.n_rows) == (240, 60, 150)
    assert not set(rows.fitted.frame["height"]) & set(rows.validation.frame["height"])
    found = evaluate_files(asked)
    assert found["references"]["ceiling"]["utility/decision_tree/accuracy"] is not None
    quick = request(files, *QUICK, test="test.csv")
    assert ceiling_rows(read_tables(quick), quick).fitted.n_rows == 300


def with_holes(file: Path, share: float, seed: int, **columns: object) -> None:
    frame = pd.read_csv(file)
    holes = np.random.default_rng(seed).random(frame.shape) < share
    frame.mask(holes).assign(**columns).to_csv(file, index=False)


@pytest.mark.integration
def test_holes_of_either_table_leave_what_is_observed_to_compare(files):
    with_holes(files / "real.csv", 0.1, 0)
    with_holes(files / "synthetic.csv", 0.2, 1)
    found = evaluate(files, "target=label")
    assert not [name for name, value in found["metrics"].items() if value is None and name in METRICS_OF_HOLES]
    assert found["metrics"]["holes/share"] == pytest.approx(0.9, abs=0.03)
    assert "synthetic rows have holes" in found["reasons"]["fidelity/overall"]
    assert "complete of 200 synthetic rows" in found["reasons"]["privacy/copies"]
    assert found["details"]["holes/share"]["per_column"]["age"]["real"] == pytest.approx(0.1, abs=0.05)
    assert "holes/co_occurrence" in comparison_summary(found)


METRICS_OF_HOLES = (
    *("fidelity/overall", "dependence/weighted_nmi", "detection/xgboost", "detection/logistic"),
    *("coverage/beta_recall", "privacy/copies", "holes/share", "holes/co_occurrence"),
)


@pytest.mark.integration
def test_floor_and_ceiling_have_holes_where_the_synthetic_table_has_some(files):
    rng = np.random.default_rng(0)
    for name in ("real", "synthetic", "test"):
        frame = pd.concat([pd.read_csv(files / f"{name}.csv")] * 3)
        holes = (rng.random(len(frame)) < 0.3) & (frame["label"] == 1)
        frame["age"] = frame["age"].mask(holes)
        frame["height"] = frame["height"].mask(holes | (rng.random(len(frame)) < 0.1))
        frame.to_csv(files / f"{name}.csv", index=False)
    found = evaluate(files, "evaluation.references=true", test="test.csv")
    floor, ceiling = found["references"]["floor"], found["references"]["ceiling"]
    assert set(floor) == set(ceiling) == set(found["metrics"])
    for name in ("holes/co_occurrence", "holes/dependence"):
        assert floor[name] < 0.5 < ceiling[name]
        assert floor[name] < found["metrics"][name]
    assert min(floor["holes/share"], ceiling["holes/share"]) > 0.9


@pytest.mark.integration
def test_a_column_that_is_a_hole_throughout_is_named(files):
    with_holes(files / "synthetic.csv", 0.2, 0, age=np.nan)
    found = evaluate(files, "target=label")
    assert "left out: age" in found["reasons"]["fidelity/column_shapes"]
    assert found["metrics"]["privacy/copies"] is None
    assert "only the 0 complete of 200 synthetic rows" in found["reasons"]["privacy/copies"]
    assert any("the synthetic table has holes: age 200" in note for note in found["notes"])
    assert "fidelity/overall" in comparison_summary(found)


@pytest.mark.integration
def test_a_complete_table_beside_one_with_holes_has_no_scores_of_holes(files):
    with_holes(files / "real.csv", 0.1, 0)
    found = evaluate(files)
    assert not [name for name in found["metrics"] if name.startswith("holes/")]
    assert any("its holes are not scored" in note for note in found["notes"])


@pytest.mark.integration
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_what_is_a_hole_can_be_said_as_for_a_table_of_ones_own(files, suffix):
    marks = {"real": ["?", "NA", "none", "0"], "synthetic": ["?", "NA", "none", "-999.0"]}
    for name, cells in marks.items():
        frame = pd.read_csv(files / f"{name}.csv").assign(
            mark=np.resize(np.array(cells, object), len(pd.read_csv(files / f"{name}.csv")))
        )
        frame.loc[:9, "age"] = -999
        frame.to_csv(files / f"{name}.csv", index=False)
        frame.to_parquet(files / f"{name}.parquet")
    names = {"real": f"real{suffix}", "synthetic": f"synthetic{suffix}"}

    def holes(*overrides: str) -> tuple[list[object], list[int]]:
        tables = read_tables(request(files, *overrides, **names))
        both = pd.concat([tables.real.frame, tables.synthetic.frame])
        return sorted(both["mark"].dropna().unique()), [int(n) for n in both[["age", "mark"]].isna().sum()]

    assert holes() == (["-999.0", "0", "none"], [0, 250])
    assert holes("holes=[]") == (["-999.0", "0", "?", "NA", "none"], [0, 0])
    assert holes("holes=[none]") == (["-999.0", "0", "?", "NA"], [0, 125])
    assert holes("also_holes=[-999]") == (["0", "none"], [20, 300])
    assert holes("holes=[NA]", "also_holes=[none,-999]") == (["0", "?"], [20, 300])
    found = evaluate(files, "holes=[]", **names)
    assert (found["holes"], found["also_holes"]) == ([], [])
    marked = evaluate(files, "also_holes=[-999]", **names)["notes"]
    assert f"{files / names['real']}: read as holes: '?' 75x (holes lists what is one)" in marked
    assert found["per_column"]["mark"] == pytest.approx(0.75, abs=1e-4)


@pytest.mark.integration
@pytest.mark.parametrize(
    "cells", [["1", "2", "", "3"], ["007", "008", "", "009"], ["true", "false", "", "true"], ["a", 'b "c"', "", "d\ne"]]
)
def test_cells_mean_the_same_whether_or_not_holes_are_named(files, cells):
    for name in ("real", "synthetic"):
        frame = pd.read_csv(files / f"{name}.csv")
        frame.assign(more=np.resize(np.array(cells, object), len(frame))).to_csv(files / f"{name}.csv", index=False)
    usual, said = (read_tables(request(files, *more)) for more in ([], ["holes=[NA]"]))
    assert usual.real.schema == said.real.schema
    pd.testing.assert_frame_equal(usual.synthetic.frame, said.synthetic.frame)


@pytest.mark.integration
@pytest.mark.parametrize("n_rows", [1, 2, 6])
@pytest.mark.parametrize("target", ["label", "age", "colour"])
def test_tiny_tables_have_a_score_or_a_reason(files, n_rows, target):
    pd.read_csv(files / "synthetic.csv").head(n_rows).to_csv(files / "synthetic.csv", index=False)
    found = evaluate(files, f"target={target}", "evaluation.references=true")
    undefined = {name for name, value in found["metrics"].items() if value is None}
    assert undefined <= set(found["reasons"])
    assert "utility/" in comparison_summary(found)


@pytest.mark.integration
def test_one_column_and_one_class(files):
    for name in ("real", "synthetic"):
        pd.read_csv(files / f"{name}.csv")[["age"]].to_csv(files / f"{name}.csv", index=False)
    found = evaluate(files)
    assert 0 < found["metrics"]["fidelity/column_shapes"] < 1
    assert found["reasons"]["fidelity/column_pair_trends"] == "one column has no pairs"
    for name in ("real", "synthetic"):
        pd.read_csv(files / f"{name}.csv").assign(same="x").to_csv(files / f"{name}.csv", index=False)
    with pytest.raises(TableError, match="target 'same' cannot be predicted: it is of kind constant"):
        read_tables(request(files, "target=same"))
    found = evaluate(files, "target=same", "categorical=[same]")
    assert found["metrics"]["utility/xgboost/auroc"] is None
    assert "one class" in found["reasons"]["utility/xgboost/auroc"]


def test_a_category_drawn_as_decimals_stays_small(files):
    frame = pd.read_csv(files / "synthetic.csv")
    frame.assign(label=np.linspace(0, 1, 200)).to_csv(files / "synthetic.csv", index=False)
    tables = read_tables(request(files))
    assert len(tables.real.schema["label"].categories) == 2 + MANY_UNSEEN
    assert any("198 of 200 cells" in note for note in tables.notes)


def test_a_table_of_one_row_is_no_real_table(files):
    pd.read_csv(files / "real.csv").head(1).to_csv(files / "one.csv", index=False)
    with pytest.raises(TableError, match=r"one\.csv has one row"):
        read_tables(request(files, real="one.csv"))


@pytest.mark.integration
def test_a_column_of_one_file_only_can_be_left_out(files):
    pd.read_csv(files / "synthetic.csv").assign(id=1).to_csv(files / "synthetic.csv", index=False)
    with pytest.raises(TableError, match=r"only in the synthetic file \(synthetic\.csv\): 'id'"):
        read_tables(request(files))
    assert read_tables(request(files, "exclude=[id]")).synthetic.schema.names == ["age", "height", "colour", "label"]
    with pytest.raises(ConfigError, match="exclude names 'ids'"):
        read_tables(request(files, "exclude=[ids]"))


@pytest.mark.integration
@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["out=x.csv"], r"out is the name of a \.json file"),
        (["seed=-1"], "seed is not negative"),
        (["run=x"], r"run=\.\.\. is for finished runs"),
        (["likelihood=true"], r"likelihood=\.\.\. is for finished runs"),
        (["evaluation.detection_rows=1"], "detection_rows is at least 10"),
        (["synthetic=null"], "synthetic=FILE is missing"),
        (["real=null"], "real=FILE is missing"),
        (["real=null", "synthetic=null", "target=x"], "target=... goes with real=FILE synthetic=FILE"),
        (["target=age", "exclude=age"], "exclude names the target"),
        (["holes=NA"], "holes is a list or null, got 'NA'"),
        (["also_holes=null"], "also_holes is a list, got None"),
        (["real=null", "synthetic=null", "holes=[]"], "holes=... goes with real=FILE synthetic=FILE"),
        (["real=null", "synthetic=null", "also_holes=[-9]"], "also_holes=... goes with real=FILE"),
    ],
)
def test_a_wrong_request_is_refused_before_any_work(files, overrides, message):
    with pytest.raises(ConfigError, match=message):
        request(files, *overrides)


def test_the_real_file_is_no_hold_out(files):
    with pytest.raises(ConfigError, match=r"test=.* is the real file"):
        request(files, test="real.csv")


def test_names_and_paths_need_no_quotes_of_hydra():
    arguments = ["target=Gewicht (kg)", "real=/tmp/a=1, é.csv", "categorical=[Ort (heute),1]", "exclude=a b,c"]
    composed = compose([quoted_path(argument) for argument in arguments], "evaluate")
    marked = compose([quoted_path(argument) for argument in ("holes=[?, N/A]", "also_holes=-999,none")], "evaluate")
    assert (list(marked.holes), list(marked.also_holes)) == (["?", "N/A"], ["-999", "none"])
    assert quoted_path("holes=like_training") == "holes=like_training", "a word to src.sample"
    assert composed.target == "Gewicht (kg)"
    assert composed.real == "/tmp/a=1, é.csv"
    assert list(composed.categorical) == ["Ort (heute)", "1"]
    assert list(composed.exclude) == ["a b", "c"]
    assert quoted_path("""categorical=["a,b",c]""") == """categorical=["a,b",c]"""


def test_the_best_value_of_every_metric():
    best = {"fidelity/overall": "1", "utility/xgboost/rmse": "0", "privacy/dcr_share": "0.5", "privacy/copies": "0"}
    assert {name: describe(name).ideal() for name in best} == best


def test_rules_of_the_real_file_are_scored(tmp_path):
    rng = np.random.default_rng(0)
    real = pd.DataFrame({"a": rng.integers(0, 90, 300), "b": rng.normal(5, 2, 300).round(3)})
    real["total"] = real.a + real.b
    synthetic = real.head(200).copy()
    synthetic.loc[:49, "total"] += 1
    for name, frame in {"real": real, "synthetic": synthetic}.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    assert evaluate(tmp_path)["metrics"]["rules/kept"] == 0.75

    (tmp_path / "real.columns.yaml").write_text("rules: ['a <= 89']\n")
    declared = evaluate(tmp_path)
    assert declared["details"]["rules/kept"]["broken"]["a <= 89"] == {"real": 0, "synthetic": 0}
    assert declared["metrics"]["rules/kept"] == (0.75 + 1) / 2
