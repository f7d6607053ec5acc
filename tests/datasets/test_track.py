import numpy as np
import pytest
import soundfile

from vocalsep.datasets.track import open_track
from vocalsep.errors import DamagedAudioError, InputNotFoundError, NotAudioError, UnfitTrackError
from vocalsep.stem_names import ACCOMPANIMENT, MIXTURE, VOCALS

RATE = 44100


@pytest.fixture
def noise(tmp_path):
    """Write a file of noise of its own and give its samples."""

    def make(name, n_samples=10_000, channels=2, rate=RATE):
        samples = 0.1 * np.random.default_rng(len(name)).standard_normal((channels, n_samples)).astype(np.float32)
        soundfile.write(tmp_path / name, samples.T, rate, subtype="FLOAT")
        return samples

    return make


@pytest.fixture
def track(tmp_path, noise):
    samples = {name: noise(name) for name in ("vocals.wav", "bass.wav", "percussion.wav")}
    stems = {
        VOCALS: [tmp_path / "vocals.wav"],
        ACCOMPANIMENT: [tmp_path / "bass.wav", tmp_path / "percussion.wav"],
    }
    return open_track("song", stems), samples


def test_stems_are_the_sums_of_their_files(track):
    song, samples = track
    np.testing.assert_array_equal(song.read(VOCALS), samples["vocals.wav"])
    np.testing.assert_array_equal(song.read(ACCOMPANIMENT), samples["bass.wav"] + samples["percussion.wav"])
    np.testing.assert_allclose(song.read(MIXTURE), sum(samples.values()), atol=1e-7)
    assert song.read(MIXTURE).dtype == np.float32
    with pytest.raises(KeyError):
        song.read("bass")


def test_a_part_of_a_stem(track):
    song, samples = track
    np.testing.assert_array_equal(song.read(VOCALS, 1234, 567), samples["vocals.wav"][:, 1234:1801])
    np.testing.assert_array_equal(song.read(VOCALS, 9999), samples["vocals.wav"][:, 9999:])
    with pytest.raises(DamagedAudioError):
        song.read(VOCALS, 9999, 2)


@pytest.mark.parametrize("block_samples", [999, 1000, 10_000, 99_999])
def test_blocks_are_the_whole(track, block_samples):
    song, _ = track
    blocks = list(song.blocks(MIXTURE, block_samples))
    assert {block.shape[1] for block in blocks[:-1]} <= {block_samples}
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), song.read(MIXTURE))


def test_a_mixture_of_its_own(tmp_path, track, noise):
    """It may have been mastered: the sum of the stems is not it."""
    song, _ = track
    mixture = noise("mixture.wav")
    song = open_track("song", song.stems, tmp_path / "mixture.wav")
    np.testing.assert_array_equal(song.read(MIXTURE), mixture)


def test_mono_files_are_the_same_in_all_channels(tmp_path, noise):
    voice, band = noise("voice.wav", channels=1), noise("band.wav", channels=2)
    song = open_track("song", {VOCALS: [tmp_path / "voice.wav"], ACCOMPANIMENT: [tmp_path / "band.wav"]})
    assert song.channels == 2
    np.testing.assert_array_equal(song.read(VOCALS), np.concatenate([voice, voice]))
    np.testing.assert_array_equal(song.read(MIXTURE), voice + band)


def test_as_long_as_the_shortest_file(tmp_path, noise):
    voice = noise("voice.wav", 5000)
    noise("band.wav", 7000)
    song = open_track("song", {VOCALS: [tmp_path / "voice.wav"], ACCOMPANIMENT: [tmp_path / "band.wav"]})
    assert song.n_samples == 5000
    np.testing.assert_array_equal(song.read(VOCALS), voice)
    assert song.read(ACCOMPANIMENT).shape == (2, 5000)


def test_different_rates(tmp_path, noise):
    noise("voice.wav")
    noise("band.wav", rate=48000)
    with pytest.raises(UnfitTrackError, match=r"'song'.*voice\.wav is at 44100 Hz.*band\.wav at 48000 Hz"):
        open_track("song", {VOCALS: [tmp_path / "voice.wav"], ACCOMPANIMENT: [tmp_path / "band.wav"]})


def test_channels_that_do_not_go_together(tmp_path, noise):
    noise("voice.wav", channels=2)
    noise("band.wav", channels=6)
    with pytest.raises(UnfitTrackError, match="'song' has files of 2 and 6 channels"):
        open_track("song", {VOCALS: [tmp_path / "voice.wav"], ACCOMPANIMENT: [tmp_path / "band.wav"]})


def test_files_that_cannot_be_opened(tmp_path, noise):
    noise("voice.wav")
    (tmp_path / "text.wav").write_text("text")
    with pytest.raises(InputNotFoundError, match=r"band\.wav"):
        open_track("song", {VOCALS: [tmp_path / "voice.wav"], ACCOMPANIMENT: [tmp_path / "band.wav"]})
    with pytest.raises(NotAudioError, match=r"text\.wav"):
        open_track("song", {VOCALS: [tmp_path / "voice.wav"]}, tmp_path / "text.wav")


def test_a_file_that_is_cut_while_it_is_used(tmp_path, track):
    song, _ = track
    whole = (tmp_path / "bass.wav").read_bytes()
    (tmp_path / "bass.wav").write_bytes(whole[:40_000])
    song.read(VOCALS)
    with pytest.raises(DamagedAudioError, match=r"bass\.wav"):
        song.read(ACCOMPANIMENT, 0, 10)
