import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("accelerate")
pytest.importorskip("torchaudio")

from helpers.song_folders import write_tracks
from vocalsep.datasets.dataset import open_dataset
from vocalsep.errors import OptionError, RunError, UnfitTrackError
from vocalsep.evaluation import evaluate
from vocalsep.training import reproduce, trainer
from vocalsep.training.recipe import load_recipe
from vocalsep.training.reproduce import (
    PUBLISHED,
    Experiment,
    begin,
    evaluate_run,
    held_out,
    read_experiment,
    write_page,
)
from vocalsep.training.trainer import Trainer

SMALL = [
    "model.n_fft=512", "model.hop_length=256", "model.umx.hidden_size=8",
    *(f"model.{name}.{size}" for name in ("tdf", "tdsa", "tdt") for size in ("n_bins=256", "depth=2", "growth=4")),
    "data.chunk_seconds=0.25", "data.chunks_per_track=4", "data.batch_size=2", "data.workers=0",
    "run.epochs=2", "run.precision=fp32",
]  # fmt: skip
FOUR = ("umx", "tdf", "tdsa", "tdt")


def experiment(songs, models=FOUR, recipe="paper", settings=()):
    loaded = load_recipe(recipe, [*SMALL, *settings])
    return Experiment(models=models, dataset=f"folders:{songs}", recipe_name=recipe, recipe=loaded)


def train(run, **more):
    made = Trainer(run.config, run.folder, cpu=True, **more)
    made.start(resume=run.resume)
    return made.fit()


@pytest.mark.parametrize("recipe", ["paper", "default"])
def test_all_models_see_the_same_examples_in_the_same_order(songs, tmp_path, monkeypatch, recipe):
    """The batches as the network gets them, augmented: not only the chunks that are read."""
    seen, compare = {}, trainer.compare

    def watch(estimator, model, stems):
        if estimator.training:
            seen.setdefault(name, []).append(stems.numpy(force=True).copy())
        return compare(estimator, model, stems)

    monkeypatch.setattr(trainer, "compare", watch)
    made = experiment(songs, (*FOUR, "tdsa:attention=frame"), recipe)
    for run in made.runs(tmp_path):
        name = run.name
        assert train(run)
    assert set(seen) == {*FOUR, "tdsa-attention-frame"}
    first = seen.pop("umx")
    assert len(first) == 2 * (2 * 4 // 2)  # epochs of two songs of four chunks in twos
    for batches in seen.values():
        np.testing.assert_array_equal(batches, first)


def test_a_model_may_have_settings_of_its_own(songs, tmp_path):
    runs = experiment(songs, ("tdsa", "tdsa:attention=frame:n_heads=2", "tdf")).runs(tmp_path)
    assert [run.name for run in runs] == ["tdsa", "tdsa-attention-frame-n_heads-2", "tdf"]
    attention = [(run.config.model["attention"], run.config.model["n_heads"]) for run in runs]
    assert attention == [("segment", 1), ("frame", 2), ("segment", 1)]
    assert {run.config.recipe.data for run in runs} == {runs[0].config.recipe.data}


@pytest.mark.parametrize(
    ("models", "settings", "said"),
    [
        (("tdz",), [], "no architecture to train is called 'tdz'"),
        (("tdf:grwth=8",), [], "grwth.*growth"),
        (("tdf:growth",), [], "is no setting"),
        (("tdf:layers=1", "tdf::layers=1"), [], "two models would be trained as 'tdf-layers-1'"),
        (("tdf",), ["run.early_stop_epochs=2"], "different numbers of steps"),
    ],
)
def test_what_cannot_be_compared_is_refused(songs, models, settings, said):
    with pytest.raises(OptionError, match=said):
        experiment(songs, models, settings=settings)


def test_an_experiment_comes_back_from_its_folder(songs, tmp_path):
    assert read_experiment(tmp_path) is None
    made = experiment(songs, ("tdt", "tdsa:attention=frame"), "default")
    begin(tmp_path, made, made.runs(tmp_path))
    assert read_experiment(tmp_path) == made
    (tmp_path / "experiment.json").write_text('{"models": []}')
    with pytest.raises(RunError, match=r"experiment\.json cannot be read"):
        read_experiment(tmp_path)


def test_runs_of_other_settings_are_refused(songs, tmp_path):
    made = experiment(songs, ("tdt",))
    assert train(made.runs(tmp_path)[0])
    longer = experiment(songs, ("tdt",), settings=["run.epochs=3"]).runs(tmp_path)
    assert [run.resume for run in longer] == [True]
    with pytest.raises(RunError, match=r"optimiser\.learning_rate 0\.001, not 0\.1"):
        experiment(songs, ("tdt",), settings=["optimiser.learning_rate=0.1"]).runs(tmp_path)
    with pytest.raises(RunError, match="dataset"):
        replace(made, dataset="folders:elsewhere").runs(tmp_path)


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_anew(songs, tmp_path):
    made = experiment(songs, ("tdt",))
    (run,) = made.runs(tmp_path)
    Trainer(run.config, run.folder, cpu=True).start()
    runs = made.runs(tmp_path)
    begin(tmp_path, made, runs)
    assert not runs[0].resume
    assert train(runs[0])
    run.folder.state_file.unlink()  # now there are weights, which must not be replaced
    runs = made.runs(tmp_path)
    begin(tmp_path, made, runs)
    with pytest.raises(RunError, match="no checkpoint"):
        train(runs[0])


def test_songs_of_the_test_part_are_held_out_or_else_of_valid(tmp_path):
    songs = write_tracks(tmp_path / "songs" / "train", 2).parent
    write_tracks(songs / "valid", 1)
    valid = held_out(open_dataset(str(songs)))
    assert (valid.split, len(valid.tracks)) == ("valid", 1)
    pools = f"pools:{songs}/train/song-0,{songs}/train/song-1"
    both = held_out(open_dataset(f"folders:{songs} + {pools}"))
    assert [track.name for track in both.tracks] == ["1/song-0"]
    with pytest.raises(UnfitTrackError, match="to compare with"):
        held_out(open_dataset(pools))
    write_tracks(songs / "test", 3)
    test = held_out(open_dataset(str(songs)))
    assert (test.split, len(test.tracks)) == ("test", 3)


def test_songs_are_scored_once_for_the_same_weights(songs, tmp_path, monkeypatch):
    scored, evaluate_track = [], evaluate.evaluate_track

    def watch(estimator, track):
        scored.append(track.name)
        if len(scored) == 2:
            raise KeyboardInterrupt
        return evaluate_track(estimator, track)

    monkeypatch.setattr(reproduce, "evaluate_track", watch)
    write_tracks(songs / "test", 3)
    made = experiment(songs, ("tdt",))
    (run,) = made.runs(tmp_path)
    assert train(run)
    held = held_out(open_dataset(made.dataset))
    with pytest.raises(KeyboardInterrupt):
        evaluate_run(run, held, device="cpu")
    results = evaluate_run(run, held, device="cpu")
    assert scored == ["song-0", "song-1", "song-1", "song-2"]
    facts = json.loads((run.folder.path / "evaluation" / "results.json").read_text())
    assert (facts["model"], facts["split"], len(facts["songs"])) == ("tdt", "test", 3)
    assert facts["summary"]["vocals"]["sdr"]["mean"] == results.summary["vocals"]["sdr"].mean
    (other,) = experiment(songs, ("tdt",), settings=["run.seed=1"]).runs(tmp_path / "other")
    assert train(other)
    run.folder.best_weights.write_bytes(other.folder.best_weights.read_bytes())
    evaluate_run(run, held, device="cpu")
    assert scored[4:] == ["song-0", "song-1", "song-2"]


def test_the_page_has_the_published_figures_and_refuses_unequal_runs(songs, tmp_path):
    made = experiment(songs, ("tdt", "tdf", "tdf:layers=2"))
    for run in made.runs(tmp_path):
        assert train(run)
        evaluate_run(run, held_out(open_dataset(made.dataset)), device="cpu")
    text = write_page(tmp_path, made)[0].read_text()
    heads, _, *rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    column = heads.index("Published average validation MSE")
    figures = [f"**{PUBLISHED['tdt'].average_valid_mse:.3f}**", f"{PUBLISHED['tdf'].average_valid_mse:.3f}", "-"]
    assert [row[column] for row in rows] == figures
    assert "All saw the same chunks of 0.25 s of folders:songs" in text
    assert str(tmp_path) not in text
    (longer,) = experiment(songs, ("tdt",), settings=["run.epochs=3"]).runs(tmp_path)
    assert train(longer)
    with pytest.raises(RunError, match="tdt 12, tdf 8, tdf-layers-2 8"):
        write_page(tmp_path, made)
