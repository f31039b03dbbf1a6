"""Every key that the paper states, in every experiment that bears the paper's name."""

from pathlib import Path

import pytest

from src.config.compose import compose
from src.config.recorded import recorded_config
from src.config.run import build_config
from src.results.record.run_folder import flatten

CONF = Path(__file__).resolve().parents[2] / "conf"
PROCESS = {
    "diffusion.name": "ddpm",
    "diffusion.process.beta_min": 1e-4,  # D.2: beta_1 = 0.0001
    "diffusion.process.beta_max": 0.5,  # D.2: beta_T = 0.5
    "diffusion.prediction": "noise",  # Algorithm 1: the network predicts eps
    "diffusion.weight": "noise",  # Algorithm 1: the squared error of eps, unweighted
    "diffusion.sampler.name": "ancestral",  # Algorithm 2
    "diffusion.sampler.n_steps": None,  # Algorithm 2: every t
    "diffusion.sampler.noise": "beta",  # Algorithm 2: sqrt(beta_t) z
    "diffusion.encoding.numerical": "minmax",  # D.2: min-max normalization
    "diffusion.encoding.na_coordinate": True,  # section 2.3: a new category to represent na
    "diffusion.encoding.code": "one_hot",  # D.2: one-hot embedding
}
NETWORK_AND_TRAINING = {
    "network.name": "residual_attention",  # D.2, as in TabCSDI
    "network.channels": 64,  # D.2: channels as 64
    "network.n_blocks": 4,  # D.2: four layers residual network
    "network.dim_time": 128,  # D.2: diffusion embedding of 128
    "training.epochs": 250,  # D.2
    "training.batch_size": 64,  # D.2
    "training.learning_rate": 5e-4,  # D.2
    "training.schedule": "multistep",  # D.2: x 0.1 at 25, 50, 75, 90 %
    "training.ema_decay": None,  # D.2 has none
    "training.gradient_clip": None,
    "training.self_paced_steps": None,
    "training.fine_tuning_epochs": 0,
}
STASY = {
    "diffusion.name": "ve",  # D.2: Variance Exploding SDE
    "network.name": "concat_squash",  # D.2: six layers ConcatSquash
    "network.embedding": "fourier",  # D.2
    "training.learning_rate": 2e-3,  # D.2
    "training.batch_size": 64,  # D.2
    "training.epochs": 250,  # D.2: 250 epochs / 1000 epochs
    "training.fine_tuning_epochs": 50,  # D.2
}
CENSUS = {"dataset.name": "census", "dataset.n_train": 16000, "dataset.n_test": 4000}  # Table 8
TIMES = {"census": 100, "bayesian_network": 100, "mimic4ed": 150}  # D.2
DATASETS = {"paper_figure1": "bayesian_network", "paper_table3_4": "mimic4ed"}
SWEEPS = sorted(file.stem for file in (CONF / "experiment").glob("paper_*.yaml"))
OF_TRAINING = [name for name in SWEEPS if name != "paper_table7"]


def plain(overrides):
    return build_config(compose([*overrides, "budget=full"])).plain


def assert_stated(found, stated):
    assert {key: found[key] for key in stated} == stated


def test_no_experiment_of_the_paper_is_forgotten():
    tables = ("1_2", "3_4", "5_6", "7", "9_11", "12_16", "17_18")
    assert set(SWEEPS) == {"paper_figure1", "paper_recipe", *(f"paper_table{numbers}" for numbers in tables)}


@pytest.mark.slow
@pytest.mark.parametrize("experiment", OF_TRAINING)
@pytest.mark.parametrize("method", ["missdiff", "diff_delete", "diff_mean"])
def test_the_diffusion_of_every_sweep_is_the_papers(experiment, method):
    dataset = DATASETS.get(experiment, "census")
    found = flatten(plain([f"experiment={experiment}", f"method={method}"]))
    assert_stated(found, PROCESS | {"diffusion.process.n_steps": TIMES[dataset], "dataset.name": dataset, "ratio": 0.2})
    if dataset == "census":
        assert_stated(found, CENSUS)


def test_the_paper_recipe_is_the_papers_network_and_training_too():
    assert_stated(flatten(plain(["experiment=paper_recipe"])), PROCESS | NETWORK_AND_TRAINING)
    text = (CONF / "experiment" / "paper_recipe.yaml").read_text()
    assert "diffusion:\n" not in text, "the diffusion is diffusion=ddpm, no key of it is changed"


@pytest.mark.slow
@pytest.mark.parametrize("experiment", [name for name in OF_TRAINING if "recipe" not in name and "figure" not in name])
@pytest.mark.parametrize("method", ["stasy_delete", "stasy_mean"])
def test_stasy_has_the_settings_the_paper_states(experiment, method):
    assert_stated(flatten(plain([f"experiment={experiment}", f"method={method}"])), STASY)
    long = flatten(plain([f"experiment={experiment}", f"method={method}_long"]))
    assert_stated(long, STASY | {"training.epochs": 1000})


def test_the_imputer_of_table_7_is_a_model_of_the_papers_process():
    composed = compose(["experiment=paper_table7", "imputer=missdiff"], "impute")
    assert composed.diffusion.name == "ddpm"
    assert composed.diffusion.prediction == "noise"


def test_settings_recorded_under_the_old_meaning_of_ddpm_are_built_as_they_were():
    recorded = plain(["diffusion=vp"])
    recorded["diffusion"]["name"] = "ddpm"
    config = recorded_config(recorded)
    assert (config.diffusion.prediction, config.diffusion.weight) == ("residual", "velocity")
    assert config.encoding.numerical == "quantile"
    assert not config.encoding.na_coordinate


def test_a_setting_that_is_gone_is_no_hindrance():
    recorded = plain(["method=stasy_mean"])
    recorded["training"]["fine_tuning_probes"] = 50
    assert recorded_config(recorded).training.fine_tuning_epochs == 50
