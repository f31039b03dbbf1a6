"""A search is checked, ends of its space and all, before the first trial."""

import pytest

from src.config.compose import compose
from src.config.impute import build_impute_request
from src.config.tune import build_tuning_request, is_search
from src.errors import ConfigError


def request(*overrides):
    return build_tuning_request(compose(["experiment=tune", *overrides]))


@pytest.mark.integration
def test_the_committed_search_stands():
    found = request("tune.n_trials=7")
    assert found.tuning.n_trials == 7
    assert found.search.start["training.batch_size"] == 256
    assert found.search.is_start_in_space
    trial = found.trial({"training.batch_size": 128, "network.n_blocks": 5})
    assert (trial.training.batch_size, trial.network.n_blocks) == (128, 5)
    assert not request("training.batch_size=300").search.is_start_in_space
    assert not is_search(compose([]))


def test_imputing_has_no_search():
    with pytest.raises(ConfigError, match=r"python -m src\.train"):
        build_impute_request(compose(["experiment=tune"], "impute"))


@pytest.mark.integration
@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["tune.n_trials=0"], "tune.n_trials is at least 1"),
        (["tune.n_trials=many"], "tune.n_trials is a whole number"),
        (["~tune.space"], "tune.space"),
        (["~tune.space.training", "~tune.space.network"], "tune.space is empty"),
        (["method=marginals"], "there is nothing to tune"),
        (["trainer=ddp"], "leave trainer=ddp out"),
        (["method=stasy_missdiff", "training.fine_tuning_epochs=2"], "a search needs 0"),
        (["+tune.space.diffusion.hidden=[1,2]"], "only settings of training and network"),
        (["+tune.space.seed=[1,2]"], "only settings of training and network"),
        (["+tune.space.training.surprise=[1]"], "is no setting of this training"),
        (["+tune.space.training.name=[fast]"], "is no setting of this training"),
        (["+tune.space.training.warm_up_steps=[]"], "lists no value"),
        (["tune.space.training.learning_rate.low=1"], "low is below high"),
        (["tune.space.training.learning_rate.low=-1"], "starts above 0"),
        (["+tune.space.training.warm_up_steps={low:0,high:9,log:true}"], "starts above 0"),
        (["tune.space.training.batch_size=[128,x]"], "training.batch_size"),
        (["+tune.space.training.warm_up_steps={lowest:1}"], "is a list of values, or has low"),
        (["+tune.space.training.warm_up_steps={low:a,high:2}"], "low is a number"),
    ],
)
def test_a_search_that_cannot_be_is_refused(overrides, message):
    with pytest.raises(ConfigError, match=message):
        request(*overrides)
