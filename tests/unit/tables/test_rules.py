"""Rules between columns: read, refused, found, and kept in rows that a stub draws."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from src.errors import ConfigError, MissDiffError, TableError
from src.system.quoting import quoted_path, setting
from src.tables.columns.sidecar import sidecar_of
from src.tables.files.layout import Layout
from src.tables.imputations import Imputations
from src.tables.reading.frames import understood
from src.tables.reading.understanding import Rules
from src.tables.rules.estimates import kept_cells, unkept_notes
from src.tables.rules.expression import Choice, Lookup, Sums, column_text, read_rule
from src.tables.rules.keeper import MOST_ROUNDS, ROUNDS_OF_FOUND, ROUNDS_OF_FOUND_WHERE_FIXED
from src.tables.rules.proposed import LEAST_ROWS
from src.tables.rules.solving import FREE, GIVEN, MISSING, solution
from tests.unit.tables.own import own, written

N = 400
STATES = {"NYC": "NY", "Buffalo": "NY", "LA": "CA", "SF": "CA", "Salem": "MA", "Boston": "MA"}
DECLARED = ("end >= `start day`", "total = net + tax", "state = f(city)", "one_of(car, bus)", "rest = 100 - part")


def orders(holes=0.1, n_rows=N):
    rng = np.random.default_rng(0)
    start, city, car = rng.integers(0, 300, n_rows), rng.choice(list(STATES), n_rows), rng.integers(0, 2, n_rows)
    net = rng.integers(1_000, 200_000, n_rows) / 100
    tax = np.round(rng.random(n_rows) * net, 2)
    part = rng.integers(0, 101, n_rows)
    day = np.datetime64("2020-01-01", "D")
    frame = pd.DataFrame(
        {
            "start day": (day + start).astype(str),
            "end": (day + start + rng.integers(0, 90, n_rows)).astype(str),
            "city": city,
            "state": [STATES[name] for name in city],
            "net": [f"${number:,.2f}" for number in net],
            "tax": tax,
            "total": np.round(net + tax, 2),
            "part": part,
            "rest": 100 - part,
            "car": np.where(car == 1, "yes", "no"),
            "bus": 1 - car,
        }
    )
    return frame.mask(rng.random(frame.shape) < holes)


def columns_of(frame, *rules):
    return understood(frame, {}, Rules(between=rules))


def keeper_and_table(frame, *rules):
    layout = columns_of(frame, *rules).layout
    return layout.keeper(), layout.table(frame, layout.schema(None), "there"), layout


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("end >= start", Sums({"end": Fraction(-1), "start": Fraction(1)}, "<=", Fraction(0))),
        ("a < 3", Sums({"a": Fraction(1)}, "<", Fraction(3))),
        ("t = a + 2*b - 0.1", Sums({"t": 1, "a": -1, "b": -2}, "=", Fraction(-1, 10), "t")),
        ("a + b == 100", Sums({"a": 1, "b": 1}, "=", Fraction(100))),
        ('`gross pay` >= "net = pay"', Sums({"gross pay": -1, "net = pay": 1}, "<=", Fraction(0))),
        ("state = f(city, 'zip code')", Lookup("state", ("city", "zip code"))),
        ("one_of(a, `b c`)", Choice(("a", "b c"))),
        ("-(a - b) <= +1", Sums({"a": -1, "b": 1}, "<=", Fraction(1))),
    ],
)
def test_a_text_is_read(text, meaning):
    assert read_rule(text) == meaning


@pytest.mark.parametrize(
    "text",
    [
        *("", "a", "a * b > 1", "a / 2 > b", "a <= b <= c", "a != b", "a = a", "x = g(a)", "one_of(a)", "f(a)"),
        *("__import__('os').system('true')", "a.b > 1", "a[0] > 1", "(lambda: 1)() > a", "a > True", "a = f(a)"),
        *("a > 1e999", "a >= `b", "a := 3", "not a > b", "(" * 500 + "a", "a" + "-" * 9000 + "b > 1", "a > 1; b"),
    ],
)
def test_all_else_is_refused_with_its_text(text):
    with pytest.raises(ConfigError, match="rule "):
        read_rule(text)


@pytest.mark.parametrize("name", ["a", "a b", "class", "a`b", "größe", "it's", 'x"y', "f", "a\\"])
def test_a_name_is_written_so_that_it_reads_back(name):
    assert read_rule(f"{column_text(name)} >= 1").terms == {name: -1}


def test_a_setting_is_read_as_it_was_typed():
    typed = "dataset.rules=[end >= start,total = a + b,state = f(city, zip),one_of(a, `b, c`)]"
    texts = ["'end >= start'", "'total = a + b'", "'state = f(city, zip)'", "'one_of(a, `b, c`)'"]
    assert quoted_path(typed) == f"dataset.rules=[{','.join(texts)}]"
    assert quoted_path("dataset.rules=['a >= b']") == "dataset.rules=['a >= b']"
    assert setting("dataset.rules", ["end >= start"]) == "'dataset.rules=[end >= start]'"


def test_rules_that_every_row_keeps_are_found_and_can_be_declared(tmp_path):
    file = written(tmp_path, orders().to_csv(index=False))
    columns = own(file).understand()
    found = {one.rule.text for one in columns.found_rules}
    assert found == {"end >= `start day`", "total = net + tax", "state = f(city)", "rest = 100 - part", "bus = f(car)"}
    assert any("'dataset.rules=[total = net + tax]'" in note for note in columns.notes)
    again = own(file, rules=["state = f(city)"]).understand()
    assert len(again.found_rules) == 4
    assert "kept in every row that is drawn or filled: state = f(city)" in again.notes
    sidecar_of(file).write_text('rules: ["total = net + tax"]\n')
    assert len(own(file, rules=["state = f(city)"]).understand().layout.rules) == 2
    sidecar_of(file).write_text("rules: total = net\n")
    with pytest.raises(ConfigError, match="rules is a list of texts"):
        own(file).understand()


def test_chance_and_one_row_are_no_rule():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({name: rng.normal(size=300) for name in "abcd"})
    frame["kind"], frame["group"] = rng.choice(list("uvwxyz"), 300), rng.choice(list("pq"), 300)
    assert columns_of(frame).found_rules == ()
    broken = orders(holes=0.0)
    broken.loc[7, ["end", "city", "state", "tax", "total", "rest"]] = ["2019-12-31", "LA", "MA", 9999.0, 1.0, 3]
    broken.loc[7, "bus"] = 1 - broken.loc[7, "bus"]
    assert columns_of(broken).found_rules == ()
    assert columns_of(orders(holes=0.0).head(15)).found_rules == ()


def test_functions_are_found_of_numbers_and_in_one_direction_of_two():
    age = np.random.default_rng(3).integers(18, 90, 600)
    group = pd.cut(age, [0, 30, 50, 99], labels=["young", "middle", "old"]).astype(str)
    level = np.random.default_rng(4).choice(["primary", "second", "third"], 600)
    years = pd.Series(level).map({"primary": 6.5, "second": 12.0, "third": 16.0}).astype(float)
    frame = pd.DataFrame({"age": age, "group": group, "level": level, "years": years})
    frame = frame.mask(np.random.default_rng(5).random(frame.shape) < 0.1)
    found = {one.rule.text for one in columns_of(frame).found_rules}
    assert found == {"group = f(age)", "years = f(level)"}
    frame.loc[3, ["level", "years"]] = ["third", 12.0]
    assert {one.rule.text for one in columns_of(frame).found_rules} == {"group = f(age)"}


def test_what_follows_from_other_rules_is_not_proposed():
    rng = np.random.default_rng(2)
    a = rng.integers(0, 50, 300)
    frame = pd.DataFrame({"a": a, "b": a + rng.integers(0, 30, 300)})
    frame["c"] = frame.b + rng.integers(0, 30, 300)
    assert {one.rule.text for one in columns_of(frame).found_rules} == {"b >= a", "c >= b"}


def test_rows_that_break_a_rule_are_counted_and_named():
    frame = orders(holes=0.0)
    frame.loc[[4, 9], "total"] += 0.01
    with pytest.raises(TableError, match=r"'total = net \+ tax': 2 of 400 rows.*data rows 5, 10; .*net = \$"):
        columns_of(frame, "total = net + tax")
    frame.loc[[4, 9], "net"] = None
    columns_of(frame, "total = net + tax")


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("totl >= net", "names 'totl', which is not a column; did you mean 'total'"),
        ("end >= tax", "different contents"),
        ("end - `start day` > 3", "a constant goes with numbers alone"),
        ("end + end >= `start day`", "means nothing"),
        ("state >= 3", "'state' is no number"),
        ("same = 1", "not learned .kind constant"),
        ("one_of(car, city)", "'city' has the value"),
    ],
)
def test_a_rule_of_wrong_columns_is_refused(rule, message):
    with pytest.raises(ConfigError, match=message):
        columns_of(orders().assign(same=1), rule)


def test_units_of_dates_are_converted():
    moments = pd.date_range("2020-01-01 06:00", periods=40, freq="37h")
    frame = pd.DataFrame({"day": moments.normalize(), "moment": moments})
    keeper, table, _ = keeper_and_table(frame, "moment >= day")
    assert not keeper.broken(table.frame).any()
    with pytest.raises(TableError, match=r"39 of 40 rows.*row.*day = 2020-01-01, moment = 2020-01-01 06:00"):
        columns_of(frame, "day >= moment")


def test_rules_travel_in_the_layout():
    layout = columns_of(orders(), *DECLARED).layout
    assert Layout.from_dict(layout.to_dict()) == layout
    plain = understood(orders(), {}, Rules(finds=False)).layout
    assert not {"rules", "found"} & set(plain.to_dict())
    assert plain.keeper() is None
    assert plain.with_rules_of(pd.DataFrame()) == plain


def shuffled(table, rng, n_rows):
    """Rows of a model that knows no dependence."""
    return pd.DataFrame(
        {name: rng.choice(table.frame[name].dropna().to_numpy(), n_rows) for name in table.schema.names}
    )


def written_rows(layout, frame):
    """Rows as they stand in a file, and what they mean."""
    texts = layout.restore(frame, 0, np.random.default_rng(0), for_text_file=True)
    cells = texts.replace("", np.nan)
    return layout.table(cells, layout.schema(None), "there").frame


def test_independent_draws_keep_every_rule_in_the_cells_that_are_written():
    keeper, table, layout = keeper_and_table(orders(), *DECLARED)
    streams = []

    def draw(number, n_rows):
        streams.append(number)
        frame = shuffled(table, np.random.default_rng(number), n_rows)
        frame["tax"] += 0.001234  # more digits than are written
        return frame.to_numpy(dtype=object)

    def decoded(x):
        frame = pd.DataFrame(x, columns=table.schema.names)
        return frame.astype(dict.fromkeys(table.schema.numerical, float))

    rows = keeper.completed(decoded(keeper.rows(500, draw, decoded)))
    assert streams[0] == 0
    assert 1 < len(streams) <= MOST_ROUNDS
    again = written_rows(layout, rows)
    pd.testing.assert_frame_equal(again[rows.columns], rows, check_dtype=False)
    assert not keeper.broken(again).any()
    cents = (again[["net", "tax", "total"]] * 100).round().astype(int)
    assert (cents.net + cents.tax == cents.total).all()
    assert (again.end >= again["start day"]).all()
    assert (again.city.map(STATES) == again.state).all()


def test_redrawn_rows_have_the_distribution_given_the_rule():
    frame = pd.DataFrame(np.random.default_rng(0).integers(0, 4, (400, 2)), columns=["a", "b"]).assign(c=range(400))
    frame = frame[frame.b >= frame.a]
    layout = understood(frame, {}, Rules(between=("b >= a",))).layout
    keeper = layout.keeper()

    def draw(number, n_rows):
        return np.random.default_rng([5, number]).integers(0, 4, (n_rows, 2)).astype(float)

    x = keeper.rows(20_000, draw, lambda x: pd.DataFrame(x, columns=["a", "b"]).assign(c=0.0)[layout_names(layout)])
    counts = np.bincount((4 * x[:, 0] + x[:, 1]).astype(int), minlength=16).reshape(4, 4) / 20_000
    np.testing.assert_allclose(counts, np.triu(np.full((4, 4), 0.1)), atol=0.01)


def layout_names(layout):
    return [form.name for form in layout.learned]


def test_a_rule_that_is_never_kept_ends_the_drawing():
    keeper, table, _ = keeper_and_table(orders(), "end >= `start day`")

    def decoded(x):
        row = table.frame.dropna().head(1)
        rows = row.loc[row.index.repeat(len(x))].reset_index(drop=True)
        return rows.assign(end=rows["start day"].min() - 1)

    bound = table.frame["start day"].max()
    with pytest.raises(MissDiffError, match=r"'end >= `start day`' could not be kept: 100.0% of the drawn rows"):
        keeper.rows(50, lambda number, n: np.zeros((n, 1)), lambda x: decoded(x).assign(**{"start day": bound}))


def test_fixed_columns_are_solved_around():
    layout = columns_of(orders(), *DECLARED).layout
    table = layout.table(orders(), layout.schema(None), "there")
    keeper = layout.keeper({"total": 1500.25, "rest": 60})
    rows = keeper.completed(shuffled(table, np.random.default_rng(0), 300))
    assert (rows.total == 1500.25).all()
    assert (rows.part == 40).all()
    kept = ~keeper.broken(rows)[1]
    assert kept.mean() > 0.3
    assert ((rows.net + rows.tax - rows.total).abs() < 1e-9)[kept].all()
    with pytest.raises(TableError, match=r"where: the values break the rule 'state = f.city.'"):
        layout.keeper({"city": "LA", "state": "NY"}).check_fixed()


def test_equalities_of_equalities_are_solved_together():
    frame = pd.DataFrame(np.random.default_rng(0).integers(1, 99, (200, 3)), columns=["a", "c", "d"])
    frame["b"] = frame.c + frame.d
    frame["t"] = frame.a + frame.b
    rules = columns_of(frame, "t = a + b", "b = c + d").layout.rules
    free = dict.fromkeys("abcdt", FREE)
    assert solution(rules, free) == {
        "t": ({"a": 1, "c": 1, "d": 1}, 0),
        "b": ({"c": 1, "d": 1}, 0),
    }
    assert solution(rules, {**free, "t": GIVEN}) == {"b": ({"t": 1, "a": -1}, 0), "d": ({"t": 1, "a": -1, "c": -1}, 0)}
    assert solution(rules, {**free, "c": MISSING}) == {"t": ({"a": 1, "b": 1}, 0)}
    assert solution(rules, dict.fromkeys("abcdt", GIVEN)) == {}


def test_a_hole_satisfies_the_rules_of_its_column():
    keeper, table, _ = keeper_and_table(orders(), *DECLARED)
    frame = shuffled(table, np.random.default_rng(0), 50)
    frame.loc[:, "tax"] = np.nan
    frame.loc[:, "state"] = None
    rows = keeper.completed(frame)
    assert rows.tax.isna().all()
    assert rows.state.isna().all()
    pd.testing.assert_series_equal(rows.total, frame.total)
    assert not keeper.broken(rows)[[1, 2]].any()


def test_only_holes_change_in_a_fill_and_broken_rows_are_left():
    frame = orders(holes=0.3)
    layout = columns_of(frame, *DECLARED).layout
    table = layout.table(frame, layout.schema(None), "there")
    table.frame.loc[0, ["city", "state"]] = ["LA", "NY"]
    table.frame.loc[0, "tax"] = np.nan
    keeper = layout.keeper()

    def draw(rows, number):
        drawn = shuffled(table, np.random.default_rng([number, len(rows)]), len(rows))
        part = table.take(rows)
        return drawn.where(part.unknown, part.frame)

    filled, unkept = keeper.fills(table.frame, table.unknown, draw)
    assert not filled.isna().any().any()
    observed = table.observed
    assert (filled.to_numpy()[observed] == table.frame.to_numpy()[observed]).all()
    broken = keeper.broken(filled)
    assert broken[2, 0]
    assert not broken[:, 1:][:, ~unkept[1:]].any()
    assert unkept.mean() < 0.1
    (note,) = unkept_notes(table, keeper.rules, keeper)
    assert note.startswith("1 rows with holes break a rule")
    assert unkept_notes(table, keeper.rules, None)


def test_best_values_keep_the_rules_that_draws_keep():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 50, 200), rng.integers(0, 50, 200)
    city = rng.choice(list(STATES), 200)
    state = [STATES[name] for name in city]
    frame = pd.DataFrame({"a": a, "b": b, "t": a + b, "city": city, "state": state, "low": a - rng.integers(0, 9, 200)})
    frame = frame.astype(dict.fromkeys(["a", "b", "t", "low"], float))
    holed = frame.mask(rng.random(frame.shape) < 0.5)
    rules = ("t = a + b", "state = f(city)", "a >= low")
    layout = columns_of(frame, *rules).layout
    table = layout.table(holed, layout.schema(None), "there")
    keeper = layout.keeper()
    draws = []
    for number in range(7):

        def draw(rows, anew, number=number):
            drawn = shuffled(table, np.random.default_rng([number, anew]), len(rows))
            part = table.take(rows)
            return drawn.where(part.unknown, part.frame)

        draws.append(keeper.fills(table.frame, table.unknown, draw)[0])
    imputations = Imputations(
        table,
        {
            name: stacked(table, draws, name)
            for name in table.schema.names
            if table.unknown[:, index(table, name)].any()
        },
    )
    sure = ~np.any([(keeper.broken(one)).any(axis=0) for one in draws], axis=0)
    for estimate in ("mean", "median"):
        cells = kept_cells(imputations, estimate, keeper)
        filled = table.frame.copy()
        for name, values in cells.items():
            filled.loc[imputations.holes(name), name] = values
        assert not keeper.broken(filled)[:, sure].any()
    assert sure.mean() > 0.8
    plain = kept_cells(imputations, 3, keeper)
    np.testing.assert_array_equal(plain["a"], imputations.cells("a", 3))


def index(table, name):
    return table.schema.names.index(name)


def stacked(table, draws, name):
    column, rows = table.schema[name], table.unknown[:, index(table, name)]
    if column.kind == "numerical":
        return np.stack([one[name].to_numpy(dtype=float)[rows] for one in draws])
    codes = pd.Index(list(column.categories), dtype=object)
    return np.stack([codes.get_indexer(one[name])[rows] for one in draws])


def test_what_follows_from_observed_cells_may_leave_the_range_and_is_written_so():
    frame = pd.DataFrame({"a": np.arange(10.0, 110), "b": np.random.default_rng(0).integers(0, 60, 100)})
    frame["t"] = frame.a + frame.b
    layout = columns_of(frame, "t = a + b").layout
    table = layout.table(
        pd.DataFrame({"a": [20.0, np.nan], "b": [3.0, 5.0], "t": [np.nan, 7.0]}), layout.schema(None), "there"
    )
    drawn = table.frame.fillna(50.0)
    filled, unkept = layout.keeper().fills(table.frame, table.unknown, lambda rows, number: drawn.iloc[rows])
    assert filled.a.tolist() == [20.0, 2.0]
    assert filled.t.tolist() == [23.0, 7.0]
    assert not unkept.any()
    written_a = layout.for_fills("a", filled.a.to_numpy()).write(filled.a, 0, 2, np.random.default_rng(0), True)
    assert written_a.tolist() == ["20", "2"]


def later(n_rows=N):
    """A table in which b is never below a, and every value has rows."""
    rng = np.random.default_rng(0)
    a = rng.integers(0, 10, n_rows)
    return pd.DataFrame({"a": a, "b": a + rng.integers(0, 10, n_rows), "c": rng.normal(size=n_rows)})


def uniform(rng, drawn=None):
    """Draws a and b uniformly, whatever the other is."""

    def draw(number, n_rows):
        if drawn is not None:
            drawn.append(n_rows)
        return np.column_stack([rng.integers(0, 10, n_rows), rng.integers(0, 19, n_rows)]).astype(float)

    return draw, lambda x: pd.DataFrame(x, columns=["a", "b"]).assign(c=0.0)


def test_rows_that_break_a_found_rule_are_drawn_anew_a_few_times():
    layout = columns_of(later()).layout
    assert [rule.text for rule in layout.found] == ["b >= a"]
    assert not layout.rules
    keeper, (draw, decoded) = layout.keeper(), uniform(np.random.default_rng(2))
    rows = decoded(keeper.rows(20_000, draw, decoded))
    assert np.mean(decoded(draw(0, 20_000)).eval("b < a")) > 0.2
    assert (rows["b"] < rows["a"]).mean() < 0.001


def test_a_found_rule_that_is_never_kept_ends_nothing():
    layout, sizes = columns_of(later()).layout, []
    draw, _ = uniform(np.random.default_rng(2), sizes)
    x = layout.keeper().rows(50, draw, lambda x: pd.DataFrame({"a": 5.0, "b": 4.0, "c": 0.0}, index=range(len(x))))
    assert len(x) == 50
    assert len(sizes) == 1 + ROUNDS_OF_FOUND
    declared = replace(layout.keeper(), rules=columns_of(later(), "b - a <= 9").layout.rules)
    declared.rows(50, draw, lambda x: pd.DataFrame({"a": 5.0, "b": 4.0, "c": 0.0}, index=range(len(x))))
    with pytest.raises(MissDiffError, match="b - a <= 9"):
        declared.rows(50, draw, lambda x: pd.DataFrame({"a": 0.0, "b": 18.0, "c": 0.0}, index=range(len(x))))


def test_columns_that_are_fixed_outdo_found_rules():
    layout = columns_of(later()).layout
    assert layout.keeper({"a": 5.0, "b": 4.0}) is None
    assert [rule.text for rule in layout.keeper({"a": 5.0}).found] == ["b >= a"]
    assert not columns_of(later(), "b >= a").layout.found


def test_rows_that_go_with_a_fixed_column_are_looked_for_longer():
    layout, sizes = columns_of(later()).layout, []
    keeper, (draw, _) = layout.keeper({"a": 5.0}), uniform(np.random.default_rng(2), sizes)

    def rarely(x):
        b = np.where(np.arange(len(x)) % 20 == 0, 6.0, 4.0)
        return pd.DataFrame({"a": 5.0, "b": b, "c": 0.0})

    assert len(keeper.rows(100, draw, rarely)) == 100
    assert ROUNDS_OF_FOUND < len(sizes) - 1 <= ROUNDS_OF_FOUND_WHERE_FIXED


def test_fills_follow_found_rules_as_far_as_their_observed_cells_do():
    layout = columns_of(later()).layout
    observed = layout.table(
        pd.DataFrame({"a": [5.0, np.nan, 9.0], "b": [np.nan, 3.0, np.nan], "c": 0.0}), layout.schema(None), "there"
    )
    rng, rounds = np.random.default_rng(0), []

    def draw(rows, number):
        rounds.append(number)
        part = observed.frame.iloc[rows].reset_index(drop=True)
        a, b = rng.integers(0, 10, len(rows)), np.where(part["a"] == 9, 0, rng.integers(0, 19, len(rows)))
        return part.fillna({"a": pd.Series(a), "b": pd.Series(b)})

    filled, unkept = layout.keeper().fills(observed.frame, observed.unknown, draw)
    assert filled.loc[0, "b"] >= 5
    assert filled.loc[1, "a"] <= 3
    assert filled.loc[2, "b"] == 0, "never drawn otherwise"
    assert max(rounds) == ROUNDS_OF_FOUND
    assert not unkept.any(), "a found rule is no promise"


def test_a_sum_that_was_found_gives_the_holes_of_its_columns():
    rng = np.random.default_rng(0)
    birth = rng.integers(1940, 2008, 400)
    frame = pd.DataFrame({"birth": birth, "age": 2026 - birth, "c": rng.normal(size=400)})
    layout = columns_of(frame).layout
    assert [rule.text for rule in layout.found] == ["age = 2026 - birth"]
    holed = pd.DataFrame({"birth": [np.nan, 1990.0, np.nan], "age": [40.0, np.nan, 100.0], "c": 0.0})
    table = layout.table(holed, layout.schema(None), "there")
    filled, _ = layout.keeper().fills(table.frame, table.unknown, lambda rows, number: table.frame.iloc[rows].fillna(7))
    assert filled["birth"].tolist() == [1986, 1990, 1926]
    assert filled["age"].tolist() == [40, 36, 100]
    written = layout.for_fills("birth", filled["birth"].to_numpy()).write(
        filled["birth"], 0, 3, np.random.default_rng(0), for_text_file=True
    )
    assert written.tolist() == ["1986", "1990", "1926"]


def test_no_rules_are_looked_for_where_null_says_so(tmp_path):
    assert not understood(later(), {}, Rules(finds=False)).layout.found
    file = written(tmp_path, later().to_csv(index=False))
    assert own(file).understand().layout.found
    assert not own(file, rules=None).understand().layout.found


def test_rules_are_found_again_in_the_cells_that_are_trained_on():
    layout, frame = columns_of(later()).layout, later().astype(float)
    assert layout.with_rules_of(frame).found == layout.found
    assert not layout.with_rules_of(frame.assign(a=frame.a.where(frame.index < LEAST_ROWS - 1))).found
