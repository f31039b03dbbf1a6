"""Tables with holes: what is observed is scored, and the holes themselves."""

import numpy as np
import pandas as pd
import pytest

from src.metrics.base.scores import Scores
from src.metrics.base.settings import QuickEvaluation
from src.metrics.catalogue import describe
from src.metrics.downstream.detection import add_detection
from src.metrics.evaluate import score
from src.metrics.quality.coverage import add_coverage
from src.metrics.quality.dependence import add_dependence
from src.metrics.quality.holes import DEPENDENCE, NAMES, SHARE, TOGETHER, add_holes
from src.metrics.quality.privacy import add_privacy
from src.tables import Column, Schema, Split, Table, make_table
from tests.conftest import SCHEMA, random_table

QUICK = QuickEvaluation(detection_rows=200, references=False)
THREE = Schema(tuple(Column(name, "numerical", "float64") for name in "abc"))


def scored(add, *args) -> Scores:
    scores = Scores()
    add(scores, *args)
    return scores


def by_hand(*rows: str) -> Table:
    """One row a text, one column a letter, ``.`` a hole."""
    cells = [[np.nan if letter == "." else float(letter) for letter in row] for row in rows]
    return make_table(pd.DataFrame(cells, columns=list("abc")), THREE)


def mar(table: Table, seed: int) -> Table:
    """The heights of one label are missing, of the other hardly ever; whole rows miss colour and age together."""
    rng = np.random.default_rng(seed)
    mask = np.ones(table.observed.shape, dtype=bool)
    mask[:, 1] = rng.random(table.n_rows) > np.where(table.frame["label"] == 1, 0.8, 0.05)
    mask[:, [0, 2]] = rng.random((table.n_rows, 1)) > 0.2
    return table.with_holes(mask)


def mcar(table: Table, like: Table, seed: int) -> Table:
    """As many holes in every column as ``like``, anywhere."""
    return table.with_holes(np.random.default_rng(seed).random(table.observed.shape) < like.observed.mean(axis=0))


def test_shares_and_pairs_missing_together_by_hand():
    real, synthetic = by_hand("..3", "..3", "12.", "123"), by_hand("..3", ".2.", "123", "1.3")
    scores = scored(add_holes, real, synthetic, 0)
    # a: 2/4 and 2/4, b: 2/4 and 2/4, c: 1/4 and 1/4
    assert scores.values[SHARE] == 1
    # a and b: 2/4 and 1/4, a and c: 0 and 1/4, b and c: 0 and 0
    assert scores.values[TOGETHER] == pytest.approx((1 / 4) / (2 / 4 + 1 / 4))
    fewer = scored(add_holes, real, by_hand("1.3", "123", "123", "123"), 0)
    assert fewer.values[SHARE] == pytest.approx(1 - (1 / 2 + 1 / 4 + 1 / 4) / 3)
    assert fewer.values[TOGETHER] == 0
    assert "'a': 50.0% of the real and 0.0% of the synthetic cells" in fewer.reasons[SHARE]
    assert fewer.details[SHARE]["per_column"]["b"] == {"real": 0.5, "synthetic": 0.25}


def test_dependence_of_a_hole_by_hand():
    # b is missing exactly where a is 1: of the real table all is known, of the synthetic one nothing
    real, half = by_hand(*["1.3", "023"] * 20), by_hand(*["1.3", "123", "0.3", "023"] * 10)
    assert scored(add_holes, real, real, 0).values[DEPENDENCE] == pytest.approx(1)
    assert scored(add_holes, real, half, 0).values[DEPENDENCE] == pytest.approx(0, abs=1e-9)
    scores = scored(add_holes, half, real, 0)
    assert scores.values[DEPENDENCE] is None
    assert "depends on another column's values beyond chance" in scores.reasons[DEPENDENCE]


def test_a_table_against_itself_scores_one():
    table = mar(random_table(400, 1), 0)
    assert scored(add_holes, table, table, 0).values == pytest.approx(dict.fromkeys(NAMES, 1.0))


def test_other_rows_with_the_same_mechanism_score_high_and_holes_at_random_low():
    real = mar(random_table(3000, 1), 0)
    alike = scored(add_holes, real, mar(random_table(3000, 2), 1), 0).values
    assert alike[SHARE] > 0.97
    assert alike[TOGETHER] > 0.85
    assert alike[DEPENDENCE] > 0.85
    random = scored(add_holes, real, mcar(random_table(3000, 2), real, 1), 0).values
    assert random[SHARE] > 0.97
    assert random[TOGETHER] < 0.6
    assert random[DEPENDENCE] < 0.1


def test_what_is_not_there_to_compare_is_said():
    complete, holed = random_table(100, 1), mar(random_table(100, 2), 0)
    assert set(scored(add_holes, complete, complete, 0).values.values()) == {None}
    only_synthetic = scored(add_holes, complete, holed, 0)
    assert only_synthetic.values[TOGETHER] == 0
    assert "the real table has no holes" in only_synthetic.reasons[DEPENDENCE]
    single = by_hand(".23", "1.3", "12."), by_hand(".23", "1.3", "12.")
    assert "misses two cells" in scored(add_holes, *single, 0).reasons[TOGETHER]
    one = Schema((Column("a", "numerical", "float64"),))
    column = make_table(pd.DataFrame({"a": [1.0, np.nan, 2.0]}), one)
    assert scored(add_holes, column, column, 0).values == {SHARE: 1, TOGETHER: None, DEPENDENCE: None}


@pytest.mark.integration
@pytest.mark.parametrize("holed_real", [False, True])
def test_holes_are_scored_where_the_synthetic_table_has_some_and_complete_ones_as_ever(holed_real):
    real, test, synthetic = random_table(300, 1), random_table(200, 2), random_table(300, 3)
    real = mar(real, 0) if holed_real else real
    complete = score(Split(real, test), synthetic, QUICK, 0, 1)
    holed = score(Split(real, test), mar(synthetic, 1), QUICK, 0, 1)
    assert list(holed.values) == [*complete.values, *NAMES]
    undefined = {name for name, value in holed.values.items() if value is None and "default" not in name}
    assert undefined == (set() if holed_real else {DEPENDENCE})
    assert all(describe(name).name == name for name in holed.values)


@pytest.mark.integration
def test_a_model_that_learns_holes_is_scored_by_rows_that_it_draws_with_them():
    holed_real, asked = mar(random_table(300, 1), 0), []

    def draw(n_rows: int) -> Table:
        asked.append(n_rows)
        return holed_real

    complete = random_table(250, 3)
    scores = score(Split(holed_real, random_table(100, 2)), complete, QUICK, 0, 1, draw_with_holes=draw)
    assert [scores.values[name] for name in NAMES] == [1, 1, 1]
    assert asked == [holed_real.n_rows]
    without = score(Split(holed_real, random_table(100, 2)), complete, QUICK, 0, 1)
    assert {name: value for name, value in scores.values.items() if name not in NAMES} == without.values


@pytest.mark.integration
def test_values_of_complete_synthetic_tables_stay_as_they_were():
    real, test, synthetic = random_table(400, 1), random_table(200, 2), random_table(300, 3)
    split = Split(real.with_holes(np.random.default_rng(0).random((400, 4)) > 0.1), test)
    for complete, before in BEFORE.items():
        values = score(Split(real, test) if complete else split, synthetic, QUICK, 0, 1).values
        assert {name: values[name] for name in before} == pytest.approx(before, abs=1e-12)


BEFORE: dict[bool, dict[str, float]] = {
    True: {
        "fidelity/column_shapes": 0.9522916666666666,
        "fidelity/overall": 0.9157386419739386,
        "fidelity/column_pair_trends": 0.8791856172812107,
        "fidelity/overall_default": 0.9146875,
        "fidelity/column_pair_trends_default": 0.8770833333333333,
        "dependence/weighted_nmi": 0.8347986304377996,
        "coverage/alpha_precision": 0.9638474295190713,
        "coverage/beta_recall": 0.5585406301824212,
        "privacy/copies": 0.0,
        "privacy/dcr_share": 0.5499999999999999,
    },
    False: {
        "fidelity/column_shapes": 0.9460644029266156,
        "fidelity/overall": 0.9074809646869297,
        "fidelity/column_pair_trends": 0.8688975264472439,
        "fidelity/overall_default": 0.912478561834966,
        "fidelity/column_pair_trends_default": 0.8788927207433164,
        "dependence/weighted_nmi": 0.6806517664269208,
        "coverage/alpha_precision": 0.9446102819237148,
        "coverage/beta_recall": 0.4985074626865672,
        "privacy/copies": 0.0,
        "privacy/dcr_share": 0.5582125,
    },
}
"""Whether the real table is complete -> scores, computed when a synthetic table with holes had none."""


def test_dependence_is_of_rows_observed_in_both_columns():
    table = random_table(500, 1)
    mask = np.random.default_rng(0).random((500, 4)) > 0.3
    holed = table.with_holes(mask)
    scores = scored(add_dependence, holed, holed, 0)
    assert scores.values["dependence/weighted_nmi"] == pytest.approx(1)
    assert "the synthetic table has holes" in scores.reasons["dependence/weighted_nmi"]
    never = mask.copy()
    never[:, 0] = np.arange(500) % 2
    never[:, 1] = np.arange(500) % 2 == 0
    left_out = scored(add_dependence, table, table.with_holes(never), 0)
    assert "left out: age | height" in left_out.reasons["dependence/weighted_nmi"]
    nothing = scored(add_dependence, table, table.with_holes(np.zeros((500, 4), dtype=bool)), 0)
    assert "two rows observed in both columns" in nothing.reasons["dependence/weighted_nmi"]


@pytest.mark.integration
def test_detection_takes_a_hole_as_a_value_of_either_side():
    real = mar(random_table(600, 1), 0)
    alike = scored(add_detection, real, mar(random_table(600, 2), 1), 500, 0, 1).values
    assert min(alike.values()) > 0.8
    at_random = scored(add_detection, real, mcar(random_table(600, 2), real, 1), 500, 0, 1).values
    assert at_random["detection/xgboost"] < alike["detection/xgboost"] - 0.3
    given_away = scored(add_detection, random_table(600, 1), mar(random_table(600, 2), 1), 500, 0, 1)
    assert given_away.values["detection/xgboost"] < 0.5
    assert given_away.values["detection/logistic"] < 0.5, "a hole is a coordinate also where only one side has it"
    assert "0 of the 500 real" in given_away.reasons["detection/logistic"]


def test_distances_are_of_complete_rows_of_either_side():
    train, fresh, synthetic = (random_table(200, seed) for seed in range(3))
    mask = np.ones((200, 4), dtype=bool)
    mask[50:, 1] = False
    copies = make_table(pd.concat([train.frame[:10], synthetic.frame[10:]], ignore_index=True), SCHEMA)
    for add, args in (
        (add_privacy, (train, fresh, copies.with_holes(mask), 100, 0)),
        (add_coverage, (train, copies.with_holes(mask), 100, 0)),
    ):
        scores = scored(add, *args)
        assert None not in scores.values.values()
        assert all("50 complete of 200 synthetic rows" in reason for reason in scores.reasons.values())
        few = scored(add, *(t.with_holes(mask & (np.arange(200) < 9)[:, None]) if t is args[-3] else t for t in args))
        assert set(few.values.values()) == {None}
    privacy = scored(add_privacy, train, fresh, copies.with_holes(mask), 100, 0)
    assert privacy.values["privacy/copies"] == pytest.approx(10 / 50)
