import pytest

pytest.importorskip("accelerate")
pytest.importorskip("torchaudio")

from helpers.song_folders import write_tracks
from vocalsep.datasets.dataset import open_dataset
from vocalsep.errors import NoTracksError, OptionError
from vocalsep.training import heard_songs
from vocalsep.training.chunks import ChunkShape, TrainingChunks
from vocalsep.training.heard_songs import HeardSongs
from vocalsep.training.recipe import load_recipe
from vocalsep.training.run.config import RunConfig
from vocalsep.training.run.folder import RunFolder
from vocalsep.training.trainer import Trainer

SMALL = [
    "model.n_fft=512", "model.hop_length=256", "model.n_bins=256", "model.depth=2", "model.growth=4",
    "data.chunk_seconds=0.25", "data.batch_size=2", "data.workers=0", "run.precision=fp32",
]  # fmt: skip


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def started(tmp_path, settings, on_epoch=None):
    spec = f"stream:{tmp_path / 'stream'} + folders:{tmp_path / 'others'}"
    recipe = load_recipe("default", [*SMALL, *settings])
    config = RunConfig.resolve("tdt", recipe, recipe_name="default", dataset=spec)
    trainer = Trainer(config, RunFolder(tmp_path / "run"), cpu=True, on_epoch=on_epoch)
    trainer.start()
    return trainer


def test_a_song_goes_when_it_was_heard_often_enough_and_others_are_there(tmp_path, monkeypatch):
    monkeypatch.setattr(heard_songs, "_FEWEST", 2)
    stream = open_dataset(f"stream:{write_tracks(tmp_path / 'stream', 4)}")
    heard = HeardSongs([stream], passes=2)
    heard.count(heard.songs())
    assert len(names(stream.root)) == 4
    heard.count(heard.songs()[:3])
    assert names(stream.root) == ["song-2", "song-3"]  # two of the three that were heard twice: the fewest stay
    heard.count(heard.songs())
    assert names(stream.root) == ["song-2", "song-3"]


def test_a_stream_trains_and_validates_nothing(tmp_path):
    stream = open_dataset(f"stream:{write_tracks(tmp_path / 'stream', 2)}")
    assert [track.name for track in stream.tracks("train")] == ["song-0", "song-1"]
    assert stream.tracks("valid") == []


def test_training_takes_the_songs_that_come_and_removes_those_it_has_heard(tmp_path, monkeypatch):
    monkeypatch.setattr(heard_songs, "_FEWEST", 1)
    write_tracks(tmp_path / "stream", 2)
    for part in ("train", "valid"):
        write_tracks(tmp_path / "others" / part, 1)
    there = []

    def new_song(row):
        there.append(names(tmp_path / "stream"))
        write_tracks(tmp_path / "new", 1, seed=len(there))
        (tmp_path / "new" / "song-0").rename(tmp_path / "stream" / f"song-{len(there) + 1}")

    settings = ["run.epochs=3", "data.epoch_chunks=8", "data.stream_passes=2", "data.shares=[1, 1]"]
    assert started(tmp_path, settings, new_song).fit()
    assert there == [["song-0", "song-1"], ["song-2"], ["song-3"]]


def test_shares_say_how_often_each_data_set_is_heard(songs, tmp_path):
    one = open_dataset(f"folders:{songs}").tracks("all")
    other = open_dataset(f"folders:{write_tracks(tmp_path / 'other', 1, seed=5)}").tracks("all")
    shape = ChunkShape(sample_rate=44100, channels=2, n_samples=4410)
    weights = [0.25 / len(one)] * len(one) + [0.75]
    chunks = TrainingChunks([*one, *other], shape, chunks_per_track=1, seed=0, n_chunks=200, weights=weights)
    whole = other[0].read("vocals")
    peak = abs(whole[0, :2000]).max()
    found = [
        abs(whole[0]).max() >= peak and _is_of(whole, chunks[0, number][0, 0].numpy()) for number in range(200)
    ]
    assert 0.65 < sum(found) / 200 < 0.85


def _is_of(whole, chunk):
    """Whether a chunk is cut from a track: it has its first sample, and what follows it."""
    starts = (whole[0, : whole.shape[1] - len(chunk)] == chunk[0]).nonzero()[0]
    return any((whole[0, start : start + 50] == chunk[:50]).all() for start in starts)


@pytest.mark.parametrize(
    ("settings", "words"),
    [([], "an epoch needs one"), (["data.epoch_chunks=8", "data.shares=[1]"], "1 numbers for 2 data sets")],
)
def test_settings_that_do_not_go_with_a_stream_are_named(tmp_path, settings, words):
    write_tracks(tmp_path / "stream", 1)
    write_tracks(tmp_path / "others", 2)
    with pytest.raises(OptionError, match=words):
        started(tmp_path, settings)


def test_shares_need_a_number_of_chunks():
    with pytest.raises(OptionError, match="epoch_chunks"):
        load_recipe("default", ["data.shares=[1, 2]"])


def test_an_empty_stream_says_so(tmp_path):
    (tmp_path / "stream").mkdir()
    with pytest.raises(NoTracksError):
        open_dataset(f"stream:{tmp_path / 'stream'}").tracks("train")
