"""What a spreadsheet would run is written so that it does not, on request."""

import numpy as np
import pytest

from src.errors import ConfigError
from src.tables.files.writing import table_writer
from tests.unit.tables.own import own, written

TABLE = "name,change,note\n" + "".join(f'"{name}",{value},"{note}"\n' for name, value, note in [
    ("=1+1", -1.5, "@x"), ("+49 351", 2.5, "plain"), ("-", -3.5, "=HYPERLINK(A1)"), ("plain", 4.5, "a=b"),
] * 8)  # fmt: skip


def synthetic(tmp_path, formulas):
    source = own(written(tmp_path, TABLE), formulas=formulas, holes=[])
    split = source.load(0)
    out = tmp_path / "out.csv"
    with table_writer(out, split.layout) as rows:
        rows.add(split.train.frame, np.random.default_rng(0))
    return out.read_text().splitlines()


def test_texts_that_look_like_formulas_get_an_apostrophe_and_numbers_do_not(tmp_path):
    kept, escaped = (synthetic(tmp_path, formulas) for formulas in ("keep", "escape"))
    assert len(kept) == len(escaped)
    assert kept[0] == escaped[0] == "name,change,note"
    for before, after in zip(kept[1:], escaped[1:], strict=True):
        cells = [cell.strip('"') for cell in before.split(",")]
        expected = [f"'{cells[0]}" if cells[0][0] in "=+-" else cells[0], cells[1]]
        expected.append(f"'{cells[2]}" if cells[2][0] in "=@" else cells[2])
        assert [cell.strip('"') for cell in after.split(",")] == expected
    assert any("'-" in line for line in escaped)
    assert all(float(line.split(",")[1].strip('"')) for line in escaped[1:])


def test_other_choices_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"dataset\.formulas is keep or escape"):
        own(written(tmp_path, TABLE), formulas="run")
