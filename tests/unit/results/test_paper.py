from collections import Counter
from itertools import groupby

import pytest

from src.results.sweep.paper import TITLES, paper_numbers

MCAR, BEYOND = ("row", "column", "independent"), ("mar", "nmar")
FIVE = ("missdiff", "diff_delete", "diff_mean", "stasy_delete", "stasy_mean")
FIDELITY = {1, 3, 5, 17}
BOLD_BUT_NOT_BEST = {
    (9, "utility/xgboost/weighted_f1", "row"),
    (9, "utility/xgboost/auroc", "independent"),
    (14, "utility/logistic_regression/accuracy", "independent"),
    (15, "utility/mlp/accuracy", "independent"),
}


def by_row():
    numbers = sorted(paper_numbers(), key=lambda n: (n.table, n.metric, n.missing or ""))
    return {key: list(row) for key, row in groupby(numbers, key=lambda n: (n.table, n.metric, n.missing))}


def find(table, missing, method, metric=None):
    (found,) = (
        n
        for n in paper_numbers()
        if (n.table, n.missing, n.method) == (table, missing, method) and metric in (None, n.metric)
    )
    return found


def test_every_table_has_its_cells():
    counts = Counter(number.table for number in paper_numbers())
    full = dict.fromkeys((1, 2, 3, 4, 10, 12, 13, 14, 15, 16, 17, 18), 15)
    assert counts == {**full, 5: 6, 6: 6, 7: 6, 9: 45, 11: 18}
    assert set(counts) == set(TITLES)


def test_each_row_has_every_method_once():
    for (table, _, missing), row in by_row().items():
        if table == 7:
            continue
        beyond = table in (5, 6, 11)
        assert missing in (BEYOND if beyond else MCAR)
        assert sorted(number.method for number in row) == sorted(FIVE[:3] if beyond else FIVE)
        assert {number.ratio for number in row} == {0.2}


def test_values_are_shares_where_they_are_shares():
    for number in paper_numbers():
        if number.value is None:
            continue
        low, high = (1.8, 2.5) if number.metric.endswith("rmse") and number.table == 4 else (0.0, 1.0)
        assert low <= number.value <= high, number
        if number.table in FIDELITY:
            assert number.value > 0.45, number
            assert number.metric == "fidelity/overall"


def test_deletion_is_not_applicable_where_no_complete_row_is_left():
    dashes = {(n.dataset, n.missing, n.method) for n in paper_numbers() if n.value is None}
    deleting = ("diff_delete", "stasy_delete")
    assert dashes == {("census", "row", method) for method in deleting} | {
        ("mimic4ed", missing, method) for missing in MCAR for method in deleting
    }
    assert not any(number.bold for number in paper_numbers() if number.value is None)


def test_one_cell_of_a_row_is_bold_and_only_known_ones_are_not_its_best():
    not_best = set()
    for key, row in by_row().items():
        if key[0] == 7:
            continue
        (bold,) = (number.value for number in row if number.bold)
        values = [number.value for number in row if number.value is not None]
        best = min(values) if key[1].endswith("rmse") else max(values)
        if bold != best:
            not_best.add(key)
    assert not_best == BOLD_BUT_NOT_BEST


@pytest.mark.parametrize(
    ("table", "missing", "method", "value"),
    [
        (1, "row", "missdiff", 0.8059),
        (1, "independent", "stasy_mean", 0.5706),
        (2, "column", "diff_mean", 0.796),
        (3, "row", "stasy_mean", 0.8294),
        (4, "independent", "diff_mean", 2.483),
        (6, "mar", "diff_delete", 0.69475),
        (7, None, "missdiff", 0.087),
        (10, "column", "diff_mean", 0.023),
        (13, "column", "stasy_mean", 0.4224),
        (17, "independent", "stasy_delete", 0.537),
        (18, "independent", "stasy_delete", 0.4978),
    ],
)
def test_numbers_of_the_paper(table, missing, method, value):
    assert find(table, missing, method).value == value


def test_criteria_of_tables_9_and_11():
    assert find(9, "column", "stasy_delete", "utility/xgboost/f1").value == 0.509
    assert find(9, "row", "stasy_mean", "utility/xgboost/weighted_f1").value == 0.488
    assert find(11, "nmar", "missdiff", "utility/xgboost/auroc").value == 0.834


def test_tables_17_and_18_repeat_1_and_2_but_for_stasy():
    for late, early in ((17, 1), (18, 2)):
        for missing in MCAR:
            for method in FIVE[:3]:
                assert find(late, missing, method).value == find(early, missing, method).value
            assert find(early, missing, "stasy_mean").epochs == 1000
            assert find(late, missing, "stasy_mean").epochs == 250
            assert find(late, missing, "stasy_mean").value < find(early, missing, "stasy_mean").value
