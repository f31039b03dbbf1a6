"""Numbers in styles of their own: currencies, units, thousands, exponents, uneven zeros, and dates as integers."""

import datetime
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.api import MissDiff
from src.errors import ConfigError, TableError
from src.tables.cells.number_style import NumberStyle
from src.tables.columns.forms import Form
from src.tables.files.filling import open_holed
from src.tables.files.writing import table_writer
from src.tables.formats.cell_format import CellFormat
from src.tables.formats.inference import infer_cell_format
from src.tables.formats.texts import wishes_of
from src.tables.reading.frames import chosen, understood
from src.tables.reading.understanding import Rules
from src.tables.text.delimited import Dialect
from tests.unit.tables.own import RNG, as_written, kinds, own, written

COMMA = Dialect()
SEMICOLON = Dialect(separator=";", decimal_comma=True)
TINY = {"training.n_steps": 20, "network.channels": 16}
STYLED = [
    (["$1,894.49", "$911.01", "-$5.00"], [1894.49, 911.01, -5.0]),
    (["$-5.00", "$3.10"], [-5, 3.1]),
    (["($5.00)", "$3,000.10"], [-5, 3000.1]),
    (["$(5.00)", "$3.10"], [-5, 3.1]),
    (["US$5", "US$12.50"], [5, 12.5]),
    (["USD 5", "USD 7"], [5, 7]),
    (["6.85 €", "48.09 €"], [6.85, 48.09]),
    (["6.85\u00a0€", "48.09\u00a0€"], [6.85, 48.09]),
    (["1.234,50 €", "9,00 €"], [1234.5, 9]),
    (["48.3%", "7.8%"], [48.3, 7.8]),
    (["48 %", "-7 %"], [48, -7]),
    (["+1.5%", "-0.3%"], [1.5, -0.3]),
    (["361,428", "92,101", "7"], [361428, 92101, 7]),
    (["1,234,567", "5"], [1234567, 5]),
    (["1.234.567", "5"], [1234567, 5]),
    (["1.234,5", "5,0"], [1234.5, 5]),
    (["12,34", "0,50"], [12.34, 0.5]),
    (["0,123", "1,234"], [0.123, 1.234]),
    (["1 234", "999", "12 345"], [1234, 999, 12345]),
    (["1\u202f234,5", "999,0"], [1234.5, 999]),
    (["1'234.5", "2.5"], [1234.5, 2.5]),
    (["(9.99)", "52.16"], [-9.99, 52.16]),
    (["5-", "7"], [-5, 7]),
    (["−5.5", "7.0"], [-5.5, 7]),
    (["99 kg", "108 kg"], [99, 108]),
    (["99kg", "108kg"], [99, 108]),
    (["45 m2", "120 m2"], [45, 120]),
    (["12°C", "-3°C"], [12, -3]),
    (["3 stars", "5 stars"], [3, 5]),
    ([".5", "-1.25", ".25"], [0.5, -1.25, 0.25]),
    (["3", "1.50", "2.25"], [3, 1.5, 2.25]),
    (["5.844e+08", "-1.457e-07"], [5.844e8, -1.457e-7]),
    (["5.844E8", "1.457E12"], [5.844e8, 1.457e12]),
    (["1.5e-05", "2e-05"], [1.5e-5, 2e-5]),
    (["1.0E+003", "2.5E+010"], [1000, 2.5e10]),
]


def texts(cells):
    return pd.Series(pd.Categorical(cells), name="a")


def found_in(cells, dialect=COMMA, kind=None, decimal=None):
    said = []
    return infer_cell_format(texts(cells), dialect, "there", wishes_of(kind, decimal, dialect, said.append)), said


@pytest.mark.parametrize(("cells", "values"), STYLED)
@pytest.mark.parametrize("of_frame", [False, True])
def test_numbers_are_read_and_written_in_their_style(cells, values, of_frame):
    column = pd.Series(cells, dtype=object) if of_frame else texts(cells)
    found = infer_cell_format(column, None if of_frame else COMMA, "there")
    assert found.content == "number"
    assert found.parse(column, "there").tolist() == values
    assert found.write(pd.Series(values, dtype=float), for_text_file=True).tolist() == cells
    own_cells = found.write(pd.Series(values, dtype=float))
    assert own_cells.tolist() == (cells if of_frame else values)


@pytest.mark.parametrize(
    "cells",
    [
        ["+49 30 1387664", "+49 30 6260210"],
        ["A12", "C232"],
        ["INV-0012", "INV-0013"],
        ["10-19", "20-29", "30+"],
        ["Room 5", "Room 6"],
        ["Level 3", "Level 4"],
        ["00763", "38595"],
        ["123 456 789", "987 654 321"],
        ["030 123 456", "030 987 654"],
        ["$5", "7 €"],
        ["$5", "7"],
        ["5 kg", "6 lb"],
        ["007 kg", "12 kg"],
        ["5pm", "6pm"],
        ["5 pm", "6 pm"],
        ["12 March", "13 March"],
        ["1st", "2nd"],
        ["<5", "<6"],
        ["#1", "#2"],
        ["1,2,3", "4,5,6"],
        ["3,4", "1,12"],
        ["192.168.0.1", "10.0.0.12"],
        ["1,23,456.50", "5.00"],
        ["12,34,567", "1"],
        ["(1)", "(2)"],
        ["5-", "7-"],
        ["$99999999999999999", "$1"],
        ["5 Main St", "12 High St"],
    ],
)
def test_texts_that_are_no_numbers_stay_texts(cells):
    assert found_in(cells)[0].content == "text"


@pytest.mark.parametrize(
    ("cells", "dialect", "decimal", "values", "meant"),
    [
        (["1,234", "5,678"], COMMA, None, [1234, 5678], "separate thousands.*decimal=','"),
        (["1,234", "5,678"], SEMICOLON, None, [1.234, 5.678], r"are decimal signs.*decimal='\.'"),
        (["1,234", "5,678", "99"], SEMICOLON, None, [1234, 5678, 99], "separate thousands.*decimal=','"),
        (["1,234 kg", "5,678 kg"], SEMICOLON, None, [1.234, 5.678], r"are decimal signs.*decimal='\.'"),
        (["1,234", "5,678"], None, None, [1234, 5678], "separate thousands.*decimal=','"),
        (["1,234", "5,678"], SEMICOLON, ".", [1234, 5678], None),
        (["1,234", "5,678"], COMMA, ",", [1.234, 5.678], None),
        (["1,234", "5,678"], None, ",", [1.234, 5.678], None),
        (["1.234", "5.678"], None, ",", [1234, 5678], None),
        (["1,234 €", "5,678 €"], COMMA, None, [1234, 5678], None),
        (["1.234 €", "5.678 €"], SEMICOLON, None, [1234, 5678], None),
        (["1,23", "5,678"], SEMICOLON, None, [1.23, 5.678], None),
        (["1.234", "5.678"], SEMICOLON, None, [1.234, 5.678], None),
    ],
)
def test_a_comma_that_may_separate_thousands_is_decided_and_said(cells, dialect, decimal, values, meant):
    column = texts(cells) if dialect else pd.Series(cells, name="a", dtype=object)
    said = []
    found = infer_cell_format(column, dialect, "there", wishes_of(None, decimal, dialect, said.append))
    assert found.parse(column, "there").tolist() == values
    assert found.write(pd.Series(values, dtype=float), for_text_file=True).tolist() == cells
    assert bool(said) == (meant is not None)
    assert all(re.search(f"column 'a'.*{meant}", sentence) for sentence in said)


@pytest.mark.parametrize(
    ("kind", "decimal", "message"), [(None, ";", "decimal is . or , got ';'"), ("real", "", "decimal is . or ,")]
)
def test_another_decimal_sign_is_refused(kind, decimal, message):
    with pytest.raises(ConfigError, match=message):
        MissDiff(decimal=decimal).fit(pd.DataFrame({"a": [1, 2, 3]}))


@st.composite
def styles(draw):
    before, after = draw(st.sampled_from([("", ""), ("$", ""), ("US$ ", ""), ("", "%"), ("", " kg"), ("", "\u00a0€")]))
    negative = draw(st.sampled_from(["-#", "#-", "(#)", "−#"]))
    start, end = negative.split("#")
    comma = draw(st.booleans())
    thousands = draw(st.sampled_from(["", "." if comma else ",", " ", "'", "\u202f"]))
    digits = draw(st.integers(0, 4))
    style = NumberStyle(before, after, start + before, after + end, thousands, draw(st.booleans()), draw(st.booleans()))
    return CellFormat("number", "float64", decimals=digits, least_decimals=digits, comma=comma, style=style)


@pytest.mark.integration
@settings(max_examples=150, deadline=None)
@given(styles(), st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=6))
def test_what_is_written_in_a_style_is_read_as_the_rounded_number(cells, numbers):
    written_texts = cells.write(pd.Series(numbers), for_text_file=True)
    means = cells.parse(written_texts, "there")
    assert means.tolist() == (pd.Series(numbers).round(cells.decimals) + 0.0).tolist()
    assert cells.write(means, for_text_file=True).tolist() == written_texts.tolist()


@pytest.mark.integration
@settings(max_examples=150, deadline=None)
@given(styles(), st.lists(st.floats(-1e9, 1e9), min_size=12, max_size=20), st.sampled_from([COMMA, SEMICOLON]))
def test_a_style_is_found_in_what_it_wrote(cells, numbers, dialect):
    numbers = [*numbers, -1.5, 2345678.5, 20.25]
    column = texts(cells.write(pd.Series(numbers), for_text_file=True).unique())
    found = infer_cell_format(column, dialect, "there")
    if found.content == "text":  # telephone numbers, or lists such as 3,4
        return
    means = found.parse(column, "there")
    assert found.write(means, for_text_file=True).tolist() == column.tolist()


@pytest.mark.integration
@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.floats(1e-200, 1e200), min_size=1, max_size=8),
    st.integers(0, 8),
    st.sampled_from(["e+00", "E+00", "e0", "E+000"]),
)
def test_any_numbers_in_scientific_notation_come_back(numbers, mantissa, exponent):
    style = NumberStyle(exponent=exponent, mantissa=mantissa)
    cells = CellFormat("number", "float64", least_decimals=mantissa, style=style)
    column = texts(cells.write(pd.Series(numbers), for_text_file=True).unique())
    found = infer_cell_format(column, COMMA, "there")
    means = found.parse(column, "there")
    assert found.write(means, for_text_file=True).tolist() == column.tolist()
    drawn = found.write(means * 1.2345678912345)
    assert found.parse(found.write(drawn, for_text_file=True), "there").tolist() == drawn.tolist()


def repeated(cells, n=4):
    return [cell for cell in cells for _ in range(n)]


@pytest.mark.parametrize(
    "cells",
    [["1.10", "1.2", "1.9"], ["250.0", "250.00", "250.10"], ["1.0", "1", "2.5"], ["1,10", "1,2"], [".5", "0.5", "2.5"]],
)
def test_few_numbers_that_are_spelled_unevenly_are_texts(cells, tmp_path):
    file = written(tmp_path, "a;x\n" + "".join(f"{cell};{i}\n" for i, cell in enumerate(repeated(cells))))
    columns = own(file).understand()
    assert (kinds(columns)["a"], columns.layout["a"].values) == ("category", tuple(sorted(cells)))
    assert any(re.search("'a'.*are texts.*dataset.numerical=", note) for note in columns.notes)
    chosen = own(file, numerical=["a"]).understand()
    assert kinds(chosen)["a"] == "real"
    assert not any("'a'" in note for note in chosen.notes)


def test_many_numbers_that_are_spelled_unevenly_are_numbers(tmp_path):
    cells = [str(i / 10) for i in range(100, 150)] + [f"{i}.50" for i in range(20)]
    columns = own(written(tmp_path, "a,x\n" + "".join(f"{cell},{i}\n" for i, cell in enumerate(cells)))).understand()
    assert kinds(columns)["a"] == "real"
    assert any(re.search("'a'.*spelling is not kept.*dataset.categorical=", note) for note in columns.notes)


@pytest.mark.parametrize(
    "cells",
    [
        ["1.5", "2.0", "10"],
        ["1", "1.5", "2"],
        ["1.0", "2.0", "3.25"],
        ["0.0", "-0.0", "1.5"],
        ["1e-05", "0.5", "100.0"],
        ["0.1", "0.12", "0.125"],
        ["0.30000000000000004", "0.3", "0.300000000000000044"],
        ["3", "1.50", "2.25"],
        ["1", "2", "3"],
    ],
)
def test_numbers_as_programs_write_them_are_numbers_without_a_note(cells):
    found, said = found_in(repeated(cells))
    assert (found.content, said) == ("number", [])


DAYS = [20240229, 20231231, 20240101, 19991231]


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(DAYS),
        pd.Series(DAYS, dtype="int32"),
        pd.Series(DAYS, dtype="uint64"),
        pd.Series([*DAYS, np.nan]),
        pd.Series([*DAYS, None], dtype="Int64"),
        pd.Series([*DAYS, None], dtype="int64[pyarrow]"),
        pd.Series(DAYS, dtype=object),
        pd.Series([*DAYS, None], dtype=object),
        pd.Series(list(map(str, DAYS)), dtype=object),
        pd.Series([y * 100 + m for y in (2023, 2024) for m in range(1, 13)]),
    ],
)
def test_integers_that_are_dates_are_dates_and_stay_integers(column):
    said = []
    column = column.rename("a")
    found = infer_cell_format(column, None, "there", wishes_of(None, None, None, said.append))
    assert found.content == "date"
    assert len(said) == 1
    assert re.search("'a'.*are dates; .*dataset.numerical=", said[0])
    means = found.parse(column, "there")
    if len(column) < 10:
        first = (datetime.date(2024, 2, 29) - datetime.date(1970, 1, 1)).days
        assert means[0] == first
        drawn = found.write(pd.Series([first + 1.0]), for_text_file=True)
        assert drawn.tolist() == ["20240301"]
    written_cells = found.write(means)
    pd.testing.assert_series_equal(written_cells.where(written_cells.notna(), None), column.where(column.notna(), None))
    assert infer_cell_format(column, None, "there", wishes_of("integer", None, None, str)).content != "date"


@pytest.mark.parametrize(
    "cells", [[20240229, 20240230, 20240101], [20240229, 20231231], [18991231, 20240101, 20240102], [202401, 202402]]
)
def test_other_integers_are_numbers(cells):
    assert infer_cell_format(pd.Series(cells), None, "there").content == "number"
    assert infer_cell_format(texts(list(map(str, cells))), COMMA, "there").content == "number"


def exported(n=60):
    """Rows as a spreadsheet exports them, by column."""
    rng = np.random.default_rng(0)
    amounts = rng.normal(1000, 2000, n).round(2)
    days = pd.to_datetime(rng.integers(8000, 19000, n), unit="D")
    return pd.DataFrame(
        {
            "price": [f"{'-' if x < 0 else ''}${abs(x):,.2f}" for x in amounts],
            "book": [f"({-x:,.2f})" if x < 0 else f"{x:,.2f}" for x in amounts],
            "share": [f"{x:.1f}%" for x in rng.uniform(0, 100, n)],
            "euro": [f"{x:,.2f} €".replace(",", "_").replace(".", ",").replace("_", ".") for x in abs(amounts)],
            "weight": [f"{x} kg" for x in rng.integers(40, 120, n)],
            "power": [f"{x:.3e}" for x in 10 ** rng.uniform(3, 9, n)],
            "day": [f"{day:%Y%m%d}" for day in days],
            "version": rng.choice(["1.10", "1.2", "1.9"], n),
        }
    )


def with_holes(frame, every=5):
    holes = (np.arange(len(frame))[:, None] + np.arange(frame.shape[1])) % every == 0
    return frame.mask(holes)


@pytest.mark.parametrize("quoting", [0, 2])
def test_a_file_of_styles_is_written_and_filled_as_it_stands(quoting, tmp_path):
    frame = with_holes(exported()).assign(x=np.arange(60) / 4)
    file = tmp_path / "t.csv"
    frame.to_csv(file, index=False, quoting=quoting)
    columns = own(file, formulas="escape").understand()
    assert kinds(columns) == {
        **dict.fromkeys(["price", "book", "share", "euro", "power", "x"], "real"),
        "weight": "integer",
        "day": "date",
        "version": "category",
    }
    layout = columns.layout.with_formulas("escape")
    assert type(layout).from_dict(layout.to_dict()) == layout
    back = as_written(columns)
    for name in exported().columns:
        observed = frame[name].notna()
        assert back[name][observed].tolist() == frame[name][observed].tolist()
    assert as_written(columns, for_text_file=False)[["price", "power", "weight"]].dtypes.tolist() == [float] * 3
    table = layout.table(columns.frame, layout.schema(None), "there").frame
    with table_writer(tmp_path / "out.csv", layout) as rows:
        rows.add(table.dropna(), np.random.default_rng(0))
    complete = pd.read_csv(file, dtype=str).dropna()
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "out.csv", dtype=str), complete.reset_index(drop=True))
    lines = file.read_text().splitlines()
    full = [line for line, row in zip(lines[1:], frame.notna().all(axis=1), strict=True) if row]
    if quoting == 0:
        assert (tmp_path / "out.csv").read_text().splitlines() == [lines[0], *full]
    means = {name: table[name].dropna() for name in table}
    holed = open_holed(file, columns.layout, columns.frame)
    fills = {name: means[name].to_numpy()[: len(rows)] for name, rows in holed.holes.items()}
    holed.write(tmp_path / "filled.csv", fills, np.random.default_rng(0))
    filled = pd.read_csv(tmp_path / "filled.csv", dtype=str)
    for name, rows in holed.holes.items():
        assert filled[name][rows].tolist() == frame[name].dropna().tolist()[: len(rows)]
    again = own(tmp_path / "filled.csv").understand()
    assert kinds(again) == kinds(columns)


def test_integer_dates_of_parquet_are_filled_as_integers(tmp_path):
    days = exported()["day"].astype(int)
    frame = pd.DataFrame({"day": days.astype("Int64").mask(days.index % 7 == 0), "whole": days.astype("int32")})
    frame.to_parquet(tmp_path / "t.parquet")
    columns = own(tmp_path / "t.parquet").understand()
    assert set(kinds(columns).values()) == {"date"}
    back = as_written(columns, for_text_file=False)
    assert back["whole"].tolist() == days.tolist()
    assert back["whole"].dtype == "int32"
    holed = open_holed(tmp_path / "t.parquet", columns.layout, columns.frame)
    first = (datetime.date(2024, 2, 28) - datetime.date(1970, 1, 1)).days
    holed.write(tmp_path / "f.parquet", {"day": first + np.arange(9.0)}, RNG)
    filled = pd.read_parquet(tmp_path / "f.parquet")["day"]
    assert filled[frame["day"].isna()].tolist()[:3] == [20240228, 20240229, 20240301]
    with table_writer(tmp_path / "out.parquet", columns.layout) as rows:
        rows.add(columns.layout.table(columns.frame, columns.layout.schema(None), "there").frame, RNG)
    assert pd.read_parquet(tmp_path / "out.parquet")["whole"].tolist() == days.tolist()


def test_what_a_styled_column_is_fixed_to(tmp_path):
    exported().to_csv(tmp_path / "t.csv", index=False)
    layout = own(tmp_path / "t.csv").understand().layout
    share, day = exported()["share"][3], exported()["day"][3]
    assert layout["share"].value_of(share) == layout["share"].value_of(float(share.rstrip("%")))
    assert layout["day"].value_of(int(day)) == layout["day"].value_of(day)
    assert layout["day"].cells.write(pd.Series([layout["day"].value_of(day)])).tolist() == [int(day)]
    with pytest.raises(TableError, match=r"seen from \(.* to .*, got 99999"):
        layout["book"].value_of(99999)
    with pytest.raises(TableError, match=r"column 'price': expected a number like \$1,234.50, got '12'"):
        layout["price"].value_of("12")
    with pytest.raises(TableError, match="no values as fine as"):
        layout["share"].value_of(50.123)


def test_the_user_says_what_integers_and_commas_are(tmp_path):
    days = exported()["day"]
    file = written(
        tmp_path, "day,key,id,c\n" + "".join(f'{d},{d},{d[:4]}{i},"{i},500"\n' for i, d in enumerate(days, 1))
    )
    assert kinds(own(file, numerical=["day"]).understand())["day"] == "integer"
    assert kinds(own(file, categorical=["day"]).understand())["day"] == "category"
    assert kinds(own(file, ids=["key"]).understand())["key"] == "id"
    assert own(file).understand().layout["c"].cells.high == 60500
    sidecar = written(
        tmp_path, 'columns:\n  day: {kind: date, pattern: "%Y%m%d"}\n  c: {decimal: ","}\n', "t.columns.yaml"
    )
    columns = own(file, columns=str(sidecar)).understand()
    assert columns.layout["c"].cells.high == 60.5
    assert as_written(columns)["day"].tolist() == days.tolist()
    assert columns.layout["day"].cells.dtype == "int64"
    assert own(file, decimal=",").understand().layout["c"].cells.high == 60.5


@pytest.mark.parametrize(
    ("cells", "kind", "note"),
    [
        (
            [str(2**60 + i) for i in range(30)],
            "id",
            r"beyond 2\^53, which floats would round, are not",
        ),
        (
            [str(2**60 + i % 3) for i in range(30)],
            "category",
            r"floats would round, are learned as",
        ),
        ([f"{i:05d}" for i in range(9990, 10020)], "id", "leading zeros such as '09990' are codes"),
        ([f"{'$' if i % 9 else '€'}{i}.5" for i in range(30)], "id", "because others are written otherwise"),
        ([f"{i % 3:02d}" for i in range(30)], "category", None),
    ],
)
def test_notes_name_the_reason_why_numbers_are_texts(cells, kind, note, tmp_path):
    columns = own(
        written(tmp_path, "a,x\n" + "".join(f"{cell},{i / 4}\n" for i, cell in enumerate(cells)))
    ).understand()
    assert kinds(columns)["a"] == kind
    said = [sentence for sentence in columns.reading_notes if "'a'" in sentence]
    assert [re.search(note, sentence) is not None for sentence in said] == [True] if note else not said


def test_row_numbers_with_thousands_go_on_in_their_style(tmp_path):
    file = written(tmp_path, "n,x\n" + "".join(f'"{i:,}",{i % 7}\n' for i in range(1, 1101)))
    columns = own(file).understand()
    assert kinds(columns)["n"] == "id"
    back = columns.layout.restore(pd.DataFrame({"x": [1.0, 2.0]}), 1099, RNG, for_text_file=True)
    assert back["n"].tolist() == ["1,100", "1,101"]


def test_a_stored_format_without_a_style_is_read():
    form = Form("a", "real", CellFormat("number", "float64", decimals=2))
    stored = form.to_dict()
    del stored["cells"]["style"]
    assert Form.from_dict(stored) == form


@pytest.mark.integration
def test_a_frame_of_styled_texts_is_filled_and_drawn_in_their_style():
    frame = with_holes(exported(80)).assign(x=np.arange(80.0), whole=exported(80)["day"].astype("int32"))
    model = MissDiff(settings=TINY).fit(frame)
    assert model.columns_.loc[["price", "day", "version", "whole"], "kind"].tolist() == [
        *("real", "date", "category", "date")
    ]
    filled, drawn = model.impute(frame, n_draws=2), model.sample(30)
    shapes = {
        "price": r"-?\$(\d{1,3},)?\d{1,3}\.\d\d",
        "book": r"(?:\d,)?\d{1,3}\.\d\d|\((?:\d,)?\d{1,3}\.\d\d\)",
        "share": r"\d{1,2}\.\d%",
        "euro": r"(\d\.)?\d{1,3},\d\d €",
        "weight": r"\d{2,3} kg",
        "power": r"\d\.\d{3}e\+0\d",
        "day": r"\d{8}",
        "version": r"1\.(10|2|9)",
    }
    for name, shape in shapes.items():
        for column in (filled[name], drawn[name]):
            assert all(type(cell) is str and re.fullmatch(shape, cell) for cell in column)
        observed = frame[name].notna()
        assert filled[name][observed].tolist() == frame[name][observed].tolist()
    assert (drawn["whole"].dtype, filled["whole"].dtype) == ("int32", "int32")
    pd.to_datetime(drawn["whole"].astype(str), format="%Y%m%d")
    pd.to_datetime(filled["day"], format="%Y%m%d")


def test_an_open_end_is_a_date_among_integer_dates():
    cells = pd.Series([20200131, 20210630, 20220115, 99991231] * 5, name="end")
    found = infer_cell_format(cells, None, "there", wishes_of(None, None, None, str))
    assert (found.content, found.pattern) == ("date", "%Y%m%d")
    assert found.write(found.parse(cells, "there")).tolist() == cells.tolist()


def of_frame(frame, **parameters):
    return understood(frame, chosen(frame, MissDiff(**parameters).get_params()), Rules())


def test_a_frame_says_what_its_commas_are():
    frame = pd.DataFrame({"a": [f"{i},500" for i in range(1, 40)], "x": np.arange(39.0)})
    assert of_frame(frame, decimal=",").layout["a"].cells.high == 39.5
    columns = of_frame(frame)
    assert columns.layout["a"].cells.high == 39500
    assert any("set decimal=','" in note for note in columns.notes)
    assert kinds(of_frame(frame, categorical=["a"]))["a"] == "category"
