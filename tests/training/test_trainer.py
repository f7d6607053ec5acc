import json
import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

pytest.importorskip("accelerate")
pytest.importorskip("torchaudio")

from helpers.song_folders import write_tracks
from vocalsep.errors import DamagedAudioError, DiskFullError, DivergedError, OptionError, RunError, UnfitTrackError
from vocalsep.training.recipe import load_recipe
from vocalsep.training.run.config import RunConfig
from vocalsep.training.run.folder import RunFolder
from vocalsep.training.run.history import read_history
from vocalsep.training.trainer import Trainer
from vocalsep.weights.checkpoint import load_model_file, read_checkpoint

SMALL = [
    "model.n_fft=512",
    "model.hop_length=256",
    "data.chunk_seconds=0.25",
    "data.chunks_per_track=4",
    "data.batch_size=2",
    "data.workers=0",
    "run.precision=fp32",
]
SMALL_UNET = [*SMALL, "model.n_bins=256", "model.depth=2", "model.growth=4"]


def run_config(songs, architecture="tdt", recipe="default", settings=()):
    small = SMALL if architecture == "umx" else SMALL_UNET
    loaded = load_recipe(recipe, [*small, *settings])
    return RunConfig.resolve(architecture, loaded, recipe_name=recipe, dataset=f"folders:{songs}")


def started(songs, folder, architecture="tdt", recipe="default", settings=(), **more):
    trainer = Trainer(run_config(songs, architecture, recipe, settings), RunFolder(folder), cpu=True, **more)
    trainer.start()
    return trainer


@pytest.mark.parametrize("architecture", ["umx", "tdf", "tdsa", "tdt"])
@pytest.mark.parametrize("recipe", ["default", "paper"])
def test_every_architecture_learns(tmp_path, architecture, recipe):
    songs = tmp_path / "songs"
    for part in ("train", "valid"):  # the same: whether it learns is asked here, not whether that generalises
        write_tracks(songs / part, 2)
    trainer = started(
        songs, tmp_path / "run", architecture, recipe,
        ["run.epochs=6", "data.chunks_per_track=12", "optimiser.learning_rate=0.01"]
        + (["optimiser.warmup_steps=2", "optimiser.ema_decay=0.5"] if recipe == "default" else []),
    )  # fmt: skip
    assert trainer.fit()
    rows = read_history(tmp_path / "run" / "metrics.csv")
    assert [row["step"] for row in rows] == [12 * epoch for epoch in range(1, 7)]
    assert rows[-1]["valid_loss"] < 0.9 * rows[0]["valid_loss"]
    assert rows[-1]["valid_sdr_vocals"] > rows[0]["valid_sdr_vocals"]


def test_the_baseline_is_given_the_statistics_of_its_input(songs, tmp_path):
    trainer = started(songs, tmp_path / "run", "umx", settings=["run.epochs=1"])
    assert trainer.fit()
    state = read_checkpoint(tmp_path / "run" / "last.safetensors").state
    assert (state["input_mean"] < -1e-3).all()
    assert not torch.allclose(state["input_scale"], torch.ones(257))


def test_a_run_folder_holds_what_it_should(songs, tmp_path):
    trainer = started(songs, tmp_path / "run", settings=["run.epochs=2"])
    assert trainer.fit()
    run = tmp_path / "run"
    config = json.loads((run / "config.json").read_text())
    assert config["model"]["architecture"] == "tdt"
    assert config["model"]["growth"] == 4
    assert config["run"]["epochs"] == 2
    assert RunFolder(run).read_config() == run_config(songs, settings=["run.epochs=2"])
    environment = json.loads((run / "environment.json").read_text())
    assert environment["packages"]["torch"].startswith(torch.__version__.split("+")[0])
    card = (run / "MODEL_CARD.md").read_text()
    assert f"{sum(p.numel() for p in load_model_file(run / 'best.safetensors').parameters()):,} parameters" in card
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert list((run / "tensorboard").iterdir())
    checkpoint = read_checkpoint(run / "best.safetensors")
    assert json.loads(checkpoint.metadata["training"]) == {**config, "dataset": "folders:songs"}
    assert str(tmp_path) not in card + repr(checkpoint.metadata)
    assert [path for path in run.rglob("*") if path.name.startswith(".vocalsep")] == []


def test_the_best_weights_are_those_of_the_best_epoch(songs, tmp_path):
    seen = []

    def keep(row):
        seen.append((row["valid_loss"], (tmp_path / "run" / "last.safetensors").read_bytes()))

    trainer = started(
        songs, tmp_path / "run", settings=["run.epochs=4", "optimiser.learning_rate=0.05"], on_epoch=keep
    )
    assert trainer.fit()
    _, best = min(seen, key=lambda epoch: epoch[0])
    assert (tmp_path / "run" / "best.safetensors").read_bytes() == best


def test_averaged_weights_are_the_moving_average(songs, tmp_path):
    trainer = started(songs, tmp_path / "run", settings=["run.max_steps=3", "optimiser.ema_decay=0.15"])
    expected, name = None, "in_conv.weight"
    update = trainer._state._average.update_parameters

    def follow(model):
        nonlocal expected
        n, weights = int(trainer._state._average.n_averaged), model.state_dict()[name].clone()
        decay = min(0.15, (1 + n) / (10 + n))
        expected = weights if expected is None else decay * expected + (1 - decay) * weights
        update(model)

    trainer._state._average.update_parameters = follow
    assert trainer.fit()
    state = read_checkpoint(tmp_path / "run" / "last.safetensors").state
    torch.testing.assert_close(state[name], expected, rtol=1e-5, atol=1e-7)


def test_a_run_starts_from_weights(songs, tmp_path):
    """A step of no length leaves the weights as they are, and their average with them."""
    settings = ["run.max_steps=1", "optimiser.learning_rate=1e-30", "optimiser.weight_decay=0"]
    assert started(songs, tmp_path / "first", "umx").fit()
    config = replace(run_config(songs, "umx", settings=[*settings, "run.seed=1"]), init=str(tmp_path / "first"))
    again = Trainer(config, RunFolder(tmp_path / "again"), cpu=True)
    again.start()
    assert again.fit()
    first, second = (read_checkpoint(tmp_path / run / "best.safetensors") for run in ("first", "again"))
    for name, tensor in first.state.items():
        if "running" not in name:
            torch.testing.assert_close(tensor, second.state[name], msg=name)
    assert json.loads((tmp_path / "again" / "config.json").read_text())["init"] == str(tmp_path / "first")
    assert json.loads(second.metadata["training"])["init"] == "first"


def test_weights_of_another_size_are_not_started_from(songs, tmp_path):
    assert started(songs, tmp_path / "first", settings=["run.max_steps=1"]).fit()
    config = run_config(songs, settings=["model.growth=8"])
    trainer = Trainer(replace(config, init=str(tmp_path / "first")), RunFolder(tmp_path / "run"), cpu=True)
    with pytest.raises(OptionError, match="growth 4, and the run 8"):
        trainer.start()
    assert not (tmp_path / "run").exists()


def test_accumulated_batches_make_the_step_of_one_large_batch(songs, tmp_path):
    # tdt has batch normalisation; in evaluation mode a batch does not matter to it
    steps = []
    for name, settings in (
        ("small", ["data.batch_size=2", "optimiser.accumulate=2"]),
        ("large", ["data.batch_size=4"]),
    ):
        trainer = started(
            songs, tmp_path / name, recipe="paper",
            settings=[*settings, "run.max_steps=1", "model.dropout=0.0", "augmentation.swap_channels=0.0",
                      "augmentation.gain_low=1.0", "augmentation.gain_high=1.0"],
        )  # fmt: skip
        trainer._estimator.train = partial(trainer._estimator.train, False)
        assert trainer.fit()
        steps.append(trainer._model.state_dict()["out_conv.weight"].clone())
    torch.testing.assert_close(*steps, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("epoch_steps", [3, 6])
@pytest.mark.parametrize("recipe", ["default", "paper"])
def test_a_run_that_is_cut_goes_on_bit_for_bit(songs, tmp_path, recipe, epoch_steps):
    settings = ["run.max_steps=6", "run.checkpoint_steps=3", f"data.chunks_per_track={epoch_steps}"]
    straight = started(songs, tmp_path / "straight", recipe=recipe, settings=settings)
    assert straight.fit()

    cut = started(songs, tmp_path / "cut", recipe=recipe, settings=settings)
    cut._should_stop = lambda: cut.position.step == 3 or None
    assert not cut.fit()
    resumed = Trainer(RunFolder(tmp_path / "cut").read_config(), RunFolder(tmp_path / "cut"), cpu=True)
    resumed.start(resume=True)
    assert resumed.position.step == 3
    assert resumed.fit()
    assert (tmp_path / "cut" / "last.safetensors").read_bytes() != b""
    for name, tensor in straight._model.state_dict().items():
        assert torch.equal(tensor, resumed._model.state_dict()[name]), name
    histories = [
        [{key: value for key, value in row.items() if key != "seconds"} for row in trainer.position.history]
        for trainer in (straight, resumed)
    ]
    assert histories[0] == histories[1]


def test_learning_rates_follow_the_schedule(songs, tmp_path):
    rates = []
    trainer = started(
        songs, tmp_path / "run",
        settings=["run.max_steps=6", "optimiser.warmup_steps=2", "optimiser.learning_rate=1.0",
                  "optimiser.clip_norm=1e-9"],
    )  # fmt: skip
    step = trainer._step
    trainer._step = lambda loaded: (rates.append(trainer._state.learning_rate), step(loaded))
    assert trainer.fit()
    expected = [1 / 3, 2 / 3] + [0.5 * (1 + math.cos(math.pi * i / 4)) for i in range(4)]
    np.testing.assert_allclose(rates, expected, rtol=1e-6)


def test_a_plateau_lowers_the_rate_and_early_stop_ends_the_run(songs, tmp_path):
    trainer = started(
        songs, tmp_path / "run", recipe="paper",
        settings=["run.epochs=20", "optimiser.plateau_patience=0", "run.early_stop_epochs=3",
                  "optimiser.learning_rate=1e-7"],
    )  # fmt: skip
    assert trainer.fit()
    rows = trainer.position.history
    assert len(rows) < 20
    assert trainer.position.epochs_since_best == 3
    assert rows[-1]["learning_rate"] < 0.2e-7


def test_the_last_checkpoint_stays_where_the_loss_diverges(songs, tmp_path):
    trainer = started(
        songs, tmp_path / "run", recipe="paper", settings=["run.checkpoint_steps=2", "run.max_steps=8"]
    )
    step = trainer._step

    def explode(loaded):
        step(loaded)
        if trainer.position.step == 3:
            trainer._losses["loss"] *= math.nan

    trainer._step = explode
    with pytest.raises(DivergedError, match="nan before step 4"):
        trainer.fit()
    assert RunFolder(tmp_path / "run").read_state()["position"]["step"] == 2


def test_a_file_that_goes_bad_loses_nothing(songs, tmp_path):
    trainer = started(songs, tmp_path / "run", settings=["run.epochs=50"])
    step = trainer._step

    def spoil(loaded):
        step(loaded)
        if trainer.position.step == 7:
            for victim in songs.glob("*/vocals.wav"):
                victim.write_bytes(victim.read_bytes()[:3000])

    trainer._step = spoil
    with pytest.raises(DamagedAudioError, match=r"vocals\.wav"):
        trainer.fit()
    assert RunFolder(tmp_path / "run").read_state()["position"]["step"] == trainer.position.step >= 7


def test_the_last_checkpoint_survives_a_full_disk(songs, tmp_path, monkeypatch):
    trainer = started(songs, tmp_path / "run", settings=["run.checkpoint_steps=1", "run.max_steps=3"])
    write = RunFolder.write_state
    writes = []

    def full(folder, state):
        writes.append(state["position"]["step"])
        if len(writes) == 2:
            import resource

            limits = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
            try:
                write(folder, state)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        write(folder, state)

    monkeypatch.setattr(RunFolder, "write_state", full)
    with pytest.raises(DiskFullError):
        trainer.fit()
    assert RunFolder(tmp_path / "run").read_state()["position"]["step"] == 1
    assert [path for path in (tmp_path / "run").rglob("*") if path.name.startswith(".vocalsep")] == []


def test_a_checkpoint_of_another_model_is_refused(songs, tmp_path):
    assert started(songs, tmp_path / "tdt", settings=["run.max_steps=1"]).fit()
    trainer = Trainer(
        run_config(songs, "tdf", settings=["run.max_steps=1"]), RunFolder(tmp_path / "tdt"), cpu=True
    )
    with pytest.raises(RunError, match="not of this run"):
        trainer.start(resume=True)


@pytest.mark.parametrize("damage", [b"", b"not a checkpoint", "cut"])
def test_a_damaged_checkpoint_is_refused(songs, tmp_path, damage):
    assert started(songs, tmp_path / "run", settings=["run.max_steps=1"]).fit()
    file = tmp_path / "run" / "checkpoint.pt"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2] if damage == "cut" else damage)
    trainer = Trainer(run_config(songs, settings=["run.max_steps=1"]), RunFolder(tmp_path / "run"), cpu=True)
    with pytest.raises(RunError, match="damaged"):
        trainer.start(resume=True)


def test_too_little_for_a_step_is_said(tmp_path):
    songs = write_tracks(tmp_path / "songs", 2)
    with pytest.raises(UnfitTrackError, match="4 chunks makes no step of 64"):
        started(songs, tmp_path / "run", settings=["data.batch_size=64"])


def test_bf16_changes_little(songs, tmp_path):
    losses = {}
    for name, settings in (("plain", []), ("bf16", ["run.precision=bf16"])):
        trainer = started(songs, tmp_path / name, recipe="paper", settings=["run.epochs=1", *settings])
        assert trainer.fit()
        losses[name] = trainer.position.history[-1]["valid_loss"]
    assert losses["bf16"] != losses["plain"]
    assert losses["bf16"] == pytest.approx(losses["plain"], rel=0.05)
