"""The metrics beyond the paper, by cases worked out by hand and by tables whose answer is known."""

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import normalized_mutual_info_score

from src.metrics.base.features import MAX_CATEGORIES, coordinates, tree_features
from src.metrics.base.scores import Scores
from src.metrics.downstream.detection import add_detection, detection_score
from src.metrics.quality.counting import cramers_v, entropy, mutual_information
from src.metrics.quality.coverage import add_coverage, alpha_precision, beta_recall
from src.metrics.quality.dependence import (
    add_dependence,
    decile_edges,
    normalised_mutual_information,
    weighted_similarity,
)
from src.metrics.quality.neighbours import nearest
from src.metrics.quality.privacy import add_privacy, dcr_share, more_copies, share_of_copies
from src.tables import Column, Schema, Table, make_table
from tests.conftest import SCHEMA, random_frame, random_table


def scored(add, *args) -> Scores:
    scores = Scores()
    add(scores, *args)
    return scores


def shuffled(table: Table, seed: int = 0) -> Table:
    rng = np.random.default_rng(seed)
    return make_table(pd.DataFrame({name: rng.permutation(table.frame[name]) for name in table.frame}), table.schema)


def moved(n_rows: int, seed: int) -> Table:
    return make_table(random_frame(n_rows, seed).assign(age=lambda f: f["age"] + 200), SCHEMA)


def points(n: int, seed: int, width: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, width))


# counting


def test_entropy_and_mutual_information_by_hand():
    first, second = np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1])
    assert entropy(first) == pytest.approx(math.log(2))
    by_hand = 0.5 * math.log(0.5 / (0.5 * 0.75)) + 0.25 * math.log(0.25 / (0.5 * 0.75)) + 0.25 * math.log(2)
    assert mutual_information(first, second) == pytest.approx(by_hand)
    nmi = 2 * by_hand / (math.log(2) - 0.75 * math.log(0.75) - 0.25 * math.log(0.25))
    assert normalised_mutual_information(first, second) == pytest.approx(nmi)


@pytest.mark.parametrize("max_cells", [1, 10**6])
def test_nmi_is_scikit_learns_and_cramers_v_scipys(monkeypatch, max_cells):
    from scipy.stats.contingency import association, crosstab

    monkeypatch.setattr("src.metrics.quality.counting.MAX_CELLS", max_cells)
    rng = np.random.default_rng(0)
    first = rng.integers(0, 5, 300)
    second = np.where(rng.random(300) < 0.5, first, rng.integers(1, 9, 300))
    assert normalised_mutual_information(first, second) == pytest.approx(normalized_mutual_info_score(first, second))
    expected = association(crosstab(first, second).count, method="cramer")
    assert cramers_v(first, second) == pytest.approx(expected)


def test_a_constant_column_has_no_association_and_no_information():
    constant, other = np.zeros(6, dtype=int), np.arange(6)
    assert math.isnan(cramers_v(constant, other))
    assert normalised_mutual_information(constant, other) == 0
    assert normalised_mutual_information(constant, constant) == 0


# dependence


def test_weighted_similarity_by_hand():
    real, synthetic = np.array([0.6, 0.2, 0.0]), np.array([0.3, 0.4, 0.5])
    assert weighted_similarity(real, synthetic) == pytest.approx((0.6 * 0.5 + 0.2 * 0.5) / 0.8)


def test_dependence_is_one_for_the_table_low_for_independent_columns_and_between_for_half():
    rng = np.random.default_rng(0)
    frame = random_frame(2000, 1)
    frame["height"] = frame["age"] / 50 + rng.normal(0, 0.05, 2000)
    real = make_table(frame, SCHEMA)
    half = frame.copy()
    half.loc[:999, "height"] = rng.permutation(half.loc[:999, "height"])
    values = [
        scored(add_dependence, real, table, 0).values["dependence/weighted_nmi"]
        for table in (real, make_table(half, SCHEMA), shuffled(real))
    ]
    assert values[0] == pytest.approx(1)
    assert 0.15 < values[1] < 0.6
    assert values[2] < 0.08


def test_independent_real_columns_and_a_single_column_have_no_dependence_to_keep():
    schema = Schema(SCHEMA.columns[2:])
    real = make_table(pd.DataFrame({"colour": ["red", "blue"] * 4, "label": [0, 0, 1, 1] * 2}), schema)
    assert "no pair of columns depends" in scored(add_dependence, real, real, 0).reasons["dependence/weighted_nmi"]
    one = make_table(pd.DataFrame({"label": [0, 1]}), Schema(SCHEMA.columns[3:]))
    assert scored(add_dependence, one, one, 0).reasons["dependence/weighted_nmi"] == "one column has no pairs"


def test_a_single_synthetic_row_is_too_few_for_dependence():
    real = make_table(random_frame(50, 0), SCHEMA)
    scores = scored(add_dependence, real, real.take(np.array([0])), 0)
    assert scores.reasons["dependence/weighted_nmi"] == "too few rows: 50 real, 1 synthetic"


@pytest.mark.parametrize("common", [0.0, 5.0, 9.0])
def test_a_value_that_fills_deciles_has_a_bin_of_its_own(common):
    values = np.concatenate([np.full(600, common), np.arange(10).repeat(40)])
    edges = decile_edges(values)
    assert (np.searchsorted(edges, values) == np.searchsorted(edges, common)).sum() == 640


def test_deciles_cut_distinct_numbers_into_ten_like_bins():
    values = np.random.default_rng(0).normal(size=1000)
    np.testing.assert_allclose(np.bincount(np.searchsorted(decile_edges(values), values)), [100] * 10, atol=1)


# detection


def test_detection_formula():
    assert [detection_score(auc) for auc in (0.3, 0.5, 0.75, 1.0)] == [1.0, 1.0, 0.5, 0.0]


@pytest.mark.integration
def test_both_detectors_see_a_shift_and_only_the_trees_see_lost_dependence():
    rng = np.random.default_rng(0)
    frame = random_frame(800, 1)
    frame["height"] = frame["age"] / 50 + rng.normal(0, 0.02, 800)
    real = make_table(frame, SCHEMA)
    fresh, shift, lost = (
        scored(add_detection, *tables, 500, 0, 1).values
        for tables in (
            (random_table(800, 1), random_table(800, 2)),
            (random_table(800, 1), moved(800, 3)),
            (real, shuffled(real)),
        )
    )
    assert min(fresh.values()) > 0.8
    assert list(shift.values()) == [0, 0]
    assert lost["detection/logistic"] > 0.8
    assert lost["detection/xgboost"] < 0.2


def test_detection_works_where_every_real_row_has_a_hole_and_holes_give_nothing_away():
    mask = np.ones((600, 4), dtype=bool)
    mask[np.arange(600), np.random.default_rng(0).integers(0, 4, 600)] = False
    scores = scored(add_detection, random_table(600, 1).with_holes(mask), random_table(600, 2), 500, 0, 1)
    assert min(scores.values.values()) > 0.75
    assert "500 of the 500 real rows drawn have holes" in scores.reasons["detection/logistic"]


def test_detection_is_the_same_on_one_and_two_threads():
    tables = random_table(300, 1), random_table(200, 2)
    one, two = (scored(add_detection, *tables, 500, 0, n_threads) for n_threads in (1, 2))
    assert one == two


# coordinates and neighbours


def test_rows_that_differ_in_one_category_are_one_apart_and_numbers_are_standardised():
    frame = pd.DataFrame({"age": [10.0, 30.0], "height": 1.5, "colour": ["red", "blue"], "label": 0})
    real = make_table(frame, SCHEMA)
    x = coordinates(real)(real)
    assert np.linalg.norm(x[0, 2:] - x[1, 2:]) == pytest.approx(1)
    np.testing.assert_allclose(x[:, 0], [-1, 1])
    assert x[:, 1].tolist() == [0, 0]


def test_rare_categories_share_a_coordinate_and_huge_numbers_stay_finite():
    names = tuple(f"v{i}" for i in range(MAX_CATEGORIES + 50))
    schema = Schema((Column("c", "categorical", "object", categories=names), Column("x", "numerical", "float64")))
    real = make_table(pd.DataFrame({"c": [*names, *names[50:]], "x": 1e308}), schema)
    drawn = make_table(pd.DataFrame({"c": names, "x": -1e308}), schema)
    to_points = coordinates(real)
    assert to_points(real).shape == (len(real.frame), MAX_CATEGORIES + 1)
    x = to_points(drawn)
    assert np.isfinite(x).all()
    assert len(np.unique(x[:, :-1], axis=0)) == MAX_CATEGORIES
    assert np.isfinite(tree_features(drawn.frame, real.frame, schema, ["x"])).all()


def test_nearest_by_chunks_is_brute_force(monkeypatch):
    queries, others = points(50, 0).round(0), points(30, 1).round(0)
    squares = ((queries[:, None] - others) ** 2).sum(axis=2)
    monkeypatch.setattr("src.metrics.quality.neighbours.CHUNK_CELLS", 7 * 30)
    closest, distance, ties = nearest(queries, others)
    np.testing.assert_array_equal(closest, squares.argmin(axis=1))
    np.testing.assert_allclose(distance, np.sqrt(squares.min(axis=1)), atol=1e-8)
    np.testing.assert_array_equal(ties, (squares == squares.min(axis=1, keepdims=True)).sum(axis=1))
    assert (nearest(queries[:9], queries[:9], same=True)[0] != np.arange(9)).all()


# coverage


def test_the_table_itself_is_precise_and_covered_whatever_ties():
    for x in (points(200, 0), np.repeat([[0.0], [1.0]], [60, 40], axis=0), np.zeros((20, 2))):
        assert alpha_precision(x, x) == pytest.approx(1)
        assert beta_recall(x, x) == pytest.approx(1)


def test_a_distant_table_has_neither_precision_nor_recall():
    x = points(500, 0)
    assert alpha_precision(x, x + 100) == pytest.approx(0)
    assert beta_recall(x, x + 100) == pytest.approx(0)


def test_fresh_rows_are_precise_and_cover_half_and_one_typical_row_covers_little():
    x = points(1500, 0)
    assert alpha_precision(x, points(1500, 1)) > 0.93
    assert 0.4 < beta_recall(x, points(1500, 1)) < 0.6
    assert beta_recall(x, x.mean(axis=0) + 1e-3 * points(1500, 2)) < 0.05
    assert alpha_precision(x, x.mean(axis=0) + 1e-3 * points(1500, 2)) < 0.1


def test_coverage_uses_complete_rows_and_says_how_many():
    mask = np.ones((100, 4), dtype=bool)
    mask[:40, 0] = False
    scores = scored(add_coverage, random_table(100, 1).with_holes(mask), random_table(100, 2), 500, 0)
    assert "only the 60 complete of 100 real rows" in scores.reasons["coverage/beta_recall"]
    mask[:95, 0] = False
    few = scored(add_coverage, random_table(100, 1).with_holes(mask), random_table(100, 2), 500, 0)
    assert few.values == {"coverage/alpha_precision": None, "coverage/beta_recall": None}


# privacy


def test_dcr_share_by_hand():
    train, holdout = np.array([[0.0], [10.0]]), np.array([[4.0], [20.0]])
    synthetic = np.array([[0.1], [5.0], [2.0], [19.0]])  # training, hold-out, a tie, hold-out
    assert dcr_share(train, holdout, synthetic) == pytest.approx(1.5 / 4)
    three_to_one = np.array([[0.0], [1.0], [2.0]]), np.array([[10.0]])
    assert dcr_share(*three_to_one, np.array([[0.0], [9.0]])) == pytest.approx(0.5 / (2 * 0.75))
    assert dcr_share(*three_to_one, np.array([[0.0]])) == 1
    assert dcr_share(*three_to_one, np.array([[10.0]])) == 0


@pytest.mark.parametrize("n_holdout", [2000, 500])
def test_dcr_share_is_half_for_fresh_rows_and_one_for_copies_whatever_the_sizes(n_holdout):
    train, holdout, fresh = points(2000, 0), points(n_holdout, 1), points(2000, 2)
    assert dcr_share(train, holdout, fresh) == pytest.approx(0.5, abs=0.06)
    assert dcr_share(train, holdout, train + 1e-6) == 1
    coarse = [x.round(0) for x in (train, holdout, fresh)]
    assert dcr_share(*coarse) == pytest.approx(0.5, abs=0.06)


def test_copies_are_counted_exactly():
    train, fresh = random_table(300, 1), random_table(200, 2)
    assert share_of_copies(train, fresh) == 0
    frame = pd.concat([fresh.frame.iloc[:150], train.frame.iloc[[7, 7, 299]]])
    frame.loc[frame.index[0], "height"] = -0.0
    assert share_of_copies(train, make_table(frame, SCHEMA)) == pytest.approx(3 / 153)
    zero = make_table(train.frame.assign(height=0.0), SCHEMA)
    assert share_of_copies(zero, make_table(train.frame.assign(height=-0.0), SCHEMA)) == 1


def test_privacy_of_tables_without_complete_rows_or_hold_out_is_undefined():
    train, holdout, synthetic = (random_table(50, seed) for seed in range(3))
    mask = np.arange(200).reshape(50, 4) % 4 > 0
    none = scored(add_privacy, train.with_holes(mask), holdout, synthetic, 100, 0)
    assert none.values == {"privacy/dcr_share": None, "privacy/copies": None}
    few = scored(add_privacy, train, holdout.take(np.arange(5)), synthetic, 100, 0)
    assert few.values == {"privacy/copies": 0.0, "privacy/dcr_share": None}
    assert "5 complete hold-out rows are too few" in few.reasons["privacy/dcr_share"]


def test_copies_beyond_those_of_fresh_rows_are_told_apart_from_chance():
    train, fresh, other = (random_table(200, seed) for seed in (1, 2, 3))
    assert more_copies(train, fresh, other) is None
    learned = make_table(pd.concat([train.frame[:20], other.frame[:180]], ignore_index=True), SCHEMA)
    assert more_copies(train, fresh, learned) == (0.1, 0.0)
    coarse = Schema((Column("label", "categorical", "int64", categories=(0, 1)),), target=None)
    rows = [make_table(table.frame[["label"]], coarse) for table in (train, fresh, other)]
    assert more_copies(*rows) is None, "every row repeats, fresh ones too"
    half = np.arange(200)[:, None] % 2 > np.zeros(4)
    assert more_copies(train, fresh, learned.with_holes(half)) == (0.1, 0.0), "only complete rows count"
    assert more_copies(train, fresh, learned.with_holes(np.zeros((200, 4), dtype=bool))) is None
