"""Categories that differ only in case or blanks."""

import numpy as np
import pandas as pd
import pytest

from src.errors import ConfigError, TableError
from src.tables.columns.choice import ColumnChoice
from src.tables.columns.forms import RARE, Form
from src.tables.columns.sidecar import sidecar_of
from src.tables.columns.spellings import merged, variants
from src.tables.files.filling import open_holed
from src.tables.reading.frames import understood
from src.tables.reading.understanding import Rules
from tests.unit.tables.own import RNG, kinds, own, written

CELLS = ["Yes"] * 30 + ["yes"] * 4 + [" YES "] * 2 + ["No"] * 20 + ["no"] + ["maybe"] * 5 + [""] * 3


def file_of(tmp_path, cells=CELLS):
    lines = "".join(f"{cell},{i / 7:.2f}\n" for i, cell in enumerate(cells))
    return written(tmp_path, f"answer,x\n{lines}")


def test_spellings_are_grouped_and_merged_into_the_most_frequent():
    values, counts = ["YES", "Yes", "b  c", "b c", "d"], np.array([1, 5, 2, 2, 9])
    assert variants(values, counts) == [{"Yes": 5, "YES": 1}, {"b  c": 2, "b c": 2}]
    assert merged(values, counts)[0] == ["Yes", "b  c", "d"]
    assert merged(values, counts)[1].tolist() == [6, 4, 9]


def test_a_note_counts_spellings_and_its_key_merges_them(tmp_path):
    file = file_of(tmp_path)
    columns = own(file).understand()
    (note,) = columns.notes
    assert "'Yes' 30x, 'yes' 4x, ' YES ' 2x; 'No' 20x, 'no' 1x" in note
    assert "'dataset.merge_spellings=[answer]'" in note
    one = own(file, merge_spellings=["answer"]).understand()
    assert one.notes == ()
    assert one.layout["answer"].values == ("No", "Yes", "maybe")
    table = one.layout.table(one.frame, one.layout.schema(None), "there")
    assert table.frame["answer"].value_counts().to_dict() == {"Yes": 36, "No": 21, "maybe": 5}
    assert Form.from_dict(one.layout["answer"].to_dict()) == one.layout["answer"]
    assert one.layout["answer"].value_of("yES") == "Yes"


def test_observed_cells_of_a_filled_file_keep_their_spelling(tmp_path):
    file = file_of(tmp_path)
    columns = own(file, merge_spellings=["answer"]).understand()
    open_holed(file, columns.layout, columns.frame).write(tmp_path / "out.csv", {"answer": np.array(["Yes"] * 3)}, RNG)
    filled = pd.read_csv(tmp_path / "out.csv", dtype=str)["answer"].tolist()
    assert filled == [cell or "Yes" for cell in CELLS]


def test_new_spellings_of_a_further_file_are_known(tmp_path):
    layout = own(file_of(tmp_path), merge_spellings=["answer"]).understand().layout
    columns = own(written(tmp_path, "answer,x\nYES,1\nnO,2\nnever,3\n", "b.csv")).understand_as(layout)
    assert columns.layout["answer"].canonical(columns.frame["answer"], "b").tolist() == ["Yes", "No", "never"]


def test_rare_categories_are_counted_after_merging(tmp_path):
    cells = [*CELLS, *["rare"] * 2, *["Rare"] * 2]
    columns = own(file_of(tmp_path, cells), merge_spellings=["answer"], max_categories=3).understand()
    form = columns.layout["answer"]
    assert (form.values, form.rare, form.rare_counts) == (("No", "Yes"), ("Rare", "maybe"), (4, 5))
    assert form.canonical(pd.Series(["RARE", "yes"]), "there").tolist() == [RARE, "Yes"]


def test_a_sidecar_merges_or_says_that_they_differ(tmp_path):
    file = file_of(tmp_path)
    sidecar_of(file).write_text("columns:\n  answer: {merge_spellings: true}\n")
    assert own(file).understand().layout["answer"].values == ("No", "Yes", "maybe")
    sidecar_of(file).write_text("columns:\n  answer: {merge_spellings: false}\n")
    columns = own(file).understand()
    assert len(columns.layout["answer"].values) == 6
    assert not any("differ only" in note for note in columns.notes)
    sidecar_of(file).write_text("columns:\n  answer: {merge_spellings: perhaps}\n")
    with pytest.raises(ConfigError, match="merge_spellings is true or false, got 'perhaps'"):
        own(file).understand()


def test_only_categories_of_texts_have_spellings(tmp_path):
    with pytest.raises(TableError, match="'x' is of kind real; merge_spellings"):
        own(file_of(tmp_path), merge_spellings=["x"]).understand()


def test_frames_merge_too_and_ids_get_no_note():
    frame = pd.DataFrame({"answer": [cell or None for cell in CELLS], "name": [f"n{i}" for i in range(len(CELLS))]})
    frame.loc[0, "name"] = "N1"
    columns = understood(frame, {"answer": ColumnChoice(merge_spellings=True)}, Rules())
    assert columns.layout["answer"].values == ("No", "Yes", "maybe")
    assert kinds(columns)["name"] == "id"
    assert not any("differ only" in note for note in columns.notes)
