import pytest

from helpers.song_folders import write_tracks


@pytest.fixture
def songs(tmp_path):
    """A folder of three songs of two seconds."""
    return write_tracks(tmp_path / "songs")
