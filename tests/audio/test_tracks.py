"""Which of several audio tracks is read."""

import numpy as np
import pytest
import soundfile

from helpers.audio_encoding import encode_tracks
from vocalsep.audio.languages import same_language
from vocalsep.errors import OptionError

RATE = 44_100


def frequency(samples):
    return np.abs(np.fft.rfft(samples[0])).argmax() * RATE / samples.shape[1]


@pytest.fixture(params=["mp4", "matroska"])
def film(tmp_path, request):
    path = tmp_path / "film"
    encode_tracks(path, request.param, [(500, "eng", False), (1000, "ger", True), (2000, "fre", False)])
    return path


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [(None, 1000), ("1", 500), ("3", 2000), (1, 500), ("en", 500), ("deu", 1000), ("fr-CA", 2000)],
)
def test_the_default_a_number_or_a_language(film, decode, wanted, expected):
    assert frequency(decode(film, audio_track=wanted)) == pytest.approx(expected, abs=5)


def test_one_line_says_which(film, decode, caplog):
    decode(film)
    (line,) = caplog.messages
    assert line.startswith(f"{film} has 3 audio tracks: 1 (eng, ")
    assert line.endswith("; track 2 is taken")


@pytest.mark.parametrize("wanted", ["0", 0, "4", 4, "it", "x", ""])
def test_a_track_that_is_not_there(film, decode, wanted):
    with pytest.raises(OptionError, match=rf"has no track '{wanted}'. It has 3 audio tracks: 1 \(eng"):
        decode(film, audio_track=wanted)


def test_without_a_default_the_first(tmp_path, decode):
    encode_tracks(tmp_path / "a", "matroska", [(500, "eng", False), (1000, "ger", False)])
    assert frequency(decode(tmp_path / "a")) == pytest.approx(500, abs=5)


def test_the_only_track_of_a_file_that_libsndfile_reads(tmp_path, song, decode, caplog):
    soundfile.write(tmp_path / "a.wav", song(500).T, RATE)
    np.testing.assert_array_equal(decode(tmp_path / "a.wav", audio_track="1"), decode(tmp_path / "a.wav"))
    assert not caplog.messages
    with pytest.raises(OptionError, match="It has 1 audio track"):
        decode(tmp_path / "a.wav", audio_track="2")


def test_codes_of_a_language():
    assert same_language("ger", "de")
    assert same_language("deu", "GER")
    assert same_language("pt_BR", "por")
    assert same_language("tlh", "tlh")
    assert not same_language("spa", "est")
