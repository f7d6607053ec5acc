import pytest
import soundfile

from helpers import command_line


@pytest.fixture
def vocalsep():
    """Run the command in this process; a traceback is a failed test."""
    return command_line.vocalsep


@pytest.fixture
def song(tmp_path, tone):
    """A short stereo song, 16-bit wav at 44.1 kHz."""
    path = tmp_path / "song.wav"
    soundfile.write(path, tone.T, 44100, subtype="PCM_16")
    return path
