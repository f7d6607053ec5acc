import dataclasses

import pytest

pytest.importorskip("torchaudio")

from vocalsep.errors import OptionError
from vocalsep.training.augmentation import Augmentation
from vocalsep.training.recipe import load_recipe, recipe_from


def test_paper_is_the_published_recipe():
    recipe = load_recipe("paper")
    assert (recipe.data.chunk_seconds, recipe.data.chunks_per_track, recipe.data.batch_size) == (3.0, 64, 8)
    assert dataclasses.asdict(recipe.augmentation) == dataclasses.asdict(
        Augmentation(gain_low=0.25, gain_high=1.25, swap_channels=0.5)
    )
    assert recipe.loss == {"mse_spectrogram": 1.0}
    optimiser = recipe.optimiser
    assert (optimiser.name, optimiser.learning_rate, optimiser.weight_decay) == ("adam", 1e-3, 1e-6)
    assert (optimiser.schedule, optimiser.plateau_factor) == ("plateau", 0.3)
    assert recipe.run.epochs == 13


def test_quick_is_bounded_in_steps_and_audio():
    """So that it ends within the hour on two cores, whatever the data are."""
    recipe = load_recipe("quick")
    audio_seconds = recipe.run.max_steps * recipe.data.batch_size * recipe.data.chunk_seconds
    assert audio_seconds == 2400
    for architecture in ("tdf", "tdsa", "tdt"):
        assert recipe.model_config(architecture)["growth"] == 12


def test_settings_are_read_as_toml_or_as_words():
    recipe = load_recipe(
        "default", ["run.epochs=3", "run.precision=bf16", "loss.mse_spectrogram=0.1", "model.tdf.growth=12"]
    )
    assert recipe.run.epochs == 3
    assert recipe.run.precision == "bf16"
    assert recipe.loss["mse_spectrogram"] == 0.1
    assert recipe.model_config("tdf") == {"architecture": "tdf", "head": "mask", "growth": 12}
    assert recipe.model_config("umx") == {"architecture": "umx"}


@pytest.mark.parametrize("architecture", ["tdz", "mdx_net"])
def test_architectures_that_cannot_be_trained(architecture):
    with pytest.raises(OptionError, match=f"no architecture to train is called '{architecture}'. Choose umx"):
        load_recipe("default").model_config(architecture)


def test_a_setting_of_the_model_is_for_any_architecture():
    recipe = load_recipe("default", ["model.head=spectrogram"])
    assert recipe.model_config("tdt") == {"architecture": "tdt", "head": "spectrogram"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["optimiser.learning_rat=1"], "learning_rat.*Did you mean 'learning_rate'"),
        (["optimizer.learning_rate=1"], "optimizer.*Did you mean 'optimiser'"),
        (["run.epochs=three"], "'epochs' is 'three'"),
        (["run.epochs=0"], "epochs is 0"),
        (["run.precision=int8"], "Choose auto, fp32, bf16, fp16"),
        (["epochs=3"], "section.key=value"),
        (["run.epochs"], "section.key=value"),
        (["loss.mse=1"], "unknown loss 'mse'.*mse_spectrogram"),
        (["loss.l1_waveform=x"], "l1_waveform"),
        (["augmentation.remix=2"], "share"),
        (["run.epochs.more=2"], "epochs is a value"),
        (["optimiser.schedule=plateau"], "warmup_steps"),
    ],
)
def test_a_wrong_setting_is_named(settings, words):
    with pytest.raises(OptionError, match=words):
        load_recipe("default", settings)


def test_files_are_recipes(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[loss]\nneg_sdr = 1\n[run]\nepochs = 2\n")
    assert load_recipe(str(path)).run.epochs == 2
    path.write_text("[loss\n")
    with pytest.raises(OptionError, match=r"mine.toml is no TOML.*line 1"):
        load_recipe(str(path))
    with pytest.raises(OptionError, match="default, paper, quick"):
        load_recipe("papr")


def test_a_recipe_comes_back_from_its_mapping():
    recipe = load_recipe("default", ["run.seed=7"])
    assert recipe_from(dataclasses.asdict(recipe)) == recipe
