"""Inputs that come through a pipe."""

import os
import threading

import numpy as np
import pytest
import soundfile

from vocalsep.audio.reader import open_audio
from vocalsep.audio.reading_options import ReadingOptions
from vocalsep.audio.stored_file import StoredFile
from vocalsep.errors import DamagedAudioError, DiskFullError

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFO here")


@pytest.fixture
def pipe(tmp_path):
    """Makes a FIFO through which a file comes once."""

    def make(data: bytes):
        path = tmp_path / "pipe"
        os.mkfifo(path)
        writer = threading.Thread(target=path.write_bytes, args=[data], daemon=True)
        writer.start()
        return path

    return make


def test_a_pipe_is_read_as_the_file_would_be(tmp_path, song, encode, decode, pipe):
    encode(tmp_path / "a.m4a", song(30_000), "ipod/aac")
    expected = decode(tmp_path / "a.m4a")
    np.testing.assert_array_equal(decode(pipe((tmp_path / "a.m4a").read_bytes())), expected)


def test_a_pipe_can_be_read_again_and_is_then_forgotten(tmp_path, song, pipe):
    soundfile.write(tmp_path / "a.wav", song(3000).T, 44_100)
    with open_audio(pipe((tmp_path / "a.wav").read_bytes())) as audio:
        with audio.opened_again() as again:
            second = np.concatenate(list(again.blocks()), axis=1)
        np.testing.assert_array_equal(np.concatenate(list(audio.blocks()), axis=1), second)
        stored = audio.stored
        assert stored.is_file()
    assert not stored.parent.exists()


def test_errors_name_the_pipe(tmp_path, song, pipe):
    soundfile.write(tmp_path / "a.wav", song(30_000).T, 44_100)
    path = pipe((tmp_path / "a.wav").read_bytes()[:50_000])
    with pytest.raises(DamagedAudioError) as caught:
        open_audio(path)
    assert str(caught.value).startswith(f"{path} is damaged")


def test_no_room_for_what_comes(tmp_path, monkeypatch, pipe):
    def full(error, path):
        return DiskFullError("full")

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("vocalsep.audio.stored_file._BLOCK_BYTES", 1000)

    class Full:
        def write(self, data):
            raise OSError(28, "No space left on device")

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

    path = pipe(bytes(5000))
    real = type(path).open

    def opened(self, mode="r", *arguments, **options):
        return Full() if "w" in mode else real(self, mode, *arguments, **options)

    monkeypatch.setattr(type(path), "open", opened)
    with pytest.raises(DiskFullError, match=r"cannot keep .*pipe in .*No space left on device\. Set TMPDIR"):
        StoredFile(path)


def test_a_second_reading_repeats_no_warning(tmp_path, song, caplog):
    soundfile.write(tmp_path / "a.wav", song(3000).T, 44_100, subtype="PCM_16")
    (tmp_path / "a.wav").write_bytes((tmp_path / "a.wav").read_bytes()[:-2])
    with open_audio(tmp_path / "a.wav", ReadingOptions()) as audio:
        with audio.opened_again() as again:
            list(again.blocks())
        assert not caplog.messages
        list(audio.blocks())
    assert len(caplog.messages) == 1
