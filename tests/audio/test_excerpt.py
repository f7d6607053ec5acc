"""Excerpts against the whole file as soundfile reads it, and files that are not what they should be."""

import os
import random
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from vocalsep.audio.excerpt import SEEKABLE_EXTENSIONS, extent_of, read_excerpt
from vocalsep.audio.reader import open_audio
from vocalsep.errors import DamagedAudioError, InputNotFoundError, InputUnreadableError, NotAudioError

FORMATS = [
    ("wav", "WAV", "PCM_16"),
    ("wav", "WAV", "PCM_24"),
    ("wav", "WAV", "FLOAT"),
    ("flac", "FLAC", "PCM_24"),
    ("ogg", "OGG", "VORBIS"),
    ("opus", "OGG", "OPUS"),
    ("mp3", "MP3", "MPEG_LAYER_III"),
    ("aiff", "AIFF", "PCM_16"),
    ("caf", "CAF", "PCM_16"),
    ("w64", "W64", "PCM_16"),
    ("rf64", "RF64", "PCM_16"),
]


@pytest.mark.parametrize(("extension", "format", "subtype"), FORMATS)
def test_every_excerpt_is_that_part_of_the_whole(tmp_path, song, extension, format, subtype):
    path = tmp_path / f"song.{extension}"
    rate = 48000 if subtype == "OPUS" else 44100
    soundfile.write(path, song(100_003).T, rate, format=format, subtype=subtype)
    assert path.suffix in SEEKABLE_EXTENSIONS
    whole = soundfile.read(path, dtype="float32")[0].T
    extent = extent_of(path)
    assert (extent.sample_rate, extent.channels, extent.n_samples) == (rate, 2, whole.shape[1])
    rng = random.Random(3)
    starts = [0, 1, 4095, 4096, extent.n_samples - 4000] + [
        rng.randrange(extent.n_samples - 4000) for _ in range(20)
    ]
    for start in starts:
        excerpt = read_excerpt(path, start, 4000)
        assert excerpt.dtype == np.float32
        assert excerpt.flags.c_contiguous
        np.testing.assert_array_equal(excerpt, whole[:, start : start + 4000])
    np.testing.assert_array_equal(read_excerpt(path, 0, extent.n_samples), whole)
    assert read_excerpt(path, extent.n_samples, 0).shape == (2, 0)


def test_mono_and_surround(tmp_path, song):
    for channels in (1, 6):
        soundfile.write(tmp_path / "song.wav", song(5000, channels).T, 44100, subtype="FLOAT")
        np.testing.assert_array_equal(
            read_excerpt(tmp_path / "song.wav", 1000, 2000), song(5000, channels)[:, 1000:3000]
        )


def test_samples_that_are_no_numbers_come_as_they_are(tmp_path, song):
    samples = song(1000)
    samples[1, 500] = np.nan
    soundfile.write(tmp_path / "song.wav", samples.T, 44100, subtype="FLOAT")
    assert np.isnan(read_excerpt(tmp_path / "song.wav", 500, 1)[1, 0])


def test_a_wav_that_is_cut_is_known_by_its_header(tmp_path, song):
    path = tmp_path / "song.wav"
    soundfile.write(path, song(50_000).T, 44100)
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(
        DamagedAudioError, match=r"song\.wav is damaged: .* bytes of audio of the .*vocalsep data check"
    ):
        extent_of(path)
    with pytest.raises(DamagedAudioError):
        read_excerpt(path, 0, 10)


def is_refused(path, start, n_samples):
    try:
        read_excerpt(path, start, n_samples)
    except DamagedAudioError:
        return True
    return False


def test_a_flac_that_is_cut(tmp_path, song):
    path = tmp_path / "song.flac"
    soundfile.write(path, song(200_000).T, 44100)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    assert extent_of(path).n_samples == 200_000
    refused = [is_refused(path, start, 20_000) for start in range(0, 200_000, 20_000)]
    assert refused[:5] == 5 * [False]
    assert refused[6:] == 4 * [True]


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_a_hole_in_an_ogg_is_not_filled_with_a_guess(tmp_path, song, subtype):
    path = tmp_path / "song.ogg"
    soundfile.write(path, song(200_000, seed=2).T, 48000, format="OGG", subtype=subtype)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(2000)
    path.write_bytes(content)
    refused = [is_refused(path, start, 20_000) for start in range(0, 200_000, 20_000)]
    assert not refused[0]
    assert any(refused[4:6])


def test_a_flac_that_does_not_say_how_long_it_is(tmp_path, song):
    """As an encoder leaves it that writes to a pipe: the count of samples, 36 bits from byte 21 on, is zero."""
    path = tmp_path / "song.flac"
    soundfile.write(path, song(5000).T, 44100)
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    path.write_bytes(content)
    with pytest.raises(NotAudioError, match=r"song\.flac does not say how long it is"):
        extent_of(path)


def test_behind_the_end(tmp_path, song):
    soundfile.write(tmp_path / "song.wav", song(1000).T, 44100)
    with pytest.raises(DamagedAudioError, match="ends at sample 1000"):
        read_excerpt(tmp_path / "song.wav", 900, 101)
    with pytest.raises(DamagedAudioError, match="sample 1001"):
        read_excerpt(tmp_path / "song.wav", 1001, 1)


def test_what_is_no_audio(tmp_path):
    (tmp_path / "text.wav").write_text("Dear friend, this is no audio. " * 50)
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "folder.wav").mkdir()
    for name in ("text.wav", "empty.wav"):
        with pytest.raises(NotAudioError, match=re.escape(str(tmp_path / name))):
            extent_of(tmp_path / name)
    with pytest.raises(InputNotFoundError, match=r"nothing\.wav does not exist"):
        extent_of(tmp_path / "nothing.wav")
    with pytest.raises(InputUnreadableError, match=r"folder\.wav: Is a directory"):
        extent_of(tmp_path / "folder.wav")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="only Linux has this file")
def test_read_errors(tmp_path):
    if os.geteuid() != 0:
        (tmp_path / "song.wav").write_bytes(b"RIFF")
        (tmp_path / "song.wav").chmod(0)
        with pytest.raises(InputUnreadableError, match="Permission denied"):
            extent_of(tmp_path / "song.wav")
    with pytest.raises((InputUnreadableError, NotAudioError), match="/proc/self/mem"):
        extent_of(Path("/proc/self/mem"))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux has this folder")
def test_no_file_stays_open(tmp_path, song):
    soundfile.write(tmp_path / "song.wav", song(1000).T, 44100)
    (tmp_path / "text.wav").write_text("text")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        read_excerpt(tmp_path / "song.wav", 0, 1000)
        with pytest.raises(NotAudioError):
            extent_of(tmp_path / "text.wav")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.skipif(os.name != "posix", reason="names are text elsewhere")
@pytest.mark.parametrize("name", [b"\xff.wav", "é音.wav".encode(), b"\xe9 \x80.wav"])
def test_name_that_is_no_utf_8(tmp_path, song, name):
    soundfile.write(tmp_path / "a.wav", song(1000).T, 44100)
    path = tmp_path / os.fsdecode(name)
    (tmp_path / "a.wav").rename(path)
    assert extent_of(path).n_samples == 1000
    assert read_excerpt(path, 10, 100).shape == (2, 100)
    with open_audio(path) as audio:
        assert audio.info.codec == "pcm_16"  # by libsndfile
        assert sum(block.shape[1] for block in audio.blocks()) == 1000
