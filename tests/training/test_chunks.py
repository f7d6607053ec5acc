import numpy as np
import pytest
import soundfile
import torch

pytest.importorskip("torchaudio")

from helpers.song_folders import RATE, write_tracks
from vocalsep.datasets.dataset import open_dataset
from vocalsep.errors import DamagedAudioError, NoTracksError, UnfitTrackError
from vocalsep.training.chunks import ChunkLoader, ChunkShape, TrainingChunks, ValidationChunks, batched

SHAPE = ChunkShape(sample_rate=RATE, channels=2, n_samples=4410)


@pytest.fixture
def tracks(songs):
    return open_dataset(f"folders:{songs}").tracks("all")


def chunks_of(tracks, seed=0, **more):
    return TrainingChunks(tracks, SHAPE, chunks_per_track=4, seed=seed, **more)


def test_an_epoch_is_all_tracks_alike_in_a_new_order_each_time(tracks):
    chunks = chunks_of(tracks)
    orders = [chunks.order(epoch) for epoch in (0, 1)]
    assert [sorted(number for _, number in order) for order in orders] == [list(range(12))] * 2
    assert [number for _, number in orders[0]] != [number for _, number in orders[1]]
    assert orders[0] == chunks_of(tracks).order(0)
    assert orders[0] != chunks_of(tracks, seed=1).order(0)


def test_a_chunk_is_both_stems_of_one_place(tracks):
    by_name = {track.name: track for track in tracks}
    chunk = chunks_of(tracks)[0, 5]
    assert chunk.shape == (2, 2, 4410)
    for track in by_name.values():
        whole = np.stack([track.read("vocals"), track.read("accompaniment")])
        windows = np.lib.stride_tricks.sliding_window_view(whole[0, 0], 4410)
        places = np.flatnonzero(np.abs(windows - chunk[0, 0].numpy()).max(axis=1) < 1e-6)
        if len(places) == 1:
            start = int(places[0])
            np.testing.assert_array_equal(chunk, whole[..., start : start + 4410])
            assert track is tracks[5 % 3]
            return
    pytest.fail("the chunk is nowhere")


def test_chunks_depend_on_seed_epoch_and_number_alone(tracks):
    one, other = chunks_of(tracks), chunks_of(tracks)
    other[3, 1]
    assert torch.equal(one[2, 7], other[2, 7])
    assert not torch.equal(one[2, 7], one[3, 7])
    assert not torch.equal(one[2, 7], chunks_of(tracks, seed=1)[2, 7])


@pytest.mark.parametrize("workers", [0, 2])
def test_loading_gives_what_reading_gives(tracks, workers):
    training, validation = chunks_of(tracks), ValidationChunks(tracks, SHAPE)
    loader = ChunkLoader(training, validation, workers=workers)
    for keys in (training.order(0), training.order(1), list(range(len(validation)))):
        loaded = torch.cat(list(loader.load(batched(keys, 5))))
        source = validation if isinstance(keys[0], int) else training
        assert torch.equal(loaded, torch.stack([source[key] for key in keys]))


def test_validation_is_the_whole_track_or_even_parts_of_it(tracks):
    every = ValidationChunks(tracks, SHAPE)
    assert len(every) == 3 * 20
    first = torch.cat([every[i] for i in range(20)], dim=-1)
    np.testing.assert_array_equal(first[0], tracks[0].read("vocals", 0, 20 * 4410))
    some = ValidationChunks(tracks, SHAPE, chunks_per_track=4)
    assert len(some) == 3 * 4
    assert torch.equal(some[1], every[5])


def test_pools_meet_at_random_in_training_and_in_pairs_in_validation(tmp_path):
    rng = np.random.default_rng(0)
    for pool, n in (("voices", 3), ("bands", 5)):
        (tmp_path / pool).mkdir()
        for i in range(n):
            soundfile.write(tmp_path / pool / f"{i}.wav", rng.uniform(-0.5, 0.5, 44100), RATE, subtype="FLOAT")
    tracks = open_dataset(f"pools:{tmp_path / 'voices'},{tmp_path / 'bands'}").tracks("all")
    chunks = chunks_of(tracks)
    assert len(chunks) == 8 * 4
    mono = chunks[0, 0]
    assert torch.equal(mono[:, 0], mono[:, 1])
    assert not torch.equal(mono[0], mono[1])
    assert len(ValidationChunks(tracks, SHAPE)) == 5 * 10


def test_a_file_that_goes_bad_in_the_middle_is_named(songs, tracks):
    training, validation = chunks_of(tracks), ValidationChunks(tracks, SHAPE)
    loader = ChunkLoader(training, validation, workers=1)
    victim = songs / "song-1" / "vocals.wav"
    victim.write_bytes(victim.read_bytes()[:5000])
    with pytest.raises(DamagedAudioError, match=r"song-1/vocals\.wav") as caught:
        list(loader.load(batched(training.order(0), 3)))
    assert "Traceback" not in str(caught.value)


def test_tracks_of_no_use_are_named(tmp_path):
    write_tracks(tmp_path / "slow", 2, rate=48000)
    with pytest.raises(UnfitTrackError, match="'song-0' is at 48000 Hz, and the model at 44100"):
        chunks_of(open_dataset(str(tmp_path / "slow")).tracks("all"))
    write_tracks(tmp_path / "short", 2, seconds=0.05)
    with pytest.raises(UnfitTrackError, match=r"'song-0' has 0\.05 s, less than a chunk of 0\.10 s"):
        chunks_of(open_dataset(str(tmp_path / "short")).tracks("all"))
    with pytest.raises(NoTracksError, match="no track has vocals"):
        chunks_of([])
