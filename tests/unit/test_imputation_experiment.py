"""The benchmark of imputers: masks, and what may reach a fit."""

import numpy as np
import pytest

from src.config.compose import compose
from src.config.impute import build_impute_request
from src.missing import ColumnMissing, IndependentMissing, MissingAtRandom, NotMissingAtRandom, RowMissing
from src.runs.score_imputer import impute_and_score, sample_masks
from src.seeding import numpy_stream
from src.tables import Split
from src.tables.table import Table
from tests.conftest import random_table
from tests.unit.imputation.imputers import IMPUTERS, RECIPE

MECHANISMS = [
    RowMissing(0.25, True),
    ColumnMissing(0.3, True),
    IndependentMissing(0.3, True),
    MissingAtRandom(0.3, True, 0.3),
    NotMissingAtRandom(0.3, True, 0.3),
]


@pytest.mark.parametrize("mechanism", MECHANISMS, ids=lambda m: type(m).__name__)
def test_masks_of_train_and_test_are_of_one_mechanism(mechanism):
    split = Split(random_table(4000, 1), random_table(2000, 2))
    train, test = sample_masks(mechanism, split, seed=3)
    # the training mask is the one that the generating methods train on
    assert np.array_equal(train, mechanism.sample_mask(split.train, numpy_stream(3, "mask")))
    assert np.allclose(train.mean(axis=0), test.mean(axis=0), atol=0.06)  # complete columns are the same ones
    assert not np.array_equal(train[:2000], test)
    agreeing = (train[:2000] == test).mean()
    assert agreeing < 0.999
    assert np.array_equal(test, sample_masks(mechanism, split, seed=3)[1])


@pytest.mark.slow
@pytest.mark.parametrize("name", IMPUTERS)
def test_no_held_back_cell_reaches_a_fit_or_a_draw(name):
    request = build_impute_request(compose(["missing=independent", "evaluation.n_draws=2"], "impute"))
    split = Split(random_table(120, 1), random_table(60, 2))
    masks = sample_masks(IndependentMissing(0.3, True), split, 0)
    other = Split(random_table(120, 8), random_table(60, 9))
    poisoned = Split(
        Table(split.train.frame.where(masks[0], other.train.frame), split.train.schema),
        Table(split.test.frame.where(masks[1], other.test.frame), split.train.schema),
    )
    imputed = []
    for tables in (split, poisoned):
        imputer = IMPUTERS[name](0)
        kept = []
        transform = imputer.transform
        imputer.transform = lambda *given, transform=transform, kept=kept: kept.append(transform(*given)) or kept[-1]
        scores, _ = impute_and_score(imputer, request.evaluation, tables, masks)
        assert scores.values["imputation/rmse"] is not None
        assert scores.values["imputation/in_sample_categorical_error"] is not None
        imputed.append(kept)
    for one, two in zip(*imputed, strict=True):
        assert all(np.array_equal(one.draws[column], two.draws[column]) for column in one.draws)


def test_a_model_is_trained_as_the_configuration_says():
    config = build_impute_request(
        compose(["missing=row", "training.n_steps=7", "network.channels=24"], "impute")
    ).config
    recipe = config.recipe
    assert recipe.training.n_steps == 7
    assert recipe.network.channels == 24
    assert type(recipe) is type(RECIPE)
